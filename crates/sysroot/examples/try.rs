//! Locks and unpacks a sysroot with `curl` as the downloader, to look at the result by hand:
//! `try BASE_URL SUITE KEYRING CACHE_DIR DEST THREADS PACKAGE...`
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool to try things with")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime};

use akbuild_sysroot::{DebFile, LockRequest, Metadata, Suite, UnpackOptions, Wanted, lock, unpack};

type Failure = Box<dyn Error + Send + Sync>;

struct Curl {
    base: String,
    cache: PathBuf,
}

impl Curl {
    fn file(&self, path: &str) -> Result<PathBuf, Failure> {
        let to = self.cache.join(path.replace('/', "_"));
        if !to.exists() {
            let url = format!("{}/{path}", self.base);
            if !Command::new("curl").args(["-sSfL", "--retry", "3", "-o"]).arg(&to).arg(&url).status()?.success() {
                return Err(format!("curl could not get {url}").into());
            }
        }
        Ok(to)
    }
}

impl Metadata for Curl {
    fn get(&self, path: &str) -> Result<Vec<u8>, Failure> {
        Ok(std::fs::read(self.file(path)?)?)
    }
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [base, suite, keyring, cache, dest, threads, packages @ ..] = &args[..] else {
        return Err("usage: try BASE_URL SUITE KEYRING CACHE_DIR DEST THREADS PACKAGE...".into());
    };
    let curl = Curl { base: base.clone(), cache: cache.into() };
    let started = Instant::now();
    let locked = lock(
        &LockRequest {
            suites: &[Suite { suite: suite.clone(), components: vec!["main".into()], arch: "amd64".into() }],
            sysroots: &[Wanted { name: "build".into(), packages: packages.to_vec(), essential: true }],
            keyrings: &[keyring.into()],
            fingerprints: &[],
            now: SystemTime::now(),
            allow_expired: true,
            recommends: false,
            prefer: &[],
        },
        &curl,
    )?;
    println!(
        "locked {} packages in {:.1?}: {:?} {:?}",
        locked.packages.len(),
        started.elapsed(),
        locked.suites,
        locked.warnings
    );
    let files = locked.packages.iter().map(|pin| Ok(DebFile { pin, path: curl.file(&pin.path)? }));
    let files = files.collect::<Result<Vec<_>, Failure>>()?;
    println!("downloaded {:.1} MB", locked.packages.iter().map(|p| p.size).sum::<u64>() as f64 / 1e6);
    std::fs::create_dir_all(dest)?;
    let started = Instant::now();
    let options = UnpackOptions { threads: threads.parse()?, slim: true, progress: &|_| {} };
    let unpacked = unpack(&files, Path::new(dest), &options)?;
    println!("unpacked in {:.2?}: {unpacked:#?}", started.elapsed());
    Ok(())
}
