//! What may be a name, a version, a prefix, a path, a variable, a commit or a hash. Knows their forms; where they
//! stand is for the reader.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use akbuild_names::NameError;
use toml_span::Span;

use crate::error::RecipeError;
use crate::fields::Fields;

/// What is wrong with a project's, source's, stage's, sysroot's or tool's name.
pub(crate) fn check(name: &str) -> Result<(), &'static str> {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    match name {
        "" => Err("it is empty"),
        _ if name.len() > 64 => Err("it is longer than 64 bytes"),
        _ if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) => Err("it starts with no letter or digit"),
        _ if !name.bytes().all(inner) => Err("only letters, digits, `.`, `_` and `-` are allowed"),
        _ => Ok(()),
    }
}

/// What is wrong with a version.
pub(crate) fn version(text: &str) -> Result<(), &'static str> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._+~-".contains(&b);
    match text {
        "" => Err("it is empty"),
        _ if !text.bytes().all(allowed) => Err("only letters, digits, `.`, `_`, `+`, `~` and `-` are allowed"),
        _ => Ok(()),
    }
}

/// What is wrong with a prefix.
pub(crate) fn prefix(text: &str) -> Result<(), &'static str> {
    let bad = |p: &str| p.is_empty() || p == "." || p == "..";
    match text.strip_prefix('/') {
        None => Err("it is not absolute"),
        Some("") => Err("it is the root folder"),
        Some(rest) if rest.split('/').any(bad) => Err("it has an empty part, `.` or `..`"),
        Some(_) if text.contains(|c: char| c.is_whitespace() || c.is_control() || ":\"'`$\\{}".contains(c)) => {
            Err("it has a character that shells or search paths give a meaning")
        }
        Some(_) => Ok(()),
    }
}

/// What is wrong with the path of a file inside a tree.
pub(crate) fn relative(text: &str) -> Result<(), &'static str> {
    let bad = |p: &str| p.is_empty() || p == "." || p == "..";
    match text {
        "" => Err("it is empty"),
        _ if text.starts_with('/') => Err("it is absolute"),
        _ if text.split('/').any(bad) => Err("it has an empty part, `.` or `..`"),
        _ => Ok(()),
    }
}

/// What is wrong with a whole path, of a file or folder of a root file system.
fn whole(text: &str) -> Result<(), &'static str> {
    let bad = |p: &str| p.is_empty() || p == "." || p == "..";
    match text.strip_prefix('/') {
        None => Err("it is relative"),
        Some("") => Ok(()),
        Some(rest) if rest.strip_suffix('/').unwrap_or(rest).split('/').any(bad) => {
            Err("it has an empty part, `.` or `..`")
        }
        Some(_) => Ok(()),
    }
}

impl Fields<'_> {
    /// The name of something that has none yet, by the rules of all names of a recipe.
    pub fn new_name(&mut self, key: &str) -> Result<String, RecipeError> {
        let name = self.string(key)?;
        match check(&name) {
            Ok(()) => Ok(name),
            Err(problem) => Err(self.error(key, format!("bad name `{name}`"), "").with_label(problem)),
        }
    }

    /// A whole path, from `/` and without `..`, given back without a `/` at its end; `None` if the field is absent.
    pub fn whole_path(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(text) = self.opt_string(key)? else { return Ok(None) };
        self.plain(text, self.value_span(key)).map(Some)
    }

    /// An array of whole paths; empty if it is absent.
    pub fn whole_paths(&mut self, key: &str) -> Result<Vec<String>, RecipeError> {
        let texts = self.strings(key)?.into_iter().enumerate();
        texts.map(|(i, text)| self.plain(text, self.item_span(key, i))).collect()
    }

    fn plain(&self, text: String, place: Span) -> Result<String, RecipeError> {
        match whole(&text) {
            Ok(()) if text.len() > 1 => Ok(text.strip_suffix('/').map(str::to_owned).unwrap_or(text)),
            Ok(()) => Ok(text),
            Err(problem) => Err(self
                .point(place, format!("bad path `{text}`"))
                .with_label(problem)
                .with_help("write the whole path, from `/`")),
        }
    }

    /// Environment variables by their names, sorted; empty if the field is absent.
    pub fn variables(&mut self, key: &str) -> Result<BTreeMap<String, String>, RecipeError> {
        let variables = self.string_map(key)?;
        match variables.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            None => Ok(variables),
            Some(name) => {
                let place = self.key_span(key, name);
                let help = "write a name that is not empty and has no `=`: `NAME = \"value\"`";
                Err(self.point(place, format!("`{name}` is no name of a variable")).with_help(help))
            }
        }
    }

    /// An error at the name of a variable that [`Fields::variables`] has read.
    pub fn variable_error(&self, key: &str, name: &str, message: String, help: &str) -> RecipeError {
        self.point(self.key_span(key, name), message).with_help(help)
    }

    /// A string that is a path inside a tree: relative, without `..`.
    pub fn path(&mut self, key: &str) -> Result<String, RecipeError> {
        self.opt_path(key)?.ok_or_else(|| self.missing(key))
    }

    /// Like [`Fields::path`], for a field that may be absent.
    pub fn opt_path(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(text) = self.opt_string(key)? else { return Ok(None) };
        relative(&text).map_err(|problem| {
            let help = match text.trim_matches('/') {
                inside if text.starts_with('/') && relative(inside).is_ok() => {
                    format!("give the path inside the tree, without the first `/`: `{inside}`")
                }
                _ => "give a path inside the tree: `folder/file`".to_owned(),
            };
            self.error(key, format!("bad path `{text}`"), help).with_label(problem)
        })?;
        Ok(Some(text))
    }

    /// A folder inside a tree, `.` (the root itself) if it is absent.
    pub fn folder(&mut self, key: &str) -> Result<String, RecipeError> {
        match self.opt_string(key)?.as_deref() {
            None | Some(".") => Ok(".".to_owned()),
            Some(_) => self.path(key),
        }
    }

    /// A commit: 40 hex digits.
    pub(crate) fn commit(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(text) = self.opt_string(key)? else { return Ok(None) };
        if text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Ok(Some(text));
        }
        let help = "give all of it, as `git rev-parse` prints it, or name a `tag` instead";
        let label = format!("expected 40 lower-case hex digits, found {} characters", text.chars().count());
        Err(self.error(key, format!("`{key}` is not a full commit"), help).with_label(label))
    }

    /// A name, version or path by the grammar of its ecosystem, in which no variable is replaced.
    pub(crate) fn parsed_text<T: FromStr<Err = NameError>>(&mut self, key: &str) -> Result<T, RecipeError> {
        let text = self.text(key)?;
        self.parsed(key, &text)
    }

    /// A part of a field, by the grammar of its ecosystem.
    pub(crate) fn parsed<T: FromStr<Err = NameError>>(&self, key: &str, text: &str) -> Result<T, RecipeError> {
        text.parse().map_err(|error: NameError| {
            self.error(key, error.to_string(), "correct it: nothing else becomes part of an address or a path")
        })
    }

    /// An SRI hash, as [`akbuild_nar::TreeHash`] or [`akbuild_nar::Digest`].
    pub fn hash<T: FromStr<Err: Display>>(&mut self, key: &str) -> Result<Option<T>, RecipeError> {
        let Some(text) = self.opt_text(key)? else { return Ok(None) };
        text.parse().map(Some).map_err(|problem: T::Err| {
            let help = "expected an SRI hash, `sha256-` and 44 characters, as `akbuild hash` prints it";
            self.error(key, format!("`{key}` is not a hash"), help).with_note(problem.to_string())
        })
    }
}
