//! The stage kinds: one file each, and the table that names them
