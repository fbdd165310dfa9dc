//! How fast downloads arrived, all together, under the axis of the timeline.

use std::fmt::Write;

use super::context::PageContext;
use super::units;
use crate::timeline::Timeline;

/// Into how many parts the axis is cut.
const PARTS: usize = 240;
/// How high the picture is.
const HEIGHT: f64 = 40.0;

/// The last row of the timeline; nothing if nothing was downloaded.
pub(super) fn render(page: &PageContext<'_>) -> String {
    let length = page.axis.length();
    let arrived = arrived(page.timeline, length);
    let most = arrived.iter().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return String::new();
    }
    let peak = units::size((most / (length / PARTS as f64)).round() as u64);
    let mut path = format!("M0 {HEIGHT}");
    let mut last = HEIGHT;
    for (part, bytes) in arrived.iter().enumerate() {
        let top = ((1.0 - bytes / most) * HEIGHT * 10.0).round() / 10.0;
        if top != last {
            let _ = write!(path, "H{part}V{top}");
            last = top;
        }
    }
    let _ = write!(path, "H{PARTS}V{HEIGHT}Z");
    format!(
        "<tfoot>\n<tr class=\"traffic\"><th scope=\"row\">download rate</th><td colspan=\"2\" class=\"took\">at most {peak}/s</td>\
         <td class=\"bar\"><svg viewBox=\"0 0 {PARTS} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"download rate over time, at most {peak}/s\"><path d=\"{path}\"/></svg></td></tr>\n</tfoot>\n"
    )
}

/// The bytes that arrived in each part: what came between two samples came evenly.
fn arrived(timeline: &Timeline, length: f64) -> Vec<f64> {
    let mut parts = vec![0.0; PARTS];
    let scale = PARTS as f64 / length;
    for node in &timeline.nodes {
        let (mut at, mut bytes) = (node.started, 0);
        for sample in &node.downloads {
            let step = sample.bytes.saturating_sub(bytes) as f64;
            // Some length, so that what came at once is somewhere.
            let (begin, end) = (at * scale, (sample.at * scale).max(at * scale + 1e-6));
            let touched = begin.max(0.0) as usize..end.ceil() as usize;
            for (part, sum) in parts.iter_mut().enumerate().take(touched.end).skip(touched.start) {
                let inside = end.min(part as f64 + 1.0) - begin.max(part as f64);
                *sum += step * inside / (end - begin);
            }
            (at, bytes) = (sample.at, sample.bytes.max(bytes));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, node, with_downloads};
    use crate::timeline::Sample;

    #[test]
    fn what_arrives_is_spread_between_samples() {
        let mut nodes = vec![with_downloads(node("fetch:a", &[], 0.0, 4.0), 4, 4000), node("fetch:b", &[], 0.0, 8.0)];
        nodes[1].downloads.extend([6.0, 8.0].map(|at| Sample { at, files: 1, bytes: 3000 }));
        let parts = arrived(&build(nodes), 8.0);
        let seconds: Vec<f64> = parts.chunks(PARTS / 8).map(|second| second.iter().sum::<f64>().round()).collect();
        assert_eq!(seconds, [1500.0, 1500.0, 1500.0, 1500.0, 500.0, 500.0, 0.0, 0.0]);
    }

    #[test]
    fn what_arrives_at_once_is_not_lost() {
        let mut nodes = vec![node("fetch:a", &[], 2.0, 0.0), node("b", &[], 0.0, 8.0)];
        nodes[0].downloads.push(Sample { at: 2.0, files: 1, bytes: 100 });
        assert_eq!(arrived(&build(nodes), 8.0).iter().sum::<f64>().round(), 100.0);
    }
}
