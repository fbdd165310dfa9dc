//! What comes out of a file is what went in, or nothing: also of files that somebody altered, cut off or forged.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use akbuild_engine::Manifest;
use akbuild_fetch::{ClientConfig, Credentials, GitRequest, git_fetch_history, git_repository};
use akbuild_nar::{Digest, TreeHash, dump, hash_path};
use akbuild_store::{Action, Artifact, Blob, BuildId, Key, Maker, Publish, Store};
use proptest::prelude::*;

use crate::item::Item;
use crate::write::{MAGIC, Writer};
use crate::{Contents, ExportError, Imported, Kind, REPOSITORIES, export, import};

struct Home {
    folder: tempfile::TempDir,
    store: Store,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("home")).unwrap();
    Home { folder, store }
}

impl Home {
    /// A store with one of everything, and what to export of it.
    fn full() -> (Home, Contents) {
        let home = home();
        let store = &home.store;
        let mut contents = Contents::new(false);
        let input = publish(store, |tree| fs::write(tree.join("input"), "in").unwrap());
        let output = publish(store, |tree| {
            fs::create_dir(tree.join("deep")).unwrap();
            fs::write(tree.join("deep/large"), (0..600_000u32).map(|n| (n / 7) as u8).collect::<Vec<_>>()).unwrap();
            std::os::unix::fs::symlink("../outside", tree.join("link")).unwrap();
        });
        let blob = put_blob(store, b"a download");
        let list = store.put_artifacts(&[Artifact { name: "pkg:npm/a@1".into(), digest: blob }]).unwrap();
        store.record_action(&action("last", output, input, Some(list))).unwrap();
        contents.add_action(store, action("last", output, input, Some(list))).unwrap();
        let item = home.repository();
        contents.items.insert(item, "a repository".into());
        (home, contents)
    }

    /// A repository with a commit in the cache of the home.
    fn repository(&self) -> Item {
        let work = self.folder.path().join("work");
        let git = |args: &[&str]| {
            let mut command = Command::new("git");
            command.arg("-C").arg(&work).args(["-c", "user.name=x", "-c", "user.email=x"]).args(args);
            command.env("GIT_AUTHOR_DATE", "@1 +0000").env("GIT_COMMITTER_DATE", "@1 +0000");
            let output = command.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        fs::create_dir(&work).unwrap();
        git(&["init", "-q"]);
        fs::write(work.join("file"), "text").unwrap();
        git(&["add", "file"]);
        git(&["commit", "-q", "-m", "x"]);
        let (commit, urls) = (git(&["rev-parse", "HEAD"]), [work.display().to_string()]);
        let cache = self.store.home().join(REPOSITORIES);
        let credentials = Credentials::default();
        let request = GitRequest {
            urls: &urls,
            reference: None,
            commit: Some(&commit),
            cache: &cache,
            credentials: &credentials,
            config: &ClientConfig::default(),
            progress: &|_| (),
        };
        git_fetch_history(&request).unwrap();
        let name = git_repository(Path::new(""), &urls[0]).display().to_string();
        Item::Repository { name, commit }
    }

    /// Asserts that everything that has a final name is what that name says, and that nothing is begun.
    fn is_whole(&self) {
        let names = |bucket: &str| {
            let entries = fs::read_dir(self.store.home().join(bucket)).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
        };
        for tree in names("trees-v1") {
            assert_eq!(hash_path(&tree).unwrap().hex(), tree.file_name().unwrap().to_str().unwrap());
        }
        for bucket in ["tmp-v1", "partial-v1"] {
            assert_eq!(names(bucket), Vec::<std::path::PathBuf>::new());
        }
        for action in self.store.actions().unwrap() {
            assert!(self.store.has_tree(&action.output));
        }
    }
}

fn publish(store: &Store, make: impl FnOnce(&Path)) -> TreeHash {
    let scratch = store.scratch("test").unwrap();
    let tree = scratch.path().join("tree");
    fs::create_dir(&tree).unwrap();
    make(&tree);
    store.publish(&tree, &Publish::default()).unwrap().hash
}

fn put_blob(store: &Store, bytes: &[u8]) -> Digest {
    let digest = Digest::sha256(bytes);
    let Blob::Missing(mut writer) = store.blob_writer(&digest).unwrap() else { panic!("the blob is there") };
    writer.write_all(bytes).unwrap();
    writer.commit().unwrap();
    digest
}

fn action(stage: &str, output: TreeHash, input: TreeHash, artifacts: Option<Digest>) -> Action {
    let mut manifest = Manifest::new("run", 1);
    manifest.set(&akbuild_engine::ManifestField::Script, stage);
    Action {
        key: manifest.key(),
        project: "sample".into(),
        stage: stage.into(),
        kind: "run".into(),
        output,
        manifest: manifest.to_json(),
        seconds: 1.5,
        max_rss: 9,
        created: 1_700_000_000,
        log: Some("../../outside.log".into()),
        bytes: 3,
        files: 1,
        inputs: [("source:app".to_owned(), input)].into(),
        artifacts,
        phases: Vec::new(),
        build: Some(serde_json::from_str::<BuildId>("\"../outside\"").unwrap()),
        maker: Maker::default(),
    }
}

fn exported(store: &Store, contents: &Contents) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = export(store, contents, &mut bytes, &mut |_| true).unwrap();
    assert_eq!((written.digest, written.bytes), (Digest::sha256(&bytes), bytes.len() as u64));
    bytes
}

