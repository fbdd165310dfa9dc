//! Debian package closures, unpacked as the root of a stage
