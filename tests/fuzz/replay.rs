//! The seeds of the fuzz targets, run as an ordinary test: so that neither rots. Fuzzing itself needs a nightly
//! compiler; see CONTRIBUTING.md.

#[allow(unreachable_pub, reason = "it is a library for the fuzz targets")]
#[path = "src/lib.rs"]
mod targets;

use std::fs;
use std::path::Path;

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

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
