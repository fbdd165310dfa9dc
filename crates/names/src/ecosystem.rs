//! The ecosystems that packages come from. A new one begins here: the compiler then lists what it lacks.

/// An ecosystem that packages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// npm.
    Npm,
    /// Python.
    Python,
    /// Go.
    Go,
    /// Debian.
    Debian,
}

impl Ecosystem {
    /// All ecosystems, in the order in which messages list them.
    pub const ALL: [Ecosystem; 4] = [Ecosystem::Npm, Ecosystem::Python, Ecosystem::Go, Ecosystem::Debian];

    /// The name in files: `python`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::Python => "python",
            Ecosystem::Go => "go",
            Ecosystem::Debian => "debian",
        }
    }

    /// The name in messages: `Python`.
    pub const fn label(self) -> &'static str {
        match self {
            Ecosystem::Npm => "npm",
            Ecosystem::Python => "Python",
            Ecosystem::Go => "Go",
            Ecosystem::Debian => "Debian",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ecosystem;

    #[test]
    fn all_ecosystems_are_listed_in_their_order() {
        assert!(Ecosystem::ALL.is_sorted());
        assert_eq!(Ecosystem::ALL.map(Ecosystem::as_str), ["npm", "python", "go", "debian"]);
        assert_eq!(Ecosystem::ALL.map(Ecosystem::label), ["npm", "Python", "Go", "Debian"]);
    }
}
