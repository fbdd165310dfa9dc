//! Which text remains of Go files.

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
fn constraints_are_those_that_go_finds() {
    for (text, found) in [
        // Block comments hide them, and end the run of `// +build` lines.
        ("/*\n//go:build ignore\n*/\npackage a\n", ""),
        ("/* x */\n//go:build ignore\n\npackage a\n", "//go:build ignore\n\n"),
        ("/* x */\n// +build ignore\n\npackage a\n", ""),
        ("/* x\n*/ //go:build ignore\npackage a\n", ""),
        // Text counts neither after the package clause nor if it is longer.
        ("package a\n//go:build ignore\n", ""),
        ("//go:builder\n//go:build\tlinux \r\npackage a\n", "//go:build\tlinux\n\n"),
        (" \t//go:build linux\npackage a\n", "//go:build linux\n\n"),
        ("// go:build linux\n//GO:BUILD x\npackage a\n", ""),
        // `// +build` lines need a blank line behind them.
        ("// +build ignore\npackage a\n", ""),
        ("// +build a b\n//+build c\n\n// +build d\npackage a\n", "// +build a b\n//+build c\n\n"),
        ("//\u{a0}+build\ta\n// +builder\n\npackage a\n", "//\u{a0}+build\ta\n\n"),
        ("\u{feff}// +build a\n\npackage a\n", "// +build a\n\n"),
    ] {
        assert_eq!(head(text), Some(format!("{found}package a\n")), "{text:?}");
    }
}

#[test]
fn semicolons_and_lines_end_statements() {
    let found = "package a\nimport \"x\"\nimport _ \"y\"\n";
    for text in [
        "package a; import \"x\"; import _ \"y\"; var b int\n",
        "package/**/a/*\n*/import(\"x\";_ \"y\")",
        "package a\nimport (\n\t\"x\" // why\n\t_ /* d */ `y`;\n)",
        "package\na\nimport\n\"x\"\nimport _ \"y\" + nonsense",
    ] {
        assert_eq!(head(text).as_deref(), Some(found), "{text:?}");
    }
}

#[test]
fn what_is_unusual_is_kept_whole() {
    for text in [
        "package a\nimportant()\n",
        "package a import \"x\"\n",
        "package a;; import \"x\"\n",
        "package a\n; import \"x\"\n",
        ";package a\n",
        "package _\n",
        "package func\n",
        "package 1a\n",
        "package \u{e4}\n",
        "package a\u{e4}\n",
        "package a\nimport \u{e4} \"x\"\n",
        "package a\nimport b\n\"x\"\n",
        "package a\nimport (\"x\" \"y\")\n",
        "package a\nimport (;)\n",
        "package a\nimport `C`\n",
        "package a\n/ b\n",
        "package a\n/* b\n",
        "//go:build a\n//go:build b\npackage a\n",
        "//go:binary-only-package\n\npackage a\n",
        "package a\n// \0\nimport \"x\"\n",
        "// \u{feff}\npackage a\n",
        "\u{feff}\u{feff}package a\n",
        "package a\u{c}\nimport \"x\"\n",
    ] {
        assert_eq!(head(text), None, "{text:?}");
    }
}
