//! The head of a Go file: what decides which modules it needs. `go mod vendor` reads build
//! constraints, the package clause and imports, and nothing after them, so a stage that vendors sees
//! only that much of each file and does not run again when a function changes.
//!
//! Follows the Go specification's source file structure: package clause, then import declarations,
//! then everything else. Knows nothing of files or modules.

/// What Go's compilers refuse in import paths (specification, import declarations); so escapes are not met either.
const NOT_IN_PATHS: &str = "!\"#$%&'()*,:;<=>?[\\]^`{|}\u{fffd}";

/// The text that remains: `//go:build` and `// +build` lines, the package clause, the imports.
/// `None` if this is not the start of a Go file; it is then kept whole, for the tool to judge.
pub fn head(text: &str) -> Option<String> {
    let mut scan = Scan { text, at: 0 };
    let mut head = String::new();
    for line in scan.constraints() {
        head.push_str(line);
        head.push('\n');
    }
    if !head.is_empty() {
        head.push('\n');
    }
    scan.word("package")?;
    head.push_str(&format!("package {}\n", scan.identifier()?));
    while scan.word("import").is_some() {
        scan.imports(&mut head)?;
    }
    Some(head)
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Passes over white space, semicolons and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';' || c == '\u{feff}');
            self.at += rest.len() - trimmed.len();
            let length = if trimmed.starts_with("//") {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map_or(trimmed.len(), |end| end + 2)
            } else {
                return;
            };
            self.at += length;
        }
    }

    /// Constraint lines among the comments before the package clause.
    fn constraints(&mut self) -> Vec<&'a str> {
        let start = self.at;
        self.skip();
        self.text[start..self.at]
            .lines()
            .map(str::trim)
            .filter(|line| {
                line.starts_with("//go:build") || line.starts_with("// +build") || line.starts_with("//+build")
            })
            .collect()
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let before = self.at;
        self.skip();
        let after = self.rest().strip_prefix(word)?;
        if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            self.at = before;
            return None;
        }
        self.at += word.len();
        Some(())
    }

    fn identifier(&mut self) -> Option<&'a str> {
        self.skip();
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += length;
        (length > 0).then(|| &rest[..length])
    }

    /// One import declaration after its keyword, single or in parentheses.
    fn imports(&mut self, head: &mut String) -> Option<()> {
        self.skip();
        if !self.rest().starts_with('(') {
            return self.spec(head);
        }
        self.at += 1;
        loop {
            self.skip();
            if self.rest().starts_with(')') {
                self.at += 1;
                return Some(());
            }
            self.spec(head)?;
        }
    }

    /// `[name | . | _] "path"`.
    fn spec(&mut self, head: &mut String) -> Option<()> {
        self.skip();
        let rest = self.rest();
        let name = rest.find(['"', '`'])?;
        let quote = rest[name..].chars().next()?;
        let end = name + 1 + rest[name + 1..].find(quote)?;
        let (alias, path) = (rest[..name].trim(), &rest[name + 1..end]);
        if alias.contains(|c: char| !(c.is_alphanumeric() || "._".contains(c))) {
            return None;
        }
        if path.is_empty() || path.contains(|c: char| c.is_whitespace() || c.is_control() || NOT_IN_PATHS.contains(c)) {
            return None;
        }
        let alias = if matches!(alias, "" | "_" | ".") { alias } else { "" };
        head.push_str(&format!("import {alias}{}\"{path}\"\n", if alias.is_empty() { "" } else { " " }));
        self.at += end + 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_package_and_imports_remain() {
        let text = "// Copyright\n\n//go:build linux && !cgo\n// +build linux\n\n/* doc */\npackage main // x\n\n\
            import \"fmt\"\nimport (\n\t// why\n\t_ \"embed\"\n\tlog \"github.com/a/b\"; . `c/d`\n)\n\nimport \"C\"\n\
            // a comment\nfunc main() { fmt.Println(\"import \\\"x\\\"\") }\n";
        insta::assert_snapshot!(head(text).unwrap(), @r#"
        //go:build linux && !cgo
        // +build linux

        package main
        import "fmt"
        import _ "embed"
        import "github.com/a/b"
        import . "c/d"
        import "C"
        "#);
    }

    #[test]
    fn a_comment_or_a_body_does_not_count() {
        let one = "package a\nimport \"x\"\nfunc f() {}\n";
        let two = "// said\npackage a\n\n// why x\nimport \"x\"\n\nfunc f() { return }\n";
        assert_eq!(head(one), head(two));
    }

    #[test]
    fn an_import_does() {
        assert_ne!(head("package a\nimport \"x\"\n"), head("package a\nimport \"y\"\n"));
    }

    #[test]
    fn what_is_not_go_is_kept_whole() {
        for text in ["", "hello", "package", "package a\nimport (", "package a\nimport \"x", "/* open"] {
            assert_eq!(head(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_path_that_no_compiler_takes_is_kept_whole() {
        for path in ["`a\"\nimport \"b`", "\"a\nb\"", r#""a\x2fb""#, "\"\"", "\"a b\""] {
            assert_eq!(head(&format!("package a\nimport {path}\n")), None, "{path}");
        }
    }

    #[test]
    fn important_is_not_import() {
        assert_eq!(head("package a\nimportant()\n").unwrap(), "package a\n");
    }
}
