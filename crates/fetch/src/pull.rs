//! One attempt to get one file from one address. Knows HTTP ranges and the store's partial files; not
//! which address comes next.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use akbuild_nar::Digest;
use akbuild_store::{Blob, BlobWriter, Store, StoreError};
use reqwest::header::{CONTENT_RANGE, HeaderMap, RANGE};
use reqwest::{Response, StatusCode};
use url::Url;

use crate::local::{CopyOutcome, copy_limited, open_regular};
use crate::miss::{Miss, MissKind, checked, local_path, missing};
use crate::rate_watch::RateWatch;
use crate::wanted::Report;
use crate::{Client, DownloadAddress, Progress};

/// Bytes are gathered up to this before they are written: most files are smaller, and so cost one
/// hand-over to a thread that may block.
pub(crate) const GATHER: usize = 512 << 10;
/// How often another process's lock on a file is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// A file on its way into the store. Keeps the store's lock on it between attempts.
pub(crate) struct Partial<'a> {
    store: &'a Store,
    digest: Digest,
    writer: Option<BlobWriter>,
}

/// How an answer fits to what is there.
enum Fit {
    /// It begins at the first byte.
    Whole(Response),
    /// It goes on where the partial file ends.
    Rest(Response),
    /// The partial file is as long as the server's.
    Complete,
    /// It fits to nothing; ask for the whole.
    Odd,
}

impl<'a> Partial<'a> {
    pub(crate) fn new(store: &'a Store, digest: Digest) -> Self {
        Self { store, digest, writer: None }
    }

    /// The right to write; `None` if the file has come into the store. Waits for another process that writes it, on
    /// no thread, so that the wait ends when the future is dropped.
    async fn writer(&mut self) -> Result<Option<BlobWriter>, Miss> {
        if let Some(writer) = self.writer.take() {
            return Ok(Some(writer));
        }
        loop {
            let (store, digest) = (self.store.clone(), self.digest);
            match blocking(move || store.try_blob_writer(&digest).map_err(disk)).await? {
                Some(Blob::Present(_)) => return Ok(None),
                Some(Blob::Missing(writer)) => return Ok(Some(writer)),
                None => tokio::time::sleep(LOCK_PAUSE).await,
            }
        }
    }
}

/// Downloads, goes on from what is there if the server can, verifies and stores. Returns the file's
/// size; `None` if another process had stored it in the meantime.
pub(crate) async fn pull(
    client: &Client,
    address: &DownloadAddress,
    size: Option<u64>,
    partial: &mut Partial<'_>,
    report: Report<'_>,
) -> Result<Option<u64>, Miss> {
    if let Some(file) = local_path(address) {
        let Some(writer) = partial.writer().await? else { return Ok(None) };
        return copy(client, writer, file?, size).await.map(Some);
    }
    let url = address.url();
    loop {
        let Some(mut writer) = partial.writer().await? else { return Ok(None) };
        let have = writer.len().map_err(disk)?;
        let fit = match ask(client, url, have).await {
            Ok(fit) => fit,
            Err(miss) => {
                partial.writer = Some(writer);
                return Err(miss);
            }
        };
        let (answer, resumed) = match fit {
            Fit::Whole(answer) => {
                writer.restart().map_err(disk)?;
                (Some(answer), false)
            }
            Fit::Rest(answer) => (Some(answer), true),
            Fit::Complete => (None, true),
            Fit::Odd => {
                writer.restart().map_err(disk)?;
                partial.writer = Some(writer);
                continue;
            }
        };
        client.answered(url);
        let (writer, tail) = match answer {
            None => (writer, Vec::new()),
            Some(mut answer) => match receive(client, &mut answer, writer, size, report).await {
                Ok(both) => both,
                Err((writer, miss)) => {
                    partial.writer = writer;
                    return Err(miss);
                }
            },
        };
        match finish(writer, tail, size).await {
            // The beginning may have come from elsewhere, or been damaged: once more, from zero.
            Err(Miss { kind: MissKind::Digest { .. }, .. }) if resumed => {}
            outcome => return outcome.map(Some),
        }
    }
}

/// Takes a file of a local mirror as it is.
async fn copy(client: &Client, mut writer: BlobWriter, file: PathBuf, size: Option<u64>) -> Result<u64, Miss> {
    let (limit, cancel) = (size.unwrap_or(client.config().limits.max_bytes), client.config().cancel.clone());
    let copied = blocking(move || {
        let mut from = open_regular(&file).map_err(|e| missing(&e))?;
        let length = from.metadata().map_err(|e| missing(&e))?.len();
        if let Some(size) = size.filter(|size| *size != length) {
            return Err(Miss::new(MissKind::Http, format!("has {length} bytes instead of {size}")));
        }
        writer.restart().map_err(disk)?;
        match copy_limited(&mut from, &mut writer, limit, &cancel) {
            Ok(CopyOutcome::Whole(_)) => Ok(writer),
            Ok(CopyOutcome::TooLong) => Err(too_long(limit, size)),
            Ok(CopyOutcome::Cancelled) => Err(Miss::new(MissKind::Disk, "cancelled")),
            Err(error) => Err(disk(writer.refused(error, Some(length)))),
        }
    });
    finish(copied.await?, Vec::new(), size).await
}

