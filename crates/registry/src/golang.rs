//! `go.mod` and `go.sum`. Knows the two formats and the escaping of module paths; knows nothing of
//! build lists beyond what is written in them.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::{GoModulePath, GoModuleVersion};
use akbuild_nar::{Algo, Digest};
use data_encoding::BASE64;

use crate::error::Refusals;
use crate::{Artifact, LockError, What};

const AGAIN: &str = "correct it, then run `go mod tidy`";

/// A module and a version of it, as `go.mod` has them: they choose among those of `go.sum`, and nothing is made of them.
type Required = (String, String);
/// A module and a version of it that can be downloaded.
type Module = (GoModulePath, GoModuleVersion);

const WRONG_NAMES: &str = "Find out how these lines came into the file; write it again with `go mod tidy`.";

/// A parsed `go.mod` with its `go.sum`.
#[derive(Debug)]
pub struct GoLock {
    file: String,
    go: (u32, u32),
    required: BTreeSet<Required>,
    /// Module, with version or for every version, and what stands for it: `None` is a local folder.
    replaced: BTreeMap<(String, Option<String>), Option<Required>>,
    zips: BTreeMap<Module, Digest>,
    mods: BTreeMap<Module, Digest>,
}

impl GoLock {
    /// Reads both files; `file` is the name of the `go.mod`, for messages.
    pub fn parse(go_mod: &str, go_sum: &str, file: &str) -> Result<Self, LockError> {
        let mut lock = Self {
            file: file.to_owned(),
            go: (1, 16),
            required: BTreeSet::new(),
            replaced: BTreeMap::new(),
            zips: BTreeMap::new(),
            mods: BTreeMap::new(),
        };
        let wrong = |file: String, line: usize, problem: String| LockError::Syntax {
            file,
            line: line + 1,
            column: 1,
            problem,
            advice: AGAIN,
        };
        let mut block = None;
        for (number, line) in go_mod.lines().enumerate() {
            lock.mod_line(line, &mut block).map_err(|problem| wrong(file.to_owned(), number, problem))?;
        }
        let mut refusals = Refusals::default();
        for (number, line) in go_sum.lines().enumerate() {
            let entry = format!("line {}", number + 1);
            lock.sum_line(line, &entry, &mut refusals).map_err(|problem| wrong(sum_name(file), number, problem))?;
        }
        refusals.check(&sum_name(file), WRONG_NAMES, lock)
    }

    /// Every `go.mod` that `go.sum` names, and the zip files of the modules that `go.mod` requires,
    /// after replacement: from go 1.17 on that is all that a build loads. Before, `go.mod` does not
    /// list everything, and every zip file of `go.sum` is wanted. Sorted.
    ///
    /// # Errors
    /// [`LockError::Refused`] names all required modules of which `go.sum` has no line.
    pub fn artifacts(&self) -> Result<Vec<Artifact>, LockError> {
        let mut refusals = Refusals::default();
        let mut wanted = BTreeSet::new();
        let listed: BTreeSet<(&str, &str)> =
            self.zips.keys().chain(self.mods.keys()).map(|(module, version)| (&**module, &**version)).collect();
        for required in &self.required {
            let Some(module) = self.replacement(required) else { continue };
            if !listed.contains(&(module.0.as_str(), module.1.as_str())) {
                refusals
                    .add(format!("{}@{}", module.0, module.1), format!("{} has no line for it", sum_name(&self.file)));
            }
            wanted.insert(module);
        }
        let all = self.go < (1, 17);
        let is_wanted = |(module, version): &Module| wanted.contains(&(module.to_string(), version.to_string()));
        let zips = self.zips.iter().filter(|(module, _)| all || is_wanted(module)).map(|((m, v), digest)| Artifact {
            digest: *digest,
            size: None,
            what: What::GoZip { module: m.clone(), version: v.clone() },
        });
        let mods = self.mods.iter().map(|((m, v), digest)| Artifact {
            digest: *digest,
            size: None,
            what: What::GoMod { module: m.clone(), version: v.clone() },
        });
        let artifacts = mods.chain(zips).collect();
        refusals.check(&self.file, "Write the missing lines with `go mod tidy`, and commit go.sum.", artifacts)
    }

    /// What stands for a required module; `None`: a local folder.
    fn replacement(&self, (name, version): &Required) -> Option<Required> {
        let exact = self.replaced.get(&(name.clone(), Some(version.clone())));
        match exact.or_else(|| self.replaced.get(&(name.clone(), None))) {
            Some(replacement) => replacement.clone(),
            None => Some((name.clone(), version.clone())),
        }
    }

