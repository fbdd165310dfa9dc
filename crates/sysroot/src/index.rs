//! What the package indices offer: real packages by name, and what provides a name. Knows no closure.

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read};

use akbuild_names::{DebianArchitecture, DebianPackageName, DebianPackageVersion, MirrorFilePath, NameError};
use akbuild_nar::{Algo, Digest};

use crate::control::{Paragraph, each_paragraph};
use crate::relation::{Clause, Relation, clauses, relations};
use crate::{DebPin, SysrootError, compare_versions};

const FIELDS: [&str; 14] = [
    "package",
    "version",
    "filename",
    "size",
    "sha256",
    "essential",
    "priority",
    "depends",
    "pre-depends",
    "recommends",
    "provides",
    "conflicts",
    "breaks",
    "architecture",
];

/// The most wrong packages that a message lists.
const SHOWN: usize = 20;

/// One version of a package in a suite.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: DebianPackageName,
    pub(crate) version: DebianPackageVersion,
    pub(crate) path: MirrorFilePath,
    pub(crate) size: u64,
    pub(crate) digest: Digest,
    pub(crate) essential: bool,
    priority: u8,
    fields: Paragraph,
}

impl Package {
    fn new(fields: Paragraph) -> Result<Self, String> {
        let name = DebianPackageName::parse(fields.get("package")).map_err(|e| e.to_string())?;
        let wrong = |e: NameError| format!("package `{name}`: {e}");
        let need = |field: &str| match fields.get(field) {
            "" => Err(format!("package `{name}` has no `{field}`")),
            text => Ok(text.to_owned()),
        };
        let digest = Digest::from_hex(Algo::Sha256, &need("sha256")?).map_err(|e| format!("package `{name}`: {e}"))?;
        let size = need("size")?.parse::<i64>().ok().and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| format!("package `{name}` has a size that is no number of bytes"))?;
        let path = need("filename")?.parse().map_err(wrong)?;
        let version = need("version")?.parse().map_err(wrong)?;
        DebianArchitecture::parse(&need("architecture")?).map_err(wrong)?;
        let priority =
            ["required", "important", "standard", "optional"].iter().position(|p| *p == fields.get("priority"));
        Ok(Package {
            version,
            path,
            size,
            digest,
            essential: fields.get("essential") == "yes",
            priority: priority.unwrap_or(4) as u8,
            name,
            fields,
        })
    }

    /// What it needs: `Pre-Depends` and `Depends`, and `Recommends` if asked.
    pub(crate) fn needs(&self, recommends: bool) -> Vec<(Clause, bool)> {
        let mut all: Vec<(Clause, bool)> = Vec::new();
        for (field, must) in [("pre-depends", true), ("depends", true), ("recommends", false)] {
            if must || recommends {
                all.extend(clauses(self.fields.get(field)).into_iter().map(|c| (c, must)));
            }
        }
        all
    }

    /// What it excludes, with the field that says so.
    pub(crate) fn excludes(&self) -> Vec<(&'static str, Relation)> {
        let of = |key: &str, name: &'static str| relations(self.fields.get(key)).into_iter().map(move |r| (name, r));
        of("conflicts", "Conflicts").chain(of("breaks", "Breaks")).collect()
    }

    /// Whether it satisfies a relation, by its own name or by what it provides.
    pub(crate) fn satisfies(&self, relation: &Relation) -> bool {
        (*self.name == relation.name && relation.admits(&self.version))
            || relations(self.fields.get("provides"))
                .iter()
                .any(|p| p.name == relation.name && relation.admits_provided(p))
    }
}

/// All packages of all suites.
#[derive(Default)]
pub(crate) struct Universe {
    packages: Vec<Package>,
    /// Newest first; of equal versions, the one of the earlier suite.
    by_name: HashMap<String, Vec<usize>>,
    /// Those that provide a name: by priority, then name, newest first.
    providers: HashMap<String, Vec<usize>>,
}

