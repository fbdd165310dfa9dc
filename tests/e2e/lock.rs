//! `akbuild lock` and `update`: what moves and what stays, what is said when something is missing, and what is kept of an
//! attempt that fails.

use std::process::Command;

use crate::archive::newer;
use crate::basics::{STAGES, files};
use crate::server::Reply;
use crate::world::World;

/// A source of git, whose address only the overlay knows how to reach.
const GIT: &str = r#"
[sources.code]
git = "https://forge.invalid/code"
tag = "version/{version}"

[stages.last]
kind = "tree"
pieces = [{ from = "code" }]
"#;

fn git(world: &World, args: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@example", "-C"]).arg(world.path("upstream")).args(args);
    git.env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z").env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z");
    let output = git.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A world with a repository of two commits: the tag `version/1.0.0`, and `main`, whose commit comes back.
fn world() -> (World, String) {
    let world = World::unlocked(GIT);
    std::fs::create_dir_all(world.path("upstream")).unwrap();
    git(&world, &["init", "--quiet", "--initial-branch=main"]);
    let commit = |text: &str| {
        std::fs::write(world.path("upstream/file"), text).unwrap();
        git(&world, &["add", "--all"]);
        git(&world, &["commit", "--quiet", "--message", text]);
    };
    commit("one");
    git(&world, &["tag", "version/1.0.0"]);
    commit("two");
    let head = git(&world, &["rev-parse", "HEAD"]);
    overlay(&world, "");
    (world, head)
}

/// Writes an overlay that has the repository, and this in the table of its source.
fn overlay(world: &World, more: &str) {
    world.mirrors(&["/debian/"]);
    let text = world.read("akbuild.local.toml");
    world.write(
        "akbuild.local.toml",
        &format!("{text}\n[sources.code]\nurl = \"{}\"\n{more}", world.path("upstream").display()),
    );
}

