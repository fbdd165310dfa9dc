//! Which packages uv may install from wheels, and which it may build. uv takes these choices from settings files and from
//! variables, and adds them up.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::normalise;

/// Packages that may not be installed from wheels, and packages that may not be built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildChoices {
    pub(crate) no_binary: bool,
    pub(crate) no_binary_package: BTreeSet<String>,
    pub(crate) no_build: bool,
    pub(crate) no_build_package: BTreeSet<String>,
}

impl BuildChoices {
    /// The choices of `UV_NO_BINARY`, `UV_NO_BINARY_PACKAGE`, `UV_NO_BUILD` and `UV_NO_BUILD_PACKAGE`.
    pub fn from_variables(variables: &BTreeMap<String, String>) -> Self {
        let value = |name: &str| variables.get(name).map(String::as_str).unwrap_or_default();
        let flag = |name: &str| is_true(value(name));
        let names = |name: &str| value(name).split_whitespace().map(normalise).collect();
        Self {
            no_binary: flag("UV_NO_BINARY"),
            no_binary_package: names("UV_NO_BINARY_PACKAGE"),
            no_build: flag("UV_NO_BUILD"),
            no_build_package: names("UV_NO_BUILD_PACKAGE"),
        }
    }

    /// Adds the choices of another place.
    pub(crate) fn add(&mut self, other: &Self) {
        self.no_binary |= other.no_binary;
        self.no_build |= other.no_build;
        self.no_binary_package.extend(other.no_binary_package.iter().cloned());
        self.no_build_package.extend(other.no_build_package.iter().cloned());
    }

    /// Whether wheels of a project may be used. Where none may, a project that must not be built is an exception.
    pub(crate) fn wheels_allowed(&self, name: &str) -> bool {
        if self.no_binary {
            return !self.no_build && self.no_build_package.contains(name);
        }
        !self.no_binary_package.contains(name)
    }

    /// Whether a project may be built from source. Where none may, a project without usable wheels is an exception.
    pub(crate) fn builds_allowed(&self, name: &str) -> bool {
        if self.no_build {
            return !self.no_binary && self.no_binary_package.contains(name);
        }
        !self.no_build_package.contains(name)
    }
}

/// Whether uv takes the value of a variable for true.
fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "t" | "yes" | "y" | "on")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(variables: &[(&str, &str)]) -> BuildChoices {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        BuildChoices::from_variables(&variables.iter().map(owned).collect())
    }

    #[test]
    fn variables_decide_as_settings_do() {
        let some = choices(&[("UV_NO_BINARY_PACKAGE", "Idna  typing_extensions"), ("UV_NO_BUILD_PACKAGE", "six")]);
        assert!(
            !some.wheels_allowed("idna") && !some.wheels_allowed("typing-extensions") && some.wheels_allowed("six")
        );
        assert!(!some.builds_allowed("six") && some.builds_allowed("idna"));
        for (value, all) in [("1", true), ("TRUE", true), ("on", true), ("0", false), ("false", false), ("", false)] {
            assert_eq!(!choices(&[("UV_NO_BINARY", value)]).wheels_allowed("a"), all, "{value}");
        }
    }

    #[test]
    fn a_choice_for_one_package_overrides_the_opposite_one_for_all() {
        let all = choices(&[("UV_NO_BINARY", "1"), ("UV_NO_BUILD_PACKAGE", "a")]);
        assert!(all.wheels_allowed("a") && !all.wheels_allowed("b"));
        let none = choices(&[("UV_NO_BUILD", "1"), ("UV_NO_BINARY_PACKAGE", "a")]);
        assert!(none.builds_allowed("a") && !none.builds_allowed("b"));
        let both = choices(&[("UV_NO_BUILD", "1"), ("UV_NO_BINARY", "1"), ("UV_NO_BINARY_PACKAGE", "a")]);
        assert!(!both.builds_allowed("a") && !both.wheels_allowed("a"));
    }
}
