//! The decision, as a table: what there is and what is known of it, against what becomes of it.

use std::path::PathBuf;
use std::time::Duration;

use akbuild_nar::{Digest, TreeHash};

use super::decide::decide;
use super::facts::{Facts, Made};
use super::measure::Shares;
use super::{Collecting, Entry, Verdict, Why};
use crate::lease_state::{Item, Used};
use crate::{Artifact, Build, BuildId, Key, StageRecord};

const DAY: f64 = 86_400.0;
const NOW: f64 = 1000.0 * DAY;
const ASKED: Collecting = Collecting { keep: 1, older_than: None, max_size: None, floor: 0 };

fn hash(n: u8) -> TreeHash {
    TreeHash::from([n; 32])
}

fn tree(n: u8) -> Entry {
    Entry::Tree(hash(n))
}

fn id(name: &str) -> BuildId {
    BuildId::from_name(name.to_owned())
}

fn digest(n: u8) -> Digest {
    Digest::sha256(&[n])
}

fn days_ago(days: f64) -> f64 {
    NOW - days * DAY
}

/// Trees 1, 2, ... that came so many days ago.
fn trees(days: &[f64]) -> Facts {
    let mut facts = Facts { now: NOW, ..Facts::default() };
    for (n, days) in (1..).zip(days) {
        facts.add(tree(n), days_ago(*days), false);
    }
    facts
}

/// An action of a stage with a tree for an output, from another tree and a list of one download.
fn action(facts: &mut Facts, n: u8, stage: &str, output: u8, input: u8, days: f64) {
    let list = digest(n);
    facts.lists.insert(list, vec![Artifact { name: format!("pkg:npm/p{n}@1"), digest: digest(100 + n) }]);
    for entry in [Entry::List(list), Entry::Blob(digest(100 + n))] {
        facts.add(entry, days_ago(days), false);
    }
    for n in [output, input] {
        facts.add(Entry::Listing(hash(n)), days_ago(days), false);
    }
    facts.add(Entry::Action(Key::of(&[n])), days_ago(days), false);
    let made = Made {
        key: Key::of(&[n]),
        project: "p".into(),
        stage: stage.into(),
        output: hash(output),
        created: days_ago(days) as u64,
        inputs: [("in".into(), hash(input))].into(),
        artifacts: Some(list),
        log: Some(PathBuf::from(format!("builds-v1/b{n}/{stage}.log"))),
    };
    facts.actions.push(made);
    facts.actions.sort_by_key(|action| std::cmp::Reverse(action.created));
}

/// A build of targets that made a tree by an action.
fn build(facts: &mut Facts, id: &str, target: &str, ok: bool, action: u8, output: u8, days: f64) {
    let stage = StageRecord {
        stage: target.into(),
        key: Some(Key::of(&[action])),
        output: Some(hash(output)),
        ..StageRecord::default()
    };
    facts.add(Entry::Build(self::id(id)), days_ago(days), false);
    facts.builds.push(Build {
        id: self::id(id),
        project: "p".into(),
        targets: vec![target.into()],
        argv: Vec::new(),
        started: days_ago(days),
        seconds: Some(1.0),
        ok: Some(ok),
        stages: vec![stage],
    });
    facts.builds.sort_by(|a, b| b.started.total_cmp(&a.started));
}

/// Every entry has ten bytes.
fn shares(facts: &Facts) -> Shares {
    Shares::of(&facts.there.keys().map(|entry| (entry.clone(), 10)).collect::<Vec<_>>())
}

/// A line an entry: what it is, its age in days, and what keeps it.
fn shown(facts: &Facts, asked: Collecting) -> String {
    let line = |verdict: &Verdict| {
        let name = match &verdict.entry {
            Entry::Tree(hash) | Entry::Listing(hash) => hash.as_bytes()[0].to_string(),
            Entry::Blob(_) => verdict.about.clone(),
            Entry::Action(key) => (1..100).find(|n| Key::of(&[*n]) == *key).unwrap().to_string(),
            Entry::List(list) => (1..100).find(|n| digest(*n) == *list).unwrap().to_string(),
            other => other.name(),
        };
        let why = match &verdict.why {
            Why::Nothing => "goes".to_owned(),
            why => format!("{why:?}"),
        };
        format!("{} {name}, {} d: {why}\n", verdict.entry.kind(), (NOW - verdict.used) / DAY)
    };
    decide(facts, &shares(facts), &asked).iter().map(line).collect()
}

