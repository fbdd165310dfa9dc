//! The page as a whole: its structure, and that nothing from outside gets out of its place.

use super::*;
use crate::testing::{build, node, with_downloads, with_phases};

/// A build in which something was fetched, waited, was cached, failed and was skipped.
fn failed() -> Timeline {
    let mut nodes = vec![
        with_downloads(node("fetch:a", &[], 0.0, 4.0), 2, 8_000_000),
        node("b", &[], 0.0, 0.0),
        with_phases(node("a", &[0, 1], 4.0, 6.0), &[("copy", 0.25), ("run", 0.75)]),
        node("c", &[1, 2], 0.0, 0.0),
    ];
    nodes[1].status = "cached".to_owned();
    nodes[1].output = Some("sha256-BBBB".to_owned());
    (nodes[2].status, nodes[2].error) =
        ("failed".to_owned(), Some("`make` ended with code 2\n  help: fix it".to_owned()));
    (nodes[2].reason, nodes[2].log) = (Some("`main.c` changed".to_owned()), Some("a.log".to_owned()));
    (nodes[2].waited_for, nodes[2].max_rss) = (Some("process 7".to_owned()), 1_300_000);
    nodes[3].status = "skipped".to_owned();
    Timeline { ok: false, ..build(nodes) }
}

/// The page without its style, script and policy.
fn body(timeline: &Timeline) -> String {
    let html = page(timeline);
    let (_, body) = html.split_once("<body>\n").unwrap();
    body.split_once("<script>").unwrap().0.to_owned()
}

/// Elements before the script that are not closed, but for those that end after it, or closed and not open.
fn unbalanced(html: &str) -> Vec<String> {
    const VOID: &[&str] = &["!DOCTYPE", "meta", "input", "col", "rect", "path"];
    let (mut open, mut wrong) = (Vec::new(), Vec::new());
    let (before, script) = html.split_once("<script>").unwrap();
    for tag in before.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name = tag.split([' ', '\n']).next().unwrap().trim_end_matches('/');
        match name.strip_prefix('/') {
            Some(name) if open.last() == Some(&name) => drop(open.pop()),
            Some(name) => wrong.push(format!("/{name} after {open:?}")),
            None if VOID.contains(&name) => {}
            None => open.push(name),
        }
    }
    let ends_later = |name: &&str| script.contains(&format!("</{name}>"));
    wrong.extend(open.into_iter().filter(|name| !ends_later(name)).map(str::to_owned));
    wrong
}

