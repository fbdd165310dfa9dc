//! Names, versions and architectures of Debian packages (deb-control(5), deb-version(7)), and paths of files below a
//! mirror's base.

use crate::text::parsed_text;

parsed_text! {
    /// The name of a Debian package: `libstdc++6`.
    DebianPackageName, "the name of a Debian package", package_name
}
parsed_text! {
    /// The version of a Debian package: `1:2.0~rc1-3`.
    DebianPackageVersion, "the version of a Debian package", package_version
}
parsed_text! {
    /// The architecture of a Debian package: `amd64`.
    DebianArchitecture, "a Debian architecture", architecture
}
parsed_text! {
    /// The path of a file below a mirror's base: `pool/main/a/a_1_amd64.deb`.
    MirrorFilePath, "a path below a Debian mirror", file_path
}

fn package_name(text: &str) -> Result<String, &'static str> {
    let small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    match text.as_bytes() {
        [] => Err("it is empty"),
        bytes if bytes.len() > 200 => Err("it is longer than 200 bytes"),
        [first, ..] if !small(*first) => Err("it does not start with a lower-case letter or a digit"),
        bytes if bytes.iter().all(|b| small(*b) || b"+.-".contains(b)) => Ok(text.to_owned()),
        _ => Err("only lower-case letters, digits, `+`, `-` and `.` are allowed"),
    }
}

fn package_version(text: &str) -> Result<String, &'static str> {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    if epoch.parse::<u32>().is_err() || epoch.starts_with('+') {
        return Err("its epoch is not a number");
    }
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    let plain = |part: &str, more: &[u8]| part.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b));
    match () {
        () if text.len() > 200 => Err("it is longer than 200 bytes"),
        () if upstream.is_empty() || revision.is_empty() => Err("it has an empty part"),
        () if !upstream.starts_with(|c: char| c.is_ascii_digit()) => Err("it does not start with a digit"),
        () if !plain(upstream, b".+~:-") || !plain(revision, b".+~") => {
            Err("only letters, digits, `.`, `+`, `~`, `:` and `-` are allowed")
        }
        () => Ok(text.to_owned()),
    }
}

fn architecture(text: &str) -> Result<String, &'static str> {
    let small = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    match text.as_bytes() {
        [] => Err("it is empty"),
        [first, ..] if !small(*first) => Err("it does not start with a lower-case letter or a digit"),
        bytes if bytes.len() <= 64 && bytes.iter().all(|b| small(*b) || *b == b'-') => Ok(text.to_owned()),
        _ => Err("only lower-case letters, digits and `-` are allowed"),
    }
}

fn file_path(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_graphic() && !"{}\\\"?#".contains(c);
    match text {
        "" => Err("it is empty"),
        _ if text.len() > 1024 => Err("it is longer than 1024 bytes"),
        _ if text.starts_with('/') => Err("it is absolute"),
        _ if text.split('/').any(|part| matches!(part, "" | "." | "..")) => Err("it has an empty part, `.` or `..`"),
        _ if text.split('/').next().is_some_and(|first| first.contains(':')) => Err("its first part has a `:`"),
        _ if !text.chars().all(plain) => Err("it has a character that no path of a mirror has"),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_deb_control() {
        for name in ["g++", "libstdc++6", "a", "0ad", "python3.14-dev"] {
            assert_eq!(DebianPackageName::parse(name).as_deref(), Ok(name));
        }
        for name in ["", "A", "-a", ".a", "..", "a/b", "a_b", "a:amd64", "a b", "a\n", "\u{e9}"] {
            assert!(DebianPackageName::parse(name).is_err(), "{name:?}");
        }
        insta::assert_snapshot!(DebianPackageName::parse("a/b").unwrap_err(), @"`a/b` is not the name of a Debian package: only lower-case letters, digits, `+`, `-` and `.` are allowed");
    }

    #[test]
    fn versions_follow_deb_version() {
        for version in ["1", "4:15.2.0-4", "1.0~rc1+dfsg-2+b1", "0:1:2-3", "2024a-1-2"] {
            assert_eq!(DebianPackageVersion::parse(version).as_deref(), Ok(version));
        }
        for version in ["", "x", ":1", "a:1", "+1:1", "1-", "-1", "1/2", "../1", "1 2", "1_2", "1?"] {
            assert!(DebianPackageVersion::parse(version).is_err(), "{version:?}");
        }
        insta::assert_snapshot!(DebianPackageVersion::parse("../1").unwrap_err(), @"`../1` is not the version of a Debian package: it does not start with a digit");
        for arch in ["amd64", "all", "kfreebsd-i386"] {
            assert_eq!(DebianArchitecture::parse(arch).as_deref(), Ok(arch));
        }
        for arch in ["", "..", "a/b", "AMD64", "-a"] {
            assert!(DebianArchitecture::parse(arch).is_err(), "{arch:?}");
        }
    }

    #[test]
    fn files_are_below_the_mirror() {
        for path in ["pool/main/a/a_1%3a2_amd64.deb", "pool/g++_1~a+b.deb", "a"] {
            assert_eq!(MirrorFilePath::parse(path).as_deref(), Ok(path));
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "http://host/x",
            "http:x",
            "a b",
            "a\\b",
            "a\"b",
            "a?b",
            "a#b",
            "a\nb",
            "\u{e9}",
        ] {
            assert!(MirrorFilePath::parse(path).is_err(), "{path:?}");
        }
        insta::assert_snapshot!(MirrorFilePath::parse("http:x").unwrap_err(), @"`http:x` is not a path below a Debian mirror: its first part has a `:`");
        insta::assert_snapshot!(MirrorFilePath::parse("a/../b").unwrap_err(), @"`a/../b` is not a path below a Debian mirror: it has an empty part, `.` or `..`");
    }
}
