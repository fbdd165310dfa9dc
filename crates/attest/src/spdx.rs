//! SPDX licence identifiers and expressions (SPDX 3.0.1, annex B). Knows which identifiers there are, one a line in
//! `spdx/licences.txt` and `spdx/exceptions.txt`: those of the SPDX list 3.28 that CycloneDX's schema has. An identifier
//! that is younger is not known, so that every validator takes what is written.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Lower case to the spelling of the list.
type Table = HashMap<String, &'static str>;

static LICENCES: LazyLock<Table> = LazyLock::new(|| table(include_str!("spdx/licences.txt")));
static EXCEPTIONS: LazyLock<Table> = LazyLock::new(|| table(include_str!("spdx/exceptions.txt")));

/// A longer expression is none: nobody writes it by hand.
const LONGEST: usize = 4096;

fn table(text: &'static str) -> Table {
    text.lines().map(|id| (id.to_ascii_lowercase(), id)).collect()
}

/// The identifier as the list spells it; case does not matter.
pub(crate) fn id(text: &str) -> Option<&'static str> {
    LICENCES.get(&text.to_ascii_lowercase()).copied()
}

/// The exception as the list spells it.
pub(crate) fn exception(text: &str) -> Option<&'static str> {
    EXCEPTIONS.get(&text.to_ascii_lowercase()).copied()
}

/// An expression with identifiers as the list spells them, operators in upper case and single spaces; `None` if it is
/// none, or names what is not known.
pub(crate) fn expression(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let mut reader = Reader { out: String::new(), depth: 0, wants: Wants::Licence };
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    for word in spaced.split_ascii_whitespace() {
        reader.word(word)?;
    }
    (reader.depth == 0 && reader.wants.may_end()).then_some(reader.out)
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Wants {
    /// A licence or `(`.
    Licence,
    /// `AND`, `OR`, `)`; or `WITH`.
    AfterLicence,
    /// An exception.
    Exception,
    /// `AND`, `OR`, `)`.
    Operator,
}

impl Wants {
    fn may_end(self) -> bool {
        matches!(self, Wants::AfterLicence | Wants::Operator)
    }
}

struct Reader {
    out: String,
    depth: usize,
    wants: Wants,
}

impl Reader {
    fn word(&mut self, word: &str) -> Option<()> {
        let upper = word.to_ascii_uppercase();
        let operator = [word.to_ascii_lowercase().as_str(), upper.as_str()].contains(&word).then_some(upper.as_str());
        match (self.wants, operator) {
            (Wants::Licence, Some("(")) => {
                self.depth += 1;
                self.push("(");
            }
            (Wants::AfterLicence | Wants::Operator, Some(")")) => {
                self.depth = self.depth.checked_sub(1)?;
                self.wants = Wants::Operator;
                self.out.push(')');
            }
            (Wants::AfterLicence | Wants::Operator, Some("AND" | "OR")) => {
                self.wants = Wants::Licence;
                self.push(&upper);
            }
            (Wants::AfterLicence, Some("WITH")) => {
                self.wants = Wants::Exception;
                self.push("WITH");
            }
            (Wants::Exception, _) => {
                self.wants = Wants::Operator;
                self.push(exception(word)?);
            }
            (Wants::Licence, _) => {
                self.wants = Wants::AfterLicence;
                self.push(&licence(word)?);
            }
            _ => return None,
        }
        Some(())
    }

    fn push(&mut self, word: &str) {
        if !self.out.is_empty() && !self.out.ends_with('(') {
            self.out.push(' ');
        }
        self.out.push_str(word);
    }
}

/// An identifier, one with `+` (this version or a later one), or a reference to a text of one's own.
fn licence(word: &str) -> Option<String> {
    if let Some(id) = id(word) {
        return Some(id.to_owned());
    }
    if let Some(id) = word.strip_suffix('+').and_then(id) {
        return Some(format!("{id}+"));
    }
    let own = match word.strip_prefix("DocumentRef-") {
        Some(rest) => {
            let (document, own) = rest.split_once(':')?;
            idstring(document)?;
            own
        }
        None => word,
    };
    own.strip_prefix("LicenseRef-").and_then(idstring).map(|_| word.to_owned())
}

fn idstring(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_licences_are_no_exceptions() {
        for list in [include_str!("spdx/licences.txt"), include_str!("spdx/exceptions.txt")] {
            let ids: Vec<String> = list.lines().map(str::to_ascii_lowercase).collect();
            assert!(ids.is_sorted_by(|a, b| a < b));
            assert!(ids.iter().all(|id| !id.contains(char::is_whitespace) && !id.is_empty()));
        }
        assert!(LICENCES.keys().all(|id| !EXCEPTIONS.contains_key(id)));
    }

    #[test]
    fn expressions_are_written_as_the_list_spells_them() {
        let read = |text| expression(text).unwrap_or_else(|| "-".to_owned());
        assert_eq!(read("mit"), "MIT");
        assert_eq!(read("(MIT or apache-2.0)"), "(MIT OR Apache-2.0)");
        assert_eq!(read("((MIT)AND(ISC OR  0BSD))"), "((MIT) AND (ISC OR 0BSD))");
        assert_eq!(
            read("GPL-2.0-or-later WITH classpath-exception-2.0 AND MIT"),
            "GPL-2.0-or-later WITH Classpath-exception-2.0 AND MIT"
        );
        assert_eq!(read("GPL-2.0+"), "GPL-2.0+");
        assert_eq!(read("Apache-1.0+ OR LicenseRef-own.1"), "Apache-1.0+ OR LicenseRef-own.1");
        assert_eq!(read("DocumentRef-a:LicenseRef-b"), "DocumentRef-a:LicenseRef-b");
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let deep = "(".repeat(3000);
        for text in [
            "",
            "MIT OR",
            "OR MIT",
            "MIT MIT",
            "(MIT",
            "MIT)",
            "()",
            "MIT And ISC",
            "Apache 2.0",
            "Some-1.0",
            "MIT/ISC",
            "MIT WITH MIT",
            "MIT WITH GCC-exception-3.1 WITH GCC-exception-3.1",
            "GCC-exception-3.1",
            "(MIT) WITH GCC-exception-3.1",
            "LicenseRef-",
            "LicenseRef-a_b",
            "DocumentRef-a",
            "DocumentRef-:LicenseRef-b",
            "MIT++",
            "+",
            &deep,
        ] {
            assert_eq!(expression(text), None, "{text}");
        }
        let long = vec!["MIT"; 2000].join(" OR ");
        assert_eq!(expression(&long), None);
    }
}
