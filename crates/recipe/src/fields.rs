//! One table of a recipe, read field by field: each accessor checks the type, replaces variables and
//! marks its field as known, so that `finish` can name the fields that are not.
//!
//! Knows tables and types; the meaning of a field is its reader's. Names that refer to something
//! are in `refs`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml_span::Span;

use crate::error::RecipeError;
use crate::expand::{self, PUSH_WORDS, Vars, WORDS};
use crate::plan::Subset;
use crate::scope::Scope;
use crate::suggest::{did_you_mean, list, nearest};
use crate::value::{Entry, Kind, Node, Table};

/// Fields whose text is a script: braces that are no variable stay as they are.
const SCRIPTS: [&str; 1] = ["script"];

/// One table with the places of its values.
///
/// `{name}`, `{version}` and `{prefix}` are replaced in every string. Anything else in braces that looks like a word
/// (`{git:7}`, `{Version}`) is an error, except in the field `script` and in what [`Fields::text`] reads: there only
/// `{git:SOURCE}` is one, if there is such a source.
#[derive(Debug)]
pub struct Fields<'a> {
    pub(crate) table: &'a Table,
    /// The table's name where it is written, for errors about the table as a whole.
    pub(crate) place: Span,
    /// What the table is, for messages: "a sysroot", "stage `server`".
    pub(crate) what: String,
    pub(crate) scope: &'a Scope,
    known: Vec<String>,
    /// The stage whose options these are; empty elsewhere.
    stage: String,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(table: &'a Table, place: Span, what: impl Into<String>, scope: &'a Scope) -> Self {
        Self { table, place, what: what.into(), scope, known: Vec::new(), stage: String::new() }
    }

    /// The options of a stage.
    pub(crate) fn of_stage(table: &'a Table, place: Span, stage: &str, scope: &'a Scope) -> Self {
        Self { stage: stage.to_owned(), ..Self::new(table, place, format!("stage `{stage}`"), scope) }
    }

    /// The name of the stage whose options these are.
    pub fn stage_name(&self) -> &str {
        &self.stage
    }

    /// The project's name, version and prefix.
    pub fn vars(&self) -> &Vars {
        &self.scope.vars
    }

    /// Where the table is written, `akbuild.toml:12`.
    pub fn at(&self) -> String {
        self.scope.file.at(self.place)
    }

    /// Whether the field is given. Marks it as known.
    pub fn has(&mut self, key: &str) -> bool {
        self.take(key).is_some()
    }

    /// A string that must be there.
    pub fn string(&mut self, key: &str) -> Result<String, RecipeError> {
        self.opt_string(key)?.ok_or_else(|| self.missing(key))
    }

    /// A string that may be absent.
    pub fn opt_string(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        let literal = SCRIPTS.contains(&key);
        self.as_string(key, &entry.value, literal).map(Some)
    }

    /// A string; `default`, in which variables are replaced too, if it is absent.
    pub fn string_or(&mut self, key: &str, default: &str) -> Result<String, RecipeError> {
        Ok(self.opt_string(key)?.unwrap_or_else(|| self.scope.vars.expand(default)))
    }

    /// A string that must be there, in which braces that are no variable stay as they are.
    pub fn text(&mut self, key: &str) -> Result<String, RecipeError> {
        self.opt_text(key)?.ok_or_else(|| self.missing(key))
    }

    /// Like [`Fields::text`], for a field that may be absent.
    pub fn opt_text(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        self.as_string(key, &entry.value, true).map(Some)
    }

    /// Like [`Fields::opt_text`], for a text of somebody else's: whatever is in braces stays as it is.
    pub(crate) fn opt_verbatim(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        let Kind::String(text) = &entry.value.kind else { return Err(self.wrong(key, &entry.value, "a string")) };
        Ok(Some(self.scope.vars.expand(text)))
    }

    /// An array of strings; empty if it is absent.
    pub fn strings(&mut self, key: &str) -> Result<Vec<String>, RecipeError> {
        let Some(entry) = self.take(key) else { return Ok(Vec::new()) };
        let Kind::Array(items) = &entry.value.kind else {
            return Err(self.wrong(key, &entry.value, "an array of strings"));
        };
        items.iter().map(|item| self.as_string(key, item, false)).collect()
    }

    /// An array of strings that must be there and have at least one.
    pub fn req_strings(&mut self, key: &str) -> Result<Vec<String>, RecipeError> {
        let strings = self.strings(key)?;
        match self.table.get(key) {
            None => Err(self.missing(key)),
            Some(_) if strings.is_empty() => {
                Err(self.error(key, format!("`{key}` is empty"), "give at least one string"))
            }
            Some(_) => Ok(strings),
        }
    }

    /// One string or an array of them; empty if it is absent.
    pub fn one_or_more(&mut self, key: &str) -> Result<Vec<String>, RecipeError> {
        match self.take(key).map(|e| &e.value.kind) {
            Some(Kind::String(_)) => Ok(vec![self.string(key)?]),
            _ => self.strings(key),
        }
    }

    /// `true` or `false`.
    pub fn bool_or(&mut self, key: &str, default: bool) -> Result<bool, RecipeError> {
        match self.take(key).map(|e| &e.value) {
            None => Ok(default),
            Some(Node { kind: Kind::Boolean(truth), .. }) => Ok(*truth),
            Some(other) => Err(self.wrong(key, other, "`true` or `false`")),
        }
    }

    /// An integer within a range.
    pub fn int_or(&mut self, key: &str, default: i64, range: RangeInclusive<i64>) -> Result<i64, RecipeError> {
        match self.take(key).map(|e| &e.value) {
            None => Ok(default),
            Some(Node { kind: Kind::Integer(number), .. }) if range.contains(number) => Ok(*number),
            Some(Node { kind: Kind::Integer(number), .. }) => {
                let help = format!("expected a number from {} to {}", range.start(), range.end());
                Err(self.error(key, format!("`{key}` is out of range: {number}"), help))
            }
            Some(other) => Err(self.wrong(key, other, "an integer")),
        }
    }

    /// A table inside, to be finished by the caller.
    pub fn opt_table(&mut self, key: &str) -> Result<Option<Fields<'a>>, RecipeError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        match &entry.value.kind {
            Kind::Table(table) => Ok(Some(self.inside(key, table, entry.key))),
            _ => Err(self.wrong(key, &entry.value, "a table")),
        }
    }

    /// Tables of an array, `[[…]]` or inline, each to be finished by the caller; empty if absent.
    pub fn tables(&mut self, key: &str) -> Result<Vec<Fields<'a>>, RecipeError> {
        let Some(entry) = self.take(key) else { return Ok(Vec::new()) };
        let Kind::Array(items) = &entry.value.kind else {
            let error = self.wrong(key, &entry.value, "an array of tables");
            let one = matches!(entry.value.kind, Kind::Table(_));
            return Err(if one { error.with_help("begin each with a line in two brackets: `[[…]]`") } else { error });
        };
        let table = |item: &'a Node| match &item.kind {
            Kind::Table(table) => Ok(self.inside(key, table, item.span)),
            _ => Err(self.wrong(key, item, "a table in this array")),
        };
        items.iter().map(table).collect()
    }

    /// A table whose keys are free and whose values are strings, sorted by key; empty if absent.
    pub fn string_map(&mut self, key: &str) -> Result<BTreeMap<String, String>, RecipeError> {
        let Some(entry) = self.take(key) else { return Ok(BTreeMap::new()) };
        let Kind::Table(table) = &entry.value.kind else {
            return Err(self.wrong(key, &entry.value, "a table of strings"));
        };
        let pair = |e: &Entry| Ok((e.name.clone(), self.as_string(&e.name, &e.value, false)?));
        table.entries.iter().map(pair).collect()
    }

    /// A choice of files from the fields `include` and `exclude`; both may be absent.
    pub fn subset(&mut self) -> Result<Subset, RecipeError> {
        self.subset_or(&[])
    }

    /// Like [`Fields::subset`]; `include` is used if the recipe has no field of that name.
    pub fn subset_or(&mut self, include: &[&str]) -> Result<Subset, RecipeError> {
        let by_kind = !include.is_empty() && !self.has("include");
        Ok(Subset { include: self.globs("include", include)?, exclude: self.globs("exclude", &[])?, by_kind })
    }

    /// Glob patterns, checked; `default` if absent.
    pub fn globs(&mut self, key: &str, default: &[&str]) -> Result<Vec<String>, RecipeError> {
        if !self.has(key) {
            return Ok(default.iter().map(|d| self.scope.vars.expand(d)).collect());
        }
        let patterns = self.strings(key)?;
        let items = self.table.get(key).map(|e| &e.value.kind);
        for (index, pattern) in patterns.iter().enumerate() {
            let Err(problem) = crate::subset::check(pattern) else { continue };
            let place = match items {
                Some(Kind::Array(nodes)) => nodes.get(index).map_or(self.place, |n| n.span),
                _ => self.place,
            };
            let help = "patterns are relative to the tree: `*` stops at `/`, `**` does not, `[ab]` and `{a,b}` choose";
            return Err(self.point(place, format!("bad glob `{pattern}`")).with_label(problem).with_help(help));
        }
        Ok(patterns)
    }

    /// Fails on any field that no accessor asked for.
    pub fn finish(self) -> Result<(), RecipeError> {
        let Some(stray) = self.table.entries.iter().find(|e| !self.known.contains(&e.name)) else { return Ok(()) };
        let mut known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        known.sort_unstable();
        known.dedup();
        let valid = if known.is_empty() { "there are none".into() } else { list(known.iter().copied()) };
        let near = did_you_mean(&stray.name, known.iter().copied());
        let near = if near.is_empty() { near } else { format!("; {near}") };
        Err(self
            .point(stray.key, format!("unknown field `{}`", stray.name))
            .with_label(format!("not a field of {}", self.what))
            .with_help(format!("valid fields are {valid}{near}")))
    }

    /// A complaint of the reader's own, pointing at the field's value, or at the table if the field
    /// is absent.
    pub fn error(&self, key: &str, message: impl Into<String>, help: impl Into<String>) -> RecipeError {
        let place = self.table.get(key).map_or(self.place, |e| e.value.span);
        self.point(place, message.into()).with_help(help)
    }

    /// The error that says that a field is missing.
    pub fn missing(&self, key: &str) -> RecipeError {
        let unasked = self.table.entries.iter().map(|e| e.name.as_str()).filter(|n| !self.known.iter().any(|k| k == n));
        let help = match nearest(key, unasked) {
            Some(near) => format!("there is a field `{near}`: did you mean `{key}`?"),
            None => format!("add `{key} = …`"),
        };
        self.point(self.place, format!("{} has no `{key}`", self.what)).with_help(help)
    }

    /// Marks fields as known that somebody else reads.
    pub(crate) fn know(&mut self, keys: &[&str]) {
        self.known.extend(keys.iter().map(|k| (*k).to_owned()));
    }

    pub(crate) fn point(&self, place: Span, message: impl Into<String>) -> RecipeError {
        RecipeError::new(message).at(&self.scope.file, place)
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<&'a Entry> {
        if !self.known.iter().any(|k| k == key) {
            self.known.push(key.to_owned());
        }
        self.table.get(key)
    }

    /// Where those of these fields that are given have their values.
    pub(crate) fn value_spans(&self, keys: &[&'static str]) -> BTreeMap<&'static str, Span> {
        keys.iter().filter_map(|key| Some((*key, self.table.get(key)?.value.span))).collect()
    }

    /// Where a field's value is written; the table's name if it is absent.
    pub(crate) fn value_span(&self, key: &str) -> Span {
        self.table.get(key).map_or(self.place, |e| e.value.span)
    }

    fn inside(&self, key: &str, table: &'a Table, place: Span) -> Fields<'a> {
        let inside = Fields::new(table, place, format!("`{key}` of {}", self.what), self.scope);
        Fields { stage: self.stage.clone(), ..inside }
    }

    fn wrong(&self, key: &str, value: &Node, expected: &str) -> RecipeError {
        let found = value.kind.describe();
        self.point(value.span, format!("`{key}` has the wrong type"))
            .with_label(format!("expected {expected}, found {found}"))
    }

    fn as_string(&self, key: &str, value: &Node, literal: bool) -> Result<String, RecipeError> {
        let Kind::String(text) = &value.kind else { return Err(self.wrong(key, value, "a string")) };
        if literal {
            return match expand::commit_word(text, |name| self.scope.sources.has(name)) {
                None => Ok(self.scope.vars.expand(text)),
                Some(word) => Err(self.unknown_word(value.span, &word)),
            };
        }
        self.scope.vars.expand_strictly(text).map_err(|word| self.unknown_word(value.span, &word))
    }

    /// Where an image is pushed to. It has words of its own, which are checked and stay as they are.
    pub fn opt_push(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        let Kind::String(text) = &entry.value.kind else { return Err(self.wrong(key, &entry.value, "a string")) };
        let text = self.scope.vars.expand(text);
        let Some(word) = expand::stray_push_word(&text, |name| self.scope.sources.has(name)) else {
            return Ok(Some(text));
        };
        let error = self.point(entry.value.span, format!("unknown word `{{{word}}}` in `{key}`"));
        let names = word.strip_prefix("git:").map(|rest| rest.split_once(':').map_or(rest, |(name, _)| name));
        let near = match names {
            Some(name) => did_you_mean(name, self.scope.sources.iter()),
            None => did_you_mean(&braces(head(&word)), all_words().iter().map(String::as_str)),
        };
        let valid = "`{name}`, `{version}`, `{prefix}`, `{git}`, `{git:SOURCE}` and `{key}`";
        let length = "`:N` at the end of the last three, from 1 to 64, takes the first N characters";
        Err(error.with_help(format!("valid words are {valid}; {length}")).with_help(near))
    }

    fn unknown_word(&self, place: Span, word: &str) -> RecipeError {
        let error = self.point(place, format!("unknown variable `{}`", braces(word)));
        let valid = WORDS.map(braces);
        let error = error.with_help(format!("valid variables are {}", list(valid.iter().map(String::as_str))));
        let head = head(word);
        if WORDS.contains(&head.as_str()) {
            return error.with_help(format!("did you mean `{}`?", braces(&head)));
        }
        if PUSH_WORDS.contains(&head.as_str()) {
            return error.with_help("`{git}`, `{git:SOURCE}` and `{key}` are filled in only in the `push` of an image");
        }
        error.with_help(did_you_mean(&braces(&head), valid.iter().map(String::as_str)))
    }
}

fn braces(word: impl AsRef<str>) -> String {
    format!("{{{}}}", word.as_ref())
}

/// The word of a text in braces, without its argument.
fn head(word: &str) -> String {
    word.split(':').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn all_words() -> Vec<String> {
    WORDS.iter().chain(&PUSH_WORDS).map(braces).collect()
}
