//! Go: which modules are in a program, and what licences their files have. Knows no module's source.

mod buildinfo;
mod elf;
mod modules;
mod vendor;

pub use modules::{GoBinary, GoModule};
pub use vendor::vendored;

/// Why the modules of a program cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GoError {
    /// It is no program of Linux.
    #[error("it is not an ELF file; is it a program for Linux?")]
    Elf,
    /// It was not made by Go, or its build information was stripped.
    #[error("it has no build information of Go; is it a Go program, built with `go build`?")]
    NoBuildInfo,
    /// The format of before go 1.18.
    #[error("its build information is older than go 1.18; build it with a newer go")]
    TooOld,
    /// It is cut or damaged.
    #[error("its build information is damaged: {problem}")]
    Damaged {
        /// What is wrong.
        problem: &'static str,
    },
    /// A line that does not belong there.
    #[error("its build information is damaged: line {line} is {found:?}, expected {expected}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// The line, cut if it is long.
        found: String,
        /// What should stand there.
        expected: &'static str,
    },
}

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
