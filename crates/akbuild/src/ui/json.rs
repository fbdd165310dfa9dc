//! For programs: one event a line on stdout, as `docs/events.md` describes. That document and
//! [`SCHEMA`] change together with this file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use akbuild_differ::Difference;
use akbuild_engine::{Event, NodeId, Report, Sink, Status};
use akbuild_fetch::WaitNotice;
use serde_json::{Map, Value, json};

use super::board::Board;
use super::checked::{Checked, Differing};
use super::clock::Clock;
use super::display::Ui;
use super::escape::without_styles;
use super::paint::Paint;
use super::streams::OutputStreams;
use super::summary::Summary;
use super::text;

/// The version of the schema: raised when something that was there goes or changes its meaning.
pub(crate) const SCHEMA: u32 = 1;

/// A node's progress is told at most this often.
const EVERY: Duration = Duration::from_secs(1);

/// Events as JSON.
pub(crate) struct Json {
    paint: Paint,
    verbose: u8,
    clock: Arc<dyn Clock>,
    streams: Arc<OutputStreams>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    started: bool,
    board: Board,
    told: HashMap<NodeId, Duration>,
}

impl Json {
    /// On these streams. The line `started` is written before the first other one, so that a command
    /// that only prints data prints nothing else.
    pub(crate) fn new(paint: Paint, verbose: u8, clock: Arc<dyn Clock>, streams: Arc<OutputStreams>) -> Self {
        Self { paint, verbose, clock, streams, state: Mutex::default() }
    }

    fn emit(&self, state: &mut State, line: Value) {
        if !std::mem::replace(&mut state.started, true) {
            let version = env!("CARGO_PKG_VERSION");
            let first = json!({"reason": "started", "schema": SCHEMA, "version": version});
            self.streams.out(&format!("{first}\n"));
        }
        self.streams.out(&format!("{line}\n"));
    }

    fn say(&self, line: Value) {
        self.emit(&mut self.state.lock().unwrap_or_else(|e| e.into_inner()), line);
    }
}

impl State {
    /// Whether a node's progress may be told again.
    fn due(&mut self, node: &NodeId, now: Duration) -> bool {
        let due = self.told.get(node).is_none_or(|at| now >= *at + EVERY);
        if due {
            self.told.insert(node.clone(), now);
        }
        due
    }

    fn download(&self, node: &NodeId) -> Option<Value> {
        let download = self.board.find(node)?.download.as_ref()?;
        Some(about(
            node,
            "download",
            json!({
                "files": download.files,
                "total_files": download.total_files,
                "bytes": download.bytes,
                "total_bytes": download.total_bytes,
                "retries": download.retries,
            }),
        ))
    }
}

impl Sink for Json {
    fn event(&self, event: Event) {
        let now = self.clock.now();
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        state.board.apply(&event, now);
        let line = match &event {
            Event::Planned { to_run, cached } => {
                Some(json!({"reason": "planned", "to_run": names(to_run), "cached": names(cached)}))
            }
            Event::Started { node } => Some(about(node, &reason(node, "started"), json!({}))),
            Event::Waiting { node, holder } => Some(about(node, "waiting", json!({"holder": holder}))),
            Event::Phase { node, phase } => {
                state.told.remove(node);
                Some(about(node, "phase", json!({"phase": phase})))
            }
            Event::Line { node, line } if self.verbose > 0 => {
                Some(about(node, "line", json!({"line": text::clean(line)})))
            }
            Event::Line { .. } => None,
            Event::Download { node, .. } => state.due(node, now).then(|| state.download(node)).flatten(),
            Event::Unpacked { node, done, total } => state
                .due(node, now)
                .then(|| about(node, "unpacked", json!({"packages": done, "total_packages": total}))),
            Event::Warning { message } => Some(json!({"reason": "warning", "message": message})),
            Event::Finished(report) => {
                state.told.remove(&report.node);
                Some(finished(report))
            }
        };
        if let Some(line) = line {
            self.emit(&mut state, line);
        }
    }
}

impl Ui for Json {
    fn finish(&self, end: &Summary) {
        let mut state = self.state.lock().unwrap_or_else(|e| e.into_inner());
        end.checked.iter().for_each(|c| self.emit(&mut state, checked(c)));
        let stages = || end.reports.iter().filter(|r| matches!(r.node, NodeId::Stage(_)));
        let with = |status| stages().filter(|r| r.status == status).count();
        let line = json!({
            "reason": "finished",
            "ok": end.ok,
            "cancelled": end.cancelled,
            "seconds": rounded(end.seconds),
            "built": with(Status::Built),
            "cached": with(Status::Cached),
            "failed": with(Status::Failed),
            "skipped": with(Status::Skipped),
            "equal": end.checked.iter().filter(|c| c.is_equal()).count(),
            "differing": end.checked.iter().filter(|c| !c.is_equal()).count(),
            "downloaded_files": state.board.downloads.files,
            "downloaded_bytes": state.board.downloads.bytes,
            "result": end.result.as_deref().map(path),
            "timeline": end.timeline.as_deref().map(path),
        });
        self.emit(&mut state, line);
    }

