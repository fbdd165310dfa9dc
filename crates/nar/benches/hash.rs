//! Hashing and normalising a tree, against `nix hash path` on the same tree.
//!
//! `cargo bench -p akbuild-nar -- DIR [ROUNDS]`; without a folder, it makes one of 20,000 files.
#![allow(clippy::print_stdout, clippy::disallowed_methods, missing_docs, reason = "a benchmark that runs Nix")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use akbuild_nar::{HashOptions, Normalise, hash_tree};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let temporary = tempfile::tempdir()?;
    let dir = match args.next() {
        Some(dir) => PathBuf::from(dir),
        None => make(&temporary.path().join("tree"))?,
    };
    let rounds: usize = args.next().map_or(Ok(5), |n| n.parse())?;
    let plain = HashOptions::default();
    let listing = HashOptions { listing: true, ..plain };
    let normalise = HashOptions { normalise: Some(Normalise::default()), ..plain };
    let ours = |options: HashOptions| median(rounds, || hash_tree(&dir, &options).map(drop).expect("hash"));
    let nix = median(rounds, || nix(&dir));
    println!("nix hash path        {nix:.3} s");
    println!("normalise, once      {:.3} s", median(1, || hash_tree(&dir, &normalise).map(drop).expect("hash")));
    for (what, options) in [("hash", plain), ("hash and listing", listing), ("normalise again", normalise)] {
        let seconds = ours(options);
        println!("{what:20} {seconds:.3} s, ratio {:.2}", seconds / nix);
    }
    Ok(())
}

fn median(rounds: usize, mut run: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[rounds / 2]
}

fn nix(dir: &Path) {
    let args = ["--extra-experimental-features", "nix-command", "hash", "path"];
    let output = Command::new("nix").args(args).arg(dir).output().expect("nix is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// 20,000 files of some 11 kB in 200 folders.
fn make(dir: &Path) -> std::io::Result<PathBuf> {
    for d in 0..200 {
        let folder = dir.join(format!("folder-{d}"));
        std::fs::create_dir_all(&folder)?;
        for f in 0..100 {
            std::fs::write(folder.join(format!("file-{f}")), vec![f; 200 * (f as usize + 5)])?;
        }
    }
    Ok(dir.to_owned())
}
