//! References in the text of one schema file. Reads events of the parser, not a document: an alias is never expanded, so
//! that a small file cannot become a large one.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};
use serde_json::Value;

/// A reference as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) text: String,
    /// Whether it must lead to a file. A value of a discriminator's mapping can also be the name of a schema.
    pub(super) is_certain: bool,
}

/// All references, in the order in which they are written; up to the first mistake of a text that is neither YAML nor JSON.
pub(super) fn references(text: &str) -> Vec<Reference> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut scan = Scan::default();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => scan.json(&value),
        Err(_) => scan.yaml(text),
    }
    scan.found
}

#[derive(Default)]
struct Scan {
    found: Vec<Reference>,
    /// The open collections, with the key that is waiting for its value; `None` in lists.
    open: Vec<Collection>,
    anchors: HashMap<usize, String>,
}

#[derive(Default)]
struct Collection {
    is_mapping: bool,
    key: Option<String>,
}

impl Scan {
    fn json(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                self.open(true);
                for (key, value) in fields {
                    self.scalar(key);
                    self.json(value);
                }
                self.close();
            }
            Value::Array(items) => {
                self.open(false);
                items.iter().for_each(|item| self.json(item));
                self.close();
            }
            Value::String(text) => self.scalar(text),
            _ => self.scalar(""),
        }
    }

    fn yaml(&mut self, text: &str) {
        for event in Parser::new_from_str(text) {
            let Ok((event, _)) = event else { return };
            match event {
                Event::MappingStart(..) => self.open(true),
                Event::SequenceStart(..) => self.open(false),
                Event::MappingEnd | Event::SequenceEnd => self.close(),
                Event::Scalar(text, _, anchor, _) => {
                    if anchor > 0 {
                        self.anchors.insert(anchor, text.to_string());
                    }
                    self.scalar(&text);
                }
                Event::Alias(anchor) => {
                    let text = self.anchors.get(&anchor).cloned().unwrap_or_default();
                    self.scalar(&text);
                }
                _ => {}
            }
        }
    }

    fn open(&mut self, is_mapping: bool) {
        self.open.push(Collection { is_mapping, key: None });
    }

    /// The end of a collection; it was the key or the value of the one around it.
    fn close(&mut self) {
        self.open.pop();
        if let Some(around) = self.open.last_mut().filter(|around| around.is_mapping) {
            around.key = if around.key.is_some() { None } else { Some(String::new()) };
        }
    }

    fn scalar(&mut self, text: &str) {
        let is_mapping = self.is_in_discriminator();
        let Some(inner) = self.open.last_mut().filter(|inner| inner.is_mapping) else { return };
        match inner.key.take() {
            None => inner.key = Some(text.to_owned()),
            Some(key) if key == "$ref" => self.found.push(Reference { text: text.to_owned(), is_certain: true }),
            Some(_) if is_mapping => self.found.push(Reference { text: text.to_owned(), is_certain: false }),
            Some(_) => {}
        }
    }

    /// Whether the innermost collection is the `mapping` of a `discriminator`.
    fn is_in_discriminator(&self) -> bool {
        let key = |at: usize| self.open.len().checked_sub(at).and_then(|at| self.open[at].key.as_deref());
        key(2) == Some("mapping") && key(3) == Some("discriminator")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let line = |r: &Reference| format!("{}{}", r.text, if r.is_certain { "" } else { " (mapping)" });
        references(text).iter().map(line).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn references_in_all_spellings_of_yaml() {
        let text = "\u{feff}paths:\n  /a: { $ref: ./a.yml }\n  /b:\n    \"$ref\": 'b c.yml#/x'\n  /c:\n    $ref: >-\n      c.yml\n\
            where: &d d.yml\nlist:\n  - $ref: *d\n  - [{ $ref: \"e.yml\" }]\n? [key]\n: $ref: f.yml\ntext: |\n  $ref: no.yml\n# $ref: no.yml\n\
            properties: { $ref: { type: string } }\n";
        assert_eq!(shown(text), "./a.yml, b c.yml#/x, c.yml, d.yml, e.yml, f.yml");
    }

    #[test]
    fn references_in_json() {
        assert_eq!(
            shown("{\"a\": [{\t\"$ref\": \"x.json#/a~1b\"}, {\"$ref\": 5}], \"$ref\": \"y.json\"}"),
            "x.json#/a~1b, , y.json"
        );
    }

    #[test]
    fn a_mapping_of_a_discriminator_may_have_references() {
        let text = "discriminator:\n  propertyName: kind\n  mapping:\n    cat: ./cat.yml\n    dog: Dog\nmapping:\n  a: b.yml\n";
        assert_eq!(shown(text), "./cat.yml (mapping), Dog (mapping)");
    }

    #[test]
    fn what_is_neither_yaml_nor_json_refers_to_what_comes_before_the_mistake() {
        assert_eq!(shown("$ref: a.yml\nb: [\n"), "a.yml");
        assert_eq!(shown(""), "");
        assert_eq!(shown("a: &x [*x, *x]\n"), "");
    }
}
