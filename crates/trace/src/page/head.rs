//! The top of the page: which build it was, how it ended, what went wrong, and what decided how long it took.

use std::fmt::Write;

use super::context::PageContext;
use super::text::{Esc, beside};
use super::units;
use crate::timeline::Timeline;

/// How many failed nodes are told in full; the others are named.
const TOLD: usize = 5;

/// How it ended, in words.
pub(super) fn outcome(timeline: &Timeline) -> String {
    let (word, how) = verdict(timeline);
    format!("{word} {how}")
}

/// `failed`, and `after 23.0 s`.
fn verdict(timeline: &Timeline) -> (&'static str, String) {
    let seconds = units::seconds(timeline.seconds);
    match (timeline.cancelled, timeline.ok) {
        (true, _) => ("stopped", format!("after {seconds}")),
        (_, false) => ("failed", format!("after {seconds}")),
        _ => ("ok", format!("in {seconds}")),
    }
}

pub(super) fn render(page: &PageContext<'_>) -> String {
    let timeline = page.timeline;
    let (word, how) = verdict(timeline);
    let mut html = format!(
        "<header>\n<h1>{project} <small><b class=\"{word}\">{word}</b> {how}</small></h1>\n<p>{counts}</p>\n\
         <p class=\"dim\">{date}, akbuild {version}, -j {jobs}, build {build}</p>\n<p><code>{command}</code></p>\n</header>\n",
        project = Esc(&timeline.project),
        counts = counts(timeline),
        date = units::date(timeline.started),
        version = Esc(&timeline.akbuild),
        jobs = timeline.jobs,
        build = Esc(&timeline.build),
        command = Esc(command(&timeline.argv)),
    );
    html.push_str(&failures(page));
    html.push_str(&critical(page));
    html
}

/// `5 built, 3 fetched, 12 cached; 91.0 MB in 1204 files downloaded`.
fn counts(timeline: &Timeline) -> String {
    let mut words: Vec<(&str, u64)> =
        ["built", "fetched", "cached", "failed", "skipped"].map(|word| (word, 0)).to_vec();
    for node in &timeline.nodes {
        match words.iter_mut().find(|(word, _)| *word == node.word()) {
            Some((_, count)) => *count += 1,
            None => words.push((node.word(), 1)),
        }
    }
    let some = words.iter().filter(|(_, count)| *count > 0);
    let mut text = some.map(|(word, count)| format!("{count} {}", Esc(word))).collect::<Vec<_>>().join(", ");
    let last = timeline.nodes.iter().filter_map(|node| node.downloads.last());
    let (files, bytes) = last.fold((0, 0), |sum, last| (sum.0 + last.files, sum.1 + last.bytes));
    if bytes > 0 {
        let _ = write!(text, "; {} in {} downloaded", units::size(bytes), units::count(files, "file"));
    }
    text
}

/// A command as it could be typed again.
fn command(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    let words = argv.iter().map(|word| match !word.is_empty() && word.chars().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn failures(page: &PageContext<'_>) -> String {
    let failed = (0..page.timeline.nodes.len()).filter(|at| page.timeline.nodes[*at].status == "failed");
    let failed: Vec<usize> = failed.collect();
    let mut html = String::new();
    for at in failed.iter().take(TOLD) {
        let node = &page.timeline.nodes[*at];
        let _ = write!(html, "<section class=\"failure\">\n<h2><b class=\"failed\">failed</b> {}", page.link(*at));
        if let Some(log) = &node.log {
            let _ = write!(html, " <small><a href=\"{}\">log</a></small>", beside(log));
        }
        let error = node.error.as_deref().unwrap_or("it is not known why");
        let _ = write!(html, "</h2>\n<pre>{}</pre>\n</section>\n", Esc(error.trim_end()));
    }
    if let Some(others) = failed.get(TOLD..).filter(|others| !others.is_empty()) {
        let links: Vec<String> = others.iter().map(|at| page.link(*at)).collect();
        let _ = writeln!(html, "<p class=\"failure\"><b class=\"failed\">failed</b> too: {}</p>", links.join(", "));
    }
    html
}

/// `critical path: a 12.0 s -> b 9.0 s, together 21.0 of 23.0 s`.
fn critical(page: &PageContext<'_>) -> String {
    let nodes = &page.timeline.nodes;
    if page.critical.is_empty() {
        return String::new();
    }
    let step = |at: &usize| format!("{} {}</span>", page.link(*at), units::seconds(nodes[*at].seconds));
    let steps: Vec<String> = page.critical.iter().map(step).collect();
    let sum = page.critical.iter().map(|at| nodes[*at].seconds).sum::<f64>();
    format!(
        "<p class=\"path\"><b>critical path</b>: <span>{}, together {} of {}</p>\n",
        steps.join(" <span>-&gt; "),
        units::seconds(sum),
        units::seconds(page.timeline.seconds),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_typed_again() {
        let argv = ["akbuild", "build", "web*", "it's", "", "--source", "a=../a"].map(str::to_owned);
        assert_eq!(command(&argv), r"akbuild build 'web*' 'it'\''s' '' --source a=../a");
    }
}