async fn ask(client: &Client, url: &Url, have: u64) -> Result<Fit, Miss> {
    let mut request = client.file_request(url);
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let answer = request.send().await.map_err(Miss::network)?;
    match answer.status() {
        StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => Ok(Fit::Complete),
        StatusCode::PARTIAL_CONTENT if have > 0 && starts_at(answer.headers()) == Some(have) => Ok(Fit::Rest(answer)),
        StatusCode::PARTIAL_CONTENT if have > 0 => Ok(Fit::Odd),
        StatusCode::PARTIAL_CONTENT => Err(Miss::new(MissKind::Http, "a part of the file, which was not asked for")),
        _ => checked(answer).map(Fit::Whole),
    }
}

/// Where a part begins: `Content-Range: bytes 10-99/100`.
fn starts_at(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// Reads the answer; what is left to be written comes back with the writer. After an error, what has
/// arrived is in the partial file.
async fn receive(
    client: &Client,
    answer: &mut Response,
    writer: BlobWriter,
    size: Option<u64>,
    report: Report<'_>,
) -> Result<(BlobWriter, Vec<u8>), (Option<BlobWriter>, Miss)> {
    let mut writer = writer;
    let mut total = writer.len().map_err(|e| (None, disk(e)))?;
    let limits = client.config().limits;
    let limit = size.unwrap_or(limits.max_bytes);
    let (mut gathered, mut rate): (Vec<u8>, _) = (Vec::new(), RateWatch::new(limits));
    loop {
        let failed = match rate.chunk(answer).await {
            Ok(None) => return Ok((writer, gathered)),
            Ok(Some(chunk)) => {
                total += chunk.len() as u64;
                gathered.extend_from_slice(&chunk);
                report(Progress::Bytes(chunk.len() as u64));
                (total > limit).then(|| too_long(limit, size))
            }
            Err(miss) => Some(miss),
        };
        if failed.is_some() || gathered.len() >= GATHER {
            writer = write(writer, std::mem::take(&mut gathered), size).await.map_err(|miss| (None, miss))?;
        }
        match failed {
            None => {}
            Some(miss) if miss.kind == MissKind::TooLong => {
                writer.restart().map_err(|e| (None, disk(e)))?;
                return Err((Some(writer), miss));
            }
            Some(miss) => return Err((Some(writer), miss)),
        }
    }
}

async fn write(mut writer: BlobWriter, bytes: Vec<u8>, size: Option<u64>) -> Result<BlobWriter, Miss> {
    blocking(move || {
        writer.write_all(&bytes).map_err(|e| disk(writer.refused(e, size)))?;
        Ok(writer)
    })
    .await
}

/// Writes the end, verifies, stores. Returns the size.
async fn finish(mut writer: BlobWriter, tail: Vec<u8>, size: Option<u64>) -> Result<u64, Miss> {
    blocking(move || {
        writer.write_all(&tail).map_err(|e| disk(writer.refused(e, size)))?;
        let size = writer.len().map_err(disk)?;
        let expected = writer.digest().to_string();
        match writer.commit() {
            Ok(()) => Ok(size),
            Err(StoreError::BlobMismatch { found, bytes, .. }) => {
                let reason = format!("{bytes} bytes that are something else");
                Err(Miss::new(MissKind::Digest { expected, found: found.to_string() }, reason))
            }
            Err(StoreError::Damaged { problem, .. }) => {
                let found = format!("{size} bytes without such a digest ({problem})");
                Err(Miss::new(MissKind::Digest { expected, found }, format!("{size} bytes that are something else")))
            }
            Err(error) => Err(disk(error)),
        }
    })
    .await
}

fn too_long(limit: u64, size: Option<u64>) -> Miss {
    let reason = match size {
        Some(size) => format!("the answer is longer than the {size} bytes expected"),
        None => format!("the answer is longer than {limit} bytes (`download_limit_mib` in akbuild.local.toml)"),
    };
    Miss::new(MissKind::TooLong, reason)
}

fn disk(error: StoreError) -> Miss {
    Miss::new(MissKind::Disk, error.to_string())
}

/// Runs what may wait for the disk or for another process on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Miss> + Send + 'static,
) -> Result<T, Miss> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Miss::new(MissKind::Disk, "the program is shutting down")),
        },
    }
}
