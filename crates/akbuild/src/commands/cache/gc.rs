//! `akbuild cache gc`: removes what nothing keeps, and says why the rest stays.

use akbuild_store::{Collecting, Collection, Entry, Verdict, Why};
use serde_json::json;

use crate::args::cache::Gc;
use crate::failure::{Failure, Outcome};
use crate::session::Session;
use crate::ui::{Align, ago, digest, size, table};

/// Bytes that stay whatever nothing keeps, if nobody says how many.
const FLOOR: u64 = 2_000_000_000;

pub(super) fn run(session: &Session, gc: &Gc, json: bool) -> Outcome {
    let asked = asked(gc)?;
    let done = if gc.dry_run {
        session.store.plan_collection(&asked)?
    } else {
        session.store.collect(&asked, &mut |_, _| {})?
    };
    if json {
        session.ui.out(&format!("{:#}\n", document(&done, gc.dry_run)));
        return Ok(());
    }
    if gc.dry_run {
        session.ui.out(&listed(&done));
    }
    session.ui.out(&sums(&done, gc.dry_run));
    let floor = done.entries.iter().filter(|v| v.why == Why::Floor && !describes(&v.entry)).count();
    if floor > 0 {
        let stay = if floor == 1 { "1 entry stays".to_owned() } else { format!("{floor} entries stay") };
        let floor = size(asked.floor);
        session
            .ui
            .note(&format!("{stay} only for the floor of {floor}; `--floor 0` lets all go that nothing else keeps"));
    }
    if let Some(wanted) = asked.max_size.filter(|wanted| done.after() > *wanted) {
        session.ui.warn(&unreached(&done, wanted));
    }
    Ok(())
}

fn asked(gc: &Gc) -> Outcome<Collecting> {
    if let (Some(floor), Some(most)) = (gc.floor, gc.max_size)
        && floor > most
    {
        let (floor, most) = (size(floor), size(most));
        let message = format!("the store cannot keep {floor} (--floor) and be made as small as {most} (--max-size)");
        return Err(Failure::Say(format!("{message}\n  help: leave out one of them, or use a smaller --floor")));
    }
    let floor = gc.floor.unwrap_or_else(|| FLOOR.min(gc.max_size.unwrap_or(FLOOR)));
    Ok(Collecting { keep: gc.keep, older_than: gc.older_than, max_size: gc.max_size, floor })
}

/// A line for each entry that is kept for its own sake, and for each other that goes.
fn listed(done: &Collection) -> String {
    let is_shown = |verdict: &&Verdict| verdict.goes() || !describes(&verdict.entry);
    let rows = done.entries.iter().filter(is_shown).map(|verdict| {
        let about = if verdict.about.is_empty() { "-".to_owned() } else { verdict.about.clone() };
        let (used, bytes) = (ago(done.now - verdict.used), size(verdict.bytes));
        [verdict.entry.kind().to_owned(), about, short(&verdict.entry), bytes, used, fate(verdict, done.now)]
    });
    let head = ["what", "for", "name", "size", "used", ""];
    let align = [Align::Left, Align::Left, Align::Left, Align::Right, Align::Right, Align::Left];
    table(&head, &align, rows) + "\n"
}

/// Whether it only tells of something else.
fn describes(entry: &Entry) -> bool {
    matches!(entry, Entry::Action(_) | Entry::List(_) | Entry::Listing(_))
}

fn short(entry: &Entry) -> String {
    match entry {
        Entry::Tree(hash) | Entry::Listing(hash) => digest(hash),
        Entry::Blob(hash) | Entry::List(hash) => format!("{}...", &hash.to_string()[..17]),
        Entry::Action(key) => format!("{}...", key.short()),
        Entry::Partial(name) => format!("{}...", name.get(..17).unwrap_or(name)),
        other => other.name(),
    }
}

fn fate(verdict: &Verdict, now: f64) -> String {
    let why = match &verdict.why {
        Why::Nothing => return "goes".to_owned(),
        Why::Root(link) => format!("root {}", link.display()),
        Why::Build(build) => format!("build {build}"),
        Why::InUse(0) => "in use".to_owned(),
        Why::InUse(pid) => format!("in use by process {pid}"),
        Why::Recent => format!("used {} ago", ago(now - verdict.used)),
        Why::Floor => "floor".to_owned(),
        Why::Fits => "the store is small enough".to_owned(),
        Why::Describes => "describes what stays".to_owned(),
        Why::Explains => "explains what was built last".to_owned(),
    };
    format!("stays: {why}")
}

