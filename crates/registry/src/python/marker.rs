//! Environment markers (PEP 508): `sys_platform == 'win32' and extra == 'x'`. Knows the grammar and
//! one environment at a time; knows no package.

use std::collections::{BTreeMap, BTreeSet};

use akbuild_names::Version;

/// What markers are evaluated against: CPython on Linux.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    variables: BTreeMap<&'static str, String>,
    /// What `extra == '...'` finds: extras, and the names that uv makes of conflicting ones.
    pub(crate) extras: BTreeSet<String>,
}

impl Environment {
    /// CPython of this full version (`3.14.2`) on this machine (`x86_64`).
    pub(crate) fn new(full_version: &str, machine: &str) -> Self {
        let short: Vec<&str> = full_version.splitn(3, '.').take(2).collect();
        let variables = [
            ("os_name", "posix"),
            ("sys_platform", "linux"),
            ("platform_machine", machine),
            ("platform_system", "Linux"),
            ("platform_python_implementation", "CPython"),
            ("python_implementation", "CPython"),
            ("implementation_name", "cpython"),
            ("implementation_version", full_version),
            ("python_full_version", full_version),
            ("python_version", &short.join(".")),
            ("platform_release", ""),
            ("platform_version", ""),
        ];
        let variables = variables.map(|(name, value)| (name, value.to_owned())).into();
        Self { variables, extras: BTreeSet::new() }
    }

    /// Whether a marker holds.
    ///
    /// # Errors
    /// What is wrong with the marker, where it is not one.
    pub(crate) fn holds(&self, marker: &str) -> Result<bool, String> {
        let mut parser = Parser { environment: self, tokens: tokens(marker)?, at: 0, depth: 0 };
        let holds = parser.any();
        match holds {
            Ok(holds) if parser.at == parser.tokens.len() => Ok(holds),
            Ok(_) => Err(format!("`{marker}` is not a marker: nothing may follow a whole condition")),
            Err(why) => Err(format!("`{marker}` is not a marker: {why}")),
        }
    }

    fn compare(&self, left: &Operand, operator: &str, right: &Operand) -> Result<bool, String> {
        let value = |operand: &Operand| match operand {
            Operand::Text(text) => Ok(text.clone()),
            Operand::Variable(name) => {
                self.variables.get(name.as_str()).cloned().ok_or_else(|| format!("unknown variable `{name}`"))
            }
        };
        let is = |operand: &Operand, wanted: &str| matches!(operand, Operand::Variable(name) if name == wanted);
        if is(left, "extra") || is(right, "extra") {
            let name = if is(left, "extra") { value(right)? } else { value(left)? };
            let name = akbuild_names::normalise(&name);
            return match operator {
                "==" => Ok(self.extras.contains(&name)),
                "!=" => Ok(!self.extras.contains(&name)),
                _ => Err(format!("`extra {operator}` means nothing")),
            };
        }
        let versions =
            |o: &Operand| matches!(o, Operand::Variable(n) if n.ends_with("_version") && n != "platform_version");
        let (a, b) = (value(left)?, value(right)?);
        match operator {
            "in" | "not in" if versions(left) => Ok(b.split([' ', ',', '|']).any(|v| v == a) == (operator == "in")),
            "in" => Ok(b.contains(&a)),
            "not in" => Ok(!b.contains(&a)),
            _ if versions(left) => compare_versions(&a, operator, &b),
            _ if versions(right) => compare_versions(&b, mirrored(operator), &a),
            _ => compare_texts(&a, operator, &b),
        }
    }
}

fn compare_versions(a: &str, operator: &str, b: &str) -> Result<bool, String> {
    let version: Version = a.parse()?;
    version.satisfies(operator, b).ok_or_else(|| format!("`{operator} {b}` is not a version specifier"))
}

fn compare_texts(a: &str, operator: &str, b: &str) -> Result<bool, String> {
    Ok(match operator {
        "==" | "===" => a == b,
        "!=" => a != b,
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        ">=" => a >= b,
        _ => return Err(format!("`{operator}` does not compare texts")),
    })
}

fn mirrored(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        same => same,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Sign(String),
}

enum Operand {
    Text(String),
    Variable(String),
}

