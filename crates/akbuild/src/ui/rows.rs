//! The rows that change in place: a head line, then a row for each running node, for a terminal of
//! a given size. Pure: board in, text out. Drawn with ASCII, so that every terminal and font shows it.

use std::time::Duration;

use console::measure_text_width as columns;

use super::board::{Board, Download, Running};
use super::paint::Paint;
use super::text::{cut, left, right};
use super::units::{brief, count, elapsed, size, size_of};

const SPINNER: [&str; 4] = ["-", "\\", "|", "/"];
/// Rows narrower than this leave the phase out, and are brief about time.
const WIDE: usize = 60;
const PHASE: usize = 7;

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// Lines.
    pub(crate) rows: usize,
    /// Characters a line.
    pub(crate) columns: usize,
}

/// The rows, each shorter than the terminal is wide, and together at most two thirds of its height.
pub(crate) fn rows(board: &Board, size: Size, now: Duration, begun: Duration, paint: Paint) -> Vec<String> {
    // The last column stays free: some terminals wrap when it is written.
    let width = size.columns.saturating_sub(1);
    let room = (size.rows * 2 / 3).saturating_sub(2).max(1);
    let mut rows = vec![head(board, now.saturating_sub(begun), width, paint)];
    let shown = &board.running[..board.running.len().min(room)];
    let names = shown.iter().map(|r| columns(&r.node.to_string())).max().unwrap_or(0);
    let times = shown.iter().map(|r| columns(&running_for(r, now, width))).max().unwrap_or(0);
    let names = names.min((width / 3).max(10));
    rows.extend(shown.iter().map(|running| row(running, names, times, width, now, paint)));
    if board.running.len() > room {
        rows.push(paint.dim(&cut(&format!("  and {} more", board.running.len() - room), width)));
    }
    rows
}

fn head(board: &Board, time: Duration, width: usize, paint: Paint) -> String {
    let mut parts = Vec::new();
    if board.stages > 0 {
        parts.push(format!("{} of {}", board.done, count(board.stages, "stage")));
    }
    if board.failed > 0 {
        parts.push(format!("{} failed", board.failed));
    }
    parts.push(format!("{} running", board.running.len()));
    parts.push(elapsed(time));
    paint.bold(&cut(&parts.join(", "), width))
}

fn row(running: &Running, names: usize, times: usize, width: usize, now: Duration, paint: Paint) -> String {
    let time = running_for(running, now, width);
    let spin = SPINNER[(now.as_millis() / 100 % 4) as usize];
    let mut before = format!("{spin} {}", left(&running.node.to_string(), names));
    if width >= WIDE {
        before += &format!("  {}", left(running.phase, PHASE));
    }
    before += &format!("  {}  ", right(&time, times));
    let before = cut(&before, width);
    let detail = detail(running, width.saturating_sub(columns(&before)), now);
    before + &paint.dim(&detail)
}

fn running_for(running: &Running, now: Duration, width: usize) -> String {
    let time = now.saturating_sub(running.began);
    if width < WIDE { brief(time) } else { elapsed(time) }
}

/// What a node is doing, in `room` columns.
fn detail(running: &Running, room: usize, now: Duration) -> String {
    if let Some(holder) = &running.holder {
        return cut(&format!("waits for {holder}"), room);
    }
    if let Some(download) = &running.download {
        return with_bar(download.fraction(), &transfer(download, now), room);
    }
    if let Some((done, total)) = running.unpacked {
        let fraction = if total == 0 { 0.0 } else { done as f64 / total as f64 };
        return with_bar(fraction, &[format!("{done}/{}", count(total as usize, "package"))], room);
    }
    cut(running.line.trim_start(), room)
}

/// What is known of a download, the most important first.
pub(crate) fn transfer(download: &Download, now: Duration) -> Vec<String> {
    let mut parts = Vec::new();
    if download.total_files != 1 {
        parts.push(format!("{}/{}", download.files, count(download.total_files as usize, "file")));
    }
    parts.push(match download.total_bytes {
        Some(total) => size_of(download.bytes.min(total), total),
        None => size(download.bytes),
    });
    parts.extend(download.rate(now).map(|rate| format!("{}/s", size(rate))));
    parts.extend(download.left(now).map(|left| format!("{} left", elapsed(left))));
    if download.retries > 0 {
        let tries = if download.retries == 1 { "retry" } else { "retries" };
        parts.push(format!("{} {tries} ({})", download.retries, download.reason));
    }
    parts
}

