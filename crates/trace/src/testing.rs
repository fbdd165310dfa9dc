//! Builds for tests: small ones that a test writes down, and one that looks like a real one.

use crate::timeline::{Node, NodeKind, Phase, Sample, Timeline};

/// A build of `nodes`, all well, at a fixed time.
pub(crate) fn build(nodes: Vec<Node>) -> Timeline {
    Timeline {
        akbuild: "0.1.0".to_owned(),
        project: "sample".to_owned(),
        build: "20261122-232251-1".to_owned(),
        argv: ["akbuild", "all"].map(str::to_owned).to_vec(),
        started: 1_795_389_771.0,
        seconds: nodes.iter().map(Node::ended).fold(0.0, f64::max),
        ok: true,
        cancelled: false,
        jobs: 2,
        nodes,
    }
}

/// A node that was built; its name says what it is.
pub(crate) fn node(name: &str, needs: &[usize], started: f64, seconds: f64) -> Node {
    let kind = match name.split_once(':').map(|(kind, _)| kind) {
        Some("source") => NodeKind::Source,
        Some("sysroot") => NodeKind::Sysroot,
        Some("tool") => NodeKind::Tool,
        Some("fetch") => NodeKind::Fetch,
        _ => NodeKind::Stage,
    };
    Node {
        name: name.to_owned(),
        kind,
        status: "built".to_owned(),
        reason: None,
        needs: needs.to_vec(),
        started,
        seconds,
        phases: Vec::new(),
        downloads: Vec::new(),
        waited_for: None,
        bytes: 0,
        files: 0,
        max_rss: 0,
        output: None,
        key: None,
        error: None,
        log: None,
    }
}

/// Gives a node phases that fill its time, as parts of it.
pub(crate) fn with_phases(mut node: Node, parts: &[(&str, f64)]) -> Node {
    let mut started = node.started;
    for (name, part) in parts {
        let seconds = node.seconds * part;
        node.phases.push(Phase { name: (*name).to_owned(), started, seconds });
        started += seconds;
    }
    node
}

/// Gives a node downloads: `bytes` in `files`, evenly, in four steps.
pub(crate) fn with_downloads(mut node: Node, files: u64, bytes: u64) -> Node {
    for step in 1..=4 {
        let at = node.started + node.seconds * step as f64 / 4.0;
        node.downloads.push(Sample { at, files: files * step / 4, bytes: bytes * step / 4 });
    }
    (node.files, node.bytes) = (files, bytes);
    node
}
