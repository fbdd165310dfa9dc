//! The directives of `go.mod` that decide which modules are loaded: `go`, `require`, `exclude` and `replace`.
//!
//! Follows `golang.org/x/mod/modfile`, whose strict mode reads the main module and whose lax mode reads dependencies.
//! Directives that name no module to load (`tool`, `ignore`, `retract`, `toolchain`, ...) and unknown ones are passed
//! over: the go command of the sysroot judges them.

use std::collections::{BTreeMap, BTreeSet};

use super::version::{GoLanguageVersion, canonical};
use super::words::{unquoted, words_of_line};

/// A module path and a version, as they are written.
pub(super) type ModuleKey = (String, String);

/// The directives of one `go.mod`.
#[derive(Clone, Debug, Default)]
pub(super) struct ModFile {
    pub(super) go: Option<GoLanguageVersion>,
    /// In the order of the file.
    pub(super) required: Vec<ModuleKey>,
    pub(super) excluded: BTreeSet<ModuleKey>,
    /// By module, with a version or for every version.
    pub(super) replaced: BTreeMap<(String, Option<String>), Replacement>,
}

/// What stands for a replaced module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replacement {
    /// A folder, relative to the one of `go.mod`.
    Folder(String),
    /// Another module.
    Module(ModuleKey),
}

/// A problem, and the line that has it, counted from 1.
pub(super) type LineProblem = (usize, String);

impl ModFile {
    /// Reads the `go.mod` of the main module.
    pub(super) fn main(text: &str) -> Result<Self, LineProblem> {
        Self::read(text, Strictness::Main)
    }

    /// Reads the `go.mod` of a dependency, of which `replace` and `exclude` have no effect.
    pub(super) fn dependency(text: &str) -> Result<Self, LineProblem> {
        Self::read(text, Strictness::Dependency)
    }

    fn read(text: &str, strictness: Strictness) -> Result<Self, LineProblem> {
        let mut file = Self::default();
        let mut block: Option<(usize, &str)> = None;
        for (index, line) in text.split('\n').enumerate() {
            let number = index + 1;
            let words = words_of_line(line).map_err(|problem| (number, problem))?;
            let (verb, rest) = match (block, words.as_slice()) {
                (_, []) => continue,
                (Some(_), [")"]) => {
                    block = None;
                    continue;
                }
                (Some(_), [")", ..]) => return Err((number, "nothing may follow `)`".to_owned())),
                (Some((_, verb)), rest) => (verb, rest),
                (None, [verb, "("]) => {
                    strictness.check_block(verb).map_err(|problem| (number, problem))?;
                    block = Some((number, verb));
                    continue;
                }
                (None, [_, "(", ")"]) => continue,
                (None, [verb, rest @ ..]) => (*verb, rest),
            };
            // The lax reader passes over blocks of verbs that have no blocks.
            if block.is_none() || HAVE_BLOCKS.contains(&verb) {
                file.directive(verb, rest, strictness).map_err(|problem| (number, problem))?;
            }
        }
        match block {
            Some((line, verb)) => Err((line, format!("the block `{verb} (` is not closed"))),
            None => Ok(file),
        }
    }

    fn directive(&mut self, verb: &str, words: &[&str], strictness: Strictness) -> Result<(), String> {
        match (verb, words) {
            ("go", [version]) if self.go.is_none() => self.go = Some(strictness.go_version(version)?),
            ("go", [_]) => return Err("there is a second `go` directive".to_owned()),
            ("require", [module, version]) => self.required.push((unquoted(module)?, module_version(version)?)),
            ("exclude" | "replace", _) if strictness == Strictness::Dependency => {}
            ("exclude", [module, version]) => {
                self.excluded.insert((unquoted(module)?, module_version(version)?));
            }
            ("replace", [module, "=>", to @ ..]) => self.replace(module, None, to)?,
            ("replace", [module, from, "=>", to @ ..]) => self.replace(module, Some(from), to)?,
            ("go" | "require" | "exclude" | "replace", _) => {
                return Err(format!("`{}` is not a {verb} directive", [&[verb], words].concat().join(" ")));
            }
            _ => {}
        }
        Ok(())
    }

    fn replace(&mut self, module: &str, from: Option<&&str>, to: &[&str]) -> Result<(), String> {
        let from = from.map(|version| module_version(version)).transpose()?;
        let to = match to {
            [path] => match unquoted(path)? {
                folder if is_folder(&folder) => Replacement::Folder(folder),
                path => return Err(format!("`{path}` is neither a folder (`./{path}`) nor has a version")),
            },
            [path, version] => match unquoted(path)? {
                folder if is_folder(&folder) => return Err(format!("the folder `{folder}` has no version")),
                path => Replacement::Module((path, module_version(version)?)),
            },
            _ => return Err(format!("`replace {module}` is followed by too many or too few words")),
        };
        self.replaced.insert((unquoted(module)?, from), to);
        Ok(())
    }

    /// What stands for a module; `None`: the module itself.
    pub(super) fn replacement(&self, (path, version): &ModuleKey) -> Option<&Replacement> {
        let exact = self.replaced.get(&(path.clone(), Some(version.clone())));
        exact.or_else(|| self.replaced.get(&(path.clone(), None)))
    }

    /// The folders that stand for modules, as they are written.
    pub(super) fn folders(&self) -> impl Iterator<Item = &str> {
        self.replaced.values().filter_map(|replacement| match replacement {
            Replacement::Folder(folder) => Some(folder.as_str()),
            Replacement::Module(_) => None,
        })
    }
}

/// Whose `go.mod` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strictness {
    Main,
    Dependency,
}

const HAVE_BLOCKS: [&str; 8] = ["module", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"];

impl Strictness {
    fn check_block(self, verb: &str) -> Result<(), String> {
        match self == Strictness::Main && matches!(verb, "go" | "toolchain") {
            true => Err(format!("`{verb}` has no block")),
            false => Ok(()),
        }
    }

    fn go_version(self, text: &str) -> Result<GoLanguageVersion, String> {
        let found = match self {
            Strictness::Main => GoLanguageVersion::parse(text),
            Strictness::Dependency => GoLanguageVersion::parse_lax(text),
        };
        found.ok_or_else(|| format!("`{text}` is not a version of go"))
    }
}

fn module_version(word: &str) -> Result<String, String> {
    let text = unquoted(word)?;
    canonical(&text).ok_or_else(|| format!("`{text}` is not a version of a module, such as `v1.2.3`"))
}

/// `IsDirectoryPath` of `modfile`.
fn is_folder(path: &str) -> bool {
    let drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let starts = ["./", ".\\", "../", "..\\", "/", "\\"].iter().any(|start| path.starts_with(start));
    path == "." || path == ".." || starts || drive
}

#[cfg(test)]
mod tests;
