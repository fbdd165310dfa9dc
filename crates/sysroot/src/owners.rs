//! Which package has a file: of packages that are there, by what is in them; of a suite, by its `Contents` index.
//!
//! Answers are for people to read. Nothing is unpacked and nothing is checked here: a package that somebody adds because of an
//! answer is locked like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use akbuild_names::DebianPackageName;

use crate::deb::Deb;
use crate::unpack::DebFile;
use crate::{SysrootError, member};

/// Longer lines of an index are not read.
const LONGEST_LINE: u64 = 1 << 20;
/// An index that unpacks to more bytes is not read to its end.
const LONGEST_INDEX: u64 = 4 << 30;

/// The packages that have these paths, relative to the root and through the merged `/usr`. Packages are looked into in
/// the order in which they are given, until each path has one.
pub fn owners_of_paths(
    debs: &[DebFile<'_>],
    paths: &BTreeSet<String>,
) -> Result<BTreeMap<String, DebianPackageName>, SysrootError> {
    let mut found = BTreeMap::new();
    for deb in debs {
        if found.len() == paths.len() {
            break;
        }
        let opened = Deb::open(&deb.path, deb.pin)?;
        let mut archive = tar::Archive::new(opened.data()?);
        for entry in archive.entries().map_err(|e| opened.bad(e.to_string()))? {
            let entry = entry.map_err(|e| opened.bad(e.to_string()))?;
            let Ok(path) = member::path(&entry.path_bytes()) else { continue };
            if let Some(path) = std::str::from_utf8(&path).ok().and_then(|path| paths.get(path)) {
                found.entry(path.clone()).or_insert_with(|| deb.pin.name.clone());
            }
        }
    }
    Ok(found)
}

/// The packages that have a file with one of these names, by a `Contents` index that is compressed with gzip. Those that have
/// it where the loader looks are named alone; of others, each.
pub fn owners_in_index(
    index: &[u8],
    names: &BTreeSet<String>,
) -> io::Result<BTreeMap<String, BTreeSet<DebianPackageName>>> {
    let mut found: BTreeMap<(String, bool), BTreeSet<DebianPackageName>> = BTreeMap::new();
    let unpacked = flate2::read::MultiGzDecoder::new(index).take(LONGEST_INDEX);
    let mut lines = BufReader::with_capacity(1 << 18, unpacked);
    let mut line = Vec::new();
    while lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? > 0 {
        if let Some((path, packages)) = std::str::from_utf8(&line).ok().and_then(split) {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            if names.contains(name) {
                let of = found.entry((name.to_owned(), is_searched(folder))).or_default();
                let packages = packages.split(',').filter_map(|package| package.rsplit('/').next());
                of.extend(packages.filter_map(|name| DebianPackageName::parse(name).ok()));
            }
        }
        line.clear();
    }
    let mut owners = BTreeMap::new();
    // Where the loader looks stands after the other one, and takes its place.
    found.into_iter().for_each(|((name, _), packages)| drop(owners.insert(name, packages)));
    Ok(owners)
}

/// `usr/lib/x86_64-linux-gnu/libpq.so.5    libs/libpq5`
fn split(line: &str) -> Option<(&str, &str)> {
    let (path, packages) = line.trim_end().rsplit_once([' ', '\t'])?;
    Some((path.trim_end(), packages))
}

/// Whether the loader looks in a folder unless it is told of others.
fn is_searched(folder: &str) -> bool {
    let below = folder.strip_prefix("usr/").unwrap_or(folder);
    match below.split_once('/') {
        None => ["lib", "lib64"].contains(&below),
        Some((top, triplet)) => top == "lib" && triplet.contains("-linux-") && !triplet.contains('/'),
    }
}

/// What a package with a library is called by Debian's rule, from the library's name: of `libpq.so.5` it is `libpq5`, or
/// `libpq5t64` where times have 64 bits since a later version. Empty for a name that is no library's.
pub fn package_names_of(soname: &str) -> Vec<DebianPackageName> {
    let Some((stem, version)) = soname.split_once(".so") else { return Vec::new() };
    let version = version.trim_start_matches('.');
    let dash = if stem.ends_with(|c: char| c.is_ascii_digit()) && !version.is_empty() { "-" } else { "" };
    let name = format!("{stem}{dash}{version}").to_lowercase().replace('_', "-");
    [name.clone(), format!("{name}t64")].iter().filter_map(|name| DebianPackageName::parse(name).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn an_index_says_which_packages_have_a_file() {
        let index = gzip(
            "FILE                    LOCATION\n\
             usr/lib/x86_64-linux-gnu/libpq.so.5                libs/libpq5\n\
             usr/lib/firefox/libpq.so.5\tweb/firefox\n\
             usr/lib/a/libprivate.so.1     libs/a,contrib/utils/b,utils/../c\n\
             usr/share/doc with spaces/libx.so.1   doc/x-doc\n\
             usr/lib/libother.so.1 libs/libother1\n",
        );
        let names = ["libpq.so.5", "libprivate.so.1", "libx.so.1", "libnone.so.1"].map(str::to_owned).into();
        let found = owners_in_index(&index, &names).unwrap();
        let shown: Vec<String> = found
            .iter()
            .map(|(name, packages)| {
                format!("{name}: {}", packages.iter().map(|p| p.to_string()).collect::<Vec<_>>().join(" "))
            })
            .collect();
        assert_eq!(shown, ["libpq.so.5: libpq5", "libprivate.so.1: a b c", "libx.so.1: x-doc"]);
        assert!(owners_in_index(&index[..20], &names).is_err());
        assert!(owners_in_index(b"not packed", &names).is_err());
    }

    #[test]
    fn names_follow_the_rule_of_debian() {
        let names = |soname| package_names_of(soname).iter().map(|name| name.to_string()).collect::<Vec<_>>().join(" ");
        for (soname, found) in [
            ("libpq.so.5", "libpq5 libpq5t64"),
            ("libssl.so.3", "libssl3 libssl3t64"),
            ("libgcc_s.so.1", "libgcc-s1 libgcc-s1t64"),
            ("libstdc++.so.6", "libstdc++6 libstdc++6t64"),
            ("libicuuc.so.76", "libicuuc76 libicuuc76t64"),
            ("libglib-2.0.so.0", "libglib-2.0-0 libglib-2.0-0t64"),
            ("libGL.so.1", "libgl1 libgl1t64"),
            ("libxmlsec1.so.1", "libxmlsec1-1 libxmlsec1-1t64"),
            ("libperl.so.5.40", "libperl5.40 libperl5.40t64"),
            ("libdb-5.3.so", "libdb-5.3 libdb-5.3t64"),
            ("plugin", ""),
        ] {
            assert_eq!(names(soname), found, "{soname}");
        }
    }
}
