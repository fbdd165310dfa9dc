//! The akbuild command.
fn main() {}