fn sums(done: &Collection, dry_run: bool) -> String {
    let counts = |goes: bool| {
        let kinds = KINDS.map(|(kind, one, several)| {
            let of_kind = |verdict: &&Verdict| verdict.goes() == goes && verdict.entry.kind() == kind;
            let number = done.entries.iter().filter(of_kind).count();
            (number > 0).then(|| format!("{number} {}", if number == 1 { one } else { several }))
        });
        let counts = kinds.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if counts.is_empty() { "nothing".to_owned() } else { counts }
    };
    let (removed, freed) = if dry_run { ("would go", "would be freed") } else { ("removed", "freed") };
    let (bytes, left) = (size(done.freed), size(done.after()));
    let width = removed.len();
    format!(
        "{removed}  {}\n{:width$}  {}\n{bytes} {freed}, {left} remain\n",
        counts(true),
        if dry_run { "stays" } else { "kept" },
        counts(false)
    )
}

/// The kinds of entries, and what one and several are called.
const KINDS: [(&str, &str, &str); 9] = [
    ("tree", "tree", "trees"),
    ("download", "download", "downloads"),
    ("repository", "repository", "repositories"),
    ("folder", "folder of a failed stage", "folders of failed stages"),
    ("partial", "partial download", "partial downloads"),
    ("build", "build", "builds"),
    ("action", "action", "actions"),
    ("list", "list of downloads", "lists of downloads"),
    ("listing", "listing", "listings"),
];

/// What holds a store that is too large.
fn unreached(done: &Collection, wanted: u64) -> String {
    let holds = |name: &str, which: fn(&Why) -> bool| {
        let held = done.entries.iter().filter(|v| which(&v.why) && !describes(&v.entry)).count();
        (held > 0).then(|| format!("{held} by {name}"))
    };
    let holders = [
        holds("links", |why| matches!(why, Why::Root(_))),
        holds("the last builds (--keep)", |why| matches!(why, Why::Build(_))),
        holds("running processes", |why| matches!(why, Why::InUse(_))),
        holds("their age (--older-than)", |why| *why == Why::Recent),
    ];
    let holders: Vec<String> = holders.into_iter().flatten().collect();
    let held = if holders.is_empty() { "records".to_owned() } else { holders.join(", ") };
    format!("the store cannot be made as small as {}: {} are held: {held}", size(wanted), size(done.after()))
}

fn document(done: &Collection, dry_run: bool) -> serde_json::Value {
    let entries = done.entries.iter().map(|verdict| {
        let (why, by) = match &verdict.why {
            Why::Nothing => ("nothing", None),
            Why::Root(link) => ("root", Some(link.display().to_string())),
            Why::Build(build) => ("build", Some(build.to_string())),
            Why::InUse(pid) => ("in-use", (*pid != 0).then(|| pid.to_string())),
            Why::Recent => ("recent", None),
            Why::Floor => ("floor", None),
            Why::Fits => ("fits", None),
            Why::Describes => ("describes", None),
            Why::Explains => ("explains", None),
        };
        json!({
            "kind": verdict.entry.kind(),
            "name": verdict.entry.name(),
            "about": Some(&verdict.about).filter(|about| !about.is_empty()),
            "bytes": verdict.bytes,
            "used": verdict.used,
            "goes": verdict.goes(),
            "why": why,
            "by": by,
        })
    });
    json!({
        "schema": 1,
        "dry_run": dry_run,
        "entries": entries.collect::<Vec<_>>(),
        "before": done.before,
        "freed": done.freed,
        "after": done.after(),
    })
}

#[cfg(test)]
mod tests {
    use akbuild_nar::{Digest, TreeHash};

    use super::*;

    const DAY: f64 = 86_400.0;

    fn verdict(entry: Entry, about: &str, bytes: u64, days: f64, why: Why) -> Verdict {
        Verdict { entry, about: about.into(), bytes, used: (100.0 - days) * DAY, why }
    }