fn imported(store: &Store, bytes: &[u8]) -> Result<Imported, ExportError> {
    import(store, bytes, &mut |_| true)
}

/// How many entries of each kind are new, and how many were there.
fn counts(imported: &Imported) -> String {
    let counts = imported.counts.iter().map(|(kind, new, there)| format!("{} {new}/{there}", kind.name()));
    counts.collect::<Vec<_>>().join(", ")
}

/// The entries of an export, without compression.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(&bytes[MAGIC.len()..]).unwrap()
}

fn packed(frame: &[u8]) -> Vec<u8> {
    [MAGIC, &zstd::encode_all(frame, 1).unwrap()].concat()
}

/// An export of these entries, each with a right digest behind it.
fn forged(entries: &[(Item, &[u8])]) -> Vec<u8> {
    let mut progress = |_| true;
    let mut writer = Writer::new(Vec::new(), &mut progress).unwrap();
    for (item, contents) in entries {
        writer.begin(item).unwrap();
        writer.write_all(contents).unwrap();
        writer.end().unwrap();
    }
    writer.finish().unwrap().2
}

/// What is said of a file, to an empty store, which is whole afterwards.
fn refused(bytes: &[u8]) -> String {
    let home = home();
    let error = imported(&home.store, bytes).unwrap_err().to_string();
    home.is_whole();
    error.split("\n  what stands").next().unwrap_or_default().to_owned()
}

#[test]
fn what_comes_out_is_what_went_in() {
    let (from, contents) = Home::full();
    let bytes = exported(&from.store, &contents);
    let to = home();
    let new = imported(&to.store, &bytes).unwrap();
    assert_eq!(counts(&new), "tree 2/0, download 1/0, list 1/0, repository 1/0, action 1/0");
    assert_eq!(new.digest, Some(Digest::sha256(&bytes)));
    to.is_whole();
    let there = to.store.actions().unwrap().remove(0);
    let here = from.store.actions().unwrap().remove(0);
    // Names of files and builds are those of another home, and could lead anywhere.
    assert_eq!(there, Action { log: None, build: None, ..here });
    assert!(there.inputs.values().chain([&there.output]).all(|tree| to.store.has_tree(tree)));
    assert_eq!(to.store.artifacts(&there.artifacts.unwrap()).unwrap().unwrap().len(), 1);
    // The same from there, and again to a store that has it all.
    assert_eq!(exported(&to.store, &contents), bytes);
    let again = imported(&to.store, &bytes).unwrap();
    assert_eq!(counts(&again), "tree 0/2, download 0/1, list 0/1, repository 1/0, action 0/1");
}

