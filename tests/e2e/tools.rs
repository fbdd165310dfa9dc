//! Images in the hands of other programs: skopeo reads both forms of archive, umoci unpacks what the tree was, and crun
//! runs it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::image::{IMAGE, files, line};
use crate::world::{World, is_root, text};

const NAME: &str = "registry.example/demo/tiny:1.0";

/// A world with an image of that compression, in all three forms. `None` where one of these programs is missing.
fn world(programs: &[&str], compression: &str) -> Option<(World, Value)> {
    if !programs.iter().all(|name| has(name)) {
        return None;
    }
    let world = World::new(&IMAGE.replace("user =", &format!("compression = \"{compression}\"\nuser =")));
    files(&world);
    let oci = world.run(&["image", "--json", "--bare", "--output", "oci.tar", "--name", NAME]).ok();
    let docker = ["--bare", "--output", "docker.tar", "--format", "docker-archive", "--name", NAME];
    let _ = world.run(&[&["image"], &docker[..]].concat()).ok();
    let _ = world.run(&["image", "--bare", "--output", "layout", "--format", "oci", "--name", NAME]).ok();
    let line = line(&oci);
    Some((world, line))
}

/// Whether a program is on the search path. In CI it has to be.
fn has(name: &str) -> bool {
    let path = std::env::var_os("PATH").expect("PATH is set");
    let found = std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    assert!(found || std::env::var_os("CI").is_none(), "install {name}");
    found
}

/// Runs a program in the project's folder.
fn run(world: &World, program: &str, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(args).current_dir(world.path("project")).env("HOME", world.path("nobody"));
    command.output().unwrap()
}

/// What it writes; it has to be content.
fn said(world: &World, program: &str, args: &[&str]) -> String {
    let output = run(world, program, args);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {args:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

fn inspected(world: &World, image: &str) -> Value {
    serde_json::from_str(&said(world, "skopeo", &["inspect", image])).unwrap()
}

/// Copies an image into a folder of skopeo's own form; every blob is checked on the way.
fn copied(world: &World, image: &str, to: &str) -> Value {
    said(world, "skopeo", &["--insecure-policy", "copy", "--quiet", image, &format!("dir:{to}")]);
    serde_json::from_str(&world.read(&format!("{to}/manifest.json"))).unwrap()
}

/// The digests of a list of blobs.
fn digests(blobs: &Value) -> Vec<&str> {
    blobs.as_array().unwrap().iter().map(|blob| text(&blob["digest"])).collect()
}

#[test]
fn skopeo_reads_the_layout_and_its_archive() {
    for compression in ["gzip", "zstd"] {
        let Some((world, line)) = world(&["skopeo"], compression) else { return };
        for image in ["oci:layout", "oci:layout:1.0", "oci-archive:oci.tar", "oci-archive:oci.tar:1.0"] {
            let found = inspected(&world, image);
            assert_eq!((&found["Digest"], &found["Os"]), (&line["digest"], &json!("linux")), "{image}");
            assert_eq!(found["Labels"], json!({"org.opencontainers.image.version": "1.0.0"}));
            assert_eq!(found["Env"], json!(["GREETING=hello"]));
            assert_eq!(json!(digests(&line["layers"])), found["Layers"]);
        }
        let manifest = copied(&world, "oci-archive:oci.tar:1.0", "copied");
        assert_eq!(
            (&manifest["config"]["digest"], digests(&manifest["layers"])),
            (&line["config"], digests(&line["layers"]))
        );
        for digest in digests(&manifest["layers"]) {
            let blob = fs::read(world.path("project/copied").join(&digest["sha256:".len()..])).unwrap();
            assert_eq!(format!("sha256:{}", akbuild_nar::Digest::sha256(&blob).hex()), digest);
        }
        let refused = run(&world, "skopeo", &["inspect", "oci-archive:oci.tar:2.0"]);
        assert!(!refused.status.success(), "there is no such tag");
    }
}

#[test]
fn skopeo_reads_what_docker_load_takes() {
    let Some((world, line)) = world(&["skopeo"], "zstd") else { return };
    let image = format!("docker-archive:docker.tar:{NAME}");
    let found = inspected(&world, &image);
    assert_eq!((&found["Env"], &found["Architecture"]), (&json!(["GREETING=hello"]), &json!("amd64")));
    let config: Value = serde_json::from_str(&said(&world, "skopeo", &["inspect", "--config", &image])).unwrap();
    let same: Value = serde_json::from_str(&said(&world, "skopeo", &["inspect", "--config", "oci:layout"])).unwrap();
    assert_eq!((&config["rootfs"], &config["config"]), (&same["rootfs"], &same["config"]));
    // Layers there are not compressed: each is named by its `diff_id`.
    assert_eq!(found["Layers"], same["rootfs"]["diff_ids"]);
    copied(&world, &image, "copied");
    assert_eq!(line["layers"].as_array().unwrap().len(), found["Layers"].as_array().unwrap().len());
}

/// What is below a folder: of files mode and bytes, of links where they lead.
fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let meta = path.symlink_metadata().unwrap();
            let bytes = if meta.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), (meta.permissions().mode(), bytes));
        }
    }
    found
}

