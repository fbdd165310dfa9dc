//! The heads of Go files against the real go command: packages of unusual files, listed whole and cut.
#![allow(missing_docs, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use akbuild_engine::fuzzing::go_head;

/// Packages that are generated. More take part if `AKBUILD_GO_VIEW_PACKAGES` says so.
const PACKAGES: u64 = 300;

/// What of a package decides what is vendored.
const FIELDS: [&str; 10] = [
    "Name",
    "GoFiles",
    "CgoFiles",
    "IgnoredGoFiles",
    "InvalidGoFiles",
    "TestGoFiles",
    "XTestGoFiles",
    "Imports",
    "TestImports",
    "XTestImports",
];

/// go on the search path. Where it is missing the test has nothing to run; in CI that is a failure.
fn go() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|dir| dir.join("go")).find(|file| file.is_file());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "CI has to have `go`");
    found
}

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

const BEFORE: [&str; 26] = [
    "// Copyright\n",
    "\n",
    "\n\n",
    "//go:build linux\n",
    "//go:build windows && !cgo\n",
    "//go:build ignore\n\n",
    "//go:build\tfoo\r\n",
    "//go:build (\n",
    "  //go:build foo || windows\n\n",
    "//go:builder x\n",
    "// +build linux\n",
    "// +build windows,foo !linux\n\n",
    "//+build ignore\n\n",
    "//\t+build foo\n",
    "// +build !foo\n// +build linux\n\n",
    "/*\n//go:build ignore\n*/\n",
    "/* one line */\n",
    "/* one */ /* two */ // three\n",
    "/* x\n*/ //go:build windows\n",
    "/*\n// +build ignore\n\n*/\n",
    "//line other.go:7\n",
    "//go:generate x\n",
    "//go:debug madvdontneed=1\n",
    "// Package x. import \"nothing\"\n",
    "\t \r\n",
    ";",
];

const PACKAGE: [&str; 15] = [
    "package p\n",
    "package p\n\n",
    "package p // import \"q\"\n",
    "package p;",
    "package p ; ",
    "package /* c */ p /* d\n*/",
    "package\n\tp\r\n",
    "package documentation\n",
    "package p_test\n",
    "package main\n",
    "package \u{e4}p\n",
    "package p\n//go:build ignore\n",
    "package p\n// +build ignore\n\n",
    "package _\n",
    "package p ",
];

const IMPORTS: [&str; 28] = [
    "import \"fmt\"\n",
    "import `os`\n",
    "import \"fmt\"; import \"io\"\n",
    "import (\n\t\"fmt\"\n\t\"net/http\"\n)\n",
    "import ( \"fmt\"; _ \"embed\" )\n",
    "import (\"fmt\";)\n",
    "import ()\n",
    "import (\n\t// \"commented\"\n\t/* \"too\" */ \"strings\" // \"and\"\n\tx \"example.invalid/a/b\"\n)\n",
    "import . \"math\"\n",
    "import _ \"example.invalid/side\"\n",
    "import \u{e9} \"sort\"\n",
    "import sort\n\"sort\"\n",
    "import\n\"sort\"\n",
    "import \"C\"\n",
    "// #include <stdio.h>\nimport \"C\"\n",
    "/*\n#include <stdlib.h>\nimport \"no\"\n*/\nimport \"C\"\n",
    "import (\n\t\"C\"\n\t\"unsafe\"\n)\n",
    "import \"example.invalid/x\\x41\"\n",
    "import (\"fmt\" \"io\")\n",
    "import \"unclosed\n",
    "import (\n\t\"fmt\"\n",
    "import /* why */ \"bufio\" /* because\n*/",
    "import \"bytes\" ",
    ";",
    "/* c */\n",
    "// import \"comment\"\n",
    "import \"\"\n",
    "import \"a b\"\n",
];

const AFTER: [&str; 16] = [
    "",
    "\nfunc f() {}\n",
    "\nvar s = \"import \\\"x\\\"\"\n",
    "\nvar s = `\n//go:build ignore\nimport \"x\"\n`\n",
    "\n//go:build ignore\n\nfunc g() {}\n",
    "\n//go:embed *.txt\nvar e string\n",
    "\nimportant()\n",
    "\nif true {}\n",
    "\n/* not closed",
    "\n/ slash\n",
    "\nfunc f() { syntax error\n",
    "\nvar a int\nimport \"late\"\n",
    "\r\nconst c = 1\r\n",
    "\nvar \u{65e5}\u{672c} = '\u{8a9e}'\n",
    "\n//line x.go:1\nfunc f() {}\n",
    "\n\u{c}\nimport \"os\"\n",
];