#[test]
fn an_output_that_is_here_stays_what_its_key_gives() {
    let (from, contents) = Home::full();
    let bytes = exported(&from.store, &contents);
    let to = home();
    let other = publish(&to.store, |tree| fs::write(tree.join("other"), "").unwrap());
    let own = Action { output: other, log: None, artifacts: None, ..from.store.actions().unwrap().remove(0) };
    to.store.record_action(&own).unwrap();
    let new = imported(&to.store, &bytes).unwrap();
    assert_eq!(new.kept, [own.key]);
    assert_eq!(to.store.action(&own.key).unwrap().unwrap().output, other);
    // One whose output is gone is replaced.
    akbuild_store::remove(&to.store.tree_path(&other)).unwrap();
    assert_eq!(imported(&to.store, &bytes).unwrap().kept, []);
    assert_ne!(to.store.action(&own.key).unwrap().unwrap().output, other);
}

#[test]
fn what_is_missing_or_damaged_is_said_before_anything_is_written() {
    let (from, mut contents) = Home::full();
    contents.add_tree(TreeHash::from([7; 32]), "gone");
    contents.add_download(Digest::sha256(b"gone"));
    let mut bytes = Vec::new();
    let error = export(&from.store, &contents, &mut bytes, &mut |_| true).unwrap_err();
    insta::assert_snapshot!(error, @"
    not all that belongs to the export is in the store:
      the output of `gone`, sha256-BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=
      the download sha256-KDu53u8C5oQ6v7U476HspwgBvYpwHD+YGR4SNJYzkkc=
      help: `akbuild build --rebuild STAGE` brings in what a stage needs; with `--outputs-only` outputs are enough
    ");
    assert!(bytes.is_empty());
    let (from, contents) = Home::full();
    let path = from.store.blob_path(&Digest::sha256(b"a download"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, "b download").unwrap();
    let error = export(&from.store, &contents, &mut bytes, &mut |_| true).unwrap_err();
    insta::assert_snapshot!(error, @"
    the store has pkg:npm/a@1 for `last`, sha256-uvBAzexmu10LPCHTAxsvDcSwBf+HDqMc3qJJETxUR9M= damaged
      help: `akbuild cache verify --repair` finds and repairs all that is
    ");
}

#[test]
fn a_damaged_tree_is_not_passed_on() {
    let (from, contents) = Home::full();
    let output = from.store.actions().unwrap().remove(0).output;
    let file = from.store.tree_path(&output).join("deep/large");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "other").unwrap();
    let error = export(&from.store, &contents, &mut Vec::new(), &mut |_| true).unwrap_err().to_string();
    assert!(error.starts_with("the store has the output of `last`, sha256-"), "{error}");
}

/// A link or a pipe in the place of what is stored: nothing that it leads to is in the file, and nothing waits for it.
#[test]
fn what_a_planted_link_leads_to_is_not_exported() {
    let canary = b"a file of the host";
    for what in ["absolute", "climbing", "dangling", "pipe"] {
        for place in ["deep/large", "deep", "download"] {
            let (from, contents) = Home::full();
            let host = from.folder.path().join("host");
            fs::create_dir(&host).unwrap();
            for name in ["large", "file"] {
                fs::write(host.join(name), canary).unwrap();
            }
            let output = from.store.actions().unwrap().remove(0).output;
            let (at, up) = match place {
                "download" => (from.store.blob_path(&Digest::sha256(b"a download")), "../../../host/file"),
                place => (from.store.tree_path(&output).join(place), "../../../host"),
            };
            let target = if place == "deep" { host.clone() } else { host.join("file") };
            fs::rename(&at, from.folder.path().join("replaced")).unwrap();
            match what {
                "absolute" => std::os::unix::fs::symlink(target, &at).unwrap(),
                "climbing" => std::os::unix::fs::symlink(up, &at).unwrap(),
                "dangling" => std::os::unix::fs::symlink("/none", &at).unwrap(),
                _ => {
                    let fifo = rustix::fs::FileType::Fifo;
                    rustix::fs::mknodat(rustix::fs::CWD, &at, fifo, 0o644.into(), 0).unwrap();
                }
            }
            let mut bytes = Vec::new();
            let error = export(&from.store, &contents, &mut bytes, &mut |_| true).unwrap_err().to_string();
            assert!(!error.contains("a file of the host"), "{error}");
            let written = [bytes.get(MAGIC.len()..).map(|frame| {
                let mut read = Vec::new();
                // The file ends in the middle.
                let _ = zstd::Decoder::new(frame).unwrap().read_to_end(&mut read);
                read
            })];
            for written in written.into_iter().flatten() {
                assert!(!written.windows(canary.len()).any(|part| part == canary), "{what} {place}");
            }
            assert_eq!(
                (fs::read(host.join("large")).unwrap(), fs::read_dir(&host).unwrap().count()),
                (canary.to_vec(), 2)
            );
        }
    }
}

/// A NAR of so many folders inside each other, the top included.
fn deep(folders: usize) -> (TreeHash, Vec<u8>) {
    let mut bytes = Vec::new();
    let mut put = |text: &str| {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    };
    put("nix-archive-1");
    for folder in 0..folders {
        let inner = ["entry", "(", "name", "d", "node"];
        inner.iter().filter(|_| folder > 0).chain(&["(", "type", "directory"]).for_each(|text| put(text));
    }
    for folder in 0..folders {
        [")"].iter().chain([")"].iter().filter(|_| folder + 1 < folders)).for_each(|text| put(text));
    }
    let digest = Digest::sha256(&bytes);
    (TreeHash::from(<[u8; 32]>::try_from(digest.as_bytes()).unwrap()), bytes)
}

/// A tree with the greatest depth of the store is carried, a deeper one is not.
#[test]
fn trees_are_as_deep_as_those_of_the_store() {
    let (hash, bytes) = deep(akbuild_tree::MAX_DEPTH);
    let home = home();
    imported(&home.store, &forged(&[(Item::Tree(hash), &bytes)])).unwrap();
    let mut contents = Contents::new(false);
    contents.add_tree(hash, "deep");
    assert_eq!(unpacked(&exported(&home.store, &contents)), unpacked(&forged(&[(Item::Tree(hash), &bytes)])));
    let (hash, bytes) = deep(akbuild_tree::MAX_DEPTH + 1);
    let error = refused(&forged(&[(Item::Tree(hash), &bytes)])).replace(&hash.hex(), "HASH");
    insta::assert_snapshot!(error, @"the export is damaged at `tree HASH`: not a valid NAR archive, at byte 278608: more than 2048 folders inside each other; fetch or export it again");
}

#[test]
fn it_can_be_stopped() {
    let (from, contents) = Home::full();
    let stopped = export(&from.store, &contents, &mut Vec::new(), &mut |_| false).unwrap_err();
    assert!(matches!(stopped, ExportError::Stopped), "{stopped}");
    let bytes = exported(&from.store, &contents);
    let to = home();
    let stopped = import(&to.store, &bytes[..], &mut |_| false).unwrap_err();
    assert!(matches!(stopped, ExportError::Stopped), "{stopped}");
    to.is_whole();
}

/// Where entries end in a frame.
fn ends(frame: &[u8]) -> Vec<usize> {
    let number = |at: usize, n: usize| frame[at..at + n].iter().rev().fold(0, |all, b| all << 8 | usize::from(*b));
    let (mut at, mut ends) = (0, vec![0]);
    while at < frame.len() {
        at += 2 + number(at, 2);
        while number(at, 4) > 0 {
            at += 4 + number(at, 4);
        }
        at += 4 + 32;
        ends.push(at);
    }
    ends
}

#[test]
fn a_file_that_ends_anywhere_leaves_what_was_complete() {
    let (from, contents) = Home::full();
    let frame = unpacked(&exported(&from.store, &contents));
    let ends = ends(&frame);
    assert_eq!(ends.len(), 8, "six entries and the end");
    let entry = |at: usize| ends.iter().filter(|end| **end <= at).count() - 1;
    let to = home();
    let places = ends.iter().flat_map(|end| [*end, end + 1, end + 40, end + 70]).filter(|at| *at < frame.len());
    for at in places {
        let error = imported(&to.store, &packed(&frame[..at])).unwrap_err().to_string();
        assert!(error.contains("it ends there"), "{at}: {error}");
        to.is_whole();
        assert_eq!(fs::read_dir(to.store.home().join("trees-v1")).unwrap().count(), entry(at).min(2), "{at}");
        assert_eq!(to.store.actions().unwrap().len(), usize::from(entry(at) >= 6), "{at}");
    }
    insta::assert_snapshot!(refused(&packed(&frame[..ends[0]])), @"the export is damaged at its beginning: it ends there");
    let cut = refused(&packed(&frame[..ends[1]]));
    assert!(cut.starts_with("the export is damaged after `tree "), "{cut}");
    let bytes = exported(&from.store, &contents);
    for at in (0..bytes.len()).step_by(97) {
        assert!(imported(&to.store, &bytes[..at]).is_err(), "{at}");
        to.is_whole();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_altered_byte_is_believed(place in any::<prop::sample::Index>(), bit in 0..8u8) {
        thread_local! {
            static FRAME: Vec<u8> = {
                let (from, contents) = Home::full();
                unpacked(&exported(&from.store, &contents))
            };
            static TO: Home = home();
        }
        // The large file is most of it, and all of its bytes are alike: most cases are for the rest.
        let mut frame = FRAME.with(Clone::clone);
        let at = if place.index(4) == 0 { place.index(frame.len()) } else { frame.len() - 1 - place.index(3000) };
        frame[at] ^= 1 << bit;
        TO.with(|to| {
            assert!(imported(&to.store, &packed(&frame)).is_err(), "bit {bit} of byte {at}");
            to.is_whole();
            for action in to.store.actions().unwrap() {
                assert_eq!(Manifest::from_json(&action.manifest).unwrap().key(), action.key);
            }
        });
    }

    #[test]
    fn what_is_no_export_is_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..2000), magic in any::<bool>()) {
        thread_local! { static TO: Home = home(); }
        if magic {
            bytes = packed(&bytes);
        }
        TO.with(|to| {
            assert!(imported(&to.store, &bytes).is_err());
            to.is_whole();
        });
    }
}

#[test]
fn another_file_is_told_from_a_damaged_one() {
    insta::assert_snapshot!(refused(b""), @"
    this is no export: it does not begin with `akbuild-export-`
      help: `akbuild cache export` makes one
    ");
    insta::assert_snapshot!(refused(b"PK\x03\x04 something else altogether"), @"
    this is no export: it does not begin with `akbuild-export-`
      help: `akbuild cache export` makes one
    ");
    insta::assert_snapshot!(refused(b"akbuild-export-2\nwhatever"), @"
    the export has another format than `akbuild-export-1`
      help: use the akbuild that made it, or make it again with this one
    ");
    let bytes = exported(&home().store, &Contents::default());
    insta::assert_snapshot!(refused(&[&bytes[..], b"more"].concat()), @"the export is damaged at its beginning: something follows the end");
    insta::assert_snapshot!(refused(&packed(&[unpacked(&bytes), b"more".to_vec()].concat())), @"the export is damaged at its beginning: something follows the end");
    insta::assert_snapshot!(refused(&packed(&[0xff; 4])), @"the export is damaged at its beginning: a header of 65535 bytes");
    insta::assert_snapshot!(refused(&packed(b"\x06\0tree x")), @"the export is damaged at its beginning: `tree x` is no header");
}

/// A tree as a NAR, and its hash.
fn nar(make: impl FnOnce(&Path)) -> (TreeHash, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    make(&tree);
    let mut bytes = Vec::new();
    dump(&tree, &mut bytes).unwrap();
    (hash_path(&tree).unwrap(), bytes)
}

/// A NAR with other names in it, all of the same length.
fn renamed(bytes: &[u8], from: &str, to: &str) -> (TreeHash, Vec<u8>) {
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    let mut bytes = bytes.to_vec();
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    let digest = Digest::sha256(&bytes);
    (TreeHash::from(<[u8; 32]>::try_from(digest.as_bytes()).unwrap()), bytes)
}

#[test]
fn forged_trees() {
    let (hash, good) = nar(|tree| {
        fs::create_dir(tree).unwrap();
        fs::write(tree.join("four"), "text").unwrap();
    });
    assert_eq!(
        counts(&imported(&home().store, &forged(&[(Item::Tree(hash), &good)])).unwrap()).split(',').next(),
        Some("tree 1/0")
    );
    let other = TreeHash::from([1; 32]);
    insta::assert_snapshot!(refused(&forged(&[(Item::Tree(other), &good)])), @"the export is damaged at `tree 0101010101010101010101010101010101010101010101010101010101010101`: its NAR hash is caae1964382bfb615ceb2141ca289d24d42dec9ff136320f920c12d84f002dc9");
    for name in ["../x", "a/bc", "abc\0"] {
        let (hash, bytes) = renamed(&good, "four", name);
        let error = refused(&forged(&[(Item::Tree(hash), &bytes)]));
        assert!(error.contains("is not a file name"), "{error}");
    }
    let (hash, bytes) = nar(|tree| std::os::unix::fs::symlink("/etc", tree).unwrap());
    insta::assert_snapshot!(refused(&forged(&[(Item::Tree(hash), &bytes)])), @"the export is damaged at `tree 26b1227930b758377da32abb870d32033d2743661e6ce5d4301ceb444c4641cf`: it is no folder");
    let (hash, bytes) = nar(|tree| fs::write(tree, "x").unwrap());
    assert!(refused(&forged(&[(Item::Tree(hash), &bytes)])).ends_with("it is no folder"));
    let longer = [&good[..], &[0; 8]].concat();
    let error = refused(&forged(&[(Item::Tree(hash), &longer)]));
    assert!(error.contains("bytes after the end"), "{error}");
}

#[test]
fn forged_downloads_lists_and_repositories() {
    let digest = Digest::sha256(b"right");
    insta::assert_snapshot!(refused(&forged(&[(Item::Download(digest), b"wrong")])), @"the export is damaged at `download sha256-JwQvTm7KfQsqfuQCbfLs+lHTM55tEiqgmRGOzYVjutk=`: its digest is sha256-iBCtWB5Z8rw5KLJhcHpxMI9+E56wSCA2bcTVwY2YAiU=");
    let zip = Digest::new(akbuild_nar::Algo::GoZip, &[0; 32]).unwrap();
    let error = refused(&forged(&[(Item::Download(zip), b"no zip")]));
    assert!(error.starts_with("the export is damaged at `download h1-zip-"), "{error}");
    let text = b"{\"name\":\"a\",\"digest\":\"x\"}\n";
    insta::assert_snapshot!(refused(&forged(&[(Item::List(Digest::sha256(text)), text)])), @"the export is damaged at `list sha256-wXD5ka3grqiuCqF6MRwcHOyvEe7gxnNl9iVn8hhNKd0=`: it is not the list that it is called");
    insta::assert_snapshot!(refused(&forged(&[(Item::List(digest), b"")])), @"the export is damaged at `list sha256-JwQvTm7KfQsqfuQCbfLs+lHTM55tEiqgmRGOzYVjutk=`: it is not the list that it is called");
    let to = home();
    let text = format!("{}\n", serde_json::json!({"name": "pkg:npm/a@1", "digest": digest}));
    assert!(imported(&to.store, &forged(&[(Item::List(digest), text.as_bytes())])).is_err());
    assert_eq!(fs::read_dir(to.store.home().join("artifacts-v1")).unwrap().count(), 0);
    let commit = "0123456789012345678901234567890123456789".to_owned();
    let escape = Item::Repository { name: "../../x-0123456789abcdef.git".into(), commit: commit.clone() };
    insta::assert_snapshot!(refused(&forged(&[(escape, b"")])), @"the export is damaged at its beginning: `repository ../../x-0123456789abcdef.git 0123456789012345678901234567890123456789` is no header");
    let (from, contents) = Home::full();
    let (item, _) = contents.items.iter().find(|(item, _)| item.kind() == Kind::Repository).unwrap();
    let Item::Repository { name, commit: own } = item.clone() else { panic!("it is a repository") };
    let mut pack = Vec::new();
    akbuild_fetch::git_pack(&from.store.home().join(REPOSITORIES).join(&name), &own, &mut pack).unwrap();
    let error = refused(&forged(&[(Item::Repository { name, commit }, &pack)]));
    assert!(error.ends_with("commit 0123456789012345678901234567890123456789 is not in it; fetch it first"), "{error}");
}

#[test]
fn forged_actions() {
    let (hash, tree) = nar(|tree| fs::create_dir(tree).unwrap());
    let good = action("last", hash, hash, None);
    let file = |key: Key, action: &Action| {
        let json = serde_json::to_vec(action).unwrap();
        forged(&[(Item::Tree(hash), &tree), (Item::Action(key), &json)])
    };
    let to = home();
    imported(&to.store, &file(good.key, &good)).unwrap();
    let there = to.store.action(&good.key).unwrap().unwrap();
    assert_eq!((there.log, there.build), (None, None));

    insta::assert_snapshot!(refused(&file(Key::of(b"other"), &good)), @"the export is damaged at `action d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa`: its key is not the hash of its manifest");
    let other = Action { key: Key::of(b"other"), ..good.clone() };
    insta::assert_snapshot!(refused(&file(other.key, &other)), @"the export is damaged at `action d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa`: its key is not the hash of its manifest");
    assert!(refused(&file(good.key, &other)).ends_with("its key is not the hash of its manifest"));
    let none = Action { output: TreeHash::from([2; 32]), ..good.clone() };
    insta::assert_snapshot!(refused(&file(none.key, &none)), @"the export is damaged at `action 7f4b7a0448db699cd24e13e3654b38f4714b38adb7802cc52d6882139b7d1080`: its output sha256-AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI= is neither in the file nor here");
    let list = Action { artifacts: Some(Digest::sha256(b"list")), ..good.clone() };
    insta::assert_snapshot!(refused(&file(list.key, &list)), @"the export is damaged at `action 7f4b7a0448db699cd24e13e3654b38f4714b38adb7802cc52d6882139b7d1080`: its list of downloads sha256-ozA5XMClOtEgdzZUav/0c1lAk3Vku/dc4e2tQHgNkTk= is neither in the file nor here");
    insta::assert_snapshot!(refused(&forged(&[(Item::Action(good.key), b"[]")])), @"the export is damaged at `action 7f4b7a0448db699cd24e13e3654b38f4714b38adb7802cc52d6882139b7d1080`: its record cannot be read: invalid length 0, expected struct Action with 17 elements at line 1 column 2");
    let json = serde_json::to_vec(&good).unwrap();
    let disordered = [(Item::Action(good.key), &json[..]), (Item::Tree(hash), &tree[..])];
    let home = home();
    publish(&home.store, |_| ());
    let error = imported(&home.store, &forged(&disordered)).unwrap_err().to_string();
    assert!(error.contains("` stands in the wrong place"), "{error}");
    let twice = refused(&forged(&[(Item::Tree(hash), &tree), (Item::Tree(hash), &tree)]));
    assert!(twice.contains("` stands in the wrong place"), "{twice}");
}

#[test]
fn a_record_too_long_for_memory_is_refused() {
    let long = std::io::repeat(b' ').take(crate::import::LONGEST + 10);
    let mut progress = |_| true;
    let mut writer = Writer::new(Vec::new(), &mut progress).unwrap();
    writer.begin(&Item::Action(Key::of(b"x"))).unwrap();
    std::io::copy(&mut { long }, &mut writer).unwrap();
    writer.end().unwrap();
    let error = refused(&writer.finish().unwrap().2);
    assert!(error.ends_with("it has more than 67108864 bytes"), "{error}");
}