impl Universe {
    /// Adds one index, compressed as its path says.
    pub(crate) fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), SysrootError> {
        let bad = |why: String| SysrootError::Index { path: path.to_owned(), why };
        let reader: Box<dyn Read + '_> = match path.rsplit_once('.') {
            Some((_, "xz")) => Box::new(liblzma::read::XzDecoder::new_multi_decoder(bytes)),
            Some((_, "gz")) => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
            _ => Box::new(bytes),
        };
        let (mut wrong, mut more) = (Vec::new(), 0_usize);
        each_paragraph(BufReader::with_capacity(1 << 18, reader), &|f| FIELDS.contains(&f), |p| {
            match Package::new(p) {
                Ok(package) => self.packages.push(package),
                Err(why) if wrong.len() < SHOWN => wrong.push(why),
                Err(_) => more += 1,
            }
        })
        .map_err(|e| bad(e.to_string()))?;
        if more > 0 {
            wrong.push(format!("and {more} more"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(bad(wrong.join("\n  "))) }
    }

    /// Sorts what was added, so that it can be looked up.
    pub(crate) fn index(&mut self) {
        for (i, package) in self.packages.iter().enumerate() {
            self.by_name.entry(package.name.to_string()).or_default().push(i);
            for provided in relations(package.fields.get("provides")) {
                self.providers.entry(provided.name).or_default().push(i);
            }
        }
        self.prefer(&[]);
    }

    /// Sorts what is looked up: best first, and before that the packages of these pins, so that a version that is locked
    /// and still there stays.
    pub(crate) fn prefer(&mut self, pins: &[DebPin]) {
        let of = &self.packages;
        for list in self.by_name.values_mut() {
            list.sort_by(|a, b| compare_versions(&of[*b].version, &of[*a].version));
        }
        for list in self.providers.values_mut() {
            list.sort_by(|a, b| {
                let (a, b) = (&of[*a], &of[*b]);
                (a.priority, &a.name).cmp(&(b.priority, &b.name)).then_with(|| compare_versions(&b.version, &a.version))
            });
        }
        if pins.is_empty() {
            return;
        }
        let pinned: HashSet<_> = pins.iter().map(|pin| (&pin.name, &pin.version, pin.digest)).collect();
        let is_new = |i: &usize| !pinned.contains(&(&of[*i].name, &of[*i].version, of[*i].digest));
        self.by_name.values_mut().chain(self.providers.values_mut()).for_each(|list| list.sort_by_key(is_new));
    }

    /// The versions of a package, newest first.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Package> {
        self.by_name.get(name).into_iter().flatten().map(|i| &self.packages[*i])
    }

    /// What satisfies a relation, best first: the package of that name, or, where there is none, what
    /// provides it.
    pub(crate) fn candidates(&self, relation: &Relation) -> Vec<&Package> {
        let real: Vec<&Package> = self.named(&relation.name).filter(|p| p.satisfies(relation)).collect();
        if real.is_empty() { self.providers_of(relation) } else { real }
    }

    /// What provides the relation's name and satisfies it, best first.
    pub(crate) fn providers_of(&self, relation: &Relation) -> Vec<&Package> {
        let all = self.providers.get(&relation.name).into_iter().flatten().map(|i| &self.packages[*i]);
        all.filter(|p| p.satisfies(relation)).collect()
    }

    /// The best version of every essential package, by name.
    pub(crate) fn essential(&self) -> Vec<&Package> {
        let best = self.by_name.values().filter_map(|l| l.first()).map(|i| &self.packages[*i]);
        let mut all: Vec<&Package> = best.filter(|p| p.essential).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// All names, also those that are only provided.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().chain(self.providers.keys()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lock_cannot_say_is_refused() {
        let digest = "0".repeat(64);
        let add = |path: &str, size: &str| {
            let text = format!(
                "Package: a\nVersion: 1\nArchitecture: amd64\nFilename: {path}\nSize: {size}\nSHA256: {digest}\n"
            );
            Universe::default().add("Packages", text.as_bytes()).map_err(|e| e.to_string())
        };
        add("pool/main/a/a_1%3a2+b~c_amd64.deb", "9223372036854775807").unwrap();
        for path in ["/a", "../a", "a/./b", "a//b", "a b", "{a}", "a\"b", "é"] {
            assert!(add(path, "1").unwrap_err().contains("is not a path below a Debian mirror"), "{path}");
        }
        insta::assert_snapshot!(add("pool/../../a", "1").unwrap_err(), @r"
`Packages` is not a package index: package `a`: `pool/../../a` is not a path below a Debian mirror: it has an empty part, `.` or `..`
  help: the mirror serves a damaged or hostile index: try another mirror
");
        insta::assert_snapshot!(add("a", "9223372036854775808").unwrap_err(), @r"
`Packages` is not a package index: package `a` has a size that is no number of bytes
  help: the mirror serves a damaged or hostile index: try another mirror
");
    }
}
