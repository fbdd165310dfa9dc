//! A TOML document that owns its text's values, each with its place, keys in the order of the file.
//! Knows TOML and its syntax errors; nothing of what the keys mean.

use toml_span::value::ValueInner;
use toml_span::{ErrorKind, Span, Value};

use crate::error::RecipeError;
use crate::file::File;

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    String(String),
    Integer(i64),
    Float,
    Boolean(bool),
    Array(Vec<Node>),
    Table(Table),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) key: Span,
    pub(crate) value: Node,
}

impl Kind {
    /// With its article, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Kind::String(_) => "a string",
            Kind::Integer(_) => "an integer",
            Kind::Float => "a float",
            Kind::Boolean(_) => "a boolean",
            Kind::Array(_) => "an array",
            Kind::Table(_) => "a table",
        }
    }
}

impl Table {
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.name == name)
    }
}

/// Parses a whole document.
pub(crate) fn parse(file: &File) -> Result<Table, RecipeError> {
    let mut value = toml_span::parse(&file.text).map_err(|e| syntax(file, &e))?;
    match convert(&mut value).kind {
        Kind::Table(table) => Ok(table),
        _ => Ok(Table::default()),
    }
}

fn convert(value: &mut Value<'_>) -> Node {
    let span = value.span;
    let kind = match value.take() {
        ValueInner::String(text) => Kind::String(text.into_owned()),
        ValueInner::Integer(number) => Kind::Integer(number),
        ValueInner::Float(_) => Kind::Float,
        ValueInner::Boolean(truth) => Kind::Boolean(truth),
        ValueInner::Array(values) => Kind::Array(values.into_iter().map(|mut v| convert(&mut v)).collect()),
        ValueInner::Table(table) => {
            let entry = |(key, mut value): (toml_span::value::Key<'_>, Value<'_>)| Entry {
                name: key.name.into_owned(),
                key: key.span,
                value: convert(&mut value),
            };
            let mut entries: Vec<Entry> = table.into_iter().map(entry).collect();
            entries.sort_by_key(|e| e.key.start);
            Kind::Table(Table { entries })
        }
    };
    Node { kind, span }
}

fn syntax(file: &File, error: &toml_span::Error) -> RecipeError {
    let first = |span: Span| format!("first given in line {}", file.line(span.start));
    let (message, label) = match &error.kind {
        ErrorKind::DuplicateTable { name, first: at } => (format!("`{name}` is defined twice"), first(*at)),
        ErrorKind::DuplicateKey { key, first: at } => (format!("`{key}` is given twice"), first(*at)),
        ErrorKind::DottedKeyInvalidType { first: at } => ("a dotted key runs through a plain value".into(), first(*at)),
        ErrorKind::UnterminatedString => ("a string has no end".into(), "opened here".into()),
        ErrorKind::UnexpectedEof => ("the file ends too early".into(), String::new()),
        ErrorKind::UnquotedString => ("a string without quotes".into(), "put it in double quotes".into()),
        ErrorKind::ExceededDepthLimit => ("nested too deeply".into(), String::new()),
        ErrorKind::InvalidCharInString('\n') => ("a string has no end".into(), "the line ends inside it".into()),
        _ => ("not valid TOML".into(), error.to_string()),
    };
    RecipeError::new(message).at(file, error.span).with_label(label)
}
