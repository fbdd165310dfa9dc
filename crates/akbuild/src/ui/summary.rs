//! The end of a run, and how it is worded: what failed and where to look, a table of the stages, and one line that says
//! how it went. Pure text.

use std::path::PathBuf;

use std::collections::HashMap;

use akbuild_engine::{NodeId, Report, Status};
use akbuild_recipe::plan::StageId;
use console::measure_text_width as columns;

use super::board::DownloadCount;
use super::checked::{self, Checked};
use super::paint::{Paint, word};
use super::text::{clean, indent, left, pad, right};
use super::units::{count, digest, seconds, size};

const STATUS: usize = 7;
const GAP: &str = "  ";

/// How a run ended, and what is needed to tell of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// Whether every target is there.
    pub(crate) ok: bool,
    /// Whether it was stopped from outside.
    pub(crate) cancelled: bool,
    /// Every node's report.
    pub(crate) reports: Vec<Report>,
    /// What the checks among them found.
    pub(crate) checked: Vec<Checked>,
    /// The plan's stages in their order: that of the table's lines.
    pub(crate) order: Vec<StageId>,
    /// Those of them that put trees together, without a sandbox.
    pub(crate) without_sandbox: Vec<StageId>,
    /// How long it all took, in seconds.
    pub(crate) seconds: f64,
    /// The link to the first target's output, if one was made.
    pub(crate) result: Option<PathBuf>,
    /// The page with the run's timeline, if one was drawn.
    pub(crate) timeline: Option<PathBuf>,
}

/// The line for a node that has just ended, in `width` columns if that can be: the hash goes first,
/// then the size.
pub(crate) fn ended(report: &Report, names: usize, width: usize, paint: Paint) -> String {
    let status = left(word(report), STATUS);
    let mut line = format!("{}  {:>8}", pad(&report.node.to_string(), names), seconds(report.seconds));
    let mut more = Vec::new();
    if report.status == Status::Failed {
        more.extend(report.error.as_deref().and_then(|e| e.lines().next()).map(str::to_owned));
    } else if report.status == Status::Built {
        more.extend((report.bytes > 0).then(|| format!("{:>8}", size(report.bytes))));
        more.extend(short(report));
    }
    for part in more {
        // What failed is told whole, whatever the width.
        if report.status != Status::Failed && STATUS + 4 + columns(&line) + columns(&part) >= width {
            break;
        }
        line += &format!("  {part}");
    }
    format!("{}  {}\n", paint.ended(report, &status), line.trim_end())
}

/// Everything that is told at the end of a run.
pub(crate) fn render(end: &Summary, downloads: DownloadCount, width: usize, paint: Paint) -> String {
    let parts = [table(end, width, paint), others(end, downloads), failures(end, paint), closing(end, paint)];
    let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    format!("\n{}", parts.join("\n"))
}

/// The beginning of an output's hash, enough to compare and to search for.
fn short(report: &Report) -> Option<String> {
    report.output.as_ref().map(digest)
}

/// The reports of stages, in the plan's order; what the plan does not name comes last.
fn stages(end: &Summary) -> Vec<&Report> {
    let places: HashMap<&StageId, usize> = end.order.iter().enumerate().map(|(place, id)| (id, place)).collect();
    let place = |report: &Report| match &report.node {
        NodeId::Stage(id) => Some(places.get(id).copied().unwrap_or(usize::MAX)),
        _ => None,
    };
    let mut stages: Vec<(usize, &Report)> = end.reports.iter().filter_map(|r| Some((place(r)?, r))).collect();
    stages.sort_by_key(|(place, _)| *place);
    stages.into_iter().map(|(_, report)| report).collect()
}