#[test]
fn what_nothing_keeps_goes() {
    let mut facts = trees(&[9.0, 1.0]);
    facts.add(Entry::Blob(digest(1)), days_ago(3.0), false);
    facts.add(Entry::Repository("app.git".into()), days_ago(2.0), false);
    facts.add(Entry::Kept("1-2-3-web".into()), days_ago(2.0), false);
    facts.add(Entry::Partial("sha256-00".into()), days_ago(2.0), false);
    facts.add(Entry::Build(id("old")), days_ago(4.0), false);
    insta::assert_snapshot!(shown(&facts, ASKED), @"
    tree 1, 9 d: goes
    build old, 4 d: goes
    download , 3 d: goes
    repository app.git, 2 d: goes
    folder 1-2-3-web, 2 d: goes
    partial sha256-00, 2 d: goes
    tree 2, 1 d: goes
    ");
}

#[test]
fn what_is_used_now_and_what_links_lead_to_stays() {
    let mut facts = trees(&[9.0, 8.0, 7.0]);
    facts.roots.push(("/p/result".into(), hash(1)));
    facts.users.insert(Used::Item(Item::Tree(hash(2))), 12);
    facts.add(Entry::Blob(digest(1)), days_ago(6.0), false);
    facts.users.insert(Used::Item(Item::Blob(digest(1))), 13);
    for (name, locked) in [("a", true), ("b", false)] {
        facts.add(Entry::Partial(name.into()), days_ago(5.0), locked);
        facts.add(Entry::Kept(name.into()), days_ago(5.0), locked);
    }
    facts.users.insert(Used::Repository("x.git".into()), 14);
    facts.users.insert(Used::Build(id("now")), 15);
    facts.users.insert(Used::List(digest(2)), 16);
    facts.add(Entry::Repository("x.git".into()), days_ago(4.0), false);
    facts.add(Entry::Build(id("now")), days_ago(4.0), false);
    facts.add(Entry::List(digest(2)), days_ago(4.0), false);
    insta::assert_snapshot!(shown(&facts, ASKED), @r#"
    tree 1, 9 d: Root("/p/result")
    tree 2, 8 d: InUse(12)
    tree 3, 7 d: goes
    download , 6 d: InUse(13)
    folder a, 5 d: InUse(0)
    folder b, 5 d: goes
    partial a, 5 d: InUse(0)
    partial b, 5 d: goes
    repository x.git, 4 d: InUse(14)
    list 2, 4 d: InUse(16)
    build now, 4 d: InUse(15)
    "#);
}

#[test]
fn the_last_good_build_of_each_set_of_targets_keeps_what_it_used() {
    let mut facts = trees(&[20.0, 20.0, 20.0, 20.0, 20.0, 20.0]);
    action(&mut facts, 1, "web", 1, 5, 20.0);
    action(&mut facts, 2, "web", 2, 5, 15.0);
    action(&mut facts, 3, "doc", 3, 6, 15.0);
    build(&mut facts, "a", "web", true, 1, 1, 10.0);
    build(&mut facts, "b", "web", true, 2, 2, 9.0);
    build(&mut facts, "c", "doc", true, 3, 3, 11.0);
    facts.add(Entry::Repository("old.git".into()), days_ago(12.0), false);
    facts.add(Entry::Repository("new.git".into()), days_ago(10.5), false);
    insta::assert_snapshot!(shown(&facts, ASKED), @r#"
    tree 4, 20 d: goes
    listing 1, 20 d: Explains
    listing 2, 15 d: Describes
    listing 3, 15 d: Describes
    listing 5, 15 d: Describes
    listing 6, 15 d: Describes
    repository old.git, 12 d: goes
    tree 3, 11 d: Build(BuildId("c"))
    tree 6, 11 d: Build(BuildId("c"))
    download pkg:npm/p3@1, 11 d: Build(BuildId("c"))
    action 3, 11 d: Build(BuildId("c"))
    list 3, 11 d: Build(BuildId("c"))
    build c, 11 d: Build(BuildId("c"))
    repository new.git, 10.5 d: Build(BuildId("b"))
    tree 1, 10 d: goes
    download pkg:npm/p1@1, 10 d: goes
    action 1, 10 d: Explains
    list 1, 10 d: Describes
    build a, 10 d: goes
    tree 2, 9 d: Build(BuildId("b"))
    tree 5, 9 d: Build(BuildId("b"))
    download pkg:npm/p2@1, 9 d: Build(BuildId("b"))
    action 2, 9 d: Build(BuildId("b"))
    list 2, 9 d: Build(BuildId("b"))
    build b, 9 d: Build(BuildId("b"))
    "#);
    let all = Collecting { keep: 2, ..ASKED };
    assert!(!shown(&facts, all).contains("tree 1, 10 d: goes"));
    let none = Collecting { keep: 0, ..ASKED };
    assert!(shown(&facts, none).lines().filter(|line| line.starts_with("tree")).all(|line| line.ends_with("goes")));
}

#[test]
fn a_build_that_failed_keeps_what_it_used_while_it_is_the_newest() {
    let mut facts = trees(&[5.0, 5.0, 5.0]);
    for (id, ok, n, days) in [("good", true, 1, 3.0), ("worse", false, 2, 2.0), ("bad", false, 3, 1.0)] {
        action(&mut facts, n, "web", n, n, 4.0);
        build(&mut facts, id, "web", ok, n, n, days);
        facts.builds.iter_mut().find(|build| build.id == self::id(id)).unwrap().stages[0].kept =
            Some(format!("/home/kept-v1/{id}").into());
        facts.add(Entry::Kept(id.into()), days_ago(days), false);
    }
    let lines = shown(&facts, ASKED);
    let lines: Vec<&str> =
        lines.lines().filter(|line| line.starts_with("tree") || line.starts_with("folder")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    tree 1, 3 d: Build(BuildId("good"))
    folder good, 3 d: Build(BuildId("good"))
    tree 2, 2 d: goes
    folder worse, 2 d: goes
    tree 3, 1 d: Build(BuildId("bad"))
    folder bad, 1 d: Build(BuildId("bad"))
    "#);
}

#[test]
fn actions_stay_with_their_trees_and_the_newest_two_to_explain() {
    let mut facts = trees(&[50.0]);
    facts.roots.push(("/p/result".into(), hash(1)));
    for (n, stage, output, days) in
        [(1, "web", 1, 50.0), (2, "web", 2, 40.0), (3, "web", 3, 30.0), (4, "web", 4, 20.0), (5, "doc", 5, 400.0)]
    {
        action(&mut facts, n, stage, output, 10 + n, days);
        facts.add(Entry::Build(id(&format!("b{n}"))), days_ago(days), false);
    }
    insta::assert_snapshot!(shown(&facts, ASKED), @r#"
    download pkg:npm/p5@1, 400 d: goes
    action 5, 400 d: goes
    list 5, 400 d: goes
    listing 5, 400 d: goes
    listing 15, 400 d: goes
    build b5, 400 d: goes
    tree 1, 50 d: Root("/p/result")
    download pkg:npm/p1@1, 50 d: goes
    action 1, 50 d: Root("/p/result")
    list 1, 50 d: Describes
    listing 1, 50 d: Describes
    listing 11, 50 d: Explains
    build b1, 50 d: Describes
    download pkg:npm/p2@1, 40 d: goes
    action 2, 40 d: goes
    list 2, 40 d: goes
    listing 2, 40 d: goes
    listing 12, 40 d: goes
    build b2, 40 d: goes
    download pkg:npm/p3@1, 30 d: goes
    action 3, 30 d: Explains
    list 3, 30 d: Describes
    listing 3, 30 d: Explains
    listing 13, 30 d: Explains
    build b3, 30 d: Describes
    download pkg:npm/p4@1, 20 d: goes
    action 4, 20 d: Explains
    list 4, 20 d: Describes
    listing 4, 20 d: Explains
    listing 14, 20 d: Explains
    build b4, 20 d: Describes
    "#);
}

#[test]
fn a_list_stays_with_an_action_that_is_kept_for_its_age() {
    let mut facts = trees(&[]);
    for (n, days) in [(1, 30.0), (2, 20.0), (3, 10.0)] {
        action(&mut facts, n, "web", n, n, days);
    }
    // The oldest action was used a day ago, its list and log are as old as they are.
    build(&mut facts, "b", "web", false, 1, 1, 1.0);
    let asked = Collecting { keep: 0, older_than: Some(Duration::from_secs(2 * 86_400)), ..ASKED };
    let lines = shown(&facts, asked);
    let lines: Vec<&str> = lines.lines().filter(|line| line.contains(" 1, ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    listing 1, 30 d: Explains
    action 1, 1 d: Recent
    list 1, 1 d: Describes
    ");
}

#[test]
fn what_was_used_lately_stays_if_asked() {
    let facts = trees(&[9.0, 8.0, 7.0, 6.0]);
    let asked = Collecting { older_than: Some(Duration::from_secs(15 * 43_200)), ..ASKED };
    insta::assert_snapshot!(shown(&facts, asked), @"
    tree 1, 9 d: goes
    tree 2, 8 d: goes
    tree 3, 7 d: Recent
    tree 4, 6 d: Recent
    ");
}

#[test]
fn what_was_used_longest_ago_goes_first_and_only_down_to_the_floor() {
    let mut facts = trees(&[6.0, 9.0, 7.0, 8.0]);
    facts.add(Entry::Build(id("a")), days_ago(8.5), false);
    facts.add(Entry::Build(id("b")), days_ago(6.5), false);
    insta::assert_snapshot!(shown(&facts, Collecting { floor: 15, ..ASKED }), @"
    tree 2, 9 d: goes
    build a, 8.5 d: goes
    tree 4, 8 d: goes
    tree 3, 7 d: Floor
    build b, 6.5 d: Floor
    tree 1, 6 d: Floor
    ");
    // Below the floor nothing goes at all.
    assert!(!shown(&facts, Collecting { floor: 61, ..ASKED }).contains("goes"));
}

#[test]
fn a_size_is_reached_or_what_holds_it_is_told() {
    let mut facts = trees(&[9.0, 8.0, 7.0, 6.0]);
    facts.roots.push(("/p/result".into(), hash(1)));
    let asked = Collecting { max_size: Some(25), ..ASKED };
    insta::assert_snapshot!(shown(&facts, asked), @r#"
    tree 1, 9 d: Root("/p/result")
    tree 2, 8 d: goes
    tree 3, 7 d: goes
    tree 4, 6 d: Fits
    "#);
    assert_eq!(shown(&facts, Collecting { max_size: Some(5), ..asked }).matches("goes").count(), 3);
    assert_eq!(shown(&facts, Collecting { max_size: Some(40), ..asked }).matches("goes").count(), 0);
    // Both wishes count: what is too young stays even if the size is not reached.
    let both = Collecting { max_size: Some(5), older_than: Some(Duration::from_secs(15 * 43_200)), ..ASKED };
    assert_eq!(shown(&facts, both).matches("goes").count(), 1);
}

#[test]
fn shared_files_are_counted_once_and_freed_with_the_last() {
    let facts = trees(&[9.0, 8.0, 7.0]);
    let mut shares = shares(&facts);
    shares.share(1, 1000, &[&tree(1), &tree(2)]);
    // One that something outside of the store has too.
    shares.share(2, 500, &[&tree(3), &tree(3)]);
    assert_eq!((shares.total(), shares.size(&tree(1)), shares.size(&tree(3))), (1530, 1010, 510));
    assert_eq!(shares.freed([tree(1)].iter()), 10);
    assert_eq!(shares.freed([tree(1), tree(2)].iter()), 1020);
    assert_eq!(shares.freed([tree(3)].iter()), 10);
    // The first two must go for the size: the first alone frees little.
    let verdicts = decide(&facts, &shares, &Collecting { max_size: Some(600), ..ASKED });
    assert_eq!(verdicts.iter().filter(|v| v.goes()).count(), 2);
    // The second would free more than the floor allows.
    let verdicts = decide(&facts, &shares, &Collecting { floor: 600, ..ASKED });
    assert_eq!(verdicts.iter().filter(|v| v.goes()).count(), 1);
}
