//! The seeds of the fuzz targets, run as an ordinary test: so that neither rots. Fuzzing itself needs a nightly
//! compiler; see CONTRIBUTING.md.

#[allow(unreachable_pub, reason = "it is a library for the fuzz targets")]
#[path = "src/lib.rs"]
mod targets;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Folders with seeds are those of the targets, and each seed passes. `cargo test` shows the name of a seed that fails.
#[test]
fn seeds_pass() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds");
    let mut folders = names(&seeds);
    for (target, run) in targets::TARGETS {
        folders.retain(|folder| folder != target);
        let files = names(&seeds.join(target));
        assert!((1..=20).contains(&files.len()), "{target} has {} seeds", files.len());
        for file in files {
            let seed = fs::read(seeds.join(target).join(&file)).unwrap();
            assert!(seed.len() < 4096, "{target}/{file} is too large for a seed");
            println!("{target}/{file}");
            run(&seed);
        }
    }
    assert!(folders.is_empty(), "seeds of no target: {folders:?}");
}

/// The targets of the package are those of the library.
#[test]
fn every_function_has_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/fuzz_targets");
    assert_eq!(names(&folder), targets::TARGETS.map(|(name, _)| format!("{name}.rs")));
}

/// Seeds with bytes changed, without a nightly compiler: `AKBUILD_FUZZ_SECONDS` for each of the targets of names and
/// pages, or only the one that `AKBUILD_FUZZ_TARGET` names; nothing runs without a time.
#[test]
#[allow(clippy::disallowed_methods, reason = "only who looks for more sets it")]
fn changed_seeds_pass() {
    let Some(seconds) = std::env::var("AKBUILD_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()) else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds");
    let wanted = std::env::var("AKBUILD_FUZZ_TARGET").ok();
    let is_wanted = |target: &str| wanted.as_ref().is_none_or(|wanted| wanted == target);
    let targets = targets::TARGETS.into_iter().filter(|(target, _)| ["names", "pages"].contains(target));
    for (target, run) in targets.filter(|(target, _)| is_wanted(target)) {
        let files = names(&folder.join(target));
        let seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(folder.join(target).join(file)).unwrap()).collect();
        let (begin, mut runs, mut state) = (Instant::now(), 0_u64, 0x9e37_79b9_7f4a_7c15_u64);
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below.max(1) as u64).unwrap()
        };
        while begin.elapsed() < Duration::from_secs(seconds) {
            let mut input = seeds[random(seeds.len())].clone();
            for _ in 0..=random(8) {
                let other = &seeds[random(seeds.len())];
                let (at, from) = (random(input.len() + 1), random(other.len()));
                let piece = &other[from..(from + random(16)).min(other.len())];
                match random(5) {
                    0 if at < input.len() => drop(input.remove(at)),
                    1 if at < input.len() => input[at] = u8::try_from(random(256)).unwrap(),
                    2 => input.insert(at, b"/.%\\:?#@<>&;\"'=\0\n!~"[random(19)]),
                    3 => input.truncate(at),
                    _ => drop(input.splice(at..at, piece.iter().copied())),
                }
            }
            input.truncate(4096);
            let outcome = std::panic::catch_unwind(|| run(&input));
            assert!(outcome.is_ok(), "{target}: {:?}", input.escape_ascii().to_string());
            runs += 1;
        }
        println!("{target}: {runs} inputs");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