fn table(end: &Summary, width: usize, paint: Paint) -> String {
    let stages = stages(end);
    if stages.is_empty() {
        return String::new();
    }
    let mut lines = vec![["stage", "status", "time", "size", "output"].map(str::to_owned)];
    for report in &stages {
        let ran = matches!(report.status, Status::Built | Status::Failed);
        let made = matches!(report.status, Status::Built | Status::Cached);
        lines.push([
            report.node.to_string(),
            report.status.as_str().to_owned(),
            if ran { seconds(report.seconds) } else { String::new() },
            if made { size(report.bytes) } else { String::new() },
            short(report).filter(|_| made).unwrap_or_default(),
        ]);
    }
    let widths: Vec<usize> = (0..5).map(|c| lines.iter().map(|l| columns(&l[c])).max().unwrap_or(0)).collect();
    // Where there is no room for all columns, the last ones are left out.
    let fits = |n: &usize| widths[..*n].iter().sum::<usize>() + GAP.len() * (n - 1) < width;
    let shown = (2..=5).rev().find(fits).unwrap_or(2);
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let cells: Vec<String> = (0..shown)
            .map(|c| if matches!(c, 2 | 3) { right(&line[c], widths[c]) } else { left(&line[c], widths[c]) })
            .collect();
        let plain = cells.join(GAP);
        text += &match index.checked_sub(1) {
            None => paint.bold(plain.trim_end()),
            Some(at) => {
                let status = paint.status(stages[at].status, &cells[1]);
                [&cells[..1], &[status], &cells[2..]].concat().join(GAP).trim_end().to_owned()
            }
        };
        text.push('\n');
    }
    text
}

/// A line each for sources, sysroots, tools and downloads, if they did something.
fn others(end: &Summary, downloads: DownloadCount) -> String {
    type Of = fn(&NodeId) -> bool;
    let kinds: [(&str, &str, Of); 3] = [
        ("sources", "fetched", |n| matches!(n, NodeId::Source(_))),
        ("sysroots", "built", |n| matches!(n, NodeId::Sysroot(_))),
        ("tools", "built", |n| matches!(n, NodeId::Tool(_))),
    ];
    let mut text = String::new();
    for (name, done, of) in kinds {
        let ran = |status| end.reports.iter().filter(move |r| of(&r.node) && r.status == status);
        let mut parts = Vec::new();
        for (status, word) in [(Status::Built, done), (Status::Failed, "failed")] {
            if ran(status).next().is_some() {
                let time = ran(status).map(|r| r.seconds).sum();
                parts.push(format!("{} {word} in {}", ran(status).count(), seconds(time)));
            }
        }
        if !parts.is_empty() {
            text += &format!("{name:9}  {}\n", parts.join(", "));
        }
    }
    if downloads.files > 0 {
        text += &format!("{:9}  {}, {}\n", "downloads", count(downloads.files as usize, "file"), size(downloads.bytes));
    }
    text
}

/// What failed, each with its error, the end of its log and what to do; then what differs, and what was not built.
pub(crate) fn failures(end: &Summary, paint: Paint) -> String {
    let failed = end.reports.iter().filter(|r| r.status == Status::Failed);
    let mut blocks: Vec<String> = failed.map(|report| failure(report, &end.without_sandbox, paint)).collect();
    blocks.extend(end.checked.iter().filter_map(|checked| checked::block(checked, paint)));
    let skipped: Vec<String> =
        stages(end).iter().filter(|r| r.status == Status::Skipped).map(|r| r.node.to_string()).collect();
    if !skipped.is_empty() {
        let why = if end.cancelled { "the run was interrupted" } else { "what they need failed, or the run stopped" };
        blocks.push(format!("{} ({why}): {}\n", paint.yellow("skipped"), skipped.join(", ")));
    }
    blocks.join("\n")
}