/// Unpacks the image with umoci into the folder `bundle`.
fn bundle(world: &World, options: &[&str]) -> PathBuf {
    said(world, "umoci", &[&["unpack", "--image", "layout:1.0"], options, &["bundle"]].concat());
    world.path("project/bundle")
}

#[test]
fn umoci_unpacks_the_tree() {
    let Some((world, _)) = world(&["umoci"], "gzip") else { return };
    let found = tree(&bundle(&world, &["--rootless"]).join("rootfs"));
    // What was assembled, at the recipe's prefix. The store keeps files read-only.
    let _ = world.run(&["all"]).ok();
    let below = found.iter().filter_map(|(path, file)| Some((path.strip_prefix("opt/tiny").ok()?, file)));
    let shipped: BTreeMap<&Path, _> = below.filter(|(path, _)| *path != Path::new("")).collect();
    let assembled = tree(&world.path("project/result").canonicalize().unwrap());
    assert_eq!(shipped.keys().copied().collect::<Vec<_>>(), assembled.keys().collect::<Vec<_>>());
    for (path, (mode, bytes)) in &assembled {
        let (shipped_mode, shipped) = shipped[path.as_path()];
        assert_eq!((shipped_mode & 0o100, shipped), (mode & 0o100, bytes), "{}", path.display());
    }
    assert_eq!(shipped[Path::new("share/loud")].1, b"ONE!\nTWO!\n");
    // And the whole, as akbuild itself unpacks it.
    let own = world.path("own");
    fs::create_dir(&own).unwrap();
    let layout = akbuild_image::Layout::open(&world.path("project/layout")).unwrap();
    akbuild_image::unpack(&layout, &own).unwrap();
    let own = tree(&own);
    assert_eq!(found.keys().collect::<Vec<_>>(), own.keys().collect::<Vec<_>>());
    assert!(found.iter().all(|(path, file)| own[path] == *file), "modes and bytes");
    assert_eq!(found[Path::new("tmp")].0 & 0o7777, 0o1777);
}

/// As the image's user, with its variables; needs root, who alone has another user to give.
#[test]
fn crun_runs_it() {
    let Some((world, _)) = world(&["umoci", "crun"], "gzip") else { return };
    if !is_root() {
        return;
    }
    let path = bundle(&world, &[]).join("config.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        (&config["process"]["args"], &config["process"]["user"]["uid"]),
        (&json!(["/start", "nobody"]), &json!(65534))
    );
    config["process"]["terminal"] = json!(false);
    fs::write(&path, config.to_string()).unwrap();
    let state = world.path("state").display().to_string();
    let name = format!("akbuild-{}", std::process::id());
    let args = ["--cgroup-manager=disabled", "--root", &state, "run", "--bundle", "bundle", &name];
    // It looks what control groups there are, although it is to make none, and gives up where it finds both kinds.
    let alone = "mount -t cgroup2 none /sys/fs/cgroup && exec crun \"$@\"";
    let args = [&["--mount", "bash", "-euc", alone, "bash"], &args[..]].concat();
    assert_eq!(said(&world, "unshare", &args), "ONE!\nTWO!\nhello nobody\n");
}
