//! Files and functions that have grown. Relies on rustfmt: a function ends at the first `}` that stands as far
//! in as the line that begins it.

/// Lines after which a file asks for a second look.
const FILE: usize = 600;
/// Lines after which a function does.
const FUNCTION: usize = 100;

/// What has grown in a Rust file.
pub(crate) fn check(name: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut large = Vec::new();
    if lines.len() > FILE {
        large.push(format!("{name} has {} lines", lines.len()));
    }
    for (start, line) in lines.iter().enumerate() {
        let Some(function) = function(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = |l: &str| l.strip_prefix(indent).is_some_and(|rest| rest == "}" || is_whole(rest));
        let length = lines[start..].iter().position(|l| ends(l)).map_or(0, |n| n + 1);
        if length > FUNCTION {
            large.push(format!("{name}:{}: function `{function}` has {length} lines", start + 1));
        }
    }
    large
}

/// Whether a line that is not further in ends what the one before it, or it itself, began: `fn a() {}`, `) -> T;`.
fn is_whole(line: &str) -> bool {
    !line.starts_with(' ') && (line.ends_with(';') || line.ends_with('}'))
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let before = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern", "\"C\""];
    let word = words.find(|word| !before.contains(word))?;
    let name = words.next().filter(|_| word == "fn")?;
    name.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_is_not_mentioned() {
        let after = "fn d() {\n    b();\n}\n".repeat(100);
        assert_eq!(check("a.rs", &format!("fn a() {{\n    b();\n}}\nfn c() {{}}\n{after}")), [""; 0]);
    }

    #[test]
    fn a_long_file_and_a_long_function_are() {
        let body = "        b();\n".repeat(600);
        let text = format!(
            "impl A {{\n    pub(crate) async fn long<T>(\n        t: T,\n    ) {{\n{body}    }}\n\n    fn short() {{}}\n}}\n"
        );
        assert_eq!(check("a.rs", &text), ["a.rs has 608 lines", "a.rs:2: function `long` has 604 lines"]);
    }
}
