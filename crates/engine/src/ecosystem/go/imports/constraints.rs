//! Build constraints of a Go file, as `parseFileHeader` and `shouldBuild` of `go/build` find them: a `//go:build` line counts
//! before the package clause and outside of block comments; `// +build` lines count in the first run of `//` comments and
//! blank lines, before its last blank line.

const GO_BUILD: &str = "//go:build";

/// The lines that are constraints, trimmed, in their order. `None` if the file has something that makes Go refuse it or
/// treat it in a special way.
pub(super) fn effective(text: &str) -> Option<Vec<&str>> {
    let mut go_build = None;
    let mut plus_build = Vec::new();
    // `// +build` lines before the last blank line of the first run of comments.
    let mut sure = 0;
    let mut is_run_over = false;
    let mut is_in_block = false;
    'lines: for (index, raw) in text.split('\n').enumerate() {
        let mut line = raw.trim();
        if line.is_empty() && !is_run_over {
            sure = plus_build.len();
            continue;
        }
        is_run_over |= !line.starts_with("//");
        if !is_in_block && is_go_build(line) {
            if go_build.replace((index, line)).is_some() {
                return None;
            }
        } else if !is_in_block && line == "//go:binary-only-package" {
            return None;
        } else if !is_run_over && is_plus_build(line) {
            plus_build.push((index, line));
        }
        while !line.is_empty() {
            if is_in_block {
                let Some(end) = line.find("*/") else { continue 'lines };
                is_in_block = false;
                line = line[end + 2..].trim();
            } else if line.starts_with("//") {
                continue 'lines;
            } else if let Some(inside) = line.strip_prefix("/*") {
                is_in_block = true;
                line = inside.trim();
            } else {
                break 'lines;
            }
        }
    }
    plus_build.truncate(sure);
    let mut lines: Vec<(usize, &str)> = plus_build.into_iter().chain(go_build).collect();
    lines.sort_unstable();
    Some(lines.into_iter().map(|(_, line)| line).collect())
}

/// `isGoBuildComment`, of a trimmed line.
fn is_go_build(line: &str) -> bool {
    line.strip_prefix(GO_BUILD).is_some_and(|rest| rest.is_empty() || rest.trim_start().len() < rest.len())
}

/// `IsPlusBuild` of `go/build/constraint`, of a trimmed line.
fn is_plus_build(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("//").map(str::trim) else { return false };
    rest.strip_prefix("+build").is_some_and(|rest| rest.is_empty() || rest.trim_start().len() < rest.len())
}
