//! The timeline in the trace event format, as JSON: <https://ui.perfetto.dev> and `chrome://tracing` read it.
//!
//! Two processes: what was built and made there, and what was downloaded. In each, nodes are in as many lanes (threads)
//! as ran at a time; phases lie inside their nodes. Knows no page.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::critical::critical_path;
use crate::lanes;
use crate::timeline::{Node, NodeKind, Timeline};

/// The processes: number and name.
const MAKE: (u32, &str) = (1, "stages, sources, sysroots, tools");
const DOWNLOAD: (u32, &str) = (2, "downloads");

/// The timeline as Chrome trace JSON. Times are in microseconds since the build began; what took no part, because it
/// was cached from the beginning or skipped, is left out.
pub fn chrome(timeline: &Timeline) -> String {
    let critical = critical_path(timeline);
    let mut events = Vec::new();
    for (pid, name) in [MAKE, DOWNLOAD] {
        let places = (0..timeline.nodes.len()).filter(|at| {
            let node = &timeline.nodes[*at];
            node.took_part() && (node.kind == NodeKind::Fetch) == (pid == DOWNLOAD.0)
        });
        let places: Vec<usize> = places.collect();
        let bars: Vec<_> =
            places.iter().map(|at| span(timeline.nodes[*at].started, timeline.nodes[*at].seconds)).collect();
        let lanes = lanes::assign(&bars);
        events.extend(names(pid, name, lanes.iter().max().map_or(0, |last| last + 1)));
        for (at, lane) in places.into_iter().zip(lanes) {
            events.push(bar(timeline, at, pid, lane, critical.contains(&at)));
            events.extend(phases(&timeline.nodes[at], pid, lane));
        }
    }
    events.extend(counters(timeline));
    let about = json!({
        "akbuild": timeline.akbuild, "project": timeline.project, "build": timeline.build, "argv": timeline.argv,
        "jobs": timeline.jobs, "ok": timeline.ok, "cancelled": timeline.cancelled, "started": timeline.started,
    });
    json!({ "displayTimeUnit": "ms", "otherData": about, "traceEvents": events }).to_string()
}