struct Parser<'a> {
    environment: &'a Environment,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<bool, String> {
        let mut holds = self.all()?;
        while self.word("or") {
            holds |= self.all()?;
        }
        Ok(holds)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut holds = self.one()?;
        while self.word("and") {
            holds &= self.one()?;
        }
        Ok(holds)
    }

    fn one(&mut self) -> Result<bool, String> {
        if !self.take(&Token::Sign("(".to_owned())) {
            return self.comparison();
        }
        self.depth += 1;
        if self.depth > 64 {
            return Err("its parentheses are nested too deeply".to_owned());
        }
        let holds = self.any()?;
        self.depth -= 1;
        if self.take(&Token::Sign(")".to_owned())) { Ok(holds) } else { Err("a parenthesis is not closed".to_owned()) }
    }

    fn comparison(&mut self) -> Result<bool, String> {
        let left = self.operand()?;
        let operator = match self.next() {
            Some(Token::Word(word)) if word == "in" => "in".to_owned(),
            Some(Token::Word(word)) if word == "not" && self.word("in") => "not in".to_owned(),
            Some(Token::Sign(sign)) if sign != "(" && sign != ")" => sign,
            _ => return Err("expected a comparison".to_owned()),
        };
        let right = self.operand()?;
        self.environment.compare(&left, &operator, &right)
    }

    fn operand(&mut self) -> Result<Operand, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Operand::Text(text)),
            Some(Token::Word(word)) => Ok(Operand::Variable(word)),
            _ => Err("expected a variable or a quoted text".to_owned()),
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, word: &str) -> bool {
        self.take(&Token::Word(word.to_owned()))
    }

    fn take(&mut self, token: &Token) -> bool {
        let here = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(here);
        here
    }
}

fn tokens(marker: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => {
                let end = rest[1..]
                    .find(first)
                    .ok_or_else(|| format!("`{marker}` is not a marker: a {first} is not closed"))?;
                tokens.push(Token::Text(rest[1..=end].to_owned()));
                end + 2
            }
            '(' | ')' => {
                tokens.push(Token::Sign(first.to_string()));
                1
            }
            c if "<>=!~".contains(c) => {
                let end = rest.find(|c| !"<>=!~".contains(c)).unwrap_or(rest.len());
                tokens.push(Token::Sign(rest[..end].to_owned()));
                end
            }
            c if c.is_ascii_alphabetic() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
            other => return Err(format!("`{marker}` is not a marker: `{other}` has no place in it")),
        };
        rest = rest[taken..].trim_start();
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        let mut environment = Environment::new("3.14.2", "x86_64");
        environment.extras.insert("c".to_owned());
        environment
    }

    #[test]
    fn holds_as_pep_508_says() {
        for marker in [
            "python_full_version < '3.15'",
            "python_version == '3.14'",
            "python_version >= '3.9' and python_version < '4'",
            "python_full_version == '3.14.*'",
            "'3.10' <= python_version",
            "python_version ~= '3.9'",
            "sys_platform != 'win32' and (platform_machine == 'x86_64' or os_name == 'nt')",
            "platform_python_implementation == 'CPython' and implementation_name != 'pypy'",
            "sys_platform in 'linux darwin'",
            "'nux' in sys_platform",
            "python_version not in '3.9 3.10'",
            "platform_system == \"Linux\"",
            "extra == 'c'",
            "extra != 'd'",
            "os_name == 'nt' and os_name == 'posix' or os_name == 'posix'",
        ] {
            assert_eq!(environment().holds(marker), Ok(true), "{marker}");
        }
        for marker in ["sys_platform == 'win32'", "python_version < '3.9'", "extra == 'd'", "'3.15' <= python_version"]
        {
            assert_eq!(environment().holds(marker), Ok(false), "{marker}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let wrong = |marker: &str| environment().holds(marker).unwrap_err();
        insta::assert_snapshot!(wrong("os_name == 'a"), @"`os_name == 'a` is not a marker: a ' is not closed");
        insta::assert_snapshot!(wrong("colour == 'a'"), @"`colour == 'a'` is not a marker: unknown variable `colour`");
        insta::assert_snapshot!(wrong("os_name"), @"`os_name` is not a marker: expected a comparison");
        insta::assert_snapshot!(wrong("(os_name == 'a'"), @"`(os_name == 'a'` is not a marker: a parenthesis is not closed");
        insta::assert_snapshot!(wrong("os_name == 'a' 'b'"), @"`os_name == 'a' 'b'` is not a marker: nothing may follow a whole condition");
        insta::assert_snapshot!(wrong("python_version < 'x'"), @"`python_version < 'x'` is not a marker: `< x` is not a version specifier");
        insta::assert_snapshot!(wrong(&"(".repeat(100)).replace('(', ""), @"`` is not a marker: its parentheses are nested too deeply");
        insta::assert_snapshot!(wrong("é"), @"`é` is not a marker: `é` has no place in it");
    }
}
