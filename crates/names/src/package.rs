//! Names and versions of packages of any ecosystem: each ecosystem has its own grammar, and these types hold a name or a
//! version that was parsed by one of them. Also package URLs (ECMA-427). Must not depend on where packages are.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    DebianPackageName, DebianPackageVersion, Ecosystem, GoModulePath, GoModuleVersion, NameError, NpmPackageName,
    NpmPackageVersion, PythonPackageName, PythonPackageVersion,
};

/// The characters that are encoded in a name, a version or a plain value: all but letters, digits and `.-_~`.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// Declares an enum with a variant for each ecosystem, which holds the type of that ecosystem.
macro_rules! of_any_ecosystem {
    ($(#[$meta:meta])* $name:ident { $($variant:ident($inner:ident),)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("One of ", stringify!($variant), ".")]
                $variant($inner),
            )*
        }

        impl $name {
            /// Parses a text by the grammar of an ecosystem.
            ///
            /// # Errors
            /// The text does not follow the grammar.
            pub fn parse(ecosystem: Ecosystem, text: &str) -> Result<Self, NameError> {
                match ecosystem {
                    $(Ecosystem::$variant => $inner::parse(text).map(Self::$variant),)*
                }
            }

            /// The ecosystem whose grammar it follows.
            pub fn ecosystem(&self) -> Ecosystem {
                match self {
                    $(Self::$variant(_) => Ecosystem::$variant,)*
                }
            }

            /// The text, as the ecosystem writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant(inner) => inner.as_str(),)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        $(
            impl From<$inner> for $name {
                fn from(inner: $inner) -> Self {
                    Self::$variant(inner)
                }
            }

            impl From<&$inner> for $name {
                fn from(inner: &$inner) -> Self {
                    Self::$variant(inner.clone())
                }
            }
        )*
    };
}

of_any_ecosystem! {
    /// The name of a package: with an npm scope, a whole Go module path, normalised for Python.
    PackageName {
        Npm(NpmPackageName),
        Python(PythonPackageName),
        Go(GoModulePath),
        Debian(DebianPackageName),
    }
}
of_any_ecosystem! {
    /// The version of a package: with Debian's epoch, with Go's `v`.
    PackageVersion {
        Npm(NpmPackageVersion),
        Python(PythonPackageVersion),
        Go(GoModuleVersion),
        Debian(DebianPackageVersion),
    }
}

/// The package URL of a package, without qualifiers; a `/` in the name stays. A version that is not known is empty.
pub fn package_url(name: &PackageName, version: Option<&PackageVersion>) -> String {
    let kind = name.ecosystem().package_url_type();
    let name: Vec<String> = name.as_str().split('/').map(encode_url_part).collect();
    format!("pkg:{kind}/{}@{}", name.join("/"), encode_url_part(version.map_or("", PackageVersion::as_str)))
}

/// A name, a version or the value of a qualifier, encoded.
pub fn encode_url_part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ecosystem_has_its_own_grammar() {
        let texts =
            [("@lit/context", "1.1.6"), ("zope.interface", "1!2.0"), ("example.org/a", "v1.2.3"), ("g++", "4:15-4")];
        let parsed = Ecosystem::ALL.into_iter().zip(texts).map(|(ecosystem, (name, version))| {
            let name = PackageName::parse(ecosystem, name).unwrap();
            let version = PackageVersion::parse(ecosystem, version).unwrap();
            assert_eq!((name.ecosystem(), version.ecosystem()), (ecosystem, ecosystem));
            package_url(&name, Some(&version))
        });
        insta::assert_snapshot!(parsed.collect::<Vec<_>>().join("\n"), @r"
        pkg:npm/%40lit/context@1.1.6
        pkg:pypi/zope-interface@1%212.0
        pkg:golang/example.org/a@v1.2.3
        pkg:deb/debian/g%2B%2B@4%3A15-4
        ");
        assert!(PackageName::parse(Ecosystem::Debian, "@lit/context").is_err());
        assert!(PackageVersion::parse(Ecosystem::Go, "1.2.3").is_err());
    }

    #[test]
    fn a_version_that_is_not_known_is_empty() {
        let name = PackageName::parse(Ecosystem::Python, "a").unwrap();
        assert_eq!(package_url(&name, None), "pkg:pypi/a@");
    }
}
