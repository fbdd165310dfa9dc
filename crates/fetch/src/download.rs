//! Artifacts into the store: in parallel, resumed, verified, all failures collected. Knows which
//! addresses to try in which order; the store knows how a blob is kept.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use akbuild_nar::Digest;
use akbuild_store::Store;
use futures::StreamExt;
use url::Url;

use crate::index::Pages;
use crate::miss::{Miss, MissKind};
use crate::pull::{Partial, pull};
use crate::tries::Tries;
use crate::wanted::Report;
use crate::{Client, DownloadAddress, Failure, FailureKind, Failures, Fetched, Progress, Wanted};

/// One run of [`Client::fetch`].
struct Run<'a> {
    client: &'a Client,
    store: &'a Store,
    report: Report<'a>,
    pages: Pages,
    fetched: Mutex<Fetched>,
}

impl Client {
    /// Downloads what the store lacks of `wanted`; the same digest only once. Each file is stored as
    /// soon as it is complete and verified, so that nothing of it is lost when others fail. All failures
    /// are collected; none stops the rest.
    pub async fn fetch(
        &self,
        store: &Store,
        wanted: Vec<Wanted>,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Fetched, Failures> {
        let wanted = merged(wanted);
        let digests: Vec<Digest> = wanted.iter().map(|w| w.digest).collect();
        let there = store.has_blobs(&digests);
        let present = there.iter().filter(|p| **p).count() as u64;
        let missing: Vec<Wanted> = wanted.into_iter().zip(there).filter(|(_, p)| !p).map(|(w, _)| w).collect();
        let total_bytes = missing.iter().map(|w| w.size).sum();
        progress(Progress::Start { total_files: missing.len() as u64, total_bytes });
        if self.config().offline && !missing.is_empty() {
            return Err(Failures(missing.iter().map(|w| failure(w, Vec::new(), FailureKind::Offline)).collect()));
        }
        let fetched = Mutex::new(Fetched { present, ..Fetched::default() });
        let run = Run { client: self, store, report: progress, pages: Pages::default(), fetched };
        let run = &run;
        let all = futures::stream::iter(missing.iter().cloned().map(|w| async move { run.one(&w).await }));
        let all = all.buffer_unordered(self.config().parallel.max(1)).collect();
        let outcomes: Vec<Result<(), Failure>> = tokio::select! {
            biased;
            () = self.config().cancel.thrown() => return Err(cancelled(&missing)),
            outcomes = all => outcomes,
        };
        let mut failures: Vec<Failure> = outcomes.into_iter().filter_map(Result::err).collect();
        failures.sort_by(|a, b| a.name.cmp(&b.name));
        match failures.is_empty() {
            true => Ok(*run.fetched.lock().unwrap_or_else(PoisonError::into_inner)),
            false => Err(Failures(failures)),
        }
    }
}

/// One entry a digest, in the order given; the addresses of all of them.
fn merged(wanted: Vec<Wanted>) -> Vec<Wanted> {
    let mut seen: HashMap<Digest, usize> = HashMap::with_capacity(wanted.len());
    let mut all: Vec<Wanted> = Vec::with_capacity(wanted.len());
    for next in wanted {
        match seen.get(&next.digest) {
            None => {
                seen.insert(next.digest, all.len());
                all.push(next);
            }
            Some(&at) => {
                let first = &mut all[at];
                first.urls = first.urls.clone().with(next.urls);
                first.size = first.size.or(next.size);
            }
        }
    }
    all
}

fn cancelled(missing: &[Wanted]) -> Failures {
    Failures(missing.iter().map(|w| failure(w, Vec::new(), FailureKind::Cancelled)).collect())
}

fn failure(wanted: &Wanted, urls_tried: Vec<(Url, String)>, kind: FailureKind) -> Failure {
    Failure { name: wanted.name.clone(), why: wanted.why.clone(), urls_tried, kind }
}

impl Run<'_> {
    /// One file: its own addresses first, then the indexes.
    async fn one(&self, wanted: &Wanted) -> Result<(), Failure> {
        let mut partial = Partial::new(self.store, wanted.digest);
        let mut misses = match self.rounds(wanted, wanted.urls.urls(), &mut partial).await {
            Ok(()) => return Ok(()),
            Err(misses) => misses,
        };
        let mut absent = Vec::new();
        if let Some(index) = wanted.urls.index()
            && !misses.iter().any(|(_, m)| m.kind == MissKind::Disk)
        {
            let (urls, missing) = self.pages.find(self.client, index, &wanted.digest).await;
            absent = missing;
            match self.rounds(wanted, &urls, &mut partial).await {
                Ok(()) => return Ok(()),
                Err(more) => misses.extend(more),
            }
        }
        let kind = kind_of(&misses, &absent);
        let tried = misses.into_iter().map(|(url, miss)| (url, miss.reason)).chain(absent).collect();
        Err(failure(wanted, tried, kind))
    }

    /// Tries each address in turn, in rounds, as long as waiting may help.
    async fn rounds(
        &self,
        wanted: &Wanted,
        urls: &[DownloadAddress],
        partial: &mut Partial<'_>,
    ) -> Result<(), Vec<(Url, Miss)>> {
        let mut tries = Tries::new(urls);
        loop {
            for address in tries.round(self.client) {
                match pull(self.client, &address, wanted.size, partial, self.report).await {
                    Ok(bytes) => {
                        self.done(wanted, bytes);
                        return Ok(());
                    }
                    Err(miss) if miss.kind == MissKind::Disk => return Err(vec![(address.url().clone(), miss)]),
                    Err(miss) => tries.missed(self.client, &address, miss),
                }
            }
            let Some(wait) = tries.wait(self.client) else { return Err(tries.misses) };
            let (attempt, error) = tries.next();
            (self.report)(Progress::Retry { name: wanted.name.clone(), attempt, error });
            tokio::time::sleep(wait).await;
        }
    }

    /// `None`: another process had it stored in the meantime.
    fn done(&self, wanted: &Wanted, bytes: Option<u64>) {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        match bytes {
            Some(bytes) => {
                fetched.downloaded += 1;
                fetched.bytes += bytes;
            }
            None => fetched.present += 1,
        }
        let done = fetched.downloaded;
        drop(fetched);
        (self.report)(Progress::File { name: wanted.name.clone(), bytes: bytes.unwrap_or(0), done });
    }
}

/// The kind that says most: what a person must know before they try anything else.
fn kind_of(misses: &[(Url, Miss)], absent: &[(Url, String)]) -> FailureKind {
    let find = |wanted: fn(&MissKind) -> bool| misses.iter().map(|(_, m)| m).find(|m| wanted(&m.kind));
    if let Some(miss) = find(|k| *k == MissKind::Disk) {
        return FailureKind::Disk(miss.reason.clone());
    }
    if let Some(Miss { kind: MissKind::Digest { expected, found }, .. }) =
        find(|k| matches!(k, MissKind::Digest { .. }))
    {
        return FailureKind::Digest { expected: expected.clone(), found: found.clone() };
    }
    if misses.is_empty() && absent.is_empty() {
        return FailureKind::NoMirror;
    }
    if misses.iter().all(|(_, m)| m.kind == MissKind::NotFound) {
        return FailureKind::NotFound;
    }
    match find(|k| matches!(k, MissKind::Http | MissKind::Busy(_) | MissKind::TooLong)) {
        Some(_) => FailureKind::Http,
        None => FailureKind::Network,
    }
}