    fn collection() -> Collection {
        let tree = |n| Entry::Tree(TreeHash::from([n; 32]));
        let blob = Entry::Blob(Digest::sha256(b"x"));
        let entries = vec![
            verdict(tree(1), "app/webui", 1_300_000_000, 40.0, Why::Nothing),
            verdict(Entry::Listing(TreeHash::from([1; 32])), "app/webui", 4096, 40.0, Why::Explains),
            verdict(tree(2), "app/webui", 21_400_000, 30.0, Why::Root("/app/result".into())),
            verdict(blob, "pkg:npm/left-pad@1.3.0", 12_288, 20.0, Why::InUse(812)),
            verdict(Entry::Repository("app.git".into()), "", 91_000_000, 10.0, Why::InUse(0)),
            verdict(Entry::Kept("1-2-3-webui".into()), "", 0, 3.0, Why::Recent),
            verdict(Entry::Partial(format!("sha256-{}", "ab".repeat(32))), "", 5, 0.1, Why::Nothing),
            verdict(tree(3), "app/server", 7_000, 0.01, Why::Floor),
        ];
        Collection { entries, before: 1_500_000_000, freed: 1_200_000_000, now: 100.0 * DAY }
    }

    #[test]
    fn what_goes_and_why_the_rest_stays() {
        insta::assert_snapshot!(listed(&collection()), @"
        what        for                     name                     size    used
        tree        app/webui               sha256-AQEBAQEBAQ...   1.3 GB    40 d  goes
        tree        app/webui               sha256-AgICAgICAg...  21.4 MB    30 d  stays: root /app/result
        download    pkg:npm/left-pad@1.3.0  sha256-LXEWQrcmsE...  12.3 kB    20 d  stays: in use by process 812
        repository  -                       app.git               91.0 MB    10 d  stays: in use
        folder      -                       1-2-3-webui               0 B     3 d  stays: used 3 d ago
        partial     -                       sha256-ababababab...      5 B     2 h  goes
        tree        app/server              sha256-AwMDAwMDAw...   7.0 kB  14 min  stays: floor
        ");
        insta::assert_snapshot!(sums(&collection(), true), @"
        would go  1 tree, 1 partial download
        stays     2 trees, 1 download, 1 repository, 1 folder of a failed stage, 1 listing
        1.2 GB would be freed, 300.0 MB remain
        ");
        insta::assert_snapshot!(sums(&collection(), false), @"
        removed  1 tree, 1 partial download
        kept     2 trees, 1 download, 1 repository, 1 folder of a failed stage, 1 listing
        1.2 GB freed, 300.0 MB remain
        ");
        let nothing = Collection { entries: Vec::new(), before: 0, freed: 0, now: 0.0 };
        insta::assert_snapshot!(sums(&nothing, false), @"
        removed  nothing
        kept     nothing
        0 B freed, 0 B remain
        ");
    }

    #[test]
    fn a_size_that_cannot_be_reached() {
        insta::assert_snapshot!(unreached(&collection(), 5_000_000), @"the store cannot be made as small as 5.0 MB: 300.0 MB are held: 1 by links, 2 by running processes, 1 by their age (--older-than)");
    }

    #[test]
    fn wishes_that_contradict() {
        let gc = |floor, max_size| Gc { keep: 3, older_than: None, max_size, floor, dry_run: false };
        let Err(Failure::Say(message)) = asked(&gc(Some(2_000_000), Some(1_000_000))) else { panic!() };
        insta::assert_snapshot!(message, @"
        the store cannot keep 2.0 MB (--floor) and be made as small as 1.0 MB (--max-size)
          help: leave out one of them, or use a smaller --floor
        ");
        assert_eq!(asked(&gc(None, None)).unwrap().floor, FLOOR);
        assert_eq!(asked(&gc(None, Some(5))).unwrap().floor, 5);
        assert_eq!(asked(&gc(Some(0), Some(5))).unwrap().floor, 0);
    }

    #[test]
    fn the_document_has_every_entry() {
        let document = document(&collection(), true);
        assert_eq!(document["entries"].as_array().unwrap().len(), 8);
        insta::assert_snapshot!(format!("{:#}", document["entries"][3]), @r#"
        {
          "kind": "download",
          "name": "sha256-LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=",
          "about": "pkg:npm/left-pad@1.3.0",
          "bytes": 12288,
          "used": 6912000.0,
          "goes": false,
          "why": "in-use",
          "by": "812"
        }
        "#);
    }
}
