//! Reading TOML values with errors that say where. Knows no format.

use toml_span::Value;
use toml_span::value::Table;

use crate::LockError;
use crate::error::position;

/// A TOML text, its name, and what to do if it is wrong.
pub(crate) struct Document<'a> {
    pub(crate) text: &'a str,
    pub(crate) file: &'a str,
    pub(crate) advice: &'static str,
}

impl<'a> Document<'a> {
    pub(crate) fn parse(&self) -> Result<Value<'a>, LockError> {
        toml_span::parse(self.text).map_err(|e| self.wrong(e.span.start, &e.to_string()))
    }

    /// An error at a byte of the text.
    pub(crate) fn wrong(&self, byte: usize, problem: &str) -> LockError {
        let (line, column) = position(self.text, byte);
        LockError::Syntax { file: self.file.to_owned(), line, column, problem: problem.to_owned(), advice: self.advice }
    }

    fn mistyped(&self, value: &Value<'_>, key: &str, expected: &str) -> LockError {
        let found = value.as_ref().type_str();
        self.wrong(value.span.start, &format!("`{key}`: expected {expected}, found {found}"))
    }

    pub(crate) fn table<'v>(&self, value: &'v Value<'a>, what: &str) -> Result<&'v Table<'a>, LockError> {
        value.as_table().ok_or_else(|| self.mistyped(value, what, "a table"))
    }

    /// The table under a key, if there is one.
    pub(crate) fn sub<'v>(&self, table: &'v Table<'a>, key: &str) -> Result<Option<&'v Table<'a>>, LockError> {
        table.get(key).map(|value| self.table(value, key)).transpose()
    }

    /// The text under a key, if there is one.
    pub(crate) fn text(&self, table: &Table<'a>, key: &str) -> Result<Option<String>, LockError> {
        let text =
            |value: &Value<'a>| value.as_str().map(str::to_owned).ok_or_else(|| self.mistyped(value, key, "a string"));
        table.get(key).map(text).transpose()
    }

    /// The truth value under a key; `false` if there is none.
    pub(crate) fn flag(&self, table: &Table<'a>, key: &str) -> Result<bool, LockError> {
        let flag = |value: &Value<'a>| value.as_bool().ok_or_else(|| self.mistyped(value, key, "true or false"));
        table.get(key).map_or(Ok(false), flag)
    }

    /// The array under a key; empty if there is none.
    pub(crate) fn array<'v>(&self, table: &'v Table<'a>, key: &str) -> Result<&'v [Value<'a>], LockError> {
        let array = |value: &'v Value<'a>| {
            value.as_array().map(Vec::as_slice).ok_or_else(|| self.mistyped(value, key, "an array"))
        };
        table.get(key).map_or(Ok(&[]), array)
    }

    /// The array of texts under a key; empty if there is none.
    pub(crate) fn texts(&self, table: &Table<'a>, key: &str) -> Result<Vec<String>, LockError> {
        let text = |value: &Value<'a>| {
            value.as_str().map(str::to_owned).ok_or_else(|| self.mistyped(value, key, "an array of strings"))
        };
        self.array(table, key)?.iter().map(text).collect()
    }
}
