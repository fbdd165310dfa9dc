//! Random `go.mod` texts against `go mod edit -json`, which reads them with `golang.org/x/mod/modfile`.
#![allow(clippy::disallowed_methods, reason = "a test that runs go where it is installed")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::*;

/// Texts that are generated. More take part if `AKBUILD_GO_MODS` says so.
const TEXTS: u64 = 200;

/// Choices that depend on a seed alone.
struct Choices(u64);

impl Choices {
    fn below(&mut self, limit: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

const LINES: [&str; 28] = [
    "require a.invalid/x v1.0.0",
    "require a.invalid/y v1.2.3// pinned",
    "require a.invalid/z v0.0.0-20200101000000-abcdef123456 // indirect; why",
    "require \"a.invalid/q\" \"v1.0.0\"",
    "require \"a.invalid/\\x72\" v1.0.0-rc.1+meta",
    "require a.invalid/inc v2.0.0+incompatible",
    "require a.invalid/v v1",
    "require(a.invalid/p v1.0.0",
    "require a.invalid/n",
    "require `a.invalid/raw` v1.0.0",
    "require a.invalid/x/*c*/ v1.0.0",
    "exclude a.invalid/x v1.0.0",
    "replace a.invalid/x => ../x",
    "replace a.invalid/x v1.0.0 => \"./with space\"",
    "replace a.invalid/y => b.invalid/y v1.4",
    "replace a.invalid/y v1.2.3=>./y",
    "replace a.invalid/z => b.invalid/z@v1.0.0",
    "replace a.invalid/w => .",
    "replace a.invalid/u => /abs//path",
    "retract [v1.0.0,v1.1.0] // broken",
    "retract v1.2.0",
    "toolchain go1.26.0",
    "godebug default=go1.21",
    "tool a.invalid/x/cmd",
    "ignore ./node_modules",
    "// require a.invalid/comment v1.0.0",
    "",
    "unknown directive",
];

/// A text with blocks, comments and ends of lines of every kind.
fn text(choices: &mut Choices) -> String {
    let mut text =
        String::from(choices.of(&["module a.invalid/m\n", "module a.invalid/m // m\n", "module \"a.invalid/m\"\n"]));
    text.push_str(choices.of(&[
        "go 1.20\n",
        "go 1.21.3// go\n",
        "\tgo\t1.18\n",
        "",
        "go 1.22rc1\n",
        "go 1.4 // x\n",
        "go 1\n",
    ]));
    for _ in 0..choices.below(7) {
        // Texts that go refuses have little to compare.
        let line = if choices.below(3) == 0 {
            choices.of(&LINES)
        } else {
            LINES[[0, 1, 2, 3, 4, 5, 11, 12, 14, 18][choices.below(10)]]
        };
        match (choices.below(3), line.split_once(' ')) {
            (0, Some((verb, rest))) if verb != "//" => {
                let open = choices.of(&[" (\n", "(\n", " ( // why\n", " (\n\n// before\n"]);
                let end = choices.of(&["\n)\n", "\n\t) // done\n", " // x\n)\n", "\n) x\n", "\n"]);
                text.push_str(&format!("{verb}{open}\t{rest}{end}"));
            }
            _ => text.push_str(&format!("{line}{}", choices.of(&["\n", "\r\n", " \t\n", "// end\n"]))),
        }
    }
    text
}

fn go() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|dir| dir.join("go")).find(|file| file.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "CI has to have `go`");
    found
}

/// What go reads; `None` if it refuses the text.
fn read_by_go(go: &Path, dir: &Path, text: &str) -> Option<Value> {
    std::fs::write(dir.join("go.mod"), text).unwrap();
    let mut command = Command::new(go);
    command.current_dir(dir).args(["mod", "edit", "-json"]).env("GOTOOLCHAIN", "local").env("GOFLAGS", "");
    let output = command.output().unwrap();
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// Path and version of each entry of a list in what go has read.
fn pairs(value: &Value) -> Vec<(String, Option<String>)> {
    let text = |entry: &Value, name: &str| entry[name].as_str().map(str::to_owned);
    let list = value.as_array().into_iter().flatten();
    list.map(|entry| (text(entry, "Path").unwrap(), text(entry, "Version"))).collect()
}

fn compare_with(text: &str, value: &Value, file: &ModFile) {
    let plain = |(path, version): &ModuleKey| (path.clone(), Some(version.clone()));
    let required: Vec<_> = file.required.iter().map(plain).collect();
    assert_eq!(required, pairs(&value["Require"]), "{text}");
    let excluded: BTreeSet<_> = file.excluded.iter().map(plain).collect();
    assert_eq!(excluded, pairs(&value["Exclude"]).into_iter().collect(), "{text}");
    let entries = value["Replace"].as_array().into_iter().flatten();
    // Of several replacements of the same, the last counts.
    let replaced: BTreeMap<_, _> = entries
        .map(|entry| {
            let [(from, _), (to, version)] =
                ["Old", "New"].map(|side| pairs(&Value::Array(vec![entry[side].clone()])).remove(0));
            let to = version.map_or(Replacement::Folder(to.clone()), |version| Replacement::Module((to, version)));
            ((from, entry["Old"]["Version"].as_str().map(str::to_owned)), to)
        })
        .collect();
    assert_eq!(file.replaced, replaced, "{text}");
    assert_eq!(file.go, value["Go"].as_str().and_then(GoLanguageVersion::parse), "{text}");
}

#[test]
fn go_mod_files_are_read_as_go_reads_them() {
    let Some(go) = go() else { return };
    let dir = tempfile::tempdir().unwrap();
    let asked_for = std::env::var("AKBUILD_GO_MODS").ok().and_then(|number| number.parse().ok());
    let (texts, mut accepted) = (asked_for.unwrap_or(TEXTS), 0);
    for seed in 0..texts {
        let text = text(&mut Choices(seed));
        let Some(value) = read_by_go(&go, dir.path(), &text) else { continue };
        accepted += 1;
        let file = ModFile::main(&text).unwrap_or_else(|(line, problem)| panic!("line {line}: {problem}\n{text}"));
        compare_with(&text, &value, &file);
    }
    println!("{accepted} of {texts} texts are accepted by go");
    assert!(accepted > texts / 5, "{accepted} of {texts} texts are accepted by go");
}
