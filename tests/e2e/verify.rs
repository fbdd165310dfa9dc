//! Damage in a store: found, named, and repaired by fetching and building again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use akbuild_nar::{Algo, Digest, Hasher};
use serde_json::Value;

use crate::archive::{PACKAGE, archive};
use crate::server::Reply;
use crate::whole::whole;
use crate::world::{Ran, World, text};

/// One of each: a source that is downloaded, one of this machine, a sysroot, a stage that runs, one that serves a
/// registry, and one that shares its files with what it is composed of.
const STAGES: &str = r#"
[sources.data]
tarball = "SERVER/data.tar"

[[patches]]
source = "data"
file = "b"
from = "two"
to = "2"
why = "it is shorter"

[stages.words]
kind = "run"
script = 'cat *.txt > "$out/words"; echo "echo hello" > "$out/hello"; chmod +x "$out/hello"'
copies = [{ from = "app", include = ["*.txt"] }]

[stages.modules]
kind = "npm-ci"
source = "app"
env = { "BASH_FUNC_npm%%" = '() { mkdir node_modules; echo 1 > node_modules/x; rm package-lock.json; }', "BASH_FUNC_node%%" = '() { :; }', "BASH_FUNC_find%%" = '() { :; }', "BASH_FUNC_xargs%%" = '() { :; }' }

[stages.last]
kind = "tree"
pieces = [{ from = "words" }, { from = "data" }, { from = "modules", to = "modules" }]
"#;

const NPM: &str = "/none/left-pad/-/left-pad-1.0.0.tgz";

fn built() -> World {
    let world = World::unlocked(STAGES);
    fill(&world);
    world
}

fn fill(world: &World) {
    world.server.put("/data.tar", Reply::File(tarball()));
    world.server.put(NPM, Reply::File(b"a package".to_vec()));
    world.write("app/a.txt", "one\n");
    let locked = serde_json::json!({
        "version": "1.0.0",
        "resolved": format!("https://registry.invalid/{}", NPM.trim_start_matches("/none/")),
        "integrity": package(),
    });
    let lock = serde_json::json!({
        "name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": true,
        "packages": {"": {"name": "app", "version": "1.0.0"}, "node_modules/left-pad": locked},
    });
    world.write("app/package-lock.json", &lock.to_string());
    world.write("app/package.json", r#"{"name": "app", "version": "1.0.0"}"#);
    world.lock();
    let _ = world.run(&["all"]).ok();
}

/// The digest of the package that the registry serves.
fn package() -> Digest {
    let mut sha512 = Hasher::new(Algo::Sha512);
    sha512.update(b"a package");
    sha512.finish()
}

fn tarball() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in [("data-1/a", "one\n"), ("data-1/b", "two\n")] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

/// Where the tree of a node is.
fn tree(world: &World, node: &str) -> PathBuf {
    let listed = document(&world.run(&["cache", "ls", "--json", "--stage", node]).ok());
    PathBuf::from(text(&listed["trees"][0]["path"]))
}

/// The tree of the source as it is outside.
fn unpatched(world: &World) -> PathBuf {
    let shown = document(&world.run(&["cache", "show", "--json", "source:data"]).ok());
    let hash = text(&shown["shown"][0]["inputs"]["source:data unpatched"]).parse::<akbuild_nar::TreeHash>().unwrap();
    world.home().join("trees-v1").join(hash.hex())
}

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).expect(&ran.out)
}

fn blob(world: &World, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    world.home().join(format!("blobs-v1/{}/{}/{hex}", digest.algo(), &hex[..2]))
}

