//! Package URLs, by the purl specification (ECMA-427). Knows how names are spelled, in the same way as the engine's
//! records spell them; nothing of where packages are.

use std::fmt;

use akbuild_names::{
    Architecture, DebianPackageName, DebianPackageVersion, GoModulePath, GoModuleVersion, PackageName, PackageVersion,
    PythonPackageName, PythonPackageVersion, encode_url_part as encode, package_url,
};
use akbuild_nar::Digest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::Origin;

/// The characters that are encoded in an address.
const ADDRESS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~').remove(b':').remove(b'/');

/// A package URL: `pkg:npm/%40lit/context@1.1.6`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Purl(String);

impl Purl {
    /// A package URL that was written before; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.strip_prefix("pkg:")?.split_once('/')?;
        let kind_fits = kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b));
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        (kind_fits && !kind.is_empty() && !name.is_empty() && printable).then(|| Self(text.to_owned()))
    }

    /// A package of an ecosystem. A version that is not known is empty.
    pub fn package(name: &PackageName, version: Option<&PackageVersion>) -> Self {
        Self(package_url(name, version))
    }

    /// A binary package of Debian.
    pub fn debian(name: &DebianPackageName, version: &DebianPackageVersion, architecture: Architecture) -> Self {
        let package = Self::package(&name.into(), Some(&version.into()));
        Self(format!("{package}?arch={}", encode(architecture.debian())))
    }

    /// A file of a Python project.
    pub fn python(name: &PythonPackageName, version: &PythonPackageVersion, file: &str) -> Self {
        let package = Self::package(&name.into(), Some(&version.into()));
        Self(format!("{package}?file_name={}", encode(file)))
    }

    /// A Python project from git.
    pub fn python_git(
        name: &PythonPackageName,
        version: Option<&PythonPackageVersion>,
        address: &str,
        commit: &str,
    ) -> Self {
        let package = Self::package(&name.into(), version.map(Into::into).as_ref());
        Self(format!("{package}?vcs_url={}", encode_address(&format!("git+{address}@{commit}"))))
    }

    /// The `go.mod` of a Go module.
    pub fn go_mod(module: &GoModulePath, version: &GoModuleVersion) -> Self {
        Self(format!("{}#go.mod", Self::package(&module.into(), Some(&version.into()))))
    }

    /// A tree from elsewhere: `vcs_url` for git, `download_url` and `checksum` for an archive.
    pub fn source(name: &str, version: &str, origin: &Origin, archive: Option<&Digest>) -> Self {
        let checksum = archive.map(|digest| format!("{}:{}", digest.algo(), digest.hex()));
        let key = if origin.commit.is_some() { "vcs_url" } else { "download_url" };
        Self::generic(name, version, &[("checksum", checksum), (key, origin.location())])
    }

    /// An image: the name's last part in lower case, as the type `oci` has it.
    pub(crate) fn image(name: &str, version: &str, digest: &Digest) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name).to_lowercase();
        let digest = format!("{}:{}", digest.algo(), digest.hex());
        Self(format!("pkg:oci/{}@{}?tag={}", encode(&name), encode(&digest), encode(version)))
    }

    /// What no registry has; `qualifiers` are sorted by their keys.
    pub(crate) fn generic(name: &str, version: &str, qualifiers: &[(&str, Option<String>)]) -> Self {
        let mut purl = format!("pkg:generic/{}@{}", encode(name), encode(version));
        let known = qualifiers.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        for (n, (key, value)) in known.enumerate() {
            let mark = if n == 0 { '?' } else { '&' };
            purl.push_str(&format!("{mark}{key}={}", encode_address(value)));
        }
        Self(purl)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address, or another value with `:` and `/`.
fn encode_address(text: &str) -> String {
    utf8_percent_encode(text, ADDRESS).to_string()
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::str::FromStr;

    use akbuild_names::{NpmPackageName, NpmPackageVersion};

    use super::*;

    fn parsed<T: FromStr<Err: Debug>>(text: &str) -> T {
        text.parse().unwrap()
    }

    fn npm(name: &str, version: &str) -> Purl {
        Purl::package(&parsed::<NpmPackageName>(name).into(), Some(&parsed::<NpmPackageVersion>(version).into()))
    }

    #[test]
    fn spelled_as_in_the_records() {
        let version = parsed("0.0.15");
        let git = Purl::python_git(&parsed("opencontainers"), Some(&version), "https://forge.example/a", "ceb4");
        insta::assert_snapshot!(git, @"pkg:pypi/opencontainers@0.0.15?vcs_url=git%2Bhttps://forge.example/a%40ceb4");
        insta::assert_snapshot!(npm("@lit/context", "1.1.6"), @"pkg:npm/%40lit/context@1.1.6");
        insta::assert_snapshot!(Purl::go_mod(&parsed("example.org/a"), &parsed("v1.2.3+incompatible")), @"pkg:golang/example.org/a@v1.2.3%2Bincompatible#go.mod");
        insta::assert_snapshot!(Purl::debian(&parsed("g++"), &parsed("4:15.2.0-4"), Architecture::X86_64), @"pkg:deb/debian/g%2B%2B@4%3A15.2.0-4?arch=amd64");
        insta::assert_snapshot!(Purl::python(&parsed("a"), &parsed("1.0+local"), "a-1.0+local.tar.gz"), @"pkg:pypi/a@1.0%2Blocal?file_name=a-1.0%2Blocal.tar.gz");
    }

    #[test]
    fn a_source_tells_where_it_is_and_no_secret() {
        let tree = Digest::sha256(b"tree");
        let address = Some("https://user:token@forge.example/app.git?private_token=s3cret".to_owned());
        let git = Origin { address: address.clone(), commit: Some("ABCDEF".into()), tree };
        insta::assert_snapshot!(Purl::source("app", "version/1.0", &git, None), @"pkg:generic/app@version%2F1.0?vcs_url=git%2Bhttps://forge.example/app.git%40abcdef");
        let archive = Origin { address, commit: None, tree };
        let digest = Digest::from_hex(akbuild_nar::Algo::Sha1, &"0a".repeat(20)).unwrap();
        insta::assert_snapshot!(Purl::source("a", "1", &archive, Some(&digest)), @"pkg:generic/a@1?checksum=sha1:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a&download_url=https://forge.example/app.git");
        let folder = Origin { address: Some("/srv/app".into()), commit: None, tree };
        insta::assert_snapshot!(Purl::source("a b", "1", &folder, None), @"pkg:generic/a%20b@1");
    }

    #[test]
    fn an_image_is_named_by_its_digest() {
        let purl = Purl::image("Example/App", "1.0", &Digest::sha256(b""));
        insta::assert_snapshot!(purl, @"pkg:oci/app@sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855?tag=1.0");
    }

    #[test]
    fn what_is_no_package_url_is_refused() {
        for text in ["", "npm/a@1", "pkg:", "pkg:npm", "pkg:npm/", "pkg:/a", "pkg:NPM/a", "pkg:npm/a b", "pkg:npm/a\n"]
        {
            assert_eq!(Purl::parse(text), None, "{text}");
        }
        assert_eq!(Purl::parse("pkg:npm/%40lit/context@1.1.6").unwrap(), npm("@lit/context", "1.1.6"));
    }
}
