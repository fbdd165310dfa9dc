//! The axis of time that all bars share. Knows how long the build took; knows no node.

use std::fmt::Write;

use super::units;

/// From 0 to the end of the build.
pub(crate) struct Axis {
    /// Seconds from its left to its right.
    length: f64,
}

impl Axis {
    /// An axis of `length` seconds, or of a moment if there is none.
    pub(crate) fn new(length: f64) -> Self {
        Self { length: if length > 0.001 { length } else { 0.001 } }
    }

    /// Its length in seconds.
    pub(crate) fn length(&self) -> f64 {
        self.length
    }

    /// A time's place, in percent of the axis.
    pub(crate) fn place(&self, seconds: f64) -> f64 {
        (seconds / self.length * 100.0).clamp(0.0, 100.0)
    }

    /// `left:12.5%;width:50%`.
    pub(crate) fn span(&self, started: f64, seconds: f64) -> String {
        let (left, right) = (self.place(started), self.place(started + seconds));
        format!("left:{};width:{}", percent(left), percent(right - left))
    }

    /// Seconds between two lines of it: round, and at most 10 of them.
    pub(crate) fn step(&self) -> f64 {
        const ROUND: [f64; 19] = [
            0.001, 0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0, 7200.0,
            14_400.0, 43_200.0,
        ];
        ROUND.into_iter().find(|step| self.length / step <= 10.0).unwrap_or(self.length / 10.0)
    }

    /// Its labels, each at its place.
    pub(crate) fn labels(&self) -> String {
        let mut html = String::new();
        let step = self.step();
        let lines = (self.length / step).floor() as u32;
        for line in 0..=lines {
            let at = f64::from(line) * step;
            // A label at the edge would be cut off.
            if self.place(at) <= 92.0 {
                let _ = write!(html, "<i style=\"left:{}\">{}</i>", percent(self.place(at)), label(at, step));
            }
        }
        html
    }
}

/// A number of percent in few characters.
pub(crate) fn percent(number: f64) -> String {
    let text = format!("{number:.2}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn label(at: f64, step: f64) -> String {
    if step < 0.1 {
        return format!("{:.0} ms", at * 1000.0);
    }
    if step < 1.0 {
        return units::seconds(at);
    }
    let at = at.round() as u64;
    match (at / 3600, at / 60 % 60, at % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(length: f64) -> String {
        let html = Axis::new(length).labels();
        let all: Vec<&str> = html.split("</i>").filter_map(|label| label.split('>').nth(1)).collect();
        all.join(" | ")
    }

    #[test]
    fn labels_are_round() {
        let all = [0.0, 0.7, 3.0, 9.9, 23.0, 130.0, 1500.0, 9000.0].map(labels).join("\n");
        insta::assert_snapshot!(all, @"
        0 ms
        0.0 s | 0.1 s | 0.2 s | 0.3 s | 0.4 s | 0.5 s | 0.6 s
        0.0 s | 0.5 s | 1.0 s | 1.5 s | 2.0 s | 2.5 s
        0 s | 1 s | 2 s | 3 s | 4 s | 5 s | 6 s | 7 s | 8 s | 9 s
        0 s | 5 s | 10 s | 15 s | 20 s
        0 s | 20 s | 40 s | 1 min | 1 min 20 s | 1 min 40 s
        0 s | 5 min | 10 min | 15 min | 20 min
        0 s | 20 min | 40 min | 1 h | 1 h 20 min | 1 h 40 min | 2 h
        ");
    }

    #[test]
    fn places_are_parts_of_the_whole() {
        let axis = Axis::new(80.0);
        assert_eq!(axis.span(10.0, 20.0), "left:12.5%;width:25%");
        assert_eq!(axis.span(70.0, 20.0), "left:87.5%;width:12.5%");
    }
}
