//! Trees that a hostile stage or source fills with links that lead out: whatever a recipe does with such a tree outside
//! the sandbox, a folder of the host is neither read nor changed, and the error names the link. As root and as an
//! ordinary user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::world::{Ran, World};

/// The text of a file of the host that must be in nothing that akbuild makes.
pub(crate) const CANARY: &str = "canary-5f0c2b";

/// The worlds in which every attack is tried.
const WORLDS: [fn(&str) -> World; 2] = [World::unlocked, World::of_user];

/// A folder of the host that the person who builds could write to, and the ways a link in a stored tree can lead there.
pub(crate) struct Host(PathBuf);

impl Host {
    pub(crate) fn new(world: &World) -> Self {
        let folder = world.path("host");
        fs::create_dir(&folder).unwrap();
        for name in ["file", "main.go", "package-lock.json", "go.mod", "planted"] {
            fs::write(folder.join(name), format!("{CANARY} {name}\n")).unwrap();
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o666)).unwrap();
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        Self(folder)
    }

    /// By its path, and by climbing out of `trees-v1/HASH` or `tmp-v1/NAME/tree`.
    pub(crate) fn targets(&self) -> [String; 3] {
        [self.0.display().to_string(), "../../../host".to_owned(), "../../../../host".to_owned()]
    }

    pub(crate) fn check(&self) {
        for name in ["file", "main.go", "package-lock.json", "go.mod", "planted"] {
            assert_eq!(fs::read_to_string(self.0.join(name)).unwrap(), format!("{CANARY} {name}\n"));
        }
        assert_eq!(fs::read_dir(&self.0).unwrap().count(), 5);
    }
}