/// Beginning and end in microseconds. A bar has some length, or viewers do not show it.
fn span(started: f64, seconds: f64) -> (u64, u64) {
    let begin = micros(started);
    (begin, micros(started + seconds).max(begin + 1))
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

/// What a process and its lanes are called.
fn names(pid: u32, name: &str, lanes: usize) -> Vec<Value> {
    let mut events = vec![json!({ "ph": "M", "pid": pid, "name": "process_name", "args": { "name": name } })];
    for lane in 0..lanes {
        let label = format!("lane {}", lane + 1);
        events
            .push(json!({ "ph": "M", "pid": pid, "tid": lane + 1, "name": "thread_name", "args": { "name": label } }));
    }
    events
}

fn bar(timeline: &Timeline, at: usize, pid: u32, lane: usize, critical: bool) -> Value {
    let node = &timeline.nodes[at];
    let (begin, end) = span(node.started, node.seconds);
    let needs: Vec<&str> = timeline.needs(at).map(|need| timeline.nodes[need].name.as_str()).collect();
    let mut args = json!({
        "status": node.status, "critical": critical, "reason": node.reason, "needs": needs,
        "waited_for": node.waited_for, "bytes": node.bytes, "files": node.files, "max_rss": node.max_rss,
        "output": node.output, "key": node.key, "error": node.error, "log": node.log,
    });
    if let Some(args) = args.as_object_mut() {
        args.retain(|_, value| !value.is_null());
    }
    let category = json!(node.kind);
    json!({
        "ph": "X", "pid": pid, "tid": lane + 1, "ts": begin, "dur": end - begin, "name": node.name, "cat": category,
        "args": args,
    })
}

/// A node's phases, cut to its time: viewers draw a bar inside another only if it is.
fn phases(node: &Node, pid: u32, lane: usize) -> Vec<Value> {
    let (first, last) = span(node.started, node.seconds);
    let inside = node.phases.iter().filter_map(|phase| {
        let (begin, end) = (micros(phase.started), micros(phase.started + phase.seconds));
        let (begin, end) = (begin.clamp(first, last), end.clamp(first, last));
        (end > begin).then(|| {
            json!({
                "ph": "X", "pid": pid, "tid": lane + 1, "ts": begin, "dur": end - begin, "name": phase.name,
                "cat": "phase",
            })
        })
    });
    inside.collect()
}

/// Bytes and files that had arrived, of all nodes together.
fn counters(timeline: &Timeline) -> Vec<Value> {
    let mut arrived: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for node in &timeline.nodes {
        let (mut files, mut bytes) = (0, 0);
        for sample in &node.downloads {
            let step = arrived.entry(micros(sample.at)).or_default();
            step.0 += sample.files.saturating_sub(files);
            step.1 += sample.bytes.saturating_sub(bytes);
            (files, bytes) = (files.max(sample.files), bytes.max(sample.bytes));
        }
    }
    let (mut files, mut bytes) = (0, 0);
    let mut events = Vec::new();
    for (at, step) in arrived {
        (files, bytes) = (files + step.0, bytes + step.1);
        for (name, value) in [("downloaded bytes", bytes), ("downloaded files", files)] {
            let pid = DOWNLOAD.0;
            events.push(json!({ "ph": "C", "pid": pid, "ts": at, "name": name, "args": { "value": value } }));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, node, with_downloads, with_phases};

    fn lines(timeline: &Timeline) -> String {
        let trace: Value = serde_json::from_str(&chrome(timeline)).unwrap();
        let mut lines: Vec<String> = trace["traceEvents"].as_array().unwrap().iter().map(Value::to_string).collect();
        lines.insert(0, trace["otherData"].to_string());
        lines.join("\n")
    }

    #[test]
    fn lanes_phases_and_counters() {
        let mut nodes = vec![
            with_downloads(node("fetch:a", &[], 0.0, 2.0), 4, 4000),
            with_phases(node("a", &[0], 2.0, 3.0), &[("run", 0.5), ("publish", 0.6)]),
            node("b", &[], 1.0, 2.5),
            node("c", &[2], 3.5, 0.0),
            node("d", &[1], 0.0, 0.0),
        ];
        nodes[1].reason = Some("`main.c` of `source:a` changed".to_owned());
        (nodes[1].output, nodes[1].key) = (Some("sha256-AAAA".to_owned()), Some("00ff".to_owned()));
        nodes[4].status = "skipped".to_owned();
        insta::assert_snapshot!(lines(&build(nodes)), @r#"
        {"akbuild":"0.1.0","project":"sample","build":"20261122-232251-1","argv":["akbuild","all"],"jobs":2,"ok":true,"cancelled":false,"started":1795389771.0}
        {"ph":"M","pid":1,"name":"process_name","args":{"name":"stages, sources, sysroots, tools"}}
        {"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"lane 1"}}
        {"ph":"M","pid":1,"tid":2,"name":"thread_name","args":{"name":"lane 2"}}
        {"ph":"X","pid":1,"tid":2,"ts":2000000,"dur":3000000,"name":"a","cat":"stage","args":{"status":"built","critical":true,"reason":"`main.c` of `source:a` changed","needs":["fetch:a"],"bytes":0,"files":0,"max_rss":0,"output":"sha256-AAAA","key":"00ff"}}
        {"ph":"X","pid":1,"tid":2,"ts":2000000,"dur":1500000,"name":"run","cat":"phase"}
        {"ph":"X","pid":1,"tid":2,"ts":3500000,"dur":1500000,"name":"publish","cat":"phase"}
        {"ph":"X","pid":1,"tid":1,"ts":1000000,"dur":2500000,"name":"b","cat":"stage","args":{"status":"built","critical":false,"needs":[],"bytes":0,"files":0,"max_rss":0}}
        {"ph":"X","pid":1,"tid":1,"ts":3500000,"dur":1,"name":"c","cat":"stage","args":{"status":"built","critical":false,"needs":["b"],"bytes":0,"files":0,"max_rss":0}}
        {"ph":"M","pid":2,"name":"process_name","args":{"name":"downloads"}}
        {"ph":"M","pid":2,"tid":1,"name":"thread_name","args":{"name":"lane 1"}}
        {"ph":"X","pid":2,"tid":1,"ts":0,"dur":2000000,"name":"fetch:a","cat":"fetch","args":{"status":"built","critical":true,"needs":[],"bytes":4000,"files":4,"max_rss":0}}
        {"ph":"C","pid":2,"ts":500000,"name":"downloaded bytes","args":{"value":1000}}
        {"ph":"C","pid":2,"ts":500000,"name":"downloaded files","args":{"value":1}}
        {"ph":"C","pid":2,"ts":1000000,"name":"downloaded bytes","args":{"value":2000}}
        {"ph":"C","pid":2,"ts":1000000,"name":"downloaded files","args":{"value":2}}
        {"ph":"C","pid":2,"ts":1500000,"name":"downloaded bytes","args":{"value":3000}}
        {"ph":"C","pid":2,"ts":1500000,"name":"downloaded files","args":{"value":3}}
        {"ph":"C","pid":2,"ts":2000000,"name":"downloaded bytes","args":{"value":4000}}
        {"ph":"C","pid":2,"ts":2000000,"name":"downloaded files","args":{"value":4}}
        "#);
    }

    #[test]
    fn names_from_outside_stay_strings() {
        let name = "a\"}],\u{1b}[31m\n</script>";
        let trace: Value = serde_json::from_str(&chrome(&build(vec![node(name, &[], 0.0, 1.0)]))).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        assert!(events.iter().any(|event| event["name"] == name), "{trace}");
    }

    #[test]
    fn times_that_are_none_are_zero() {
        let text = chrome(&build(vec![node("a", &[], f64::NAN, 1.0), node("b", &[], -1.0, 2.0)]));
        assert!(text.contains(r#""ts":0,"dur":1000000,"name":"b""#), "{text}");
        assert!(!text.contains("null"), "{text}");
    }

    #[test]
    fn a_timeline_is_stored_and_read_again() {
        let timeline =
            build(vec![with_downloads(with_phases(node("fetch:a", &[], 0.0, 2.0), &[("fetch", 1.0)]), 1, 9)]);
        let text = serde_json::to_string(&timeline).unwrap();
        assert!(text.contains(r#""kind":"fetch""#), "{text}");
        assert_eq!(serde_json::from_str::<Timeline>(&text).unwrap(), timeline);
    }
}