fn failure(report: &Report, without_sandbox: &[StageId], paint: Paint) -> String {
    let mut text = format!("{} {} after {}\n", paint.red("failed"), report.node, seconds(report.seconds));
    text += &indent(report.error.as_deref().unwrap_or("no reason was given"), "  ");
    if !report.tail.is_empty() {
        text += "  the end of its log:\n";
        for line in &report.tail {
            text += &format!("    {} {}\n", paint.dim("|"), clean(line));
        }
    }
    if let Some(log) = &report.log {
        text += &format!("  log: {}\n", log.display());
    }
    if let Some(kept) = &report.kept {
        text += &format!("  kept: {}\n", kept.display());
    }
    if let (NodeId::Stage(stage), Some(_)) = (&report.node, &report.log) {
        let shell = match &report.kept {
            _ if without_sandbox.contains(stage) => String::new(),
            Some(_) => format!(", `akbuild shell {stage} --failed` opens its sandbox as it was left"),
            None => format!(", `akbuild shell {stage}` opens its sandbox"),
        };
        text += &format!("  help: `akbuild log {stage}` prints the log{shell}\n");
    }
    text
}

fn closing(end: &Summary, paint: Paint) -> String {
    let mut counts = Vec::new();
    for status in [Status::Failed, Status::Built, Status::Cached, Status::Skipped] {
        // Of what is no stage only failures count.
        let counts_in = |r: &&Report| status == Status::Failed || matches!(r.node, NodeId::Stage(_));
        match end.reports.iter().filter(|r| r.status == status).filter(counts_in).count() {
            0 => {}
            n => counts.push(format!("{n} {}", status.as_str())),
        }
    }
    let (equal, differ): (Vec<_>, Vec<_>) = end.checked.iter().partition(|checked| checked.is_equal());
    for (checked, word) in [(&equal, "equal"), (&differ, "differing")] {
        counts.extend((!checked.is_empty()).then(|| format!("{} {word}", checked.len())));
    }
    let how = match (end.ok, end.cancelled) {
        (true, _) if !differ.is_empty() => format!("{} after", paint.red("differs")),
        (true, _) => format!("{} in", paint.green("done")),
        (false, true) => format!("{} after", paint.yellow("interrupted")),
        (false, false) => format!("{} after", paint.red("failed")),
    };
    let counts = if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") };
    let mut text = format!("{how} {}: {counts}\n", seconds(end.seconds));
    if let Some(page) = end.timeline.as_ref().filter(|_| ran(end)) {
        text += &format!("timeline: {}\n", page.display());
    }
    if let Some(link) = &end.result {
        text += &format!("result: {}\n", link.display());
    }
    text
}

/// Whether there is something to see in a timeline.
fn ran(end: &Summary) -> bool {
    end.reports.iter().any(|report| matches!(report.status, Status::Built | Status::Failed))
}

#[cfg(test)]
mod tests {
    use akbuild_recipe::plan::{SourceId, SysrootId};

    use super::super::escape::without_styles;
    use super::super::testing::{ending, report, stage};
    use super::*;

    fn good() -> Summary {
        let mut cached = report(stage("client-go"), Status::Cached);
        cached.bytes = 1_234_567;
        let mut built = report(stage("webui"), Status::Built);
        (built.seconds, built.bytes) = (125.2, 21_400_000);
        let mut source = report(NodeId::Source(SourceId::new("app")), Status::Built);
        source.seconds = 4.1;
        let unpacked = report(NodeId::Sysroot(SysrootId::new("run")), Status::Cached);
        Summary {
            ok: true,
            reports: vec![built, cached, source, unpacked],
            order: ["client-go", "webui"].map(StageId::new).to_vec(),
            seconds: 130.0,
            result: Some("/home/me/project/result".into()),
            timeline: Some("/home/me/akbuild/builds/1/build.html".into()),
            ..Summary::default()
        }
    }

