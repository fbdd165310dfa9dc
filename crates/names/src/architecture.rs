//! The processor architectures that stages run on, and the name that each ecosystem has for them. A second architecture
//! begins here.

/// The architecture that sysroots and stages are made for.
pub const BUILD_ARCHITECTURE: Architecture = Architecture::X86_64;

/// A processor architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
}

impl Architecture {
    /// Debian's name: `dpkg --print-architecture`.
    pub const fn debian(self) -> &'static str {
        match self {
            Architecture::X86_64 => "amd64",
        }
    }

    /// Go's name (`GOARCH`), which OCI images use too.
    pub const fn golang(self) -> &'static str {
        match self {
            Architecture::X86_64 => "amd64",
        }
    }

    /// Node's name (`process.arch`), which npm uses.
    pub const fn node(self) -> &'static str {
        match self {
            Architecture::X86_64 => "x64",
        }
    }

    /// The kernel's name (`uname -m`), which Python and the dynamic linker use.
    pub const fn machine(self) -> &'static str {
        match self {
            Architecture::X86_64 => "x86_64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BUILD_ARCHITECTURE;
    use crate::DebianArchitecture;

    #[test]
    fn each_ecosystem_has_its_own_name() {
        let built = BUILD_ARCHITECTURE;
        assert_eq!(
            [built.debian(), built.golang(), built.node(), built.machine()],
            ["amd64", "amd64", "x64", "x86_64"]
        );
        assert!(DebianArchitecture::parse(built.debian()).is_ok());
    }
}
