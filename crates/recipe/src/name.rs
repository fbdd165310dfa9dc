//! What may be a name, a version, a prefix, a variable, a commit or a hash. Knows their forms; where they stand is for
//! the reader.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use akbuild_names::NameError;

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

impl Fields<'_> {
    /// The name of something that has none yet, by the rules of all names of a recipe.
    pub fn new_name(&mut self, key: &str) -> Result<String, RecipeError> {
        let name = self.string(key)?;
        match check(&name) {
            Ok(()) => Ok(name),
            Err(problem) => Err(self.error(key, format!("bad name `{name}`"), "").with_label(problem)),
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