#[test]
fn a_failed_build() {
    insta::assert_snapshot!(body(&failed()), @r##"
    <header>
    <h1>sample <small><b class="failed">failed</b> after 10.0 s</small></h1>
    <p>1 fetched, 1 cached, 1 failed, 1 skipped; 8.0 MB in 2 files downloaded</p>
    <p class="dim">2026-11-22 23:22:51 UTC, akbuild 0.1.0, -j 2, build 20261122-232251-1</p>
    <p><code>akbuild all</code></p>
    </header>
    <section class="failure">
    <h2><b class="failed">failed</b> <a href="#d2">a</a> <small><a href="./a.log">log</a></small></h2>
    <pre>`make` ended with code 2
      help: fix it</pre>
    </section>
    <p class="path"><b>critical path</b>: <span><a href="#d0">fetch:a</a> 4.0 s</span> <span>-&gt; <a href="#d2">a</a> 6.0 s</span>, together 10.0 s of 10.0 s</p>
    <main>
    <section>
    <h2>Timeline</h2>
    <p class="legend dim"><span><i class="wait"></i> waiting</span> <span><i class="prepare"></i> unpack, copy, link</span> <span><i class="run"></i> run</span> <span><i class="crit"></i> critical path</span></p>
    <table class="rows" style="--step:10%">
    <colgroup><col><col><col><col></colgroup><thead><tr><th scope="col">node</th><th scope="col">status</th><th scope="col">took</th><th class="axis" aria-label="time since the beginning"><i style="left:0%">0 s</i><i style="left:10%">1 s</i><i style="left:20%">2 s</i><i style="left:30%">3 s</i><i style="left:40%">4 s</i><i style="left:50%">5 s</i><i style="left:60%">6 s</i><i style="left:70%">7 s</i><i style="left:80%">8 s</i><i style="left:90%">9 s</i></th></tr></thead>
    <tbody>
    <tr class="group"><th scope="rowgroup" colspan="4">stages</th></tr>
    <tr class="row failed crit" title="`main.c` changed"><th scope="row"><a href="#d2">a</a></th><td class="status">failed</td><td class="took">6.0 s</td><td class="bar"><div class="b failed crit waited" style="left:40%;width:60%" role="img" aria-label="4.0 s to 10.0 s, on the critical path"><i class="prepare" style="left:0%;width:25%" title="copy 1.5 s"></i><i class="run" style="left:25%;width:75%" title="run 4.5 s"></i></div></td></tr>
    </tbody>
    <tbody>
    <tr class="group"><th scope="rowgroup" colspan="4">downloads</th></tr>
    <tr class="row built crit"><th scope="row"><a href="#d0">fetch:a</a></th><td class="status">fetched</td><td class="took">4.0 s</td><td class="bar"><div class="b built crit" style="left:0%;width:40%" role="img" aria-label="0.0 s to 4.0 s, on the critical path"></div></td></tr>
    </tbody>
    <tfoot>
    <tr class="traffic"><th scope="row">download rate</th><td colspan="2" class="took">at most 2.0 MB/s</td><td class="bar"><svg viewBox="0 0 240 40" preserveAspectRatio="none" role="img" aria-label="download rate over time, at most 2.0 MB/s"><path d="M0 40H0V0H96V40H240V40Z"/></svg></td></tr>
    </tfoot>
    </table>
    <details class="folded" open>
    <summary>1 skipped</summary>
    <table class="rows">
    <colgroup><col><col><col><col></colgroup><thead class="hidden"><tr><th scope="col">node</th><th scope="col">status</th><th scope="col">size</th><th scope="col">about</th></tr></thead>
    <tr class="row skipped"><th scope="row"><a href="#d3">c</a></th><td class="status">skipped</td><td class="took"></td><td class="about dim">needs <a href="#d2">a</a>, which failed</td></tr>
    </table>
    </details>
    <details class="folded">
    <summary>1 cached</summary>
    <table class="rows">
    <colgroup><col><col><col><col></colgroup><thead class="hidden"><tr><th scope="col">node</th><th scope="col">status</th><th scope="col">size</th><th scope="col">about</th></tr></thead>
    <tr class="row cached"><th scope="row"><a href="#d1">b</a></th><td class="status">cached</td><td class="took"></td><td class="about dim">sha256-BBBB</td></tr>
    </table>
    </details>
    </section>
    <section>
    <h2>Graph</h2>
    <p class="dim">A line goes from a need to what needs it; lines that others imply are left out.</p>
    <div class="graph"><svg width="674" height="128" viewBox="-4 -4 674 128" role="group" aria-label="graph of the build">
    <path class="crit" data-from="0" data-to="2" d="M190.0 27.0C214.0 27.0 214.0 60.0 238.0 60.0"/>
    <path data-from="1" data-to="2" d="M190.0 93.0C214.0 93.0 214.0 60.0 238.0 60.0"/>
    <path data-from="2" data-to="3" d="M428.0 60.0L476.0 60.0"/>
    <a href="#d0" class="built crit" data-column="0">
    <title>fetch:a, fetched 4.0 s</title><svg x="0.0" y="0.0" width="190" height="54"><rect x="1.5" y="1.5" width="187" height="51" rx="3"/><text class="name" x="9" y="16">fetch:a</text><text class="status" x="9" y="31">fetched 4.0 s</text></svg></a>
    <a href="#d1" class="cached" data-column="0">
    <title>b, cached</title><svg x="0.0" y="66.0" width="190" height="54"><rect x="1.5" y="1.5" width="187" height="51" rx="3"/><text class="name" x="9" y="16">b</text><text class="status" x="9" y="31">cached</text></svg></a>
    <a href="#d2" class="failed crit" data-column="1">
    <title>a, failed 6.0 s: `main.c` changed</title><svg x="238.0" y="33.0" width="190" height="54"><rect x="1.5" y="1.5" width="187" height="51" rx="3"/><text class="name" x="9" y="16">a</text><text class="status" x="9" y="31">failed 6.0 s</text><text class="why" x="9" y="46">`main.c` changed</text></svg></a>
    <a href="#d3" class="skipped" data-column="2">
    <title>c, skipped</title><svg x="476.0" y="33.0" width="190" height="54"><rect x="1.5" y="1.5" width="187" height="51" rx="3"/><text class="name" x="9" y="16">c</text><text class="status" x="9" y="31">skipped</text></svg></a>
    </svg></div>
    </section>
    </main>
    <aside id="details" aria-label="details of the selected node" tabindex="-1">
    <section id="d0" class="built crit">
    <h2>fetch:a <small class="status">fetched</small></h2>
    <dl>
    <dt>took</dt><dd>4.0 s, from 0.0 s to 4.0 s</dd>
    <dt>size</dt><dd>8.0 MB in 2 files</dd>
    <dt>needed by</dt><dd><a href="#d2">a</a></dd>
    </dl>
    </section>
    <section id="d1" class="cached">
    <h2>b <small class="status">cached</small></h2>
    <dl>
    <dt>output</dt><dd><code>sha256-BBBB</code></dd>
    <dt>needed by</dt><dd><a href="#d2">a</a>, <a href="#d3">c</a></dd>
    </dl>
    </section>
    <section id="d2" class="failed crit">
    <h2>a <small class="status">failed</small></h2>
    <p>`main.c` changed</p>
    <pre>`make` ended with code 2
      help: fix it</pre>
    <dl>
    <dt>took</dt><dd>6.0 s, from 4.0 s to 10.0 s</dd>
    <dt>waited for</dt><dd>process 7</dd>
    <dt>peak memory</dt><dd>1.3 MB</dd>
    <dt>log</dt><dd><a href="./a.log">a.log</a></dd>
    <dt>needs</dt><dd><a href="#d0">fetch:a</a>, <a href="#d1">b</a></dd>
    <dt>needed by</dt><dd><a href="#d3">c</a></dd>
    </dl>
    <table>
    <thead><tr><th scope="col">phase</th><th scope="col">from</th><th scope="col">took</th><th scope="col">part</th></tr></thead>
    <tr><th scope="row"><i class="prepare"></i> copy</th><td>4.0 s</td><td>1.5 s</td><td>25%</td></tr>
    <tr><th scope="row"><i class="run"></i> run</th><td>5.5 s</td><td>4.5 s</td><td>75%</td></tr>
    </table>
    </section>
    <section id="d3" class="skipped">
    <h2>c <small class="status">skipped</small></h2>
    <p>needs <a href="#d2">a</a>, which failed</p>
    <dl>
    <dt>needs</dt><dd><a href="#d1">b</a>, <a href="#d2">a</a></dd>
    </dl>
    </section>
    <button id="close" title="Escape">close</button>
    </aside>
    <script type="application/json" id="needs">[[], [], [0, 1], [1, 2]]</script>
    "##);
}

#[test]
fn how_it_ended_is_said() {
    let outcomes = [(true, false), (false, false), (false, true)].map(|(ok, cancelled)| {
        let timeline = Timeline { ok, cancelled, ..build(vec![node("a", &[], 0.0, 3.0)]) };
        body(&timeline).lines().nth(1).unwrap().to_owned()
    });
    insta::assert_snapshot!(outcomes.join("\n"), @r#"
    <h1>sample <small><b class="ok">ok</b> in 3.0 s</small></h1>
    <h1>sample <small><b class="failed">failed</b> after 3.0 s</small></h1>
    <h1>sample <small><b class="stopped">stopped</b> after 3.0 s</small></h1>
    "#);
}

#[test]
fn a_build_in_which_nothing_was_to_do() {
    let mut nodes = vec![node("a", &[], 0.0, 0.0), node("b", &[0], 0.0, 0.0)];
    nodes.iter_mut().for_each(|node| node.status = "cached".to_owned());
    let html = body(&build(nodes));
    assert!(html.contains("<summary>2 cached</summary>"), "{html}");
    assert!(!html.contains("critical path") && !html.contains("<tbody>") && !html.contains("download"), "{html}");
    assert!(!page(&build(Vec::new())).contains("NaN"));
}

#[test]
fn text_from_outside_stays_text() {
    let mut timeline = failed();
    let evil = "</script></title></style>\"'><img src=x onerror=alert(1)>\u{1b}]0;\u{202e}\0-->&<!--";
    timeline.nodes.push(node("ok", &[2], 10.0, 0.1));
    (timeline.project, timeline.build, timeline.akbuild) = (evil.to_owned(), evil.to_owned(), evil.to_owned());
    timeline.argv.push(evil.to_owned());
    for node in &mut timeline.nodes {
        node.name.push_str(evil);
        node.status.push_str(if node.name.starts_with("ok") { evil } else { "" });
        node.phases.iter_mut().for_each(|phase| phase.name.push_str(evil));
        for text in
            [&mut node.reason, &mut node.waited_for, &mut node.output, &mut node.key, &mut node.error, &mut node.log]
        {
            *text = Some(evil.to_owned());
        }
    }
    let html = page(&timeline);
    assert!(!html.contains("<img") && !html.contains("<!--") && !html.contains(['\u{1b}', '\u{202e}', '\0']));
    assert_eq!(html.matches("</script>").count(), 2);
    assert_eq!(unbalanced(&html), [""; 0]);
    assert_eq!(unbalanced(&page(&failed())), [""; 0]);
}

#[test]
fn only_the_own_script_may_run_and_nothing_is_loaded() {
    let html = page(&failed());
    let script = html.rsplit_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let hash = BASE64.encode(&Sha256::digest(script));
    assert!(
        html.contains(&format!(
            "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; "
        ))
    );
    assert!(!html.contains("http") || html.matches("http-equiv").count() == html.matches("http").count());
    assert!(!html.contains("url(") && !html.contains("src=") && !html.contains("@import"));
    assert!(STYLE.len() + SCRIPT.len() < 40_000);
}

#[test]
fn of_a_large_graph_what_ran_is_drawn_with_what_it_needs() {
    let chain = |at: usize| node(&format!("n{at}"), &at.checked_sub(1).map_or(vec![], |need| vec![need]), 0.0, 0.0);
    let mut nodes: Vec<Node> = (0..300).map(chain).collect();
    nodes.iter_mut().for_each(|node| node.status = "cached".to_owned());
    for at in [100, 200] {
        (nodes[at].status, nodes[at].started, nodes[at].seconds) = ("built".to_owned(), at as f64, 1.0);
    }
    let html = body(&build(nodes));
    assert!(html.contains("4 of 300 nodes: what ran, and what that needs."), "{html}");
    let boxes: Vec<&str> =
        html.split("data-column=").skip(1).filter_map(|a| a.split("<title>").nth(1)?.split(',').next()).collect();
    assert_eq!(boxes, ["n99", "n199", "n100", "n200"]);
    assert!(html.contains("id=\"filter\""));
}
