//! From `.deb` files to a root file system: opens all, extracts in parallel, then makes links and writes
//! what maintainer scripts would. Puts the other modules in order; knows the details of none of them.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::fs::{Mode, OFlags};

use crate::claims::Claims;
use crate::deb::Deb;
use crate::extract::{Extracted, Target, extract};
use crate::root::Root;
use crate::symlinks::{make_hard_links, make_symlinks};
use crate::{DebPin, SysrootError, alternatives, certs, ldcache, script, skeleton, status};

/// A downloaded package.
#[derive(Clone, Debug)]
pub struct DebFile<'a> {
    /// What it is. Its digest was checked by whoever downloaded it.
    pub pin: &'a DebPin,
    /// Where it is.
    pub path: PathBuf,
}

/// How to unpack.
pub struct UnpackOptions<'a> {
    /// How many packages are unpacked at once; 0 counts as 1.
    pub threads: usize,
    /// Whether to leave out documentation, manual pages and translations. Copyright files stay. What it
    /// decides is part of the result: a key must know it.
    pub slim: bool,
    /// Told of progress, from any of the threads.
    pub progress: &'a (dyn Fn(UnpackEvent<'_>) + Sync),
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnpackEvent<'a> {
    /// A package is in place.
    Package {
        /// Its name.
        name: &'a str,
        /// How many are.
        done: usize,
        /// How many there will be.
        total: usize,
    },
    /// All packages are in place; links and written files follow.
    Finishing,
}

/// What was unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Regular files of the packages.
    pub files: u64,
    /// Symbolic links of the packages.
    pub symlinks: u64,
    /// Bytes of the packages' files, those left out included.
    pub bytes: u64,
    /// What each alternative leads to: `awk` to `/usr/bin/mawk`.
    pub alternatives: BTreeMap<String, String>,
    /// `dpkg-divert --add` lines of scripts that were not run, each with its package in front.
    pub diversions: Vec<String>,
}

/// Unpacks packages into `dest`, an existing empty folder, and writes what their maintainer scripts
/// would. The same packages give the same tree (names, contents, executable bits, link targets), in any
/// order, with any number of threads, on any machine, for any user. Times and owners are the caller's
/// to set.
pub fn unpack(debs: &[DebFile<'_>], dest: &Path, options: &UnpackOptions<'_>) -> Result<Unpacked, SysrootError> {
    let mut sorted: Vec<&DebFile<'_>> = debs.iter().collect();
    sorted.sort_by(|a, b| (&a.pin.name, &a.pin.version).cmp(&(&b.pin.name, &b.pin.version)));
    let opened = in_parallel(options.threads, &sorted, |_, d| Deb::open(&d.path, d.pin), &AtomicBool::new(false))?;
    let claims = Claims::new(opened.iter().map(|d| &d.control));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir: OwnedFd = rustix::fs::open(dest, flags, Mode::empty())
        .map_err(|e| SysrootError::io("open the folder", dest)(e.into()))?;
    let stop = AtomicBool::new(false);
    let target = Target { dest, dir: &dir, claims: &claims, slim: options.slim, stop: &stop };
    let extracted = extract_all(&sorted, &opened, &target, options)?;
    (options.progress)(UnpackEvent::Finishing);
    finish(&Root::open(dest)?, &opened, &claims, extracted)
}

/// The biggest first, so that no long one is left for the end.
fn extract_all(
    files: &[&DebFile<'_>],
    debs: &[Deb],
    target: &Target<'_>,
    options: &UnpackOptions<'_>,
) -> Result<Vec<Extracted>, SysrootError> {
    let mut order: Vec<usize> = (0..debs.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(files[*i].pin.size));
    let done = AtomicUsize::new(0);
    let work = |_, i: &usize| {
        let found = extract(&debs[*i], *i as u32, target)?;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        (options.progress)(UnpackEvent::Package { name: &files[*i].pin.name, done, total: debs.len() });
        Ok((*i, found))
    };
    let mut all = in_parallel(options.threads, &order, work, target.stop)?;
    all.sort_by_key(|(i, _)| *i);
    Ok(all.into_iter().map(|(_, found)| found).collect())
}

fn finish(root: &Root, debs: &[Deb], claims: &Claims, extracted: Vec<Extracted>) -> Result<Unpacked, SysrootError> {
    let mut unpacked = Unpacked::default();
    let (mut hard_links, mut symlinks) = (Vec::new(), Vec::new());
    for found in extracted {
        unpacked.files += found.files + found.hard_links.len() as u64;
        unpacked.symlinks += found.symlinks.len() as u64;
        unpacked.bytes += found.bytes;
        hard_links.extend(found.hard_links);
        symlinks.extend(found.symlinks);
    }
    make_hard_links(root, &hard_links, claims)?;
    make_symlinks(root, symlinks, claims)?;
    skeleton::merge_usr(root)?;
    skeleton::write(root)?;
    let offers = debs.iter().filter_map(|d| d.scripts.get("postinst")).flat_map(|s| script::alternatives(s)).collect();
    unpacked.alternatives = alternatives::install(root, offers)?;
    for deb in debs {
        let scripts = ["preinst", "postinst"].into_iter().filter_map(|s| deb.scripts.get(s));
        let lines = scripts.flat_map(|s| script::diversions(s));
        unpacked.diversions.extend(lines.map(|l| format!("{}: {l}", deb.label)));
    }
    certs::write(root)?;
    status::write(root, debs)?;
    ldcache::write(root)?;
    Ok(unpacked)
}

/// Runs `work` on each item in some threads; results in the items' order. The first error, in that order,
/// is returned, and no further item is begun after it.
fn in_parallel<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(usize, &T) -> Result<R, SysrootError> + Sync,
    stop: &AtomicBool,
) -> Result<Vec<R>, SysrootError> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(items.len())));
    let run = || {
        while !stop.load(Ordering::Relaxed) {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(i) else { break };
            let result = work(i, item);
            if result.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push((i, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(items.len()).max(1) {
            scope.spawn(run);
        }
        run();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}
