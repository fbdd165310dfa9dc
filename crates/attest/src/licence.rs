//! A licence, as somebody wrote it down. Knows whether SPDX has it; not whose licence it is.

mod words;

use crate::spdx;

/// A name that is longer is cut: it is a text, not a name.
const LONGEST: usize = 200;

/// A licence: an SPDX identifier, an SPDX expression, or a name that SPDX does not know. Which of them is found out
/// when it is made, so none of the first two is ever unknown to SPDX.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Licence(Form);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Form {
    Id(&'static str),
    Expression(String),
    Name(String),
}

impl Licence {
    /// What somebody wrote: as SPDX has it if that is clear, else a name. White space and control characters become single
    /// spaces; what is longer than 200 bytes is cut. `None` if nothing is left.
    pub fn written(text: &str) -> Option<Self> {
        let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let text = words.collect::<Vec<_>>().join(" ");
        Self::clear(&text).or_else(|| Self::name(text))
    }

    /// An identifier or expression of SPDX, also where it is written in words (`Apache License, Version 2.0`).
    pub(crate) fn clear(text: &str) -> Option<Self> {
        Self::spdx(text).or_else(|| words::id(text).map(|id| Self(Form::Id(id))))
    }

    /// An identifier or expression of SPDX (annex B of SPDX 3.0.1; case of identifiers does not matter); `None` if it is
    /// neither.
    pub fn spdx(text: &str) -> Option<Self> {
        if let Some(id) = spdx::id(text.trim()) {
            return Some(Self(Form::Id(id)));
        }
        spdx::expression(text).map(|expression| Self(Form::Expression(expression)))
    }

    fn name(mut text: String) -> Option<Self> {
        if text.len() > LONGEST {
            text.truncate(text.floor_char_boundary(LONGEST - 3));
            text.push_str("...");
        }
        (!text.is_empty()).then_some(Self(Form::Name(text)))
    }

    /// The text: identifier, expression or name.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Form::Id(id) => id,
            Form::Expression(text) | Form::Name(text) => text,
        }
    }

    /// Whether it is an identifier or an expression of SPDX.
    pub fn is_spdx(&self) -> bool {
        !matches!(self.0, Form::Name(_))
    }

    pub(crate) fn form(&self) -> &Form {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spdx_does_not_know_is_a_name() {
        let read = |text| Licence::written(text).map(|l| (l.as_str().to_owned(), l.is_spdx()));
        assert_eq!(read(" mit "), Some(("MIT".to_owned(), true)));
        assert_eq!(read("MIT License"), Some(("MIT".to_owned(), true)));
        assert_eq!(read("\u{a0}MIT\u{a0}OR\nISC\0"), Some(("MIT OR ISC".to_owned(), true)));
        assert_eq!(
            read("SEE LICENSE\tIN\n\x1b[31m LICENSE.md"),
            Some(("SEE LICENSE IN [31m LICENSE.md".to_owned(), false))
        );
        assert_eq!(read(" \n\0 "), None);
    }

    #[test]
    fn a_text_is_cut_between_letters() {
        let name = Licence::written(&"ä".repeat(1000)).unwrap();
        assert_eq!(name.as_str().len(), 199);
        assert!(name.as_str().ends_with("ä..."));
    }
}
