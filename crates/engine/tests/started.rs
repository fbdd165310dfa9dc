//! What an image starts, without the image: what is mounted where, in an order that the sandbox takes.
#![allow(clippy::disallowed_methods, reason = "tests make the trees that they look at")]

mod common;

use std::path::{Path, PathBuf};

use akbuild_engine::EngineError;
use akbuild_launch::LaunchOptions;
use akbuild_recipe::plan::{Image, Step};
use akbuild_sandbox::{Mount, MountKind, Network, Spec};
use common::World;
use tempfile::TempDir;

const RECIPE: &str = r#"[project]
name = "mini"
version = "1.2.0"
prefix = "/opt/mini"
targets = ["image"]

[debian]
suites = ["forky"]

[sysroots.runtime]
packages = ["bash"]
essential = false

[stages.all]
kind = "run"
sysroot = "runtime"
script = "true"

[stages.image]
kind = "image"
tree = "all"
files = [{ path = "start", text = "start", executable = true }, { path = "opt/mini/etc/extra", text = "x" }]
folders = [
    { path = "opt/mini/media", mode = "777" },
    { path = "opt/mini/blueprints", mode = "1777" },
    { path = "opt/mini/static" },
    { path = "tmp", mode = "1777" },
    { path = "srv", mode = "775" },
    { path = "certs" },
    { path = "opt", mode = "755" },
]
entrypoint = ["/start", "now"]
command = ["serve"]
user = "65534"
env = { A = "image", B = "image" }
workdir = "/srv"
"#;

const LOCK: &str = r#"version = 1

debs = [
  { name = "bash", version = "5.3-1", path = "pool/main/b/bash/bash_5.3-1_amd64.deb", size = 1000, digest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sysroots = ["runtime"] },
]

[[sysroots]]
name = "runtime"
suites = ["forky"]
components = ["main"]
architecture = "amd64"
essential = false
packages = ["bash"]
"#;

fn image(world: &World) -> Image {
    match &world.context.plan.stages.last().unwrap().step {
        Step::Image(image) => (**image).clone(),
        _ => panic!("no image"),
    }
}

/// The sandbox of the image of a recipe, and the folder that it writes to.
fn started(recipe: &str, start: &LaunchOptions<'_>) -> (World, TempDir, Spec) {
    let (world, scratch, spec) = try_to_start(recipe, start);
    (world, scratch, spec.unwrap())
}

fn try_to_start(recipe: &str, start: &LaunchOptions<'_>) -> (World, TempDir, Result<Spec, EngineError>) {
    let world = World::new(recipe, LOCK, &[]);
    let files: [(&str, &[u8]); 3] = [("blueprints/a.yaml", b"a"), ("static/x", b"x"), ("etc/own", b"")];
    let passwd = b"nobody:x:65534:65533:nobody:/nonexistent:/bin/false\n";
    let sysroot: [(&str, &[u8]); 3] = [("etc/passwd", passwd), ("srv/.keep", b""), ("usr/bin/bash", b"#!")];
    let (tree, sysroot) = (world.tree(&files), world.tree(&sysroot));
    let scratch = tempfile::tempdir().unwrap();
    let spec = akbuild_engine::image_sandbox(&world.context, &image(&world), (&sysroot, &tree), start, scratch.path());
    (world, scratch, spec)
}

/// What is mounted where, but for what is the machine's own.
fn mounts(spec: &Spec, scratch: &Path) -> String {
    let name = |path: &Path| match path.strip_prefix(scratch) {
        Ok(own) => format!("SCRATCH/{}", own.display()),
        Err(_) if path.to_string_lossy().contains("trees-v1") => "TREE".to_owned(),
        Err(_) => path.display().to_string(),
    };
    let what = |mount: &Mount| match &mount.what {
        MountKind::ReadOnly(from) => format!("{} of {}", mount.at.display(), name(from)),
        MountKind::ReadWrite(from) => format!("{} rw of {}", mount.at.display(), name(from)),
        MountKind::Tmpfs { mode, .. } => format!("{} empty {mode:o}", mount.at.display()),
        other => panic!("{other:?}"),
    };
    let shown = spec.mounts.iter().filter(|mount| !mount.at.starts_with("/etc")).map(what);
    shown.collect::<Vec<_>>().join("\n")
}

