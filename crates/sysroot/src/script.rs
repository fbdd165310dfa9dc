//! The `update-alternatives --install` calls of a maintainer script, read without running it: plain
//! assignments and `for` loops over words are followed, every branch is taken, everything else is passed
//! over. What comes out may name files that do not exist; the caller looks.

use std::collections::HashMap;

/// An alternative that a script would install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alternative {
    pub(crate) name: String,
    pub(crate) priority: i64,
    /// Where the link is.
    pub(crate) link: String,
    /// What it finally leads to.
    pub(crate) path: String,
    /// Links that follow the choice: link, name, path.
    pub(crate) slaves: Vec<[String; 3]>,
}

type Vars = HashMap<String, String>;

/// Bytes that are read in one script, each time that a loop or a variable repeats them counted; the rest is passed
/// over. No real script comes near, and one that doubles a variable again and again ends.
const MOST_BYTES: usize = 1 << 20;
/// Loops inside each other.
const MOST_LOOPS: usize = 16;

/// All alternatives that a script installs.
pub(crate) fn alternatives(script: &str) -> Vec<Alternative> {
    let joined = script.replace("\\\n", " ");
    let lines: Vec<&str> = joined.lines().map(str::trim).collect();
    let mut reader = Reader { vars: Vars::new(), found: Vec::new(), left: MOST_BYTES };
    reader.run(&lines, 0);
    reader.found
}

/// The lines that name `dpkg-divert`, trimmed: what they would move is not moved.
pub(crate) fn diversions(script: &str) -> Vec<String> {
    let joined = script.replace("\\\n", " ");
    let squeezed = joined.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "));
    squeezed.filter(|l| !l.starts_with('#') && l.contains("dpkg-divert") && l.contains("--add")).collect()
}

struct Reader {
    vars: Vars,
    found: Vec<Alternative>,
    /// Bytes that may still be read.
    left: usize,
}

impl Reader {
    fn run(&mut self, lines: &[&str], loops: usize) {
        let mut at = 0;
        while at < lines.len() && spend(&mut self.left, lines[at].len() + 1) {
            let line = lines[at];
            at += 1;
            if let Some(head) = line.strip_prefix("for ") {
                let end = at + loop_end(&lines[at..]);
                spend(&mut self.left, lines[at..end].iter().map(|line| line.len() + 1).sum());
                if loops < MOST_LOOPS {
                    self.turn(head, &lines[at..end], loops + 1);
                }
                at = end;
            } else if let Some((name, value)) = self.assignment(line) {
                self.vars.insert(name, value);
            } else if line.contains("update-alternatives") {
                self.found.extend(call(&words(line, &self.vars, &mut self.left)));
            }
        }
    }

    /// A loop: what stands after `for`, and the lines of its body.
    fn turn(&mut self, head: &str, body: &[&str], loops: usize) {
        let Some((name, list)) = head.split_once(" in ") else { return };
        let list = list.trim_end_matches("do").trim_end().trim_end_matches(';');
        for value in words(list, &self.vars, &mut self.left) {
            self.vars.insert(name.trim().to_owned(), value);
            self.run(body, loops);
        }
    }

    /// `NAME=value` alone on its line; the output of a command is nothing that can be known.
    fn assignment(&mut self, line: &str) -> Option<(String, String)> {
        let (name, value) = line.split_once('=')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !plain || value.contains("$(") || value.contains('`') {
            return None;
        }
        let quoted = value.starts_with(['"', '\'']);
        let words = words(value, &self.vars, &mut self.left);
        (quoted || words.len() <= 1).then(|| (name.to_owned(), words.join(" ")))
    }
}

/// Takes that many bytes off; whether there are any left.
fn spend(left: &mut usize, bytes: usize) -> bool {
    *left = left.saturating_sub(bytes);
    *left > 0
}

/// How many lines a loop's body has, its `done` included.
fn loop_end(lines: &[&str]) -> usize {
    let mut depth = 1;
    for (i, line) in lines.iter().enumerate() {
        let first = line.split([' ', ';']).next().unwrap_or_default();
        depth += usize::from(["for", "while", "until"].contains(&first));
        let closes = line.split([' ', ';']).filter(|w| *w == "done").count();
        depth = usize::saturating_sub(depth, closes);
        if depth == 0 {
            return i + 1;
        }
    }
    lines.len()
}

