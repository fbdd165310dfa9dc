//! A file whose digest is not known yet, streamed to disk. Whoever locks computes the digest from it.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use akbuild_nar::{Algo, Digest};
use url::Url;

use crate::local::{CopyOutcome, copy_limited, open_regular};
use crate::miss::{Miss, MissKind, checked, local_path, missing};
use crate::pull::{GATHER, blocking};
use crate::rate_watch::RateWatch;
use crate::{Client, DownloadAddress, FetchError};

/// A file that was downloaded without a digest to check it against.
#[derive(Clone, Debug)]
pub struct UnpinnedFile {
    /// Its SHA-256.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// Where it was found in the end.
    pub url: Url,
}

impl Client {
    /// Downloads a file to `path`, which must not exist, in pieces. The size is limited by
    /// [`crate::TransferLimits::max_bytes`]. Tries addresses as [`Client::get`] does.
    pub async fn fetch_unpinned(&self, addresses: &[DownloadAddress], path: &Path) -> Result<UnpinnedFile, FetchError> {
        self.unless_cancelled(self.unpinned(addresses, path)).await
    }

    async fn unpinned(&self, addresses: &[DownloadAddress], path: &Path) -> Result<UnpinnedFile, FetchError> {
        let mut tries = self.tries(addresses)?;
        let file = File::options().read(true).write(true).create_new(true).open(path);
        let file = file.map_err(FetchError::io("make", path))?;
        let limit = self.config().limits.max_bytes;
        loop {
            for address in tries.round(self) {
                let io = FetchError::io("write", path);
                let restarted = file.set_len(0).and_then(|()| std::io::Seek::rewind(&mut &file));
                let copy = restarted.and_then(|()| file.try_clone()).map_err(io)?;
                match self.unpinned_once(&address, copy).await {
                    Ok(url) => {
                        let described = blocking(move || describe(&file, url));
                        return described.await.map_err(|miss| disk(path, miss));
                    }
                    Err(miss) if miss.kind == MissKind::TooLong => {
                        return Err(FetchError::FileTooLarge { url: address.url().clone(), limit });
                    }
                    Err(miss) if miss.kind == MissKind::Disk => return Err(disk(path, miss)),
                    Err(miss) => tries.missed(self, &address, miss),
                }
            }
            let Some(wait) = tries.wait(self) else { return Err(tries.into_error()) };
            tokio::time::sleep(wait).await;
        }
    }

    async fn unpinned_once(&self, address: &DownloadAddress, mut file: File) -> Result<Url, Miss> {
        let (limit, cancel) = (self.config().limits.max_bytes, self.config().cancel.clone());
        let url = address.url();
        if let Some(path) = local_path(address) {
            let path = path?;
            let copied = blocking(move || {
                let mut from = open_regular(&path).map_err(|e| missing(&e))?;
                copy_limited(&mut from, &mut file, limit, &cancel).map_err(|e| Miss::new(MissKind::Disk, e.to_string()))
            });
            return match copied.await? {
                CopyOutcome::Whole(_) => Ok(url.clone()),
                CopyOutcome::TooLong => Err(Miss::new(MissKind::TooLong, "too long")),
                CopyOutcome::Cancelled => Err(Miss::new(MissKind::Disk, "cancelled")),
            };
        }
        let mut answer = checked(self.file_request(url).send().await.map_err(Miss::network)?)?;
        let found = answer.url().clone();
        let (mut rate, mut total, mut gathered) = (RateWatch::new(self.config().limits), 0, Vec::new());
        while let Some(chunk) = rate.chunk(&mut answer).await? {
            total += chunk.len() as u64;
            if total > limit {
                return Err(Miss::new(MissKind::TooLong, "too long"));
            }
            gathered.extend_from_slice(&chunk);
            if gathered.len() >= GATHER {
                file = write(file, std::mem::take(&mut gathered)).await?;
            }
        }
        write(file, gathered).await?;
        self.answered(url);
        Ok(found)
    }
}

fn describe(mut file: &File, url: Url) -> Result<UnpinnedFile, Miss> {
    let read = || -> std::io::Result<_> {
        std::io::Seek::rewind(&mut file)?;
        Ok((Digest::of_file(Algo::Sha256, file)?, file.metadata()?.len()))
    };
    let (digest, bytes) = { read }().map_err(|e| Miss::new(MissKind::Disk, e.to_string()))?;
    Ok(UnpinnedFile { digest, bytes, url })
}

fn disk(path: &Path, miss: Miss) -> FetchError {
    FetchError::Io { action: "write", path: path.to_owned(), source: std::io::Error::other(miss.reason) }
}

async fn write(mut file: File, bytes: Vec<u8>) -> Result<File, Miss> {
    blocking(move || {
        file.write_all(&bytes).map_err(|e| Miss::new(MissKind::Disk, e.to_string()))?;
        Ok(file)
    })
    .await
}
