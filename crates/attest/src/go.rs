//! Go: which modules are in a program, and what licences their files have. Knows no module's source.

mod buildinfo;
mod elf;
mod error;
mod modules;
mod vendor;

pub use error::GoError;
pub use modules::{GoBinary, GoModule};
pub use vendor::vendored;

/// The modules that are in a program, by its build information: what `go version -m` says.
///
/// # Errors
/// If it is not an ELF file of go 1.18 or later, or its build information is damaged. Whatever the bytes are, it takes no
/// more memory than a few times their number.
pub fn binary(elf: &[u8]) -> Result<GoBinary, GoError> {
    let (address, data) = elf::data(elf)?;
    let (go, modules) = buildinfo::strings(address, data)?;
    modules::parse(go, modules)
}