    fn note(&self, text: &str) {
        self.say(json!({"reason": "note", "message": text}));
    }

    fn waiting(&self, notice: &WaitNotice) {
        self.say(json!({
            "reason": "server-wait",
            "host": notice.host,
            "seconds": rounded(notice.wait.as_secs_f64()),
            "attempt": notice.attempt,
            "error": text::clean(&notice.reason),
        }));
    }

    fn warn(&self, text: &str) {
        self.say(json!({"reason": "warning", "message": text}));
    }

    fn error(&self, block: &str) {
        self.say(json!({"reason": "error", "message": without_styles(block.trim_end())}));
        self.streams.err(&self.paint.error(block));
    }

    fn document(&self, line: Value) {
        self.say(line);
    }

    fn streams(&self) -> &Arc<OutputStreams> {
        &self.streams
    }
}

/// A line about a node: a stage has its name under `stage`, anything else its kind and name under `node`.
fn about(node: &NodeId, reason: &str, rest: Value) -> Value {
    let mut line = Map::from_iter([("reason".to_owned(), reason.into())]);
    let field = if matches!(node, NodeId::Stage(_)) { "stage" } else { "node" };
    line.insert(field.to_owned(), node.to_string().into());
    if let Value::Object(rest) = rest {
        line.extend(rest);
    }
    Value::Object(line)
}

fn reason(node: &NodeId, what: &str) -> String {
    format!("{}-{what}", if matches!(node, NodeId::Stage(_)) { "stage" } else { "node" })
}

fn finished(report: &Report) -> Value {
    about(
        &report.node,
        &reason(&report.node, "finished"),
        json!({
            "status": report.status.as_str(),
            "seconds": rounded(report.seconds),
            "started": rounded(report.started),
            "bytes": report.bytes,
            "files": report.files,
            "output": report.output.map(|o| o.to_string()),
            "key": report.key.map(|k| k.hex()),
            "max_rss": report.max_rss,
            "log": report.log.as_deref().map(path),
            "error": report.error,
            "tail": report.tail.iter().map(|line| text::clean(line)).collect::<Vec<_>>(),
            "kept": report.kept.as_deref().map(path),
        }),
    )
}

fn checked(checked: &Checked) -> Value {
    let file = |differing: &Differing| {
        let Difference { path, change } = &differing.difference;
        json!({"path": path.to_string_lossy(), "change": change.to_string(), "lines": differing.lines.iter().map(|line| text::clean(line)).collect::<Vec<_>>()})
    };
    json!({
        "reason": "checked",
        "stage": checked.stage.to_string(),
        "equal": checked.is_equal(),
        "output": checked.stored.to_string(),
        "found": checked.found.to_string(),
        "files": checked.differing.iter().map(file).collect::<Vec<_>>(),
    })
}

