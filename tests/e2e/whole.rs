//! What must be true after any death: of a home, of its processes and of the machine's mounts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use akbuild_nar::{Algo, Digest, Listing, hash_path};
use akbuild_store::{Store, Verify};
use serde_json::Value;

use crate::gate::until;
use crate::world::{World, names, text};

/// Asserts that nothing of the home has a final name and is not what that name says, by a look of its own and by
/// what the store itself says.
pub(crate) fn whole(world: &World) {
    whole_home(&world.home());
    let verified = Store::open(&world.home()).unwrap().verify(&Verify { threads: 2, record: false, progress: &|_| {} });
    let mut findings = verified.unwrap().findings;
    findings.retain(|finding| finding.problem.is_wrong());
    assert_eq!(findings, []);
}

/// The first of these, of any home, which is not changed.
pub(crate) fn whole_home(home: &Path) {
    for (path, name) in files(&home.join("trees-v1")) {
        assert_eq!(hash_path(&path).unwrap().hex(), name, "{}", path.display());
    }
    for (path, name) in blobs(home) {
        let folder = path.ancestors().nth(2).and_then(Path::file_name).unwrap();
        let algo = Algo::ALL.into_iter().find(|algo| folder == algo.name()).unwrap();
        let found = Digest::of_file(algo, &fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(found.hex(), name, "{}", path.display());
    }
    for (path, name) in files(&home.join("listings-v1")) {
        let listing = Listing::from_text(&fs::read_to_string(&path).unwrap());
        assert!(!listing.unwrap().entries.is_empty(), "{}", path.display());
        assert!(home.join("trees-v1").join(&name).exists(), "{}", path.display());
    }
    let keys: BTreeSet<String> = actions(home).into_keys().collect();
    let records = files(&home.join("actions-v1")).into_iter();
    assert_eq!(keys, records.map(|(_, name)| name.trim_end_matches(".json").to_owned()).collect());
}

/// Asserts that nothing is left of any work: no scratch folder, no lock of a key, no part of a complete download.
pub(crate) fn tidy(world: &World) {
    let home = world.home();
    assert_eq!(names(&home.join("tmp-v1")), Vec::<String>::new());
    assert!(names(&home.join("locks-v1")).iter().all(|name| name == "index" || name == "collect"));
    assert_eq!(names(&home.join("leases-v1")), Vec::<String>::new());
    let complete: BTreeSet<String> = blobs(&home).into_iter().map(|(_, name)| format!("sha256-{name}")).collect();
    let partial: BTreeSet<String> = names(&home.join("partial-v1")).into_iter().collect();
    assert_eq!(partial.intersection(&complete).count(), 0, "{partial:?}");
}

/// The recorded actions whose outputs are there: the hash of each output, by key.
pub(crate) fn actions(home: &Path) -> BTreeMap<String, String> {
    let records = files(&home.join("actions-v1")).into_iter().filter(|(_, name)| name.ends_with(".json"));
    let read = records.into_iter().map(|(path, _)| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap());
    read.map(|action| (text(&action["key"]).to_owned(), hex(&action["output"]))).collect()
}

/// The hash in hexadecimal digits that an SRI string stands for.
pub(crate) fn hex(sri: &Value) -> String {
    text(sri).parse::<Digest>().unwrap().hex()
}

fn blobs(home: &Path) -> Vec<(PathBuf, String)> {
    let folders = files(&home.join("blobs-v1")).into_iter().flat_map(|(algo, _)| files(&algo));
    folders.flat_map(|(folder, _)| files(&folder)).collect()
}

/// What is in a folder that may not be there, with its names.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    if !folder.exists() {
        return Vec::new();
    }
    names(folder).into_iter().map(|name| (folder.join(&name), name)).collect()
}

/// Waits until no process of the world is left, and asserts that no mount is. The world has its own program.
pub(crate) fn nothing_runs(world: &World) {
    let mut last = Vec::new();
    until("end of all processes", || {
        last = processes(world);
        last.is_empty().then_some(())
    });
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(world.path("").to_str().unwrap()), "{mounts}");
}

/// The processes that run the world's program or see anything of the world mounted.
fn processes(world: &World) -> Vec<String> {
    let folder = world.path("");
    let name = folder.to_str().unwrap();
    let of_world = |process: &Path| {
        let mounts = fs::read_to_string(process.join("mountinfo")).unwrap_or_default();
        mounts.contains(name) || fs::read_link(process.join("exe")).is_ok_and(|program| program.starts_with(&folder))
    };
    let all = names(Path::new("/proc")).into_iter().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    all.filter(|pid| of_world(&Path::new("/proc").join(pid))).collect()
}
