//! Crashes in a log: what programs write when something that nobody has caught ends them, or a request or a task of theirs.
//! Reads one line after the other, so that a log of any length is looked at as a whole. Knows the forms of several languages;
//! judges nothing: whether a crash is a finding is for `course` to say.

mod form;
mod python;

use crate::line::{Level, unpack};
use form::{Form, Raised, is_goroutine, is_of_dump};

pub(crate) use form::CrashKind;

/// A chain of exceptions may have this many other lines between two of them.
const GAP: u64 = 50;
/// Lines of one crash that are shown.
const EXCERPT: usize = 15;
/// More crashes of one process are not kept.
const MOST: usize = 100;

/// One crash.
#[derive(Clone, Debug)]
pub(crate) struct LoggedCrash {
    pub(crate) kind: CrashKind,
    /// The number of its first line, from 1.
    pub(crate) line: u64,
    /// The number of its last line.
    pub(crate) last: u64,
    /// What was raised: the first, and each that it led to.
    pub(crate) raised: Vec<String>,
    /// Its lines, of a long one a part.
    pub(crate) excerpt: Vec<String>,
    /// The recipe expects it.
    pub(crate) is_allowed: bool,
    /// The exceptions stand beside each other, none has led to another.
    is_group: bool,
}

impl LoggedCrash {
    /// What was raised first and what it led to in the end; all of a group.
    pub(crate) fn causes(&self) -> Vec<String> {
        match &self.raised[..] {
            [first, .., last] if !self.is_group => vec![first.clone(), last.clone()],
            all => all.to_vec(),
        }
    }

    fn take(&mut self, n: u64, line: &str) {
        self.last = n;
        self.excerpt.push(line.to_owned());
        if self.excerpt.len() > EXCERPT {
            // Python writes what matters last, others first.
            let spare = if self.kind == CrashKind::Python { 1 } else { EXCERPT };
            self.excerpt.remove(spare);
        }
    }
}

/// Finds the crashes of a log.
#[derive(Debug, Default)]
pub(crate) struct CrashScanner {
    /// Texts of crashes that are expected.
    allowed: Vec<String>,
    /// Lines so far.
    n: u64,
    /// The line before, without colours.
    before: String,
    /// A traceback whose exception has not come.
    traceback: Option<python::Traceback>,
    /// A line that is a crash of Go if a goroutine follows.
    panic: Option<(u64, String)>,
    /// The last of the crashes still takes lines.
    open: bool,
    found: Vec<LoggedCrash>,
    /// The process was told to end.
    ending: bool,
}

impl CrashScanner {
    pub(crate) fn new(allowed: Vec<String>) -> Self {
        Self { allowed, ..Self::default() }
    }

    /// Lines so far.
    pub(crate) fn lines(&self) -> u64 {
        self.n
    }

    /// From now on, an exception that ends a program as it was told to is none.
    pub(crate) fn expect_end(&mut self) {
        self.ending = true;
    }

    /// All crashes so far, in order.
    pub(crate) fn crashes(&self) -> &[LoggedCrash] {
        &self.found
    }

    /// Takes the next line.
    pub(crate) fn push(&mut self, line: &str) {
        self.n += 1;
        let (level, parts) = unpack(line);
        match parts.as_slice() {
            [plain] => self.take(level, plain),
            // The parts of one line in JSON: what was logged as a warning was dealt with.
            parts if level > Level::Warning => {
                parts.iter().for_each(|part| self.take(level, part));
                self.end();
                self.group();
            }
            _ => {}
        }
        if level == Level::Fatal && self.found.last().is_none_or(|crash| crash.last != self.n) {
            let said = parts.first().map_or(line, String::as_str).to_owned();
            self.add(CrashKind::Fatal, self.n, vec![said], &[line.to_owned()]);
        }
        self.allow(line);
        self.before = parts.into_iter().next_back().unwrap_or_default();
    }

    /// Exceptions of one line that did not lead to one another are a group.
    fn group(&mut self) {
        while let [.., first, second] = &mut self.found[..] {
            if first.line != self.n {
                return;
            }
            first.raised.append(&mut second.raised);
            first.is_group = true;
            self.found.pop();
        }
    }

    /// Nothing comes any more.
    pub(crate) fn end(&mut self) {
        if let Some(traceback) = self.traceback.take() {
            let raised = vec![traceback.excerpt.last().cloned().unwrap_or_default()];
            self.add(CrashKind::Python, traceback.line, raised, &traceback.excerpt);
        }
        if let Some((n, line)) = self.panic.take().filter(|(_, line)| line.starts_with("panic: ")) {
            self.add(CrashKind::Go, n, vec![line.clone()], &[line]);
        }
        self.open = false;
    }

    fn take(&mut self, level: Level, line: &str) {
        if self.python(line) || self.go(line) {
            return;
        }
        if self.open && self.continues(line) {
            return;
        }
        let form = Form { line, before: &self.before, level };
        let Some(Raised { kind, said, with_line_before }) = form.raised() else { return };
        let (begin, first) = if with_line_before { (self.n - 1, Some(self.before.clone())) } else { (self.n, None) };
        let lines: Vec<String> = first.into_iter().chain([line.to_owned()]).collect();
        self.add(kind, begin, vec![said], &lines);
        self.open = true;
    }