/// The words of a line up to a comment, variables put in. Quotes only group; an unknown variable is
/// empty. None if that takes more bytes than are left.
fn words(line: &str, vars: &Vars, left: &mut usize) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(q)) if c == q => quote = None,
            ('#', None) if word.is_none() => break,
            ('$', None | Some('"')) => {
                let value = vars.get(&variable(&mut chars)).map_or("", |v| v.as_str());
                if !spend(left, value.len()) {
                    return Vec::new();
                }
                if quote.is_some() {
                    word.get_or_insert_default().push_str(value);
                    continue;
                }
                for (i, part) in value.split(' ').enumerate() {
                    if i > 0 {
                        all.extend(word.take());
                    }
                    if !part.is_empty() {
                        word.get_or_insert_default().push_str(part);
                    }
                }
            }
            (c, None) if c.is_whitespace() => all.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

/// The name after a `$`.
fn variable(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut name = String::new();
    let braced = chars.next_if_eq(&'{').is_some();
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
        name.push(c);
    }
    if braced {
        for c in chars.by_ref() {
            if c == '}' {
                break;
            }
        }
    }
    name
}

/// The alternative of one call, if it installs one.
fn call(words: &[String]) -> Option<Alternative> {
    let start = words.iter().position(|w| w.ends_with("update-alternatives"))?;
    let mut words = words[start + 1..].iter().map(|w| w.trim_end_matches(';').to_owned());
    let mut found: Option<Alternative> = None;
    while let Some(word) = words.next() {
        match word.as_str() {
            "--install" => {
                let (link, name, path) = (words.next()?, words.next()?, words.next()?);
                let priority = words.next()?.parse().ok()?;
                found = Some(Alternative { name, priority, link, path, slaves: Vec::new() });
            }
            "--slave" => {
                let slave = [words.next()?, words.next()?, words.next()?];
                found.as_mut()?.slaves.push(slave);
            }
            "&&" | "||" | "|" | "fi" => break,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(script: &str) -> Vec<String> {
        let slaves = |a: &Alternative| a.slaves.iter().map(|s| format!(" +{}={}", s[0], s[2])).collect::<String>();
        alternatives(script)
            .iter()
            .map(|a| format!("{} {}={} {}{}", a.name, a.link, a.path, a.priority, slaves(a)))
            .collect()
    }

    #[test]
    fn plain_calls() {
        let script = "if [ \"$1\" = x ]; then\n  update-alternatives --quiet --install /usr/bin/awk awk /usr/bin/mawk 5 \\\n \
                      --slave /usr/bin/nawk nawk /usr/bin/mawk\nfi\nupdate-alternatives \\\n --install /usr/bin/cc cc /usr/bin/gcc 20 \\\n #--slave a b c\n";
        assert_eq!(
            shown(script),
            ["awk /usr/bin/awk=/usr/bin/mawk 5 +/usr/bin/nawk=/usr/bin/mawk", "cc /usr/bin/cc=/usr/bin/gcc 20"]
        );
    }

    #[test]
    fn loops_and_variables() {
        let script = "base=/usr/lib/x\nprio=7\ntools='a b'\nprio=$(expr $prio - 1)\nfor i in $tools; do\n  unset s\n  if true; then\n    s=\"--slave \\\n /m/$i $i.1 $base/m/$i\"\n  fi\n  update-alternatives --install /usr/bin/$i $i ${base}/bin/$i $prio $s || true\ndone\nafter=1\n";
        assert_eq!(
            shown(script),
            [
                "a /usr/bin/a=/usr/lib/x/bin/a 7 +/m/a=/usr/lib/x/m/a",
                "b /usr/bin/b=/usr/lib/x/bin/b 7 +/m/b=/usr/lib/x/m/b"
            ]
        );
    }

    #[test]
    fn a_script_that_never_ends_is_left() {
        let doubled = format!("a=x\n{}", "a=\"$a$a\"\n".repeat(64));
        let nested = format!("{}update-alternatives --install /l n /p 1\n", "for i in a b c d e f g h\n".repeat(64));
        let deep = "for i in a\n".repeat(100_000);
        for script in [doubled, nested, deep] {
            assert_eq!(shown(&script), [""; 0]);
        }
    }

    #[test]
    fn what_cannot_be_known_is_passed_over() {
        assert!(
            shown("update-alternatives --remove awk /usr/bin/mawk\nupdate-alternatives --install /a b\n").is_empty()
        );
        assert_eq!(
            diversions("dpkg-divert --package x \\\n  --add /bin/sh\n# dpkg-divert --add\n"),
            ["dpkg-divert --package x --add /bin/sh"]
        );
    }
}
