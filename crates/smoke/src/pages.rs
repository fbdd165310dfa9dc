//! Pages of an image, and everything that they name of the same server. Knows what must be answered; what a text names is
//! `page`'s.

use std::collections::{BTreeSet, VecDeque};

use akbuild_recipe::plan::Page;
use url::Url;

use crate::address::{self, address, path};
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
    /// Each with the path of what names it.
    addresses: VecDeque<(Url, String)>,
    seen: BTreeSet<Url>,
}

impl Open {
    /// Adds what an answer names.
    fn add(&mut self, answer: &Answer) {
        let Some(kind) = Kind::of(&answer.content_type) else { return };
        for found in page::named(kind, &String::from_utf8_lossy(&answer.body), &answer.address) {
            if self.seen.len() < ASSETS && self.seen.insert(found.clone()) {
                self.addresses.push_back((found, path(&answer.address).to_owned()));
            }
        }
    }
}

impl Course<'_> {
    pub(crate) fn page(&mut self, page: &Page) -> Result<(), Stop> {
        let who = self.of.plan.processes.iter().position(|process| process.name == page.process).unwrap_or(0);
        self.step(&format!("page {} is there", page.path), |course| {
            let (mut found, top) = (None, address(page.port, &page.path));
            // What is on it may yet be put together by a process that has just begun.
            let look = |course: &mut Self| {
                let answer = match course.fetch(who, &top, HOPS) {
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
            let (files, bytes) = course.assets(who, &answer)?;
            let noun = if files == 1 { "file" } else { "files" };
            Ok(Some(format!("{files} {noun} that it names, {bytes} bytes")))
        })
    }

    /// Fetches everything that a page names, and what that names.
    fn assets(&mut self, who: usize, top: &Answer) -> Result<(usize, usize), Stop> {
        let mut open = Open { addresses: VecDeque::new(), seen: BTreeSet::from([top.address.clone()]) };
        open.add(top);
        let (mut files, mut bytes) = (0, 0);
        while let Some((address, by)) = open.addresses.pop_front() {
            let answer = self.fetch(who, &address, HOPS).map_err(|stop| named_by(stop, &by))?;
            let path = path(&address);
            if Kind::of(&answer.content_type) == Some(Kind::Html) && !path.contains(".htm") {
                let finding = Finding::new(format!("{path} is a page, and not the file that {by} names"));
                return Err(finding.into());
            }
            (files, bytes) = (files + 1, bytes + answer.body.len());
            open.add(&answer);
        }
        Ok((files, bytes))
    }

    fn fetch(&mut self, who: usize, address: &Url, hops: u32) -> Result<Answer, Stop> {
        self.go_on()?;
        self.alive()?;
        let (process, path) = (&self.processes[who], path(address));
        let answer = match http::get(&process.control, address, &self.of.runtime) {
            Ok(answer) => answer,
            Err(error) => return Err(self.about(process, format!("{path} is not answered: {error}")).into()),
        };
        match (answer.status, &answer.location) {
            (200, _) if answer.body.is_empty() => Err(Finding::new(format!("{path} is empty")).into()),
            (200, _) => Ok(answer),
            (300..400, Some(location)) if hops > 0 => match address::resolve(location, address) {
                Some(next) => self.fetch(who, &next, hops - 1),
                None => Err(Finding::new(format!("{path} leads to another server: {location}")).into()),
            },
            (status, _) => {
                let what = format!("{path} is answered with {status}");
                let finding = if status >= 500 { self.blame(process, what) } else { Finding::new(what) };
                Err(finding.into())
            }
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