    /// Reads a line as part of a traceback; whether it is one.
    fn python(&mut self, line: &str) -> bool {
        if let Some(traceback) = &mut self.traceback {
            traceback.excerpt.push(line.to_owned());
            match traceback.read(line) {
                python::Part::Inside => {}
                python::Part::Raised(said) => {
                    let traceback = self.traceback.take().expect("it was there");
                    self.raise(traceback, said);
                }
                // Too many lines of others: this one will have no end.
                python::Part::Lost => self.traceback = None,
            }
            return true;
        }
        if python::chains(line) {
            let near = self.found.last_mut().filter(|crash| crash.kind == CrashKind::Python);
            if let Some(crash) = near.filter(|crash| self.n - crash.last <= GAP) {
                crash.take(self.n, line);
                self.traceback = Some(python::Traceback::chained(self.n));
                return true;
            }
        }
        if let Some(traceback) = python::Traceback::begun_by(line, self.n) {
            // Python itself has dealt with it.
            if !self.before.starts_with("Exception ignored") {
                let is_allowed = self.allows(&self.before);
                self.traceback = Some(python::Traceback { is_allowed, ..traceback });
            }
            return true;
        }
        false
    }

    fn raise(&mut self, traceback: python::Traceback, said: String) {
        let n = self.n;
        let joins = |crash: &&mut LoggedCrash| traceback.is_chained || (traceback.is_framed && crash.is_group);
        let near = self.found.last_mut().filter(|crash| crash.kind == CrashKind::Python && n - crash.last <= GAP);
        if let Some(crash) = near.filter(joins) {
            traceback.excerpt.iter().for_each(|line| crash.take(n, line));
            crash.raised.push(said);
            crash.is_allowed |= traceback.is_allowed;
            return;
        }
        if self.ending && python::ends_as_told(&said) {
            return;
        }
        self.add(CrashKind::Python, traceback.line, vec![said], &traceback.excerpt);
        if let Some(crash) = self.found.last_mut() {
            crash.is_group = traceback.is_group;
            crash.is_allowed |= traceback.is_allowed;
        }
    }

    /// Reads a line as part of a panic of Go; whether it is one.
    fn go(&mut self, line: &str) -> bool {
        if let Some((n, headline)) = self.panic.take_if(|_| is_goroutine(line)) {
            self.add(CrashKind::Go, n, vec![headline.clone()], &[headline, line.to_owned()]);
            self.open = true;
            return true;
        }
        if form::is_panic(line) {
            self.panic.get_or_insert((self.n, line.to_owned()));
            return true;
        }
        self.panic.take_if(|(n, _)| self.n - *n > 10);
        false
    }

    /// Adds a line to the last crash, if it is one of its lines.
    fn continues(&mut self, line: &str) -> bool {
        let Some(crash) = self.found.last_mut() else { return false };
        let caused = line.trim_start().strip_prefix("Caused by: ");
        let belongs = match crash.kind {
            CrashKind::Go => is_of_dump(line),
            CrashKind::Rust if self.n == crash.line + 1 && crash.excerpt.len() == 1 => true,
            CrashKind::Java => form::is_frame(line) || caused.is_some() || line.trim_start().starts_with("... "),
            CrashKind::Ruby => line.starts_with("\tfrom "),
            _ => form::is_frame(line),
        };
        self.open = belongs;
        if belongs {
            // A panic of Rust has its message on the next line.
            let message = crash.kind == CrashKind::Rust && crash.raised[0].ends_with(':');
            match caused {
                Some(cause) => crash.raised.push(cause.to_owned()),
                None if message => crash.raised[0] = format!("{} {}", crash.raised[0], line.trim()),
                None => {}
            }
            crash.take(self.n, line);
        }
        belongs
    }

    fn add(&mut self, kind: CrashKind, line: u64, raised: Vec<String>, lines: &[String]) {
        let raised = raised.iter().map(|said| said.trim().to_owned()).collect();
        let mut crash =
            LoggedCrash { kind, line, last: self.n, raised, excerpt: Vec::new(), is_allowed: false, is_group: false };
        lines.iter().for_each(|line| crash.take(self.n, line));
        crash.is_allowed = lines.iter().chain([&self.before]).any(|line| self.allows(line));
        self.found.push(crash);
        if self.found.len() > MOST {
            // Those that are found first say most, the last whether it goes on.
            self.found.remove(MOST / 2);
        }
    }

    fn allows(&self, line: &str) -> bool {
        self.allowed.iter().any(|text| line.contains(text.as_str()))
    }

    /// Whether the recipe expects the crash that this line belongs to.
    fn allow(&mut self, line: &str) {
        let allowed = self.allows(line);
        if let Some(crash) = self.found.last_mut().filter(|crash| crash.last == self.n) {
            crash.is_allowed |= allowed;
        }
        if let Some(traceback) = &mut self.traceback {
            traceback.is_allowed |= allowed;
        }
    }
}

#[cfg(test)]
mod tests;
