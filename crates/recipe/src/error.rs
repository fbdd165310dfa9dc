//! What is wrong with a recipe, lock or overlay, and where. Knows how a complaint is put together;
//! how it looks is `render`'s business.

use toml_span::Span;

use crate::file::{File, Spot};

/// One complaint: a headline, the place it is about, and what to do.
///
/// The headline starts in lower case, ends without a full stop and has names in backticks; the help
/// says what to type. Displayed as a block of several lines, without a newline at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeError(pub(crate) Box<Report>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Report {
    pub(crate) message: String,
    pub(crate) file: Option<String>,
    pub(crate) spot: Option<Spot>,
    pub(crate) label: String,
    pub(crate) notes: Vec<String>,
    pub(crate) help: Vec<String>,
}

impl RecipeError {
    /// A complaint that is not about a place in a file.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Report { message: message.into(), ..Report::default() }))
    }

    pub(crate) fn at(mut self, file: &File, span: Span) -> Self {
        self.0.file = Some(file.name.clone());
        self.0.spot = Some(file.spot(span));
        self
    }

    /// The words beside the underline.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.0.label = label.into();
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    /// Adds what to do; an empty text adds nothing.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        let help = help.into();
        if !help.is_empty() {
            self.0.help.push(help);
        }
        self
    }

    /// The headline.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file's name, if it is about one.
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// Line and column, both from 1, the column in characters.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.0.spot.as_ref().map(|s| (s.line, s.column))
    }

    /// The words beside the underline; may be empty.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// Further facts.
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// What to do.
    pub fn help(&self) -> &[String] {
        &self.0.help
    }
}

impl std::error::Error for RecipeError {}

/// All that was found wrong in one pass, at least one. Displayed with an empty line in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeErrors(pub Vec<RecipeError>);

impl RecipeErrors {
    /// The complaints.
    pub fn iter(&self) -> std::slice::Iter<'_, RecipeError> {
        self.0.iter()
    }
}

impl From<RecipeError> for RecipeErrors {
    fn from(error: RecipeError) -> Self {
        Self(vec![error])
    }
}

impl std::error::Error for RecipeErrors {}

/// Where errors gather, so that a pass reports all of them.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<RecipeError>);

impl Errors {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, error: RecipeError) {
        self.0.push(error);
    }

    pub(crate) fn extend(&mut self, errors: RecipeErrors) {
        self.0.extend(errors.0);
    }

    /// The value, or nothing and the error is kept.
    pub(crate) fn keep<T>(&mut self, result: Result<T, RecipeError>) -> Option<T> {
        result.map_err(|e| self.push(e)).ok()
    }

    /// `Ok(value)` if nothing was found wrong, else everything, in the order of the files.
    pub(crate) fn end<T>(mut self, value: Option<T>) -> Result<T, RecipeErrors> {
        self.0.sort_by(|a, b| {
            (a.file().is_none(), a.file(), a.position()).cmp(&(b.file().is_none(), b.file(), b.position()))
        });
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(RecipeErrors(self.0)),
        }
    }
}