    #[test]
    fn all_is_well() {
        let downloads = DownloadCount { files: 1251, bytes: 91_000_000 };
        insta::assert_snapshot!(render(&good(), downloads, 100, Paint(false)), @"

        stage      status        time     size  output
        client-go  cached               1.2 MB  sha256-BwcHBwcHBw...
        webui      built   2 min 05 s  21.4 MB  sha256-BwcHBwcHBw...

        sources    1 fetched in 4.1 s
        downloads  1251 files, 91.0 MB

        done in 2 min 10 s: 1 built, 1 cached
        timeline: /home/me/akbuild/builds/1/build.html
        result: /home/me/project/result
        ");
    }

    #[test]
    fn narrow_terminals_lose_the_last_columns() {
        insta::assert_snapshot!(table(&good(), 40, Paint(false)), @"
        stage      status        time     size
        client-go  cached               1.2 MB
        webui      built   2 min 05 s  21.4 MB
        ");
        insta::assert_snapshot!(table(&good(), 10, Paint(false)), @"
        stage      status
        client-go  cached
        webui      built
        ");
    }

    #[test]
    fn a_failure_says_where_to_look() {
        insta::assert_snapshot!(render(&ending(), DownloadCount::default(), 100, Paint(false)), @"

        stage      status     time  size  output
        client-go  cached            0 B  sha256-BwcHBwcHBw...
        webui      failed   14.0 s
        assembled  skipped

        sysroots   1 built in 30.0 s

        failed webui after 14.0 s
          stage `webui` exited with status 2
          the end of its log:
            | added 12 packages
            | npm error code 2
          log: /home/me/akbuild/builds/1/webui.log
          kept: /home/me/akbuild/tmp/webui-1
          help: `akbuild log webui` prints the log, `akbuild shell webui --failed` opens its sandbox as it was left

        skipped (what they need failed, or the run stopped): assembled

        failed after 45.0 s: 1 failed, 1 cached, 1 skipped
        ");
    }

    #[test]
    fn something_that_is_no_stage_failed() {
        let mut source = report(NodeId::Source(SourceId::new("app")), Status::Failed);
        source.error = Some("source `app` has another hash than the pinned one\n  help: run `akbuild lock`".into());
        let end = Summary { reports: vec![source], seconds: 1.0, ..Summary::default() };
        insta::assert_snapshot!(render(&end, DownloadCount::default(), 100, Paint(false)), @"
        sources    1 failed in 1.3 s

        failed source:app after 1.3 s
          source `app` has another hash than the pinned one
            help: run `akbuild lock`

        failed after 1.0 s: 1 failed
        ");
    }

    #[test]
    fn interrupted() {
        let reports = vec![report(stage("a"), Status::Built), report(stage("b"), Status::Skipped)];
        let end = Summary { cancelled: true, reports, seconds: 9.0, ..Summary::default() };
        insta::assert_snapshot!(render(&end, DownloadCount::default(), 100, Paint(false)), @"
        stage  status    time  size  output
        a      built    1.3 s   0 B  sha256-BwcHBwcHBw...
        b      skipped

        skipped (the run was interrupted): b

        interrupted after 9.0 s: 1 built, 1 skipped
        ");
    }

    #[test]
    fn ended_keeps_to_the_width_but_tells_a_failure_whole() {
        let mut built = report(stage("webui"), Status::Built);
        built.bytes = 1_000;
        let lines: String = [100, 40, 20].map(|width| ended(&built, 12, width, Paint(false))).concat();
        insta::assert_snapshot!(lines, @"
        built    webui            1.3 s    1.0 kB  sha256-BwcHBwcHBw...
        built    webui            1.3 s
        built    webui            1.3 s
        ");
        let failed = &ending().reports[1];
        insta::assert_snapshot!(ended(failed, 12, 40, Paint(false)), @"failed   webui           14.0 s  stage `webui` exited with status 2");
    }

    #[test]
    fn colour_is_never_the_only_carrier() {
        let (with, without) =
            [true, false].map(|on| render(&ending(), DownloadCount::default(), 100, Paint(on))).into();
        assert_ne!(with, without);
        assert_eq!((console::strip_ansi_codes(&with).as_ref(), without_styles(&with)), (&*without, without.clone()));
    }
}