const NAMES: [&str; 12] = [
    "a.go",
    "b.go",
    "a_test.go",
    "b_test.go",
    "a_linux.go",
    "a_windows_amd64.go",
    "a_linux_test.go",
    "_a.go",
    ".a.go",
    "doc.go",
    "c_foo.go",
    "d_js_wasm.go",
];

fn file(choices: &mut Choices) -> String {
    let mut text = String::new();
    if choices.below(8) == 0 {
        text.push('\u{feff}');
    }
    for _ in 0..choices.below(4) {
        text.push_str(choices.of(&BEFORE));
    }
    // Most packages are to be valid, or there is little to compare.
    let usual = choices.below(2);
    text.push_str(if usual == 0 { PACKAGE[choices.below(3)] } else { choices.of(&PACKAGE) });
    for _ in 0..choices.below(4) {
        text.push_str(if usual == 0 { IMPORTS[choices.below(17)] } else { choices.of(&IMPORTS) });
    }
    text.push_str(if usual == 0 { AFTER[choices.below(6)] } else { choices.of(&AFTER) });
    match choices.below(12) {
        0 => text.replace('\n', "\r\n"),
        1 => text.replacen("//", "//\0", 1),
        _ => text,
    }
}

/// Writes the packages whole into one folder and cut into another; how many files were cut.
fn write(full: &Path, cut: &Path, packages: u64) -> usize {
    let mut shortened = 0;
    for folder in [full, cut] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("go.mod"), "module view.invalid/m\n\ngo 1.21\n").unwrap();
    }
    for seed in 0..packages {
        let mut choices = Choices(seed);
        let folder = format!("p{seed:05}");
        for folder in [full.join(&folder), cut.join(&folder)] {
            fs::create_dir(folder).unwrap();
        }
        for _ in 0..=choices.below(3) {
            let (name, text) = (choices.of(&NAMES), file(&mut choices));
            let head = go_head(&text);
            shortened += usize::from(head.is_some());
            fs::write(full.join(&folder).join(name), &text).unwrap();
            fs::write(cut.join(&folder).join(name), head.unwrap_or(text)).unwrap();
        }
    }
    shortened
}

/// For each package what go says of it.
fn listed(go: &Path, folder: &Path, env: &[(&str, &str)]) -> BTreeMap<String, BTreeMap<&'static str, String>> {
    let home = folder.parent().unwrap();
    let mut command = Command::new(go);
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home);
    // Whether files are old enough for go's index would decide what it says of invalid ones.
    command.env("GODEBUG", "goindex=0");
    command.env("GOPROXY", "off").env("GOENV", "off").env("GOTOOLCHAIN", "local").envs(env.iter().copied());
    let output = command.args(["list", "-e", "-json", "./..."]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
    packages
        .map(|package| {
            let package = package.unwrap();
            let field = |name| (name, package[name].to_string());
            (package["ImportPath"].as_str().unwrap().to_owned(), FIELDS.map(field).into())
        })
        .collect()
}

#[test]
fn go_lists_the_same_of_whole_and_cut_files() {
    let Some(go) = go() else { return };
    let asked_for = std::env::var("AKBUILD_GO_VIEW_PACKAGES").ok().and_then(|number| number.parse().ok());
    let packages = asked_for.unwrap_or(PACKAGES);
    let dir = tempfile::tempdir().unwrap();
    let (full, cut) = (dir.path().join("full"), dir.path().join("cut"));
    let shortened = write(&full, &cut, packages);
    assert!(shortened as u64 > packages / 2, "{shortened} of {packages} packages have a file that is cut");
    let settings: [&[(&str, &str)]; 3] = [
        &[("GOOS", "linux"), ("CGO_ENABLED", "0")],
        &[("GOOS", "linux"), ("CGO_ENABLED", "1"), ("GOFLAGS", "-tags=foo")],
        &[("GOOS", "windows"), ("CGO_ENABLED", "0"), ("GOFLAGS", "-tags=ignore")],
    ];
    for env in settings {
        let (whole, heads) = (listed(&go, &full, env), listed(&go, &cut, env));
        assert!(whole.len() as u64 > packages / 2, "{} packages are listed", whole.len());
        let different: Vec<String> = whole
            .iter()
            .filter(|(path, fields)| heads.get(*path) != Some(fields))
            .map(|(path, fields)| {
                let folder = full.join(path.rsplit('/').next().unwrap());
                let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
                let texts: Vec<_> =
                    files.iter().map(|f| (f.file_name().unwrap(), fs::read_to_string(f).unwrap())).collect();
                format!("{path}: {fields:?}\n  cut: {:?}\n  {texts:?}", heads.get(path))
            })
            .collect();
        assert!(
            different.is_empty(),
            "{} of {packages} differ with {env:?}:\n{}",
            different.len(),
            different[..different.len().min(5)].join("\n")
        );
        assert_eq!(whole.len(), heads.len());
    }
}
