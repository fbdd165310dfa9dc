//! Pages of an image, and everything that they name of the same server. Knows what must be answered; what a text names is
//! `page`'s.

use std::collections::{BTreeSet, VecDeque};

use akbuild_recipe::plan::Page;

use crate::course::{Course, Stop};
use crate::http::{self, Answer};
use crate::page::{self, Kind};
use crate::report::Finding;

/// The most files that a page may name, with what those name.
const ASSETS: usize = 5000;
/// Redirects that are followed, one after the other.
const HOPS: u32 = 5;

/// What is still to be fetched.
struct Open {
    /// Each with what names it.
    paths: VecDeque<(String, String)>,
    seen: BTreeSet<String>,
}

impl Open {
    /// Adds what an answer names.
    fn add(&mut self, answer: &Answer, path: &str, port: u16) {
        let Some(kind) = Kind::of(&answer.content_type) else { return };
        for found in page::named(kind, &String::from_utf8_lossy(&answer.body), path, port) {
            if self.seen.len() < ASSETS && self.seen.insert(found.clone()) {
                self.paths.push_back((found, path.to_owned()));
            }
        }
    }
}

impl Course<'_> {
    pub(crate) fn page(&mut self, page: &Page) -> Result<(), Stop> {
        let who = self.of.plan.processes.iter().position(|process| process.name == page.process).unwrap_or(0);
        self.step(&format!("page {} is there", page.path), |course| {
            let mut found = None;
            // What is on it may yet be put together by a process that has just begun.
            let look = |course: &mut Self| {
                let answer = match course.fetch(who, page, &page.path, HOPS) {
                    Ok(answer) => answer,
                    Err(Stop::Found(finding)) => return Ok(Err(finding.what)),
                    Err(stop) => return Err(stop),
                };
                let text = String::from_utf8_lossy(&answer.body);
                let lacking = page.contains.iter().find(|wanted| !text.contains(wanted.as_str()));
                Ok(match lacking {
                    Some(lacking) => Err(format!("it does not have `{lacking}`")),
                    None => {
                        found = Some(answer);
                        Ok(None)
                    }
                })
            };
            course.wait(who, look, |problem| format!("page {} is not there: {problem}", page.path))?;
            let Some(answer) = found.filter(|_| page.assets) else { return Ok(None) };
            let (files, bytes) = course.assets(who, page, &answer)?;
            Ok(Some(format!("{files} files that it names, {bytes} bytes")))
        })
    }

    /// Fetches everything that a page names, and what that names.
    fn assets(&mut self, who: usize, page: &Page, top: &Answer) -> Result<(usize, usize), Stop> {
        let mut open = Open { paths: VecDeque::new(), seen: BTreeSet::from([page.path.clone()]) };
        open.add(top, &page.path, page.port);
        let (mut files, mut bytes) = (0, 0);
        while let Some((path, by)) = open.paths.pop_front() {
            let answer = self.fetch(who, page, &path, HOPS).map_err(|stop| named_by(stop, &by))?;
            if Kind::of(&answer.content_type) == Some(Kind::Html) && !path.contains(".htm") {
                let finding = Finding::new(format!("{path} is a page, and not the file that {by} names"));
                return Err(finding.into());
            }
            (files, bytes) = (files + 1, bytes + answer.body.len());
            open.add(&answer, &path, page.port);
        }
        Ok((files, bytes))
    }

    fn fetch(&mut self, who: usize, page: &Page, path: &str, hops: u32) -> Result<Answer, Stop> {
        self.go_on()?;
        self.alive()?;
        let process = &self.processes[who];
        match http::get(&process.control, page.port, path, &self.of.runtime) {
            Ok(answer) if answer.status == 200 && answer.body.is_empty() => {
                Err(Finding::new(format!("{path} is empty")).into())
            }
            Ok(answer) if answer.status == 200 => Ok(answer),
            Ok(answer) if (300..400).contains(&answer.status) && hops > 0 => {
                let location = answer.location.unwrap_or_default();
                match page::resolve(&location, path, page.port) {
                    Some(next) => self.fetch(who, page, &next, hops - 1),
                    None => Err(Finding::new(format!("{path} leads to another server: {location}")).into()),
                }
            }
            Ok(answer) => {
                let what = format!("{path} is answered with {}", answer.status);
                let finding = if answer.status >= 500 { self.blame(process, what) } else { Finding::new(what) };
                Err(finding.into())
            }
            Err(error) => Err(self.about(process, format!("{path} is not answered: {error}")).into()),
        }
    }
}

/// A finding about a file says who names it.
fn named_by(stop: Stop, by: &str) -> Stop {
    match stop {
        Stop::Found(finding) => Stop::Found(Box::new(finding.because(format!("{by} names it")))),
        stop => stop,
    }
}
