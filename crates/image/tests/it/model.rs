//! What is packed and unpacked again is what a simple model of layers says: a map from paths to files.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use akbuild_image::{Contents, Entry, Layout, Meta, Unpacked, pack, unpack, write_layout};
use akbuild_nar::Digest;
use akbuild_recipe::plan::{Compression, ImageConfig};
use proptest::prelude::*;
use proptest::sample::select;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use tar::EntryType;

use crate::tarball::{DIR, FILE, LINK, end, header, with_data};
use crate::world::{World, tree_file};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Folder(u32),
    File(Vec<u8>, bool),
    Link(Vec<u8>),
}

type Files = BTreeMap<Vec<u8>, Node>;

/// Paths that are this one or below it.
fn is_below(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || above.is_empty())
}

fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at])
}

/// Puts one entry over what is there.
fn put(files: &mut Files, path: &[u8], node: &Node) {
    if !matches!((files.get(path), node), (Some(Node::Folder(_)), Node::Folder(_))) {
        files.retain(|there, _| !is_below(there, path));
    }
    files.insert(path.to_vec(), node.clone());
}

/// What is on the disk.
fn read(root: &Path) -> Files {
    let (mut files, mut folders) = (Files::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let mode = meta.permissions().mode() & 0o7777;
            let node = if meta.is_dir() {
                folders.push(path.clone());
                Node::Folder(mode)
            } else if meta.is_symlink() {
                Node::Link(fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec())
            } else {
                Node::File(fs::read(&path).unwrap(), mode == 0o755)
            };
            files.insert(path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec(), node);
        }
    }
    files
}

/// Panics if what is known of an image is not what is on the disk, or its links lead elsewhere than the kernel says.
pub(crate) fn compare(unpacked: &Unpacked, root: &Path) {
    let found = read(root);
    let known: Vec<&[u8]> = unpacked.entries.keys().map(|path| &path.as_os_str().as_bytes()[1..]).collect();
    let mut sorted = known.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, found.keys().map(|path| &path[..]).collect::<Vec<_>>());
    let targets: Vec<&Path> = unpacked.entries.values().filter_map(|meta| meta.target.as_deref()).collect();
    // Paths have no slash at the end here, where the kernel would look whether that is a folder.
    let ends = |target: &&Path, end: &[u8]| target.as_os_str().as_bytes().ends_with(end);
    let strict = targets.iter().any(|target| ends(target, b"/") || ends(target, b"/."));
    for (path, meta) in &unpacked.entries {
        let node = &found[&path.as_os_str().as_bytes()[1..]];
        assert_eq!(meta.is_folder, matches!(node, Node::Folder(_)), "{}", path.display());
        let target = meta.target.as_ref().map(|target| Node::Link(target.as_os_str().as_bytes().to_vec()));
        assert_eq!(target.is_some(), matches!(node, Node::Link(_)), "{}", path.display());
        assert!(target.is_none_or(|target| target == *node), "{}", path.display());
        if !strict {
            assert_eq!(unpacked.look_up(path).map(|(real, _)| real), real(root, path), "{}", path.display());
        }
    }
}

