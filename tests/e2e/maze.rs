//! Random trees full of links, and every command over them: whatever a stage, a source and a recipe contain, files of the
//! host outside do not change, and their contents are nowhere in what akbuild prints or makes.
//!
//! `AKBUILD_TEST_ROUNDS` sets the number of trees, `AKBUILD_TEST_SEED` repeats those of a former run, which prints its
//! seed.
#![allow(clippy::print_stdout, reason = "the seed of a random run")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::death::{Random, setting};
use crate::links::{CANARY, Host, leaked};
use crate::world::World;

const NAMES: [&str; 5] = ["a", "b", "c", "file", "planted"];

/// A path of one to three names.
fn path(random: &mut Random) -> String {
    let depth = 1 + random.below(3);
    (0..depth).map(|_| NAMES[random.below(NAMES.len() as u64) as usize]).collect::<Vec<_>>().join("/")
}

/// Where a link leads: to the host by its path or by climbing, or somewhere in its own tree.
fn target(random: &mut Random, host: &Host) -> String {
    let mut target = match random.below(8) {
        0 | 1 => host.targets()[0].clone(),
        2 => host.targets()[1].clone(),
        3 => host.targets()[2].clone(),
        4 => format!("../{}", host.targets()[2]),
        5 => "/proc/self/root".to_owned() + &host.targets()[0],
        6 => format!("../{}", path(random)),
        _ => path(random),
    };
    if random.below(3) == 0 {
        target.push_str("/file");
    }
    target
}

/// An entry of a tree: a link, a folder or a file.
enum Thing {
    Link(String),
    Folder,
    File,
}

fn things(random: &mut Random, host: &Host) -> Vec<(String, Thing)> {
    let thing = |random: &mut Random| match random.below(5) {
        0..=2 => Thing::Link(target(random, host)),
        3 => Thing::Folder,
        _ => Thing::File,
    };
    (0..8).map(|_| (path(random), thing(random))).collect()
}

/// A script that makes a tree; what is in the way of something else stays.
fn script(things: &[(String, Thing)]) -> String {
    let mut script = "cd \"$out\"\necho $RANDOM$RANDOM > own\n".to_owned();
    for (path, thing) in things {
        let make = match thing {
            Thing::Link(target) => format!("ln -s \"{target}\" \"{path}\""),
            Thing::Folder => format!("mkdir -p \"{path}\""),
            Thing::File => format!("echo text > \"{path}\""),
        };
        let parent = Path::new(path).parent().unwrap().display().to_string();
        let parent = if parent.is_empty() { ".".to_owned() } else { parent };
        writeln!(script, "{{ mkdir -p \"{parent}\" && {make}; }} 2>/dev/null || true").unwrap();
    }
    script
}

/// The same in a folder of the project.
fn fill(folder: &Path, things: &[(String, Thing)]) {
    fs::write(folder.join("own"), "own\n").unwrap();
    for (path, thing) in things {
        // Only what stays inside: the test itself must not write through its links.
        let is_inside = |path: &Path| path.ancestors().skip(1).all(|p| !folder.join(p).is_symlink());
        if !is_inside(Path::new(path)) {
            continue;
        }
        let at = folder.join(path);
        let _ = fs::create_dir_all(at.parent().unwrap());
        let _ = match thing {
            Thing::Link(target) => symlink(target, &at),
            Thing::Folder => fs::create_dir(&at),
            Thing::File => {
                if at.is_symlink() {
                    Ok(())
                } else {
                    fs::write(&at, "text\n")
                }
            }
        };
    }
}

fn recipe(random: &mut Random, host: &Host) -> String {
    let mut text = format!("[stages.gen]\nkind = \"run\"\nscript = '''\n{}'''\n", script(&things(random, host)));
    for _ in 0..random.below(2) {
        let file = path(random);
        writeln!(text, "[[patches]]\nsource = \"app\"\nfile = \"{file}\"\nfrom = \"a\"\nto = \"b\"").unwrap();
    }
    let any = |random: &mut Random| if random.below(2) == 0 { "gen" } else { "source:app" };
    let mut lists = [String::new(), String::new(), String::new()];
    for _ in 0..=random.below(2) {
        let (from, path_of, to) = (any(random), path(random), path(random));
        write!(lists[0], "{{ from = \"{from}\", path = \"{path_of}\", to = \"/build/{to}\", optional = true }}, ")
            .unwrap();
        write!(lists[1], "{{ from = \"{}\", to = \"/build\" }}, ", any(random)).unwrap();
        write!(lists[2], "{{ path = \"/build/{}\", text = \"text\" }}, ", path(random)).unwrap();
    }
    let [mounts, copies, files] = lists;
    writeln!(
        text,
        "[stages.mix]\nkind = \"run\"\nmounts = [{mounts}]\ncopies = [{copies}]\nfiles = [{files}]\nscript = 'cp -a /build \"$out/x\" 2>/dev/null || echo x > \"$out/y\"'\nchecks = [{{ elf = \"build\" }}]"
    )
    .unwrap();
    let (piece, to, own) = (path(random), path(random), path(random));
    writeln!(
        text,
        "[stages.last]\nkind = \"tree\"\npieces = [{{ from = \"gen\" }}, {{ from = \"{}\", path = \"{piece}\", to = \"{to}\" }}]\nfiles = [{{ path = \"{own}\", text = \"text\" }}]",
        any(random)
    )
    .unwrap();
    writeln!(
        text,
        "[stages.image]\nkind = \"image\"\ntree = \"gen\"\nat = \"/{}\"\nsysroot = \"build\"\nfiles = [{{ path = \"start\", text = \"#!/bin/bash\\ncat /{}/file /a/file\\n\", executable = true }}]\nfolders = [{{ path = \"tmp\", mode = \"1777\" }}, {{ path = \"{}\", mode = \"1777\" }}]\nentrypoint = [\"/start\"]\nuser = \"65534\"",
        NAMES[random.below(3) as usize], path(random), path(random)
    )
    .unwrap();
    text.push_str(
        "[smoke]\nimage = \"image\"\ntimeout = 5\ngrace = 1\n[[smoke.processes]]\nname = \"start\"\nargs = [\"x\"]\n",
    );
    text
}

