//! The words of an answer that is a page or a document in XML: a proxy's HTML, or an object store's error. Knows
//! markup; not what was asked.

use html5gum::{Token, Tokenizer};

use crate::said::Said;

/// Elements with words worth showing, the most telling first. Object stores write `<Code>` and `<Message>`.
const ELEMENTS: [&str; 4] = ["message", "title", "h1", "code"];

/// The words of a page; `None` if it has none of the elements that hold some.
pub(crate) fn page_words(page: &str) -> Option<Said> {
    let mut texts: [String; ELEMENTS.len()] = Default::default();
    let mut inside = None;
    for token in Tokenizer::new(page) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => inside = position(&tag.name).filter(|at| texts[*at].trim().is_empty()).or(inside),
            Token::EndTag(tag) if position(&tag.name).is_some() => inside = None,
            Token::String(text) => {
                if let Some(at) = inside {
                    texts[at].push_str(&String::from_utf8_lossy(text.as_slice()));
                }
            }
            _ => {}
        }
    }
    let [message, title, heading, code] = texts.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let message = [message, title, heading].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let said = Said { code, message, detail: String::new() };
    Some(said).filter(|said| !said.message.is_empty() || !said.code.is_empty())
}

fn position(name: &[u8]) -> Option<usize> {
    ELEMENTS.iter().position(|element| element.as_bytes().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(page: &str) -> String {
        page_words(page).map_or_else(String::new, |said| said.to_string())
    }

    #[test]
    fn pages_and_documents_have_words() {
        let nginx = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body><center><h1>413 Request \
            Entity Too Large</h1></center><hr>nginx</body></html>";
        assert_eq!(words(nginx), "413 Request Entity Too Large");
        assert_eq!(words("<h1>Access <b>denied</b></h1>"), "Access denied");
        let store =
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        assert_eq!(words(store), "AccessDenied: Request has expired");
        assert_eq!(words("<title>Caf\u{e9} &amp; more</title>"), "Caf\u{e9} & more");
        assert_eq!(words("<html><body>Bad Gateway</body></html>"), "");
        assert_eq!(words("<title>unclosed"), "unclosed");
    }
}