/// Where the kernel says that a path leads, in this root.
fn real(root: &Path, path: &Path) -> Option<std::path::PathBuf> {
    let root = root.canonicalize().unwrap();
    let folder = rustix::fs::openat(CWD, &root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let found = rustix::fs::openat2(&folder, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    let real = fs::read_link(format!("/proc/self/fd/{}", found.as_raw_fd())).unwrap();
    Some(Path::new("/").join(real.strip_prefix(&root).unwrap()))
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let long = vec![b'n'; 120];
    select(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec(), b"a-b".to_vec(), b"\xff\xfe".to_vec(), long])
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(name(), 1..4).prop_map(|names| names.join(&b'/'))
}

fn node() -> impl Strategy<Value = Node> {
    let target = select(vec!["a", "../b//c", "/", "./x/.", "x/"]).prop_map(|target| target.as_bytes().to_vec());
    let long = prop::collection::vec(1u8.., 90..300);
    prop_oneof![
        select(vec![0o755, 0o700, 0o1777]).prop_map(Node::Folder),
        (prop::collection::vec(any::<u8>(), 0..1500), any::<bool>()).prop_map(|(bytes, exec)| Node::File(bytes, exec)),
        prop_oneof![target, long].prop_map(Node::Link),
    ]
}

/// A layer's entries, as they were asked for and as the model has them.
fn contents(wanted: &[(Vec<u8>, Node)], sources: &Path) -> (Contents, Files) {
    let (mut contents, mut files) = (Contents::default(), Files::new());
    for (i, (path, node)) in wanted.iter().enumerate() {
        let name = OsStr::from_bytes(path);
        let added = match node {
            Node::Folder(mode) => contents.folder(name, *mode),
            Node::Link(target) => contents.add(name, Entry::Link(OsStr::from_bytes(target).to_owned())),
            Node::File(bytes, exec) if i % 2 == 0 => {
                contents.add(name, Entry::Text { bytes: bytes.clone(), exec: *exec })
            }
            Node::File(bytes, exec) => {
                let (from, size, exec) = (sources.join(i.to_string()), bytes.len() as u64, *exec);
                fs::write(&from, bytes).unwrap();
                let digest = Digest::sha256(bytes).as_bytes().try_into().unwrap();
                contents.add(name, Entry::File { from: tree_file(&from), size, digest, exec })
            }
        };
        let is_folder = |path: &[u8]| files.get(path).is_none_or(|node| matches!(node, Node::Folder(_)));
        let fits = parents(path).all(is_folder)
            && (!files.contains_key(path) || (is_folder(path) && matches!(node, Node::Folder(_))));
        assert_eq!(added.is_ok(), fits, "{}", String::from_utf8_lossy(path));
        // The folders on the way are there also when it does not fit.
        for parent in parents(path) {
            if files.get(parent).is_some_and(|node| !matches!(node, Node::Folder(_))) {
                break;
            }
            files.entry(parent.to_vec()).or_insert(Node::Folder(0o755));
        }
        if fits {
            files.insert(path.clone(), node.clone());
        }
    }
    (contents, files)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn what_is_packed_is_what_is_unpacked(
        layers in prop::collection::vec(prop::collection::vec((path(), node()), 0..12), 1..4),
        zstd: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (mut expected, mut packed) = (Files::new(), Vec::new());
        for (i, wanted) in layers.iter().enumerate() {
            let own = folder.path().join(format!("layer-{i}"));
            fs::create_dir(&own).unwrap();
            let (contents, files) = contents(wanted, &own);
            let compression = if zstd { Compression::Zstd(1) } else { Compression::Gzip(1) };
            packed.push((i.to_string(), pack(&contents, compression, 2, &own.join("blob")).unwrap()));
            files.iter().for_each(|(path, node)| put(&mut expected, path, node));
        }
        let (layout, root) = (folder.path().join("layout"), folder.path().join("root"));
        fs::create_dir(&root).unwrap();
        let link = |i: usize, place: &Path| {
            fs::copy(folder.path().join(format!("layer-{i}/blob")), place).unwrap();
            Ok::<_, akbuild_image::ImageError>(())
        };
        write_layout(&layout, &ImageConfig::default(), &packed, link).unwrap();
        let unpacked = unpack(&Layout::open(&layout).unwrap(), &root).unwrap();
        prop_assert_eq!(read(&root), expected);
        compare(&unpacked, &root);
    }
}

/// A lower layer, and one with whiteouts over it. Modes of folders are all the same: which folders a layer makes
/// without a word, and which it finds, depends on the order.
#[derive(Clone, Debug)]
struct Upper {
    entries: Files,
    /// What is hidden, and whether that is only what is in it.
    hidden: BTreeMap<Vec<u8>, bool>,
}

fn layer(wanted: Vec<(Vec<u8>, Node)>) -> Files {
    let mut files = Files::new();
    for (path, node) in wanted {
        let node = if let Node::Folder(_) = node { Node::Folder(0o755) } else { node };
        parents(&path).for_each(|parent| put(&mut files, parent, &Node::Folder(0o755)));
        put(&mut files, &path, &node);
    }
    files
}

/// Whiteouts of what a lower layer has, as far as they make sense beside the layer's own entries.
fn upper(lower: &Files, entries: Files, chosen: &[(prop::sample::Index, bool)]) -> Upper {
    let mut hidden = BTreeMap::new();
    let paths: Vec<&Vec<u8>> = lower.keys().collect();
    for (index, inside) in chosen.iter().filter(|_| !paths.is_empty()) {
        let path = *index.get(&paths);
        let inside = *inside && matches!(lower[path], Node::Folder(_));
        let own_file = |path: &[u8]| entries.get(path).is_some_and(|node| !matches!(node, Node::Folder(_)));
        if !(parents(path).any(own_file) || inside && own_file(path)) {
            hidden.insert(path.clone(), inside);
        }
    }
    let all: BTreeSet<Vec<u8>> = hidden.keys().cloned().collect();
    hidden.retain(|path, _| !parents(path).any(|parent| all.contains(parent)));
    Upper { entries, hidden }
}

impl Upper {
    fn over(&self, lower: &Files) -> Files {
        let mut files = lower.clone();
        files.retain(|there, _| {
            !self.hidden.iter().any(|(path, inside)| is_below(there, path) && !(*inside && there == path))
        });
        self.entries.iter().for_each(|(path, node)| put(&mut files, path, node));
        files
    }

    /// Its members: entries in their order, whiteouts anywhere between them. Folders with files, which a lower layer has
    /// too, are left out.
    fn members(&self, lower: &Files, places: &[prop::sample::Index]) -> Vec<Vec<u8>> {
        let folder = |files: &Files, path: &[u8]| files.get(path) == Some(&Node::Folder(0o755));
        let filled = |path: &[u8]| self.entries.keys().any(|file| is_below(file, path) && !folder(&self.entries, file));
        let follows = |path: &[u8]| folder(lower, path) && folder(&self.entries, path) && filled(path);
        let needed = self.entries.iter().filter(|(path, _)| !follows(path));
        let mut members: Vec<Vec<u8>> = needed.map(|(path, node)| member(path, node)).collect();
        for ((path, inside), place) in self.hidden.iter().zip(places.iter().cycle()) {
            let (folder, name) = path.split_at(path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1));
            let whiteout = match inside {
                true => [path, &b"/.wh..wh..opq"[..]].concat(),
                false => [folder, b".wh.", name].concat(),
            };
            let at = place.index(members.len() + 1);
            members.insert(at, member(&whiteout, &Node::File(Vec::new(), false)));
        }
        members
    }
}

