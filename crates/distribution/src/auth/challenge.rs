//! `WWW-Authenticate`: how a registry wants to be shown who asks. Knows the header's grammar (RFC 9110, section
//! 11.6.1); not what is answered.

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

use super::scope::Scopes;

/// What a registry wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token of that server.
    Bearer {
        /// The address that gives tokens.
        realm: String,
        /// What the registry calls itself there.
        service: Option<String>,
        /// What the token must be good for.
        scopes: Scopes,
    },
    /// User and password.
    Basic,
}

impl Challenge {
    /// What a registry wants most: a token, if it takes tokens. `None`: nothing that is known here.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|v| v.to_str().ok());
        let all: Vec<(String, Vec<(String, String)>)> = lines.flat_map(parse).collect();
        let bearer =
            all.iter().find(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).and_then(|(_, parameters)| {
                let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
                let scopes = Scopes::parse(&get("scope").unwrap_or_default());
                Some(Self::Bearer { realm: get("realm")?, service: get("service"), scopes })
            });
        bearer.or_else(|| all.iter().any(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")).then_some(Self::Basic))
    }
}

/// The challenges of one header line: schemes and their parameters, names in lower case.
fn parse(line: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut all: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            // Either the end, or something that is no challenge at all.
            return all;
        }
        match after.trim_start().strip_prefix('=') {
            Some(after) => {
                let (value, after) = value(after.trim_start());
                if let Some((_, parameters)) = all.last_mut() {
                    parameters.push((word.to_lowercase(), value));
                }
                rest = after;
            }
            None => {
                all.push((word.to_owned(), Vec::new()));
                rest = after;
            }
        }
    }
}

/// A value, in quotes or not, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(lines: &[&'static str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(line));
        }
        Challenge::read(&headers)
    }

    #[test]
    fn a_token_goes_before_a_password() {
        let line = r#"Basic realm="x", bearer Realm = "https://auth.example/token?a=b,c" ,service=registry.example,scope="repository:team/app:pull,push""#;
        let Some(Challenge::Bearer { realm, service, scopes }) = read(&[line]) else { panic!() };
        assert_eq!(realm, "https://auth.example/token?a=b,c");
        assert_eq!(service.as_deref(), Some("registry.example"));
        assert_eq!(scopes.to_string(), "repository:team/app:pull,push");
        let two = read(&["Basic realm=x", r#"Bearer realm="https://auth.example/\"",error="invalid_token""#]);
        assert!(matches!(two, Some(Challenge::Bearer { realm, .. }) if realm == "https://auth.example/\""));
    }

    #[test]
    fn what_is_no_known_challenge_is_none() {
        assert_eq!(read(&[r#"Basic realm="Registry""#]), Some(Challenge::Basic));
        assert_eq!(read(&["BASIC"]), Some(Challenge::Basic));
        for line in ["", "Negotiate", "Bearer", "=", "\"", ", ,", "Bearer service=\"x"] {
            assert_eq!(read(&[line]), None, "{line}");
        }
        assert_eq!(read(&[]), None);
    }
}