/// What was found, what it was made for, which files, and what was done; sorted.
fn found(ran: &Ran) -> String {
    let document = document(ran);
    let list = |value: &Value, name: &str| {
        let texts = value.as_array().unwrap().iter();
        texts.map(|v| if name.is_empty() { text(v) } else { text(&v[name]) }.to_owned()).collect::<Vec<_>>().join(" ")
    };
    let line = |f: &Value| {
        let files =
            f["files"].as_array().unwrap().iter().map(|d| format!("{} {}", text(&d["change"]), text(&d["path"])));
        let files = files.collect::<Vec<_>>().join(", ");
        let (kind, what, names, done) = (text(&f["kind"]), text(&f["what"]), list(&f["about"], ""), text(&f["done"]));
        format!("{kind} {what} [{names}] [{files}] {done}")
    };
    let mut lines: Vec<String> = document["findings"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines.join("\n")
}

/// Does some harm, and has it found, repaired, and not found any more.
fn repaired(world: &World, harm: impl FnOnce()) -> String {
    harm();
    let looked = world.run(&["cache", "verify", "--json"]);
    assert_eq!(looked.code, Some(3), "{looked}");
    assert_eq!(document(&looked)["ok"], false);
    let repaired = world.run(&["cache", "verify", "--repair", "--json"]);
    assert_eq!(repaired.code, Some(0), "{repaired}");
    assert_eq!(document(&repaired)["ok"], true);
    clean(world);
    found(&repaired)
}

/// Nothing is wrong, everything is there, and with the right bytes.
fn clean(world: &World) {
    let looked = world.run(&["cache", "verify", "--json"]);
    assert_eq!((looked.code, found(&looked)), (Some(0), String::new()), "{looked}");
    whole(world);
    let stages = world.run(&["all", "--json"]).ok().stages();
    assert_eq!(stages, "last cached, modules cached, words cached");
    assert_eq!(
        (world.result("words"), world.result("a"), world.result("b")),
        ("one\n".into(), "one\n".into(), "2\n".into())
    );
}

/// Flips a bit of a file, and leaves no other trace than the time.
fn flip(path: &Path) {
    let mode = path.symlink_metadata().unwrap().permissions();
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, mode).unwrap();
}

/// Does something in a read-only folder.
fn force(path: &Path, harm: impl FnOnce(&Path)) {
    let folder = path.parent().unwrap();
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    harm(path);
    fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
}