    fn mod_line(&mut self, line: &str, block: &mut Option<String>) -> Result<(), String> {
        let words = words(line)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match (block.as_deref(), words.as_slice()) {
            (_, []) => Ok(()),
            (Some(_), [")"]) => {
                *block = None;
                Ok(())
            }
            (Some(verb), rest) => self.directive(verb, rest),
            (None, [verb, "("]) => {
                *block = Some((*verb).to_owned());
                Ok(())
            }
            (None, [verb, rest @ ..]) => self.directive(verb, rest),
        }
    }

    /// One directive. Those that name no module to load (`exclude`, `retract`, `tool`, ...) are
    /// passed over: an excluded version is not required either.
    fn directive(&mut self, verb: &str, rest: &[&str]) -> Result<(), String> {
        match (verb, rest) {
            ("go", [version]) => self.go = go_version(version)?,
            ("require", [module, version]) => {
                self.required.insert(((*module).to_owned(), (*version).to_owned()));
            }
            ("replace", [module, from @ .., "=>", to, version]) => {
                self.replace(module, from, Some(((*to).to_owned(), (*version).to_owned())))?;
            }
            ("replace", [module, from @ .., "=>", _folder]) => self.replace(module, from, None)?,
            ("go" | "require" | "replace", _) => {
                return Err(format!("`{verb} {}` is not a {verb} directive", rest.join(" ")));
            }
            _ => {}
        }
        Ok(())
    }

    fn replace(&mut self, module: &str, from: &[&str], to: Option<Required>) -> Result<(), String> {
        let version = match from {
            [] => None,
            [version] => Some((*version).to_owned()),
            _ => return Err(format!("`replace {module} {}` has too many words before `=>`", from.join(" "))),
        };
        self.replaced.insert((module.to_owned(), version), to);
        Ok(())
    }

    fn sum_line(&mut self, line: &str, entry: &str, refusals: &mut Refusals) -> Result<(), String> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [module, version, hash] = words[..] else {
            return if words.is_empty() { Ok(()) } else { Err("expected MODULE VERSION HASH".to_owned()) };
        };
        // go itself passes over hashes whose algorithm it does not know.
        let Some(hash) = hash.strip_prefix("h1:") else { return Ok(()) };
        let (table, algo, version) = match version.strip_suffix("/go.mod") {
            Some(version) => (&mut self.mods, Algo::GoMod, version),
            None => (&mut self.zips, Algo::GoZip, version),
        };
        let bytes = BASE64.decode(hash.as_bytes()).map_err(|_| format!("`h1:{hash}` is not base 64"))?;
        let digest = Digest::new(algo, &bytes).map_err(|e| e.to_string())?;
        let (Some(path), Some(number)) = (refusals.parse(entry, module), refusals.parse(entry, version)) else {
            return Ok(());
        };
        match table.insert((path, number), digest) {
            Some(other) if other != digest => Err(format!("{module} {version} has a second, different hash")),
            _ => Ok(()),
        }
    }
}

fn sum_name(go_mod: &str) -> String {
    go_mod.strip_suffix("go.mod").map_or_else(|| format!("{go_mod}: go.sum"), |folder| format!("{folder}go.sum"))
}

fn go_version(text: &str) -> Result<(u32, u32), String> {
    let mut parts = text.split('.');
    let mut number = || parts.next().map(|p| p.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    let (major, minor) = (number(), number());
    match (major.and_then(|n| n.parse().ok()), minor.map_or(Some(0), |n| n.parse().ok())) {
        (Some(major), Some(minor)) => Ok((major, minor)),
        _ => Err(format!("`{text}` is not a version of go")),
    }
}

/// The words of a line of `go.mod`: separated by white space, quoted with `"` or a backquote, up to
/// a comment. `(` , `)` and `=>` are words of their own, as the format requires spaces around them.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with("//") {
        let (word, tail) = match rest.chars().next() {
            Some(quote @ ('"' | '`')) => {
                let end = rest[1..].find(quote).ok_or_else(|| format!("a {quote} is not closed"))?;
                (&rest[1..=end], &rest[end + 2..])
            }
            _ if rest.starts_with(['(', ')']) => rest.split_at(1),
            _ => rest.split_at(rest.find(|c: char| c.is_whitespace() || "()".contains(c)).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = tail.trim_start();
    }
    Ok(words)
}
