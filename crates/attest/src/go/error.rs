//! Why the build information of a Go program cannot be read. Knows the wording.

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
