//! Environment markers (PEP 508): `sys_platform == 'win32' and extra == 'x'`. Knows the grammar; the values of variables
//! are in `environment`, and what remains of a marker in one environment is a `Condition`. Knows no package.

use super::condition::{Condition, ConditionTable};
use super::environment::{MarkerEnvironment, MarkerOperand};

/// The condition under which a marker holds in an environment.
///
/// # Errors
/// What is wrong with the marker, where it is not one.
pub(super) fn condition(
    marker: &str,
    environment: &MarkerEnvironment,
    table: &mut ConditionTable,
) -> Result<Condition, String> {
    let mut parser = MarkerParser { environment, table, tokens: tokens(marker)?, at: 0, depth: 0 };
    match parser.any() {
        Ok(condition) if parser.at == parser.tokens.len() => Ok(condition),
        Ok(_) => Err(format!("`{marker}` is not a marker: nothing may follow a whole condition")),
        Err(why) => Err(format!("`{marker}` is not a marker: {why}")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum MarkerToken {
    Text(String),
    Word(String),
    Sign(String),
}

struct MarkerParser<'a> {
    environment: &'a MarkerEnvironment,
    table: &'a mut ConditionTable,
    tokens: Vec<MarkerToken>,
    at: usize,
    depth: u32,
}

impl MarkerParser<'_> {
    fn any(&mut self) -> Result<Condition, String> {
        let mut condition = self.all()?;
        while self.word("or") {
            let other = self.all()?;
            condition = self.table.or(condition, other);
        }
        Ok(condition)
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut condition = self.one()?;
        while self.word("and") {
            let other = self.one()?;
            condition = self.table.and(condition, other);
        }
        Ok(condition)
    }

    fn one(&mut self) -> Result<Condition, String> {
        if !self.take(&MarkerToken::Sign("(".to_owned())) {
            return self.comparison();
        }
        self.depth += 1;
        if self.depth > 64 {
            return Err("its parentheses are nested too deeply".to_owned());
        }
        let condition = self.any()?;
        self.depth -= 1;
        if self.take(&MarkerToken::Sign(")".to_owned())) {
            Ok(condition)
        } else {
            Err("a parenthesis is not closed".to_owned())
        }
    }

    fn comparison(&mut self) -> Result<Condition, String> {
        let left = self.operand()?;
        let operator = match self.next() {
            Some(MarkerToken::Word(word)) if word == "in" => "in".to_owned(),
            Some(MarkerToken::Word(word)) if word == "not" && self.word("in") => "not in".to_owned(),
            Some(MarkerToken::Sign(sign)) if sign != "(" && sign != ")" => sign,
            _ => return Err("expected a comparison".to_owned()),
        };
        let right = self.operand()?;
        self.environment.compare(&left, &operator, &right, self.table)
    }

    fn operand(&mut self) -> Result<MarkerOperand, String> {
        match self.next() {
            Some(MarkerToken::Text(text)) => Ok(MarkerOperand::Text(text)),
            Some(MarkerToken::Word(word)) => Ok(MarkerOperand::Variable(word)),
            _ => Err("expected a variable or a quoted text".to_owned()),
        }
    }

    fn next(&mut self) -> Option<MarkerToken> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self, word: &str) -> bool {
        self.take(&MarkerToken::Word(word.to_owned()))
    }

    fn take(&mut self, token: &MarkerToken) -> bool {
        let here = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(here);
        here
    }
}