fn names(nodes: &[NodeId]) -> Vec<String> {
    nodes.iter().map(NodeId::to_string).collect()
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// To milliseconds.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use akbuild_fetch::Progress;

    use super::super::testing::{Captured, Hands, checked_stage, play, stage};
    use super::*;

    fn json_ui(verbose: u8) -> (Json, Arc<Hands>, Captured) {
        let (clock, streams) = (Arc::new(Hands::default()), Captured::default());
        (Json::new(Paint(false), verbose, clock.clone(), streams.streams()), clock, streams)
    }

    #[test]
    fn a_build_from_start_to_end() {
        let (json, clock, streams) = json_ui(1);
        play(&json, &clock, || {});
        insta::assert_snapshot!(streams.text(), @r#"
        out: {"reason":"started","schema":1,"version":"0.1.0"}
        out: {"reason":"planned","to_run":["sysroot:build","webui","assembled"],"cached":["client-go"]}
        out: {"reason":"stage-finished","stage":"client-go","status":"cached","seconds":0.0,"started":0.0,"bytes":0,"files":0,"output":"sha256-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","key":"0909090909090909090909090909090909090909090909090909090909090909","max_rss":0,"log":null,"error":null,"tail":[],"kept":null}
        out: {"reason":"node-started","node":"sysroot:build"}
        out: {"reason":"phase","node":"sysroot:build","phase":"fetch"}
        out: {"reason":"download","node":"sysroot:build","files":0,"total_files":2,"bytes":0,"total_bytes":4000000,"retries":0}
        out: {"reason":"download","node":"sysroot:build","files":0,"total_files":2,"bytes":3000000,"total_bytes":4000000,"retries":0}
        out: {"reason":"download","node":"sysroot:build","files":0,"total_files":2,"bytes":3000000,"total_bytes":4000000,"retries":1}
        out: {"reason":"download","node":"sysroot:build","files":1,"total_files":2,"bytes":3000000,"total_bytes":4000000,"retries":1}
        out: {"reason":"phase","node":"sysroot:build","phase":"unpack"}
        out: {"reason":"unpacked","node":"sysroot:build","packages":1,"total_packages":2}
        out: {"reason":"warning","message":"the record lacks a line"}
        out: {"reason":"node-finished","node":"sysroot:build","status":"built","seconds":30.0,"started":0.5,"bytes":310000000,"files":9000,"output":"sha256-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=","key":"0909090909090909090909090909090909090909090909090909090909090909","max_rss":0,"log":null,"error":null,"tail":[],"kept":null}
        out: {"reason":"stage-started","stage":"webui"}
        out: {"reason":"waiting","stage":"webui","holder":"process 4711"}
        out: {"reason":"phase","stage":"webui","phase":"run"}
        out: {"reason":"line","stage":"webui","line":"added 12 packages"}
        out: {"reason":"line","stage":"webui","line":"npm error code 2"}
        out: {"reason":"stage-finished","stage":"webui","status":"failed","seconds":14.0,"started":31.0,"bytes":0,"files":0,"output":null,"key":null,"max_rss":0,"log":"/home/me/akbuild/builds/1/webui.log","error":"stage `webui` exited with status 2","tail":["added 12 packages","npm error code 2"],"kept":"/home/me/akbuild/tmp/webui-1"}
        out: {"reason":"stage-finished","stage":"assembled","status":"skipped","seconds":0.0,"started":0.0,"bytes":0,"files":0,"output":null,"key":null,"max_rss":0,"log":null,"error":null,"tail":[],"kept":null}
        out: {"reason":"finished","ok":false,"cancelled":false,"seconds":45.0,"built":0,"cached":1,"failed":1,"skipped":1,"equal":0,"differing":0,"downloaded_files":1,"downloaded_bytes":3000000,"result":null,"timeline":null}
        "#);
    }

    #[test]
    fn lines_only_when_verbose_and_downloads_once_a_second() {
        let (json, clock, streams) = json_ui(0);
        let node = stage("a");
        json.event(Event::Started { node: node.clone() });
        json.event(Event::Line { node: node.clone(), line: "x".into() });
        let start = Progress::Start { total_files: 9, total_bytes: None };
        json.event(Event::Download { node: node.clone(), progress: start });
        for second in [0, 0, 1, 1, 1] {
            clock.set(second);
            json.event(Event::Download { node: node.clone(), progress: Progress::Bytes(10) });
        }
        insta::assert_snapshot!(streams.text(), @r#"
        out: {"reason":"started","schema":1,"version":"0.1.0"}
        out: {"reason":"stage-started","stage":"a"}
        out: {"reason":"download","stage":"a","files":0,"total_files":9,"bytes":0,"total_bytes":null,"retries":0}
        out: {"reason":"download","stage":"a","files":0,"total_files":9,"bytes":30,"total_bytes":null,"retries":0}
        "#);
    }

    #[test]
    fn an_error_before_anything_else() {
        let (json, _, streams) = json_ui(0);
        json.error("error: no recipe\n  help: write one\n");
        insta::assert_snapshot!(streams.text(), @r#"
        out: {"reason":"started","schema":1,"version":"0.1.0"}
        out: {"reason":"error","message":"error: no recipe\n  help: write one"}
        err: error: no recipe
        err:   help: write one
        "#);
    }

    #[test]
    fn data_stands_alone() {
        let (json, _, streams) = json_ui(0);
        json.out("[1,2]\n");
        insta::assert_snapshot!(streams.text(), @"out: [1,2]");
    }

    #[test]
    fn whatever_is_printed_is_described() {
        let (json, clock, streams) = json_ui(1);
        play(&json, &clock, || {});
        json.note("a note");
        json.error("error: x");
        json.finish(&Summary { checked: vec![checked_stage()], ..Summary::default() });
        let described = include_str!("../../../../docs/events.md");
        assert!(described.contains(&format!("**schema {SCHEMA}**")));
        let text = streams.text();
        for line in text.lines().filter_map(|l| l.strip_prefix("out: ")) {
            let line: Map<String, Value> = serde_json::from_str(line).unwrap();
            let reason = line["reason"].as_str().unwrap();
            for name in line.keys().map(String::as_str).chain([reason]) {
                assert!(described.contains(&format!("`{name}`")), "`{name}` of `{reason}` is not in docs/events.md");
            }
        }
    }
}