/// As many of the parts as there is room for, behind a bar if there is room for that too.
fn with_bar(fraction: f64, parts: &[String], room: usize) -> String {
    let mut text = cut(parts.first().map_or("", String::as_str), room);
    for part in parts.iter().skip(1) {
        if columns(&text) + 2 + columns(part) > room {
            break;
        }
        text = format!("{text}  {part}");
    }
    let bar = room.saturating_sub(columns(&text) + 4).min(20);
    if bar < 8 {
        return text;
    }
    let full = (fraction * bar as f64) as usize;
    let tip = if full < bar { ">" } else { "" };
    format!("[{}{tip}{}]  {text}", "=".repeat(full), " ".repeat((bar - full).saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use akbuild_engine::{Event, NodeId};
    use akbuild_fetch::Progress;
    use akbuild_recipe::plan::{StageId, SysrootId};

    use super::*;

    fn stage(name: &str) -> NodeId {
        NodeId::Stage(StageId::new(name))
    }

    fn busy() -> Board {
        let mut board = Board::default();
        let (webui, fetch, root) =
            (stage("webui"), NodeId::Fetch(StageId::new("python-deps")), NodeId::Sysroot(SysrootId::new("build")));
        let mut tell = |seconds, event| board.apply(&event, Duration::from_secs(seconds));
        tell(
            0,
            Event::Planned { to_run: vec![webui.clone(), fetch.clone(), stage("backend")], cached: vec![stage("a")] },
        );
        for node in [&webui, &fetch, &root] {
            tell(0, Event::Started { node: node.clone() });
        }
        tell(1, Event::Phase { node: webui.clone(), phase: "run" });
        tell(
            2,
            Event::Line {
                node: webui, line: "\x1b[32m✓\x1b[0m 1024 Module übersetzt – weiter mit 日本語".into()
            },
        );
        tell(1, Event::Phase { node: fetch.clone(), phase: "fetch" });
        let start = Progress::Start { total_files: 230, total_bytes: Some(91_000_000) };
        tell(1, Event::Download { node: fetch.clone(), progress: start });
        tell(5, Event::Download { node: fetch.clone(), progress: Progress::Bytes(48_200_000) });
        tell(5, Event::Download { node: fetch, progress: Progress::File { name: "x".into(), bytes: 9, done: 121 } });
        tell(5, Event::Phase { node: root.clone(), phase: "unpack" });
        tell(5, Event::Unpacked { node: root, done: 12, total: 310 });
        board
    }

    fn draw(board: &Board, rows_: usize, columns: usize) -> String {
        let (now, begun) = (Duration::from_secs(65), Duration::ZERO);
        rows(board, Size { rows: rows_, columns }, now, begun, Paint(false)).join("\n")
    }

    #[test]
    fn a_usual_terminal() {
        insta::assert_snapshot!(draw(&busy(), 30, 100), @"
        0 of 3 stages, 3 running, 1 min 05 s
        | webui              run      1 min 05 s  ✓ 1024 Module übersetzt – weiter mit 日本語
        | fetch:python-deps  fetch    1 min 05 s  121/230 files  48.2/91.0 MB  753.1 kB/s  56 s left
        | sysroot:build      unpack   1 min 05 s  [>                   ]  12/310 packages
        ");
    }

    #[test]
    fn a_narrow_terminal() {
        insta::assert_snapshot!(draw(&busy(), 15, 40), @"
        0 of 3 stages, 3 running, 1 min 05 s
        | webui          1 min  ✓ 1024 Modul...
        | fetch:pyth...  1 min  121/230 files
        | sysroot:build  1 min  12/310 packages
        ");
    }

    #[test]
    fn no_row_is_as_wide_as_the_terminal_and_they_leave_room() {
        let mut board = busy();
        for n in 0..500 {
            board.apply(&Event::Started { node: stage(&format!("a-stage-with-a-long-name-{n}")) }, Duration::ZERO);
        }
        for (rows, columns) in [(50, 200), (24, 80), (15, 40), (5, 20), (2, 3), (1, 1)] {
            let text = draw(&board, rows, columns);
            assert!(text.lines().all(|line| columns == 1 || console::measure_text_width(line) < columns), "{text}");
            assert!(text.lines().count() <= rows.max(3), "{text}");
        }
        assert!(draw(&board, 24, 80).ends_with("\n  and 489 more"), "{}", draw(&board, 24, 80));
    }

    #[test]
    fn one_file_with_retries() {
        let mut board = Board::default();
        let node = stage("tool");
        let mut tell = |seconds, event| board.apply(&event, Duration::from_secs(seconds));
        tell(0, Event::Started { node: node.clone() });
        let start = Progress::Start { total_files: 1, total_bytes: None };
        tell(60, Event::Download { node: node.clone(), progress: start });
        let retry = Progress::Retry { name: "uv".into(), attempt: 1, error: "timed out\nmore".into() };
        tell(61, Event::Download { node, progress: retry });
        insta::assert_snapshot!(draw(&board, 24, 80), @"
        1 running, 1 min 05 s
        | tool           1 min 05 s  [>          ]  0 B  0 B/s  1 retry (uv: timed out)
        ");
    }
}