#[test]
fn an_overlay_with_a_commit_and_no_hash() {
    let (world, head) = world();
    overlay(&world, &format!("commit = \"{head}\"\n"));
    let failed = world.run(&["lock"]).failed();
    insta::assert_snapshot!(failed, @r#"
    --- exit 1
    fetching source `code` as the overlay has it
    error: the overlay gives another `commit` for source `code`, and no `hash` of its tree
     --> akbuild.local.toml:9:11
      |
    9 | commit = "31ab8b32165974c926e4a0a6a371b8723b669b6d"
      |  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = note: the lock is shared, and holds only what the recipe asks for
      = help: add this line to `[sources.code]` of the overlay: `hash = "sha256-eMRlXS2OTP7XaWifI/afWgp3hD0+wUAIEzsiME19bzg="`
    "#);
    assert!(!world.path("project/akbuild.lock").exists());
    insta::assert_snapshot!(world.run(&["all"]), @r#"
    --- exit 1
    error: the overlay gives another `commit` for source `code`, and no `hash` of its tree
     --> akbuild.local.toml:9:11
      |
    9 | commit = "31ab8b32165974c926e4a0a6a371b8723b669b6d"
      |  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = note: the lock is shared, and holds only what the recipe asks for
      = help: add `hash = "sha256-…"` beside it; `akbuild lock` fetches the source and prints the line
    "#);
    // The line that it prints is all that was missing.
    let line = failed.err.split('`').find(|part| part.starts_with("hash = ")).unwrap().to_owned();
    overlay(&world, &format!("commit = \"{head}\"\n{line}\n"));
    world.lock();
    let _ = world.run(&["all"]).ok();
    assert_eq!(world.result("file"), "two");
}

#[test]
fn an_overlay_with_a_hash_of_something_else() {
    let (world, _) = world();
    world.lock();
    overlay(&world, "hash = \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"\n");
    insta::assert_snapshot!(world.run(&["lock"]), @r#"
    --- exit 1
    pinning source `code`
    error: the tree of source `code` has another hash than the one that is pinned here
     --> akbuild.local.toml:9:9
      |
    9 | hash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
      |  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = note: found sha256-9IpOj0/Tv6snLVWLzgIDw5q79monN7wvcizw/EtHlAk=
      = note: from [WORLD]/upstream
      = help: find out why; if it is meant, write `hash = "sha256-9IpOj0/Tv6snLVWLzgIDw5q79monN7wvcizw/EtHlAk="` here, or remove the line
    "#);
}

#[test]
fn an_overlay_with_a_digest_and_no_hash() {
    let archive = |text: &str| {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, "data/file", text.as_bytes()).unwrap();
        tar.into_inner().unwrap()
    };
    let (old, new) = (archive("old"), archive("new"));
    let digest = akbuild_nar::Digest::sha256(&new);
    let world = World::unlocked(
        "[sources.data]\ntarball = \"SERVER/data.tar\"\n\n[stages.last]\nkind = \"tree\"\npieces = [{ from = \"data\" }]\n",
    );
    world.server.put("/data.tar", Reply::File(old));
    world.lock();
    world.server.put("/data.tar", Reply::File(new));
    let text = world.read("akbuild.local.toml");
    world.write("akbuild.local.toml", &format!("{text}\n[sources.data]\ndigest = \"{digest}\"\n"));
    insta::assert_snapshot!(world.run(&["lock"]), @r#"
    --- exit 1
    fetching source `data` as the overlay has it
    error: the overlay gives another `digest` for source `data`, and no `hash` of its tree
     --> akbuild.local.toml:8:11
      |
    8 | digest = "sha256-giA6oU49VfC6+C6mhSx4Q4cum+Xlgyr/6M+nH7/x8Cg="
      |  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = note: the lock is shared, and holds only what the recipe asks for
      = help: add this line to `[sources.data]` of the overlay: `hash = "sha256-xLc2YARyVvIfT36HQrPUcEy4mV67u5NxDDfjrfhDcf4="`
    "#);
}

#[test]
fn what_an_overlay_pins_stays_in_the_lock_as_the_recipe_has_it() {
    let (world, head) = world();
    world.lock();
    let before = world.read("akbuild.lock");
    overlay(&world, &format!("commit = \"{head}\"\nhash = \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"\n"));
    let _ = world.run(&["lock"]);
    assert_eq!(world.read("akbuild.lock"), before);
}

#[test]
fn a_tag_that_does_not_exist() {
    let (world, _) = world();
    for tag in ["version/1.0.1-rc1", "v1.0.2", "unrelated"] {
        git(&world, &["tag", tag]);
    }
    world.edit("akbuild.toml", "version = \"1.0.0\"", "version = \"1.0.1\"");
    insta::assert_snapshot!(world.run(&["lock"]), @"
    --- exit 1
    pinning source `code`
    error: cannot fetch tag `version/1.0.1` from any of the given repositories:
      [WORLD]/upstream: no tag `version/1.0.1`; there is `version/1.0.1-rc1`, `version/1.0.0`, `v1.0.2`
    check the addresses and the name, or add a mirror of the repository to akbuild.local.toml
    ");
    world.edit("akbuild.toml", "tag = \"version/{version}\"", "tag = \"main\"");
    insta::assert_snapshot!(world.run(&["lock"]), @r#"
    --- exit 1
    pinning source `code`
    error: cannot fetch tag `main` from any of the given repositories:
      [WORLD]/upstream: no tag `main`; there is the branch `main`: write `branch = "main"`
    check the addresses and the name, or add a mirror of the repository to akbuild.local.toml
    "#);
    // Of a tag and a branch with one name, each is what it is called.
    git(&world, &["branch", "version/1.0.0"]);
    world.edit("akbuild.toml", "tag = \"main\"", "branch = \"version/1.0.0\"");
    world.lock();
    assert!(world.read("akbuild.lock").contains(&git(&world, &["rev-parse", "refs/heads/version/1.0.0"])));
}

#[test]
fn an_update_to_a_version_without_a_tag_changes_nothing() {
    let (world, _) = world();
    world.lock();
    let before = (world.read("akbuild.toml"), world.read("akbuild.lock"));
    assert!(world.run(&["update", "1.1.0"]).failed().err.contains("no tag `version/1.1.0`; there is `version/1.0.0`"));
    assert_eq!((world.read("akbuild.toml"), world.read("akbuild.lock")), before);
}

/// What is wrong with stages is said before anything is asked for.
#[test]
fn stages_are_checked_first() {
    let world = World::unlocked(&STAGES.replace("mounts = [{", "cwdd = \"/x\"\nmounts = [{"));
    files(&world);
    assert!(world.run(&["lock"]).failed().err.contains("unknown field `cwdd`"));
    assert_eq!(world.server.questions(), 0);
}

#[test]
fn everything_that_sources_show_is_said_before_sysroots_are_resolved() {
    let (world, _) = world();
    std::fs::create_dir_all(world.path("upstream/docs")).unwrap();
    std::fs::write(world.path("upstream/docs/readme.md"), "read\n").unwrap();
    git(&world, &["add", "--all"]);
    git(&world, &["commit", "--quiet", "--message", "three"]);
    git(&world, &["tag", "version/1.1.0"]);
    world.edit("akbuild.toml", "1.0.0", "1.1.0");
    let pieces =
        "{ from = \"code\", path = \"docs/redme.md\", to = \"doc\" }, { from = \"code\", include = [\"src/*.text\"] }";
    world.edit("akbuild.toml", "{ from = \"code\" }", pieces);
    insta::assert_snapshot!(world.run(&["lock"]), @"
    --- exit 1
    pinning source `code`
    wrote [PROJECT]/akbuild.lock: lines added 6, removed 0; not resolved yet: sysroots, tools, what source distributions are built with; the next `akbuild lock` goes on from there
    error: stage `last` (akbuild.toml:23) wants `docs/redme.md` of source `code`, which has no such file or folder
      help: correct the path, or what makes the tree: near it there is `docs/readme.md`

    error: stage `last` takes nothing from source `code`: none of its files matches `src/*.text`
      help: check `include` and `exclude` of the stage: the tree has `docs`, `file`
    ");
    assert_eq!(world.server.questions(), 0);
    // The commit is pinned: the next attempt does not look for it.
    assert!(world.read("akbuild.lock").contains("tag = \"version/1.1.0\""));
    world.edit("akbuild.toml", "docs/redme.md", "docs/readme.md");
    world.edit("akbuild.toml", "src/*.text", "fil*");
    assert!(!world.run(&["lock"]).ok().err.contains("pinning source"));
}

#[test]
fn what_is_wrong_with_a_local_folder_is_a_warning() {
    let world = World::unlocked(&STAGES.replace("*.txt", "*.text"));
    files(&world);
    insta::assert_snapshot!(world.run(&["lock"]), @"
    --- exit 0
    warning: stage `words` takes nothing from source `app`: none of its files matches `*.text`
      help: check `include` and `exclude` of the stage: the tree has `a.txt`, `b.txt`
    resolving sysroots
    suite `sid` of Fri, 30 Oct 2026 08:08:01 UTC, signed by [KEY]
    wrote [PROJECT]/akbuild.lock: lines added 14, removed 0
    ");
}

#[test]
fn packages_of_other_sysroots_stay() {
    let world = World::new(STAGES);
    let line = |name: &str| {
        let lock = world.read("akbuild.lock");
        lock.lines().filter(|line| line.contains(&format!("name = \"{name}\", version"))).collect::<Vec<_>>().join("\n")
    };
    let tools = line("tools");
    for (path, bytes) in newer().files {
        world.server.put(&format!("/debian/{path}"), Reply::File(bytes));
    }
    assert!(world.run(&["lock"]).ok().err.contains("the lock is up to date"));
    world.edit(
        "akbuild.toml",
        "[stages.words]",
        "[sysroots.more]\npackages = [\"extra\"]\nessential = false\n\n[stages.words]",
    );
    world.lock();
    assert_eq!(line("tools"), tools, "another sysroot moves nothing that it does not share");
    assert!(line("extra").contains("sysroots = [\"more\"]"));

    world.edit(
        "akbuild.toml",
        "[sysroots.more]\npackages = [\"extra\"]",
        "[sysroots.more]\npackages = [\"extra\", \"tools\"]",
    );
    world.lock();
    assert!(
        line("tools").contains("1.1") && line("tools").contains("sysroots = [\"build\", \"more\"]"),
        "{}",
        line("tools")
    );

    world.edit("akbuild.toml", "[sysroots.more]\npackages = [\"extra\", \"tools\"]\nessential = false\n", "");
    let said = world.run(&["lock"]).ok().err;
    assert!(!said.contains("resolving"), "what goes needs no archive: {said}");
    assert_eq!(line("extra"), "");
    assert!(line("tools").contains("sysroots = [\"build\"]"));
}

#[test]
fn a_lock_that_cannot_be_read() {
    let world = World::new(STAGES);
    let good = world.read("akbuild.lock");
    world.write("akbuild.lock", &good.replace("version = 1\n", "version = 1\n<<<<<<< ours\n"));
    insta::assert_snapshot!(world.run(&["lock"]), @"
    --- exit 1
    error: not valid TOML
     --> akbuild.lock:3:1
      |
    3 | <<<<<<< ours
      | ^ unexpected character found: `<`
      = help: restore the file from version control, or pin everything anew with `akbuild lock all`
    ");
    let _ = world.run(&["lock", "all"]).ok();
    assert_eq!(world.read("akbuild.lock"), good);
}
