//! Upstream lock files, and the loopback registry that serves what they name