#[test]
fn damage_of_a_stages_output() {
    let world = built();
    let words = tree(&world, "words");
    insta::assert_snapshot!(repaired(&world, || flip(&words.join("words"))), @"
    corrupt tree [tiny/last] [touched words] made-again
    corrupt tree [tiny/words] [changed words] made-again
    ");
    insta::assert_snapshot!(repaired(&world, || force(&words.join("hello"), |path| fs::remove_file(path).unwrap())), @"corrupt tree [tiny/words] [deleted hello] made-again");
    insta::assert_snapshot!(repaired(&world, || force(&words.join("more"), |path| fs::write(path, "").unwrap())), @"corrupt tree [tiny/words] [added more] made-again");
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    insta::assert_snapshot!(repaired(&world, || mode(&words.join("words"), 0o644)), @"mode tree [tiny/words] [touched words] corrected");
    insta::assert_snapshot!(repaired(&world, || mode(&words.join("hello"), 0o444)), @"corrupt tree [tiny/words] [mode hello] corrected");
    insta::assert_snapshot!(repaired(&world, || akbuild_store::remove(&words).unwrap()), @"missing tree [tiny/words] [] made-again");
}

#[test]
fn damage_of_what_comes_from_outside() {
    let world = built();
    // The one without the patch is only there to be patched.
    insta::assert_snapshot!(repaired(&world, || flip(&unpatched(&world).join("b"))), @"corrupt tree [tiny/source:data unpatched] [changed b] made-again");
    insta::assert_snapshot!(repaired(&world, || flip(&tree(&world, "source:data").join("b"))), @"
    corrupt tree [tiny/last] [touched b] made-again
    corrupt tree [tiny/source:data] [changed b] made-again
    ");
    // A file that three trees share, and the listing of none but the source's.
    insta::assert_snapshot!(repaired(&world, || flip(&tree(&world, "source:data").join("a"))), @"
    corrupt tree [tiny/last] [touched a] made-again
    corrupt tree [tiny/source:data unpatched] [changed a] made-again
    corrupt tree [tiny/source:data] [changed a] made-again
    ");
    insta::assert_snapshot!(repaired(&world, || flip(&tree(&world, "sysroot:build").join("usr/bin/cat"))), @"corrupt tree [tiny/sysroot:build] [touched usr/bin/cat] made-again");
    insta::assert_snapshot!(repaired(&world, || flip(&tree(&world, "source:app").join("a.txt"))), @"corrupt tree [tiny/source:app] [changed a.txt] made-again");
}

#[test]
fn damage_of_downloads_and_records() {
    let world = built();
    let (data, deb) = (Digest::sha256(&tarball()), Digest::sha256(&archive().files[PACKAGE]));
    // What was fetched to be locked was not kept.
    let _ = repaired(&world, || akbuild_store::remove(&unpatched(&world)).unwrap());
    let asked = world.server.questions();
    insta::assert_snapshot!(repaired(&world, || [data, deb, package()].iter().for_each(|digest| flip(&blob(&world, digest)))), @"
    corrupt download [] [] made-again
    corrupt download [pkg:deb/debian/tools@1.0?arch=amd64] [] made-again
    corrupt download [pkg:npm/left-pad@1.0.0] [] made-again
    ");
    assert_eq!(world.server.questions(), asked + 3);
    let lines = |name: &str| {
        let files: Vec<PathBuf> =
            world.bucket(name).into_iter().map(|file| world.home().join(name).join(file)).collect();
        repaired(&world, || files.iter().for_each(|path| flip(path)))
    };
    insta::assert_snapshot!(lines("listings-v1"), @"
    corrupt listing [tiny/modules] [] corrected
    corrupt listing [tiny/source:app] [] corrected
    corrupt listing [tiny/source:data unpatched] [] corrected
    corrupt listing [tiny/source:data] [] corrected
    corrupt listing [tiny/words] [] corrected
    ");
    insta::assert_snapshot!(lines("artifacts-v1"), @"
    corrupt list [] [] made-again
    corrupt list [] [] made-again
    ");
    insta::assert_snapshot!(lines("actions-v1"), @"
    corrupt action [] [] corrected
    corrupt action [] [] corrected
    corrupt action [] [] corrected
    corrupt action [] [] corrected
    corrupt action [] [] corrected
    ");
}

#[test]
fn an_ordinary_user_repairs_too() {
    let world = World::of_user(STAGES);
    fill(&world);
    let closed = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o0)).unwrap();
    insta::assert_snapshot!(repaired(&world, || closed(&tree(&world, "words").join("hello"))), @"
    mode tree [tiny/last] [touched hello] made-again
    mode tree [tiny/words] [touched hello] corrected
    ");
    insta::assert_snapshot!(repaired(&world, || closed(&tree(&world, "words"))), @"mode tree [tiny/words] [touched ] corrected");
    insta::assert_snapshot!(repaired(&world, || flip(&tree(&world, "words").join("words"))), @"
    corrupt tree [tiny/last] [touched words] made-again
    corrupt tree [tiny/words] [changed words] made-again
    ");
}

#[test]
fn outside_of_a_project_what_is_damaged_is_removed() {
    let world = built();
    flip(&tree(&world, "words").join("words"));
    flip(&blob(&world, &package()));
    fs::write(world.home().join("trees-v1/notes"), "").unwrap();
    let outside = ["-C", "..", "cache", "verify"];
    insta::assert_snapshot!(world.run(&outside), @"
    corrupt  tree sha256-pMStpIDqglUxLJgReNZ+KX4uKD401KKycWTw6/0DJew=  last
                touched  words
    corrupt  tree sha256-sqMaSCqzjL8hLYPVvsxnuEBL5p4Km4ruwtLVVUSNKXc=  words
                changed  words
    corrupt  download sha512-lI2d9nx0gRaX9NBCiZTClpHmOErJBcRt2N7X5LscwHYyVz7154wN7JsM+kCuEtAT/npvZX0s5104l3pIJMHYgg==  pkg:npm/left-pad@1.0.0
                its digest is sha512-0+mKZ26EmSLDKXYc3Lf9n0ZFzUazC2e3HEJaC4pikb9RmWXOYkB9BLjUVl5K3XxFAoflrSv+u93VVpDMAm1P+Q==
    leftover  file [HOME]/trees-v1/notes
    --- exit 3
    verified 7 trees, 2 downloads and 13 records, [SIZE], in [TIME]: 3 corrupt, 1 leftover
    error: 3 things in the store are wrong
      help: `akbuild cache verify --repair` removes what is damaged and makes it again
    ");
    insta::assert_snapshot!(world.run(&[&outside[..], &["--repair"]].concat()), @"
    corrupt  tree sha256-pMStpIDqglUxLJgReNZ+KX4uKD401KKycWTw6/0DJew=  last
                touched  words
                removed; `akbuild build last` in the project `tiny` makes it again
    corrupt  tree sha256-sqMaSCqzjL8hLYPVvsxnuEBL5p4Km4ruwtLVVUSNKXc=  words
                changed  words
                removed; `akbuild build words` in the project `tiny` makes it again
    corrupt  download sha512-lI2d9nx0gRaX9NBCiZTClpHmOErJBcRt2N7X5LscwHYyVz7154wN7JsM+kCuEtAT/npvZX0s5104l3pIJMHYgg==  pkg:npm/left-pad@1.0.0
                its digest is sha512-0+mKZ26EmSLDKXYc3Lf9n0ZFzUazC2e3HEJaC4pikb9RmWXOYkB9BLjUVl5K3XxFAoflrSv+u93VVpDMAm1P+Q==
                removed; it is downloaded again when something needs it
    leftover  file [HOME]/trees-v1/notes
                removed
    dangling  root [PROJECT]/result
                tree sha256-pMStpIDqglUxLJgReNZ+KX4uKD401KKycWTw6/0DJew= is not there
                no longer a root; the link itself is left as it is
    --- exit 0
    verified 7 trees, 2 downloads and 13 records, [SIZE], in [TIME]: 3 corrupt, 1 dangling, 1 leftover; 1 dropped, 4 removed
    ");
    insta::assert_snapshot!(world.run(&outside), @"
    --- exit 0
    verified 5 trees, 1 download and 12 records, [SIZE], in [TIME]: all is whole
    ");
    assert_eq!(world.run(&["all", "--json"]).ok().stages(), "last built, modules cached, words built");
    clean(&world);
}

#[test]
fn what_cannot_be_made_again_is_said() {
    let world = built();
    flip(&unpatched(&world).join("b"));
    let archive = world.server.remove("/data.tar");
    let ran = world.run(&["cache", "verify", "--repair"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    insta::assert_snapshot!(ran.out.replace(&world.server.url(""), "[SERVER]"), @"
    corrupt     tree sha256-mAGANu0akE7yeALFng2QKhPjogkrwmxGh2nVF2asdaY=  source:data unpatched
                changed  b
                removed; it cannot be made again:
                  1 artifact could not be fetched:
                  source data (source `data` is pinned to it): no mirror has it
                    [SERVER]/data.tar: 404 Not Found
                  not found: add a mirror that still has it to akbuild.local.toml, or pin what there is now: akbuild lock all
    ");
    assert!(ran.err.ends_with("error: 1 thing in the store is still wrong, or not made again\n"), "{ran}");
    // A recipe that cannot be read is no reason to leave damage where it is.
    flip(&tree(&world, "words").join("words"));
    world.edit("akbuild.toml", "name = \"tiny\"", "nome = \"tiny\"");
    let ran = world.run(&["cache", "verify", "--repair"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.err.contains("warning: nothing is made again"), "{ran}");
    world.edit("akbuild.toml", "nome = \"tiny\"", "name = \"tiny\"");
    world.server.put("/data.tar", archive);
    let _ = world.run(&["all"]).ok();
    clean(&world);
}

#[test]
fn a_stage_that_comes_to_something_else_is_told() {
    let world = World::new(
        "[stages.luck]\nkind = \"run\"\nscript = 'echo $RANDOM $RANDOM $RANDOM > \"$out/luck\"'\n\n\
         [stages.last]\nkind = \"tree\"\npieces = [{ from = \"luck\" }]\n",
    );
    let _ = world.run(&["all"]).ok();
    flip(&tree(&world, "luck").join("luck"));
    let ran = world.run(&["cache", "verify", "--repair", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    insta::assert_snapshot!(found(&ran), @"
    corrupt tree [tiny/last tiny/luck] [changed luck] made-otherwise
    dangling root [] [] dropped
    ");
    let _ = world.run(&["all"]).ok();
    assert_eq!(world.run(&["cache", "verify"]).code, Some(0));
}

#[test]
fn a_truncated_index_loses_nothing() {
    let world = built();
    let index = fs::File::options().write(true).open(world.home().join("index-v2.sqlite")).unwrap();
    index.set_len(index.metadata().unwrap().len() / 2).unwrap();
    let looked = world.run(&["cache", "verify", "--json"]);
    assert_eq!(looked.code, Some(0), "{looked}");
    let counts = &document(&looked)["counts"];
    let found: u64 =
        ["corrupt", "mode", "missing", "dangling", "leftover"].iter().map(|k| counts[k].as_u64().unwrap()).sum();
    assert_eq!((found, counts["unrecorded"].as_u64().unwrap() > 5), (0, true), "{looked}");
    insta::assert_snapshot!(world.run(&["cache", "verify", "--reindex"]).ok(), @"
    --- exit 0
    verified 7 trees, 2 downloads and 13 records, [SIZE], in [TIME]: all is whole
    ");
    clean(&world);
}

#[test]
fn a_repair_may_be_killed() {
    let world = built();
    for round in 0..5u64 {
        for (node, file) in [("words", "words"), ("source:data", "a"), ("sysroot:build", "usr/bin/cat")] {
            flip(&tree(&world, node).join(file));
        }
        let mut repair = world.start(&["cache", "verify", "--repair"]);
        std::thread::sleep(std::time::Duration::from_millis(60 * round));
        repair.kill().unwrap();
        let _ = world.end(repair);
        let again = world.run(&["cache", "verify", "--repair"]);
        assert_eq!(again.code, Some(0), "{again}");
        // What was gone before the second look is made by the next build.
        let _ = world.run(&["all"]).ok();
        clean(&world);
    }
}