/// A member of an archive, whose name may be long.
fn member(path: &[u8], node: &Node) -> Vec<u8> {
    let (kind, text, mode): (_, &[u8], _) = match node {
        Node::Folder(mode) => (DIR, b"", *mode),
        Node::File(bytes, exec) => (FILE, bytes, if *exec { 0o755 } else { 0o644 }),
        Node::Link(target) => (LINK, target, 0o777),
    };
    let data = if kind == LINK { b"" } else { text };
    let long = |kind, text: &[u8]| {
        let text = [text, b"\0"].concat();
        with_data(&header(b"././@LongLink", kind, &text, 0o644), &text)
    };
    let target = if kind == LINK { long(EntryType::GNULongLink, text) } else { Vec::new() };
    let header = header(b"cut", kind, if kind == LINK { b"x" } else { text }, mode);
    [long(EntryType::GNULongName, path), target, with_data(&header, data)].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whiteouts_hide_lower_layers_in_any_order(
        lower in prop::collection::vec((path(), node()), 1..12).prop_map(layer),
        entries in prop::collection::vec((path(), node()), 0..8).prop_map(layer),
        chosen in prop::collection::vec(any::<(prop::sample::Index, bool)>(), 1..5),
        places in prop::collection::vec(any::<prop::sample::Index>(), 5),
    ) {
        let upper = upper(&lower, entries, &chosen);
        let first: Vec<Vec<u8>> = lower.iter().map(|(path, node)| member(path, node)).collect();
        let second = upper.members(&lower, &places);
        let world = World::new();
        let unpacked = world.unpack(&[end(first.concat()), end(second.concat())]).unwrap();
        prop_assert_eq!(read(&world.root()), upper.over(&lower));
        compare(&unpacked, &world.root());
    }
}

#[test]
fn the_model_notices() {
    let world = World::new();
    let mut unpacked = world.unpack(&[end(member(b"a", &Node::Folder(0o755)))]).unwrap();
    compare(&unpacked, &world.root());
    unpacked.entries.insert("/a".into(), Meta { mode: 0o755, uid: 0, gid: 0, is_folder: false, target: None });
    assert!(std::panic::catch_unwind(|| compare(&unpacked, &world.root())).is_err());
}
