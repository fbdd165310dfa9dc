//! Texts that differ.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use akbuild_differ::{Explanation, TextDiff, first_difference};
use common::{applied, explained, told};

fn numbers(count: usize) -> Vec<String> {
    (1..=count).map(|i| format!("line {i}\n")).collect()
}

fn text(old: &[String], new: &[String]) -> TextDiff {
    match explained(old.concat(), new.concat(), 20) {
        Explanation::Text(diff) => diff,
        other => panic!("{other}"),
    }
}

#[test]
fn a_line_in_the_middle() {
    let old = numbers(1000);
    let mut new = old.clone();
    new[811] = "line 812, changed\r\n".to_owned();
    new.insert(900, "one more\n".to_owned());
    insta::assert_snapshot!(told(old.concat(), new.concat()), @r"
    text: 2 lines added, 1 removed, from line 812 on
      @@ -809,7 +809,7 @@
       line 809
       line 810
       line 811
      -line 812
      +line 812, changed\r
       line 813
       line 814
       line 815
      @@ -898,6 +898,7 @@
       line 898
       line 899
       line 900
      +one more
       line 901
       line 902
       line 903
    ");
}

#[test]
fn at_the_end() {
    insta::assert_snapshot!(told("a\nb\n", "a\nb"), @r"
    text: 1 line added, 1 removed, from line 2 on
      @@ -1,2 +1,2 @@
       a
      -b
      +b
      \ no line end at the end of the file
    ");
    insta::assert_snapshot!(told("a\nb\n", "a\nb\nb\n"), @"
    text: 1 line added, at line 3
      @@ -1,2 +1,3 @@
       a
       b
      +b
    ");
    insta::assert_snapshot!(told("a\nb\n", "a\n"), @"
    text: 1 line removed, at line 2
      @@ -1,2 +1 @@
       a
      -b
    ");
    insta::assert_snapshot!(told("", "a\n"), @"
    text: 1 line added, at line 1
      @@ -0,0 +1 @@
      +a
    ");
}

#[test]
fn another_order() {
    let old = numbers(9);
    let mut new = old.clone();
    new.swap(2, 7);
    insta::assert_snapshot!(told(old.concat(), new.concat()), @"
    text: the same lines in another order, from line 3 on
      @@ -1,9 +1,9 @@
       line 1
       line 2
      -line 3
      +line 8
       line 4
       line 5
       line 6
       line 7
      -line 8
      +line 3
       line 9
    ");
}

#[test]
fn more_than_there_is_room_for() {
    let (old, new) = (numbers(100), numbers(100).iter().map(|l| l.replace("line", "row")).collect::<Vec<_>>());
    insta::assert_snapshot!(explained(old.concat(), new.concat(), 4), @"
    text: 100 lines added, 100 removed, from line 1 on
      @@ -1,100 +1,100 @@
      -line 1
      -line 2
      ...
    ");
    insta::assert_snapshot!(explained(old.concat(), new.concat(), 0), @"text: 100 lines added, 100 removed, from line 1 on");
}

#[test]
fn one_long_line() {
    let long = "var a=1;".repeat(100_000);
    let (old, new) = (format!("{long}date=2025{long}\n"), format!("{long}date=2026{long}\n"));
    insta::assert_snapshot!(told(&old, &new), @"
    text: 1 line added, 1 removed, from line 1 on
      @@ -1 +1 @@
      -... a=1;var a=1;var a=1;var a=1;var a=1;var a=1;date=2025var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;va...
      +... a=1;var a=1;var a=1;var a=1;var a=1;var a=1;date=2026var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;va...
    ");
    // Over the limit of what is compared line by line.
    let (old, new) = (format!("a\n{old}{}", old.repeat(4)), format!("a\n{new}{}", new.repeat(4)));
    insta::assert_snapshot!(told(&old, &new), @"
    text: 5 lines added, 5 removed, from line 2 on
      @@ -2 +2 @@
      -... a=1;var a=1;var a=1;var a=1;var a=1;var a=1;date=2025var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;va...
      +... a=1;var a=1;var a=1;var a=1;var a=1;var a=1;date=2026var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;var a=1;va...
    ");
}

#[test]
fn a_large_text_with_little_that_differs() {
    let old = numbers(900_000);
    let mut new = old.clone();
    new[499_999] = "changed\n".to_owned();
    let diff = text(&old, &new);
    assert_eq!((diff.first_line, diff.added, diff.removed), (500_000, 1, 1));
    insta::assert_snapshot!(diff.hunks, @"
    @@ -499997,7 +499997,7 @@
     line 499997
     line 499998
     line 499999
    -line 500000
    +changed
     line 500001
     line 500002
     line 500003
    ");
    new[899_999] = "changed\n".to_owned();
    let diff = text(&old, &new);
    assert_eq!((diff.first_line, diff.added, diff.removed), (500_000, 400_001, 400_001));
}

#[test]
fn what_is_shown_applies_to_the_old_and_gives_the_new() {
    let old = numbers(60);
    let mut new = old.clone();
    new.remove(50);
    new[20] = "x\n".to_owned();
    new.insert(3, "y\n".to_owned());
    let Explanation::Text(diff) = explained(old.concat(), new.concat(), 1000) else { panic!() };
    assert_eq!(applied(&old.concat(), &diff.hunks), new.concat());
}

/// For these, a diff whose changes were slid together had places that lay before the last ones.
#[test]
fn repeated_lines_of_which_many_are_gone() {
    let old = format!("changed two\n{}", "one\ntwo\n".repeat(4) + "o");
    let new = "one\ntwo\n".repeat(9);
    for (old, new) in [(&old, &new), (&new, &old)] {
        let Explanation::Text(diff) = explained(old, new, 1000) else { panic!() };
        assert_eq!(diff.first_line, 1);
        assert_eq!(diff.added + old.lines().count(), diff.removed + new.lines().count());
    }
}

#[test]
fn the_line_of_the_first_difference() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let old = write("old", numbers(2000).concat().as_bytes());
    let new = write("new", numbers(2000).concat().replace("line 812\n", "line 813\n").as_bytes());
    let short = write("short", numbers(12).concat().as_bytes());
    let binary = write("binary", b"line 1\n\0");
    let open = |path: &std::path::PathBuf| std::fs::File::open(path).unwrap();
    let line = |old, new| first_difference(open(old), open(new));
    assert_eq!(line(&old, &new).unwrap(), Some(812));
    assert_eq!(line(&old, &short).unwrap(), Some(13));
    assert_eq!(line(&short, &old).unwrap(), Some(13));
    assert_eq!(line(&old, &old).unwrap(), None);
    assert_eq!(line(&old, &binary).unwrap(), None);
}

#[test]
fn what_is_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let open = || std::fs::File::open(dir.path()).unwrap();
    let said = akbuild_differ::explain(open(), open(), 9).unwrap_err().to_string();
    insta::assert_snapshot!(said, @"it is not a regular file");
}