#[test]
fn nothing_outside_is_read_or_changed() {
    let rounds = setting("AKBUILD_TEST_ROUNDS").unwrap_or(4);
    let seed = setting("AKBUILD_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut succeeded: BTreeMap<String, u64> = BTreeMap::new();
    for round in 0..rounds {
        let make = if round % 2 == 0 { World::unlocked } else { World::of_user };
        let world = make("");
        let host = Host::new(&world);
        world.recipe(&recipe(&mut random, &host));
        fill(&world.path("project/app"), &things(&mut random, &host));
        let made = ["export", "image.tar", "layout"].map(|name| world.path("project").join(name).display().to_string());
        let [export, archive, layout] = &made;
        let local = format!("app={}", world.path("project/app").display());
        for args in [
            &["lock"][..],
            &["plan"],
            &["all", "--keep-going"],
            &["build", "gen", "mix", "--keep-going", "--keep-failed"],
            &["build", "gen", "--rebuild"],
            &["build", "gen", "mix", "--check"],
            &["build", "mix", "--source", &local],
            &["graph"],
            &["why", "mix"],
            &["trace"],
            &["log", "mix"],
            &["shell", "mix", "--", "cat", "/build/a/file", "/build/b/file", "/build/c"],
            &["shell", "--failed", "mix", "--", "cat", "/build/a/file", "/build/b/file", "/build/c"],
            &["image"],
            &["image", "--output", archive],
            &["image", "--format", "oci", "--output", layout],
            &["run", "--quiet"],
            &["smoke"],
            &["smoke", "--from", layout],
            &["cache", "ls"],
            &["cache", "show", "gen"],
            &["cache", "tree", "gen"],
            &["cache", "cat", "gen", "a/file"],
            &["cache", "cat", "gen", "b"],
            &["cache", "cat", "gen", "c/file"],
            &["cache", "diff", "gen~1", "gen"],
            &["cache", "diff", "gen", "mix"],
            &["cache", "du"],
            &["cache", "export", "gen", "--output", export],
            &["cache", "import", export],
            &["cache", "verify"],
            &["cache", "verify", "--repair"],
            &["cache", "gc"],
            &["hash", "result"],
            &["hash", "app"],
        ] {
            let ran = world.run(args);
            let name = args.iter().filter(|arg| !arg.starts_with('/')).take(3).copied().collect::<Vec<_>>().join(" ");
            *succeeded.entry(name).or_default() += u64::from(ran.code == Some(0));
            if ran.code != Some(0) && std::env::var_os("AKBUILD_TEST_SHOW").is_some() {
                println!("{args:?}\n{ran}");
            }
            host.check();
            let shown = [&ran.out, &ran.err].iter().any(|text| text.contains(CANARY));
            assert!(!shown, "seed {seed}, round {round}, {args:?}\n{ran}");
            assert!(ran.code.is_some_and(|code| code != 70), "seed {seed}, round {round}, {args:?}\n{ran}");
        }
        assert_eq!(leaked(&world.home()), None, "seed {seed}, round {round}");
        for made in made.iter().filter(|made| Path::new(made).is_file()) {
            let bytes = fs::read(made).unwrap();
            assert!(!bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "seed {seed}, round {round}");
        }
        assert_eq!(leaked(Path::new(layout)), None, "seed {seed}, round {round}");
    }
    println!("of {rounds} rounds, these succeeded: {succeeded:#?}");
    let builds = succeeded.values().sum::<u64>();
    assert!(builds > rounds, "hardly any command succeeds: the recipes are wrong in themselves");
}