/// Whether a file below `folder` contains the canary. Links are not followed.
pub(crate) fn leaked(folder: &Path) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        let found = if kind.is_dir() {
            leaked(&entry.path())
        } else {
            let is_leaked = kind.is_file()
                && fs::read(entry.path()).unwrap().windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
            is_leaked.then(|| entry.path())
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Runs the recipe with each target in place of `TARGET`, and checks that it fails as `expected` says.
fn refused(recipe: &str, args: &[&str], expected: &[&str]) {
    for make in WORLDS {
        let mut first = None;
        for i in 0..3 {
            let world = make("");
            let host = Host::new(&world);
            let target = &host.targets()[i];
            world.recipe(&recipe.replace("TARGET", target));
            let _ = symlink(target, world.path("project/app/link"));
            fs::write(world.path("project/app/file"), "own\n").unwrap();
            world.lock();
            let ran = world.run(args);
            check(&world, &host, ran, expected);
            first.get_or_insert(());
        }
    }
}

fn check(world: &World, host: &Host, ran: Ran, expected: &[&str]) {
    host.check();
    assert_eq!(leaked(&world.home()), None);
    assert!(!ran.out.contains(CANARY) && !ran.err.contains(CANARY), "{ran}");
    let ran = ran.failed();
    for text in expected {
        assert!(ran.err.contains(text), "`{text}` is missing in\n{ran}");
    }
}

const GEN: &str = r#"
[stages.gen]
kind = "run"
script = 'echo own > "$out/own"; ln -s "TARGET" "$out/data"'
"#;

#[test]
fn a_mount_of_a_link() {
    let recipe = format!(
        r#"{GEN}
        [stages.last]
        kind = "run"
        mounts = [{{ from = "gen", path = "data", to = "/in" }}]
        script = 'cat /in/* > "$out/stolen"'
        "#
    );
    refused(
        &recipe,
        &["all"],
        &["stage `last`", "`data` of the output of stage `gen`", "is a symbolic link to `", "help: "],
    );
    let below = recipe.replace("path = \"data\"", "path = \"data/file\", optional = true");
    refused(&below, &["all"], &["stage `last`", "leads through the symbolic link `data` to `", "help: "]);
}

#[test]
fn a_mount_below_a_link_in_the_work_folder() {
    let recipe = r#"
        [stages.last]
        kind = "run"
        copies = [{ from = "source:app", to = "/build" }]
        mounts = [{ from = "gen", path = "own", to = "/build/link/planted" }]
        script = 'echo x > "$out/x"'
        "#;
    refused(&format!("{GEN}{recipe}"), &["all"], &["`link/planted` of the work folder", "symbolic link `link`"]);
    let deeper = recipe.replace("link/planted", "link/new/folder/file");
    refused(&format!("{GEN}{deeper}"), &["all"], &["of the work folder", "symbolic link `link`"]);
}

#[test]
fn copies_on_top_of_a_link() {
    let recipe = format!(
        r#"
        [stages.other]
        kind = "run"
        script = 'mkdir "$out/link"; echo planted > "$out/link/planted"'
        [stages.last]
        kind = "run"
        copies = [{{ from = "source:app", to = "/build" }}, {{ from = "other", to = "/build" }}]
        script = 'echo x > "$out/x"'
        {GEN}"#
    );
    refused(&recipe, &["all"], &["`link` of the work folder of stage `last`", "symbolic link", "help: "]);
}

#[test]
fn a_written_file_below_a_link() {
    let recipe = r#"
        [stages.last]
        kind = "run"
        copies = [{ from = "source:app", to = "/build" }]
        files = [{ path = "/build/link/planted", text = "planted" }]
        script = 'echo x > "$out/x"'
        "#;
    refused(
        recipe,
        &["all"],
        &["`link/planted` of the work folder of stage `last` leads through the symbolic link `link`"],
    );
}

#[test]
fn pieces_below_a_link_of_another_piece() {
    let recipe = format!(
        r#"{GEN}
        [stages.other]
        kind = "run"
        script = 'mkdir "$out/data"; echo planted > "$out/data/new"'
        [stages.last]
        kind = "tree"
        pieces = [{{ from = "gen" }}, {{ from = "other" }}]
        "#
    );
    refused(&recipe, &["all"], &["of the output of stage `last`", "symbolic link", "`data`", "help: "]);
    let files = format!(
        r#"{GEN}
        [stages.last]
        kind = "tree"
        pieces = [{{ from = "gen" }}]
        files = [{{ path = "data/planted", text = "planted" }}]
        "#
    );
    refused(&files, &["all"], &["`data/planted` of the output of stage `last` leads through the symbolic link `data`"]);
    let to = format!(
        r#"{GEN}
        [stages.last]
        kind = "tree"
        pieces = [{{ from = "gen" }}, {{ from = "gen", path = "own", to = "data/planted" }}]
        "#
    );
    refused(&to, &["all"], &["of the output of stage `last`", "symbolic link `data`"]);
}

#[test]
fn a_piece_behind_a_link() {
    let recipe = format!(
        r#"{GEN}
        [stages.last]
        kind = "tree"
        pieces = [{{ from = "gen", path = "data/file", to = "stolen" }}]
        "#
    );
    refused(&recipe, &["all"], &["stage `last`", "`data/file` of the output of stage `gen` leads through", "help: "]);
}

#[test]
fn a_patch_behind_a_link() {
    let recipe = r#"
        [[patches]]
        source = "app"
        file = "link/main.go"
        from = "canary"
        to = "changed"
        [stages.last]
        kind = "tree"
        pieces = [{ from = "source:app" }]
        "#;
    refused(recipe, &["all"], &["`link/main.go` of source `app` leads through the symbolic link `link`", "help: "]);
    let whole = recipe.replace("link/main.go", "link");
    refused(&whole, &["all"], &["`link` of source `app` is a symbolic link to", "help: "]);
}

#[test]
fn a_patch_that_brings_a_file_behind_a_link() {
    for make in WORLDS {
        let world = make("");
        let host = Host::new(&world);
        let recipe = |file: &str| {
            format!(
                r#"
                [[patches]]
                source = "app"
                file = "{file}"
                with = "new.go"
                [stages.last]
                kind = "tree"
                pieces = [{{ from = "source:app" }}]
                "#
            )
        };
        world.write("new.go", "planted\n");
        symlink(host.0.join("main.go"), world.path("project/app/link.go")).unwrap();
        symlink(&host.0, world.path("project/app/link")).unwrap();
        fs::write(world.path("project/app/file"), "own\n").unwrap();
        for file in ["link/planted", "link/added", "link.go"] {
            world.recipe(&recipe(file));
            world.lock();
            check(&world, &host, world.run(&["all"]), &["of source `app`", "symbolic link", "help: "]);
        }
    }
}

#[test]
fn lock_files_that_are_links() {
    let recipe = r#"
        [stages.last]
        kind = "npm-ci"
        source = "app"
        folder = "FOLDER"
        "#;
    for (folder, file) in [("link", "package-lock.json"), ("own", "package-lock.json")] {
        for make in WORLDS {
            let world = make("");
            let host = Host::new(&world);
            symlink(&host.0, world.path("project/app/link")).unwrap();
            fs::create_dir(world.path("project/app/own")).unwrap();
            symlink(host.0.join(file), world.path("project/app/own").join(file)).unwrap();
            fs::write(world.path("project/app/own/package.json"), "{}").unwrap();
            world.recipe(&recipe.replace("FOLDER", folder));
            world.lock();
            let ran = world.run(&["all"]);
            check(&world, &host, ran, &["of source `app`", "symbolic link", "help: "]);
        }
    }
}

#[test]
fn checks_of_an_output_full_of_links() {
    let recipe = r#"
        [stages.last]
        kind = "run"
        script = 'ln -s "TARGET" "$out/data"; ln -s "TARGET/file" "$out/program"; echo own > "$out/own"'
        checks = [{ elf = "build" }, { run = 'cat "$out/data/file"', sysroot = "build" }]
        "#;
    refused(recipe, &["all"], &["a check of stage `last` exited with status 1"]);
}

#[test]
fn commands_that_show_an_output_full_of_links() {
    for make in WORLDS {
        for i in 0..3 {
            let world = make("");
            let host = Host::new(&world);
            let target = &host.targets()[i];
            world.recipe(
                &r#"
                [stages.last]
                kind = "run"
                script = 'echo $RANDOM$RANDOM > "$out/own"; ln -s "TARGET" "$out/data"; ln -s "TARGET/file" "$out/file"'
                "#
                .replace("TARGET", target),
            );
            world.lock();
            let _ = world.run(&["all"]).ok();
            let _ = world.run(&["build", "last", "--rebuild"]).ok();
            let export = world.path("project/export").display().to_string();
            for args in [
                &["cache", "tree", "last"][..],
                &["cache", "cat", "last", "own"],
                &["cache", "cat", "last", "data/file"],
                &["cache", "cat", "last", "file"],
                &["cache", "cat", "last", "data"],
                &["cache", "diff", "last~1", "last"],
                &["cache", "show", "last"],
                &["cache", "ls"],
                &["cache", "du"],
                &["cache", "verify"],
                &["cache", "gc", "--dry-run"],
                &["build", "last", "--check"],
                &["why", "last"],
                &["hash", "result"],
                &["shell", "last", "--", "cat", "/out/data/file"],
                &["cache", "export", "last", "--output", &export],
                &["cache", "import", &export],
                &["cache", "verify", "--repair"],
                &["cache", "gc"],
            ] {
                let ran = world.run(args);
                host.check();
                assert!(!ran.out.contains(CANARY) && !ran.err.contains(CANARY), "{args:?}\n{ran}");
                assert!(ran.code.is_some_and(|code| code < 4), "{args:?}\n{ran}");
            }
            assert_eq!(leaked(&world.path("home")), None);
            assert!(!fs::read(&export).unwrap().windows(CANARY.len()).any(|part| part == CANARY.as_bytes()));
        }
    }
}

#[test]
fn a_shell_in_kept_folders_full_of_links() {
    let recipe = format!(
        r#"{GEN}
        [stages.last]
        kind = "run"
        mounts = [{{ from = "gen", path = "own", to = "/build/sub/planted" }}]
        script = 'cd /build; umount sub/planted 2>/dev/null; mkdir other; ln -s "TARGET" sub2; rm -rf other; exit 1'
        "#
    );
    for make in WORLDS {
        let world = make("");
        let host = Host::new(&world);
        world.recipe(&recipe.replace("TARGET", &host.targets()[0]));
        world.lock();
        let _ = world.run(&["build", "last", "--keep-failed"]).failed();
        // As if the stage had been able to put a link in the place of the folder of the mount point.
        let kept = fs::read_dir(world.home().join("kept-v1")).unwrap().next().unwrap().unwrap().path();
        let sub = kept.join("work/sub");
        fs::remove_dir_all(&sub).unwrap();
        symlink(&host.0, &sub).unwrap();
        let ran = world.run(&["shell", "--failed", "last", "--", "cat", "/build/sub/file"]);
        check(&world, &host, ran, &["of the work folder", "symbolic link `sub`"]);
    }
}

#[test]
fn buckets_of_the_home_that_are_links() {
    for make in WORLDS {
        for bucket in ["tmp-v1", "trees-v1", "blobs-v1", "locks-v1", "kept-v1", "git-v1"] {
            let world = make("[stages.last]\nkind = \"run\"\nscript = 'echo x > \"$out/x\"'");
            let host = Host::new(&world);
            // A leftover of a process that has ended.
            fs::create_dir(host.0.join("1-1-1-old")).unwrap();
            fs::write(host.0.join("1-1-1-old/file"), CANARY).unwrap();
            let home = world.home();
            world.lock();
            let _ = fs::remove_dir_all(home.join(bucket));
            symlink(&host.0, home.join(bucket)).unwrap();
            for args in [&["cache", "ls"][..], &["all"], &["cache", "gc"], &["cache", "verify", "--repair"]] {
                let ran = world.run(args).failed();
                assert!(ran.err.contains("is a symbolic link to") && ran.err.contains("help: "), "{ran}");
                assert_eq!(fs::read_to_string(host.0.join("1-1-1-old/file")).unwrap(), CANARY, "{args:?}");
                assert_eq!(fs::read_dir(&host.0).unwrap().count(), 6);
            }
        }
    }
}

#[test]
fn entries_of_buckets_that_are_links_or_pipes() {
    for make in WORLDS {
        let world = make("[stages.last]\nkind = \"run\"\nscript = 'echo x > \"$out/x\"'");
        let host = Host::new(&world);
        world.lock();
        let _ = world.run(&["all"]).ok();
        for bucket in
            ["tmp-v1", "locks-v1", "leases-v1", "kept-v1", "partial-v1", "builds-v1", "actions-v1", "trees-v1"]
        {
            let folder = world.home().join(bucket);
            symlink(&host.0, folder.join("1-1-1-folder")).unwrap();
            symlink(host.0.join("file"), folder.join("1-1-1-file")).unwrap();
            rustix::fs::mknodat(
                rustix::fs::CWD,
                folder.join("1-1-1-pipe"),
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::from_raw_mode(0o666),
                0,
            )
            .unwrap();
        }
        for args in [&["cache", "ls"][..], &["all", "--rebuild"], &["cache", "gc"], &["cache", "verify", "--repair"]] {
            let ran = world.run(args);
            host.check();
            assert!(ran.code.is_some_and(|code| code < 4), "{args:?}\n{ran}");
        }
    }
}

#[test]
fn folders_that_are_too_deep_are_an_error() {
    // 2,048 folders by doubling, and eight around them.
    let deep = "mkdir a; p=a; for ((i = 0; i < 11; i++)); do cp -r a c; mv c $p/a; p=$p/$p; done
        for ((i = 0; i < 8; i++)); do mkdir b; mv a b/a; mv b a; done";
    for make in WORLDS {
        let world = make(&format!("[stages.last]\nkind = \"run\"\nscript = '''\ncd \"$out\"; {deep}\n'''\n"));
        world.lock();
        let ran = world.run(&["all"]).failed();
        assert!(ran.err.contains("has more than 2048 folders inside each other"), "{ran}");
        assert!(world.bucket("tmp-v1").is_empty());
        // A local source that is too deep to be copied.
        let ran = std::process::Command::new("bash").args(["-c", deep]).current_dir(world.path("project/app")).status();
        assert!(ran.unwrap().success());
        world.recipe("[stages.last]\nkind = \"tree\"\npieces = [{ from = \"source:app\" }]\n");
        let ran = world.run(&["all"]).failed();
        assert!(ran.err.contains("a path of source `app` is longer than 4095 bytes"), "{ran}");
        akbuild_store::remove(&world.path("project/app")).unwrap();
    }
}
