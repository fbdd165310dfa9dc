//! `netrc` files: users and passwords by host. Knows the file's syntax, as curl reads it; not who asks.

use std::fmt;
use std::path::PathBuf;

use akbuild_registry::{ConfigurationError, Machine, read_optional};

/// Users and passwords by host. `Debug` shows the hosts only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Netrc {
    machines: Vec<Entry>,
}

#[derive(Clone, Default, PartialEq, Eq)]
struct Entry {
    /// `None` for `default`.
    host: Option<String>,
    login: String,
    password: String,
}

impl fmt::Debug for Netrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.machines.iter().map(|m| m.host.as_deref().unwrap_or("default"))).finish()
    }
}

impl Netrc {
    /// The machine's file: `$NETRC`, else `~/.netrc`. `None` if there is none.
    pub fn read(machine: &Machine) -> Result<Option<Self>, ConfigurationError> {
        let named = machine.env.get("NETRC").filter(|v| !v.is_empty()).map(PathBuf::from);
        let Some(path) = named.or_else(|| machine.home.as_ref().map(|h| h.join(".netrc"))) else {
            return Ok(None);
        };
        match read_optional(&path)? {
            Some(text) => Self::parse(&text, &path.display().to_string()).map(Some),
            None => Ok(None),
        }
    }

    /// Parses the text of a file; `file` is for messages. Macros (`macdef`) are passed over.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigurationError> {
        let mut machines: Vec<Entry> = Vec::new();
        let mut in_macro = false;
        for (number, line) in text.lines().enumerate() {
            if in_macro {
                in_macro = !line.trim().is_empty();
                continue;
            }
            let wrong = |expected: &str| ConfigurationError::Syntax {
                file: file.to_owned(),
                line: number + 1,
                expected: expected.to_owned(),
            };
            let mut words = tokens(line).into_iter();
            while let Some(word) = words.next() {
                let mut value = |what: &str| words.next().ok_or_else(|| wrong(&format!("{what} after `{word}`")));
                match word.as_str() {
                    "machine" => machines.push(Entry { host: Some(value("a host")?), ..Entry::default() }),
                    "default" => machines.push(Entry::default()),
                    "macdef" => {
                        in_macro = true;
                        break;
                    }
                    "login" | "password" | "account" => {
                        let text = value("a value")?;
                        let entry = machines.last_mut().ok_or_else(|| wrong("`machine` or `default` first"))?;
                        match word.as_str() {
                            "login" => entry.login = text,
                            "password" => entry.password = text,
                            _ => {}
                        }
                    }
                    _ => return Err(wrong("machine, default, login, password, account or macdef")),
                }
            }
        }
        Ok(Self { machines })
    }

    /// User and password for a host; an entry of that name goes before `default`.
    pub fn find(&self, host: &str) -> Option<(&str, &str)> {
        let named = self.machines.iter().find(|m| m.host.as_deref().is_some_and(|h| h.eq_ignore_ascii_case(host)));
        let entry = named.or_else(|| self.machines.iter().find(|m| m.host.is_none()))?;
        Some((&entry.login, &entry.password))
    }
}

/// Words of a line, up to a comment; a word in double quotes may hold blanks and `\"`.
fn tokens(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some('#') => return words,
            Some('"') => {
                chars.next();
                let mut word = String::new();
                while let Some(c) = chars.next_if(|c| *c != '"') {
                    word.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
                }
                chars.next();
                words.push(word);
            }
            Some(_) => {
                let mut word = String::new();
                while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                    word.push(c);
                }
                words.push(word);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_curl_reads() {
        let text = "# comment\nmachine a.example\n  login me\n  password \"two words\"\n\
                    macdef init\ncd /tmp\nmachine nonsense\n\ndefault login any password x\n";
        let netrc = Netrc::parse(text, "netrc").unwrap();
        assert_eq!(netrc.find("A.example"), Some(("me", "two words")));
        assert_eq!(netrc.find("nonsense"), Some(("any", "x")));
        assert_eq!(format!("{netrc:?}"), r#"["a.example", "default"]"#);
    }

    #[test]
    fn an_error_names_file_and_line_and_no_secret() {
        let error = Netrc::parse("machine a.example\nlogin me passwrd hunter2", "~/.netrc").unwrap_err();
        insta::assert_snapshot!(error, @"~/.netrc:2: expected machine, default, login, password, account or macdef");
        let error = Netrc::parse("machine a.example login", "~/.netrc").unwrap_err();
        insta::assert_snapshot!(error, @"~/.netrc:1: expected a value after `login`");
    }
}
