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
    /// How many files of other servers the page itself names.
    of_others: usize,
}

impl Open {
    /// Adds what an answer names.
    fn add(&mut self, answer: &Answer) {
        let Some(kind) = Kind::of(&answer.content_type) else { return };
        let named = page::named(kind, &String::from_utf8_lossy(&answer.body), &answer.address);
        self.of_others += named.of_others;
        for found in named.own {
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
            let Some(answer) = found else { return Ok(None) };
            let named = if page.assets { Some(course.assets(who, &answer)?) } else { None };
            Ok(Some(words(&answer, named.as_ref())))
        })
    }

    /// Fetches everything that a page names, and what that names.
    fn assets(&mut self, who: usize, top: &Answer) -> Result<FetchedFiles, Stop> {
        let seen = BTreeSet::from([top.address.clone()]);
        let mut open = Open { addresses: VecDeque::new(), seen, of_others: 0 };
        open.add(top);
        let mut fetched = FetchedFiles::default();
        while let Some((address, by)) = open.addresses.pop_front() {
            let answer = self.fetch(who, &address, HOPS).map_err(|stop| named_by(stop, &by))?;
            let path = path(&address);
            if Kind::of(&answer.content_type) == Some(Kind::Html) && !path.contains(".htm") {
                let finding = Finding::new(format!("{path} is a page, and not the file that {by} names"));
                return Err(finding.into());
            }
            (fetched.files, fetched.bytes) = (fetched.files + 1, fetched.bytes + answer.body.len());
            open.add(&answer);
        }
        fetched.of_others = open.of_others;
        Ok(fetched)
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
            (300..400, Some(location)) if hops > 0 => match address::resolve_own(location, address) {
                Some(next) => self.fetch(who, &next, hops - 1),
                None => Err(Finding::new(format!("{path} leads to another server: {location}")).into()),
            },
            (status, _) => {
                let what = format!("{path} is answered with {status}");
                let finding = self.about(process, what.clone());
                // What the process says of it may come after its answer.
                if status >= 500 {
                    self.processes[who].settle();
                    self.crashed(&what)?;
                }
                Err(if status >= 500 { finding } else { Finding::new(what) }.into())
            }
        }
    }
}

/// What was fetched of what a page names.
#[derive(Debug, Default)]
struct FetchedFiles {
    files: usize,
    bytes: usize,
    of_others: usize,
}

/// What a page is, and what it names.
fn words(answer: &Answer, named: Option<&FetchedFiles>) -> String {
    let size = count(answer.body.len(), "byte");
    let kind = Kind::of(&answer.content_type);
    let own = match named {
        // What a program reads names nothing.
        _ if kind.is_none() && answer.content_type.is_empty() => return size,
        _ if kind.is_none() => return format!("{size} of {}", answer.content_type),
        None => return size,
        Some(FetchedFiles { files: 0, .. }) => format!("{size}; it names no file of its server"),
        Some(named) => {
            format!("{size}; {} that it names, {}", count(named.files, "file"), count(named.bytes, "byte"))
        }
    };
    match named.map_or(0, |named| named.of_others) {
        0 => own,
        others => format!("{own}; {} of other servers, not fetched", count(others, "file")),
    }
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A finding about a file says who names it.
fn named_by(stop: Stop, by: &str) -> Stop {
    match stop {
        Stop::Found(finding) => Stop::Found(Box::new(finding.because(format!("{by} names it")))),
        stop => stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_with_its_size_and_what_it_names() {
        let answer = |content_type: &str| Answer {
            address: address(9000, "/"),
            status: 200,
            content_type: content_type.to_owned(),
            location: None,
            body: b"{}".to_vec(),
        };
        let fetched = |files, bytes, of_others| Some(FetchedFiles { files, bytes, of_others });
        let said = [
            words(&answer("text/html"), fetched(4, 1, 0).as_ref()),
            words(&answer("text/html"), fetched(1, 800, 2).as_ref()),
            words(&answer("text/html"), fetched(0, 0, 0).as_ref()),
            words(&answer("text/html"), fetched(0, 0, 1).as_ref()),
            words(&answer("text/html"), None),
            words(&answer("application/json"), fetched(0, 0, 0).as_ref()),
            words(&answer(""), None),
        ];
        insta::assert_snapshot!(said.join("\n"), @"
        2 bytes; 4 files that it names, 1 byte
        2 bytes; 1 file that it names, 800 bytes; 2 files of other servers, not fetched
        2 bytes; it names no file of its server
        2 bytes; it names no file of its server; 1 file of other servers, not fetched
        2 bytes
        2 bytes of application/json
        2 bytes
        ");
    }
}