#[test]
fn folders_of_an_image_are_there_with_what_is_in_them() {
    let binds = vec![
        (PathBuf::from("/from"), PathBuf::from("/opt/mini/blueprints/custom"), false),
        ("/data".into(), "/opt".into(), true),
    ];
    let (_world, scratch, spec) = started(RECIPE, &LaunchOptions { binds, ..LaunchOptions::default() });
    insta::assert_snapshot!(mounts(&spec, scratch.path()), @"
    /tmp empty 1777
    /certs of SCRATCH/folder-5
    /opt of SCRATCH/folder-6
    /start of SCRATCH/0
    /opt rw of /data
    /opt/mini of TREE
    /opt/mini/media empty 777
    /opt/mini/blueprints rw of SCRATCH/folder-1
    /opt/mini/etc/extra of SCRATCH/1
    /opt/mini/blueprints/custom of /from
    ");
    let copy = scratch.path().join("folder-1");
    assert_eq!(std::fs::read_to_string(copy.join("a.yaml")).unwrap(), "a");
    // Nothing is mounted before what it lies in.
    for (i, mount) in spec.mounts.iter().enumerate() {
        assert!(
            spec.mounts[i + 1..].iter().all(|later| later.at == mount.at || !mount.at.starts_with(&later.at)),
            "{mount:?}"
        );
    }
}

#[test]
fn who_runs_it_decides_what_can_be_written_to() {
    let (_world, scratch, spec) = started(&RECIPE.replace("65534", "1000:0"), &LaunchOptions::default());
    let group = mounts(&spec, scratch.path());
    assert!(group.contains("/srv rw of SCRATCH/folder-4") && group.contains("/certs of SCRATCH/folder-5"), "{group}");
    let (_world, scratch, spec) =
        started(&RECIPE.replace("user = \"65534\"", "user = \"0\""), &LaunchOptions::default());
    let root = mounts(&spec, scratch.path());
    assert!(root.contains("/certs empty 755") && root.contains("/opt/mini/static rw of SCRATCH/folder-2"), "{root}");
}

#[test]
fn the_program_has_its_arguments_variables_and_the_network() {
    let args = ["all".to_owned(), "of you".to_owned()];
    let env = [("B".to_owned(), "own".to_owned())].into();
    let (_world, _scratch, spec) = started(RECIPE, &LaunchOptions { args: &args, env, binds: Vec::new() });
    assert_eq!(spec.argv, ["/start", "now", "all", "of you"]);
    let env: Vec<String> =
        spec.env.iter().map(|(name, value)| format!("{}={}", name.display(), value.display())).collect();
    insta::assert_snapshot!(env.join("\n"), @"
    A=image
    B=own
    HOME=/nonexistent
    HOSTNAME=localhost
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    ");
    assert_eq!((spec.cwd.as_path(), spec.ids, spec.network), (Path::new("/srv"), (65_534, 65_533), Network::Host));
    let (_world, _scratch, spec) =
        started(&RECIPE.replace("workdir", "# workdir").replace("\"65534\"", "\"nobody\""), &LaunchOptions::default());
    assert_eq!(
        (spec.argv.last().unwrap(), spec.cwd.as_path(), spec.ids),
        (&"serve".into(), Path::new("/"), (65_534, 65_533))
    );
    let (_world, _scratch, spec) = started(&RECIPE.replace("\"65534\"", "\"4321:5\""), &LaunchOptions::default());
    assert_eq!((spec.ids, spec.env.contains(&("HOME".into(), "/".into()))), ((4321, 5), true));
}

#[test]
fn a_user_that_is_not_there() {
    let (_world, _scratch, spec) =
        try_to_start(&RECIPE.replace("\"65534\"", "\"somebody\""), &LaunchOptions::default());
    insta::assert_snapshot!(spec.unwrap_err(), @"
    the image cannot be started: the user `somebody` is not in the image's `/etc/passwd`
      help: write numbers as the `user` of its stage, or one that is there
    ");
}

#[test]
fn a_script_has_what_each_stage_has() {
    let world = World::new(RECIPE, LOCK, &[]);
    let (id, tree) = (image(&world).sysroot.0, world.tree(&[("usr/bin/bash", b"#!")]));
    let spec = akbuild_engine::sysroot_sandbox(
        &world.context,
        (&id, &tree),
        "exit 3",
        &[("DATA".to_owned(), "/x".to_owned())].into(),
    )
    .unwrap();
    assert!(spec.argv.iter().any(|word| word == "exit 3"), "{:?}", spec.argv);
    assert!(
        spec.env.contains(&("DATA".into(), "/x".into())) && spec.env.contains(&("TZ".into(), "UTC".into())),
        "{:?}",
        spec.env
    );
    assert_eq!((spec.network, spec.mounts.len()), (Network::Loopback, 0));
}

const CANARY: &str = "canary:x:7:7::/home/canary:/bin/sh\n";

/// A folder of the host with one file, and how links can lead there from a stored tree.
fn host() -> (TempDir, [String; 2]) {
    let host = tempfile::tempdir().unwrap();
    std::fs::write(host.path().join("passwd"), CANARY).unwrap();
    let absolute = host.path().display().to_string();
    let climbing = format!("../../../../../../../..{absolute}");
    (host, [absolute, climbing])
}

fn is_unchanged(host: &TempDir) {
    let names: Vec<_> = std::fs::read_dir(host.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["passwd"]);
    assert_eq!(std::fs::read_to_string(host.path().join("passwd")).unwrap(), CANARY);
}

/// A folder that its user may write to is in the tree: as a link to the host, below one, or with one in it.
#[test]
fn a_folder_that_is_copied_has_nothing_of_the_host() {
    let (host, targets) = host();
    for target in targets.iter().map(String::as_str).chain(["/none"]) {
        let world = World::new(RECIPE, LOCK, &[]);
        let links =
            [("media", target), ("blueprints/passwd", &*format!("{target}/passwd")), ("blueprints/all", target)];
        let tree = world.tree_with_links(&[("blueprints/a.yaml", b"a")], &links);
        let sysroot = world.tree_with_links(&[("usr/bin/bash", b"#!")], &[("srv", target)]);
        let scratch = tempfile::tempdir().unwrap();
        let start = LaunchOptions::default();
        let spec =
            akbuild_engine::image_sandbox(&world.context, &image(&world), (&sysroot, &tree), &start, scratch.path())
                .unwrap();
        let mounts = mounts(&spec, scratch.path());
        assert!(mounts.contains("/opt/mini/media empty 777"), "{mounts}");
        let copy = scratch.path().join("folder-1");
        assert_eq!(std::fs::read_link(copy.join("all")).unwrap(), Path::new(target));
        assert_eq!(std::fs::read_link(copy.join("passwd")).unwrap(), Path::new(target).join("passwd"));
        assert!(!scratch.path().join("folder-0").exists() && !scratch.path().join("folder-4").exists());
        is_unchanged(&host);
    }
}

/// A link to a folder of the tree is one, as in a container.
#[test]
fn a_folder_behind_a_link_of_the_image_is_copied() {
    let world = World::new(RECIPE, LOCK, &[]);
    let tree = world.tree_with_links(&[("data/a", b"a")], &[("media", "data")]);
    let sysroot = world.tree_with_links(&[("var/srv/b", b"b")], &[("srv", "/var/srv")]);
    let scratch = tempfile::tempdir().unwrap();
    let start = LaunchOptions::default();
    let mut image = image(&world);
    image.config.user = "0".into();
    akbuild_engine::image_sandbox(&world.context, &image, (&sysroot, &tree), &start, scratch.path()).unwrap();
    assert_eq!(std::fs::read_to_string(scratch.path().join("folder-0/a")).unwrap(), "a");
    assert_eq!(std::fs::read_to_string(scratch.path().join("folder-4/b")).unwrap(), "b");
}

/// The users are those of the image, whatever its list of users is a link to.
#[test]
fn the_list_of_users_is_not_the_hosts() {
    let (host, targets) = host();
    let recipe = RECIPE.replace("65534", "canary");
    for target in &targets {
        let world = World::new(&recipe, LOCK, &[]);
        let file = format!("{target}/passwd");
        let tree = world.tree(&[("x", b"x")]);
        for links in [[("etc/passwd", file.as_str())], [("etc", target)]] {
            let sysroot = world.tree_with_links(&[("usr/bin/bash", b"#!")], &links);
            let scratch = tempfile::tempdir().unwrap();
            let start = LaunchOptions::default();
            let error = akbuild_engine::image_sandbox(
                &world.context,
                &image(&world),
                (&sysroot, &tree),
                &start,
                scratch.path(),
            )
            .unwrap_err();
            assert!(matches!(error, EngineError::User { .. }), "{error}");
        }
        // One that is in the image counts.
        let sysroot = world.tree_with_links(&[("usr/users", CANARY.as_bytes())], &[("etc/passwd", "/usr/users")]);
        let scratch = tempfile::tempdir().unwrap();
        let start = LaunchOptions::default();
        let spec =
            akbuild_engine::image_sandbox(&world.context, &image(&world), (&sysroot, &tree), &start, scratch.path())
                .unwrap();
        assert_eq!(spec.ids, (7, 7));
    }
    is_unchanged(&host);
}