fn tokens(marker: &str) -> Result<Vec<MarkerToken>, String> {
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => {
                let end = rest[1..]
                    .find(first)
                    .ok_or_else(|| format!("`{marker}` is not a marker: a {first} is not closed"))?;
                tokens.push(MarkerToken::Text(rest[1..=end].to_owned()));
                end + 2
            }
            '(' | ')' => {
                tokens.push(MarkerToken::Sign(first.to_string()));
                1
            }
            c if "<>=!~".contains(c) => {
                let end = rest.find(|c| !"<>=!~".contains(c)).unwrap_or(rest.len());
                tokens.push(MarkerToken::Sign(rest[..end].to_owned()));
                end
            }
            c if c.is_ascii_alphabetic() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(rest.len());
                tokens.push(MarkerToken::Word(rest[..end].to_owned()));
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
    use std::collections::BTreeSet;

    use super::*;

    fn evaluate(marker: &str) -> Result<bool, String> {
        let mut table = ConditionTable::default();
        let found = condition(marker, &MarkerEnvironment::new("3.14.2", "x86_64"), &mut table)?;
        Ok(table.holds(found, &BTreeSet::from(["c".to_owned(), "extra-4-demo-x".to_owned()])))
    }

    #[test]
    fn holds_as_pep_508_says() {
        for marker in [
            "python_full_version < '3.15'",
            "python_version == '3.14'",
            "python_version >= '3.9' and python_version < '4'",
            "python_full_version == '3.14.*'",
            "python_full_version === '3.14.2'",
            "python_full_version != '3.13.*'",
            "python_full_version ~= '3.14.0'",
            "'3.10' <= python_version",
            "'3.14' == python_version",
            "'3.9' ~= python_version",
            "python_version ~= '3.9'",
            "sys_platform != 'win32' and (platform_machine == 'x86_64' or os_name == 'nt')",
            "((sys_platform == 'linux') and ((os_name=='posix')or(os_name=='nt')))",
            "platform_python_implementation == 'CPython' and implementation_name != 'pypy'",
            "python_implementation == 'CPython' and os.name == 'posix' and sys.platform == 'linux'",
            "platform.python_implementation == 'CPython' and platform.machine == 'x86_64'",
            "implementation_version >= '3.14' and implementation_version < '3.15'",
            "sys_platform in 'linux darwin'",
            "'nux' in sys_platform",
            "'win' not in sys_platform",
            "sys_platform not in 'win32,darwin'",
            "python_version not in '3.9 3.10'",
            "python_version in '3.9  3.14'",
            "python_full_version in '3.14.2.0'",
            "platform_system == \"Linux\"",
            "extra == 'c'",
            "'C' == extra",
            "extra != 'd'",
            "extra == 'extra-4-demo-x' or extra == 'group-4-demo-prod'",
            "'c' in extras and 'd' not in extras",
            "'prod' not in dependency_groups",
            "os_name == 'nt' and os_name == 'posix' or os_name == 'posix'",
        ] {
            assert_eq!(evaluate(marker), Ok(true), "{marker}");
        }
        for marker in [
            "sys_platform == 'win32'",
            "python_version < '3.9'",
            "extra == 'd'",
            "extra == 'c' and extra != 'c'",
            "extra == 'project-4-demo'",
            "'3.15' <= python_version",
            "'d' in extras or 'c' in dependency_groups",
            "os_name == 'posix' and (os_name == 'nt' or sys_platform == 'darwin')",
            "python_version in '3.1 3.140'",
        ] {
            assert_eq!(evaluate(marker), Ok(false), "{marker}");
        }
    }

    #[test]
    fn a_comparison_with_the_kernel_may_always_hold() {
        for marker in ["platform_release >= '6'", "'microsoft' in platform_release", "platform_version != 'x'"] {
            assert_eq!(evaluate(marker), Ok(true), "{marker}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let wrong = |marker: &str| evaluate(marker).unwrap_err();
        insta::assert_snapshot!(wrong("os_name == 'a"), @"`os_name == 'a` is not a marker: a ' is not closed");
        insta::assert_snapshot!(wrong("colour == 'a'"), @"`colour == 'a'` is not a marker: unknown variable `colour`");
        insta::assert_snapshot!(wrong("os_name"), @"`os_name` is not a marker: expected a comparison");
        insta::assert_snapshot!(wrong("(os_name == 'a'"), @"`(os_name == 'a'` is not a marker: a parenthesis is not closed");
        insta::assert_snapshot!(wrong("os_name == 'a' 'b'"), @"`os_name == 'a' 'b'` is not a marker: nothing may follow a whole condition");
        insta::assert_snapshot!(wrong("os_name ~= 'a'"), @"`os_name ~= 'a'` is not a marker: `~=` does not compare texts");
        insta::assert_snapshot!(wrong("python_version < 'x'"), @"`python_version < 'x'` is not a marker: `< x` is not a version specifier");
        insta::assert_snapshot!(wrong("extra > 'x'"), @"`extra > 'x'` is not a marker: `extra >` means nothing");
        insta::assert_snapshot!(wrong("extra == os_name"), @"`extra == os_name` is not a marker: `extra` is compared with a variable");
        insta::assert_snapshot!(wrong("'x' == extras"), @"`'x' == extras` is not a marker: `== extras` means nothing");
        insta::assert_snapshot!(wrong(&"(".repeat(100)).replace('(', ""), @"`` is not a marker: its parentheses are nested too deeply");
        insta::assert_snapshot!(wrong("é"), @"`é` is not a marker: `é` has no place in it");
    }
}
