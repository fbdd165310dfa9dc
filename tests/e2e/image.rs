//! Images: what is in them, what of them is made again, the same bytes everywhere, their forms, and what is wrong with
//! how they are asked for.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::{Ran, World, names, text};

/// A small project that ships an image.
pub(crate) const IMAGE: &str = r##"
[stages.words]
kind = "run"
script = 'cat *.txt > "$out/words"'
copies = [{ from = "app", include = ["*.txt"] }]

[stages.loud]
kind = "run"
script = 'while read -r line; do echo "${line^^}!"; done < /words/words > "$out/loud"'
mounts = [{ from = "words", to = "/words" }]

[stages.inner]
kind = "tree"
pieces = [{ from = "words", to = "share" }, { from = "app", include = ["*.md"], to = "doc" }]

[stages.last]
kind = "tree"
pieces = [{ from = "inner" }, { from = "loud", to = "share" }]
files = [{ path = "bin/hello", text = "#!/bin/bash\ncat {prefix}/share/loud\necho \"$GREETING $*\"\n", executable = true }]

[stages.image]
kind = "image"
tree = "last"
sysroot = "build"
layers = [{ name = "words", from = ["words"] }, { name = "loud", from = ["loud"] }, { name = "app", from = ["source:app"] }]
folders = [{ path = "tmp", mode = "1777" }]
files = [{ path = "start", text = "#!/bin/bash\nexec {prefix}/bin/hello \"$@\"\n", executable = true }]
entrypoint = ["/start"]
command = ["nobody"]
user = "65534"
ports = ["9000/tcp"]
env = { GREETING = "hello" }
labels = { "org.opencontainers.image.version" = "{version}" }
push = "registry.example/demo/{name}:v{version}-{key:12}"
"##;

pub(crate) fn files(world: &World) {
    world.write("app/a.txt", "one\n");
    world.write("app/b.txt", "two\n");
    world.write("app/README.md", "read me\n");
}

fn image(world: &World, args: &[&str]) -> Value {
    let ran = world.run(&[&["image", "--json"], args].concat()).ok();
    line(&ran)
}

pub(crate) fn line(ran: &Ran) -> Value {
    ran.events().into_iter().find(|event| event["reason"] == "image").expect("a line about the image")
}

/// The layers of the image, from the lowest.
const LAYERS: [&str; 5] = ["sysroot", "words", "loud", "app", "glue"];

/// The entries of a layer by path: kind, mode, owner, time and text.
fn layer(world: &World, line: &Value, name: &str) -> BTreeMap<String, String> {
    let place = LAYERS.iter().position(|layer| *layer == name).unwrap();
    let digest = text(&line["layers"][place]["digest"]).strip_prefix("sha256:").unwrap();
    let blob = std::fs::File::open(world.path("project/result-image/blobs/sha256").join(digest)).unwrap();
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(blob));
    let mut entries = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let (kind, mode) = (header.entry_type(), header.mode().unwrap());
        let (owner, time) = ((header.uid().unwrap(), header.gid().unwrap()), header.mtime().unwrap());
        assert_eq!((owner, time), ((0, 0), 1));
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut text = String::new();
        if kind.is_file() {
            entry.read_to_string(&mut text).unwrap_or_default();
        }
        entries.insert(path, format!("{kind:?} {mode:o} {text}").trim_end().to_owned());
    }
    entries
}

#[test]
fn each_layer_has_its_part_of_the_tree() {
    let world = World::new(IMAGE);
    files(&world);
    let line = image(&world, &[]);
    let layer = |name| layer(&world, &line, name);
    insta::assert_debug_snapshot!(layer("words"), @r#"
    {
        "opt/": "Directory 755",
        "opt/tiny/": "Directory 755",
        "opt/tiny/share/": "Directory 755",
        "opt/tiny/share/words": "Regular 644 one\ntwo",
    }
    "#);
    insta::assert_debug_snapshot!(layer("app"), @r#"
    {
        "opt/": "Directory 755",
        "opt/tiny/": "Directory 755",
        "opt/tiny/doc/": "Directory 755",
        "opt/tiny/doc/README.md": "Regular 644 read me",
    }
    "#);
    insta::assert_debug_snapshot!(layer("glue"), @r##"
    {
        "opt/": "Directory 755",
        "opt/tiny/": "Directory 755",
        "opt/tiny/bin/": "Directory 755",
        "opt/tiny/bin/hello": "Regular 755 #!/bin/bash\ncat /opt/tiny/share/loud\necho \"$GREETING $*\"",
        "start": "Regular 755 #!/bin/bash\nexec /opt/tiny/bin/hello \"$@\"",
        "tmp/": "Directory 1777",
    }
    "##);
    let sysroot = layer("sysroot");
    assert!(sysroot["usr/bin/bash"].starts_with("Regular 755") && sysroot["bin"].starts_with("Symlink 777"));
}

#[test]
fn the_configuration_is_that_of_the_recipe() {
    let world = World::new(IMAGE);
    files(&world);
    let line = image(&world, &[]);
    let blob = |name: &str| {
        let path = world.path("project/result-image/blobs/sha256").join(name.strip_prefix("sha256:").unwrap());
        serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap()
    };
    let config = blob(text(&line["config"]));
    insta::assert_snapshot!(serde_json::to_string_pretty(&config["config"]).unwrap(), @r#"
    {
      "User": "65534",
      "ExposedPorts": {
        "9000/tcp": {}
      },
      "Env": [
        "GREETING=hello"
      ],
      "Entrypoint": [
        "/start"
      ],
      "Cmd": [
        "nobody"
      ],
      "Labels": {
        "org.opencontainers.image.version": "1.0.0"
      }
    }
    "#);
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 5);
    assert_eq!(config["history"].as_array().unwrap().len(), 5);
    assert_eq!(blob(text(&line["digest"]))["layers"].as_array().unwrap().len(), 5);
}

#[test]
fn a_change_packs_only_its_own_layer_again() {
    let world = World::new(IMAGE);
    files(&world);
    let first = image(&world, &[]);
    // Another order of letters: `words` changes, and what is made of it.
    world.write("app/README.md", "read this\n");
    let ran = world.run(&["image", "--json"]).ok();
    insta::assert_snapshot!(ran.stages(), @"image built, image/app built, image/glue cached, image/loud cached, image/sysroot cached, image/words cached, inner built, last built, loud cached, words cached");
    let second = line(&ran);
    let digests = |line: &Value| {
        let layers = line["layers"].as_array().unwrap().iter();
        layers.map(|layer| text(&layer["digest"]).to_owned()).collect::<Vec<_>>()
    };
    let same: Vec<bool> = digests(&first).iter().zip(digests(&second)).map(|(a, b)| *a == b).collect();
    assert_eq!(same, [true, true, true, false, true]);
    assert_ne!(first["digest"], second["digest"]);
}

#[test]
fn the_same_image_in_other_homes_folders_and_users() {
    let make = |world: World| {
        files(&world);
        world.lock();
        text(&image(&world, &["--jobs", "1"])["digest"]).to_owned()
    };
    let digests = [make(World::unlocked(IMAGE)), make(World::unlocked(IMAGE)), make(World::of_user(IMAGE))];
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
    let zstd = World::new(&IMAGE.replace("user =", "compression = \"zstd\"\nuser ="));
    let again = World::new(&IMAGE.replace("user =", "compression = \"zstd\"\nuser ="));
    let (zstd, again) = (make(zstd), make(again));
    assert_eq!(zstd, again);
    assert_ne!(zstd, digests[0]);
}

#[test]
fn a_check_finds_an_image_equal() {
    let world = World::new(IMAGE);
    files(&world);
    let ran = world.run(&["build", "image*", "--check"]).ok();
    assert!(ran.err.contains("checked  6 stages: all equal") || ran.err.contains("6 equal"), "{}", ran.err);
}

#[test]
fn archives_of_both_forms() {
    let world = World::new(IMAGE);
    files(&world);
    let written = image(&world, &["--output", "oci.tar", "--name", "demo/tiny:1"]);
    assert_eq!(written["written"].as_array().unwrap().len(), 3);
    let index = member(&world, "oci.tar", "index.json");
    assert_eq!(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "1");
    assert_eq!(index["manifests"][0]["digest"], written["digest"]);
    let _ = world.run(&["image", "--output", "layout", "--format", "oci", "--name", "demo/tiny:1"]).ok();
    let folder = std::fs::read_to_string(world.path("project/layout/index.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&folder).unwrap(), index);
    let _ = world.run(&["image", "--output", "docker.tar", "--format", "docker-archive", "--name", "demo/tiny:1"]).ok();
    let manifest = member(&world, "docker.tar", "manifest.json");
    assert_eq!(manifest[0]["RepoTags"][0], "demo/tiny:1");
    assert_eq!(manifest[0]["Layers"].as_array().unwrap().len(), 5);
    let sbom: Value = serde_json::from_str(&world.read("oci.tar.cdx.json")).unwrap();
    let packages: Vec<&str> = sbom["components"].as_array().unwrap().iter().map(|c| text(&c["purl"])).collect();
    assert!(packages.iter().any(|purl| purl.starts_with("pkg:deb/debian/tools@1.0")), "{packages:?}");
    let provenance: Value = serde_json::from_str(&world.read("oci.tar.provenance.json")).unwrap();
    assert_eq!(format!("sha256:{}", text(&provenance["subject"][0]["digest"]["sha256"])), text(&written["digest"]));
}

fn member(world: &World, archive: &str, name: &str) -> Value {
    let file = std::fs::File::open(world.path("project").join(archive)).unwrap();
    let mut archive = tar::Archive::new(file);
    let mut entry = archive.entries().unwrap().map(Result::unwrap).find(|e| e.path().unwrap().ends_with(name)).unwrap();
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn an_image_goes_through_a_pipe() {
    let world = World::new(IMAGE);
    files(&world);
    let _ = world.run(&["image", "--output", "file.tar", "--bare"]).ok();
    let mut command = world.command(&["image", "--output", "-", "--quiet"]);
    let output = command.stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == std::fs::read(world.path("project/file.tar")).unwrap());
    assert_eq!(names(&world.path("project")).iter().filter(|name| name.starts_with("file.tar")).count(), 1);
}

#[test]
fn a_layout_in_a_folder() {
    let world = World::new(IMAGE);
    files(&world);
    let _ = world.run(&["image", "--output", "layout", "--format", "oci", "--bare"]).ok();
    assert_eq!(names(&world.path("project/layout")), ["blobs", "index.json", "oci-layout"]);
    let _ = world.run(&["image", "--output", "layout", "--format", "oci", "--bare"]).ok();
    world.write("other/file", "something else");
    insta::assert_snapshot!(world.run(&["image", "--output", "other", "--format", "oci", "--quiet"]), @"
    --- exit 1
    error: `other` is there, and is no image layout
      help: name a new folder with `--output`
    ");
}

#[test]
fn where_it_is_pushed_to_is_known_before_anything_is_built() {
    let world = World::new(IMAGE);
    files(&world);
    let reference = |args: &[&str]| world.run(&[&["image", "--print-reference"], args].concat()).ok().out;
    let first = reference(&[]);
    assert!(first.starts_with("registry.example/demo/tiny:v1.0.0-") && first.trim_end().len() == 46, "{first}");
    assert_eq!(world.bucket("actions-v1"), Vec::<String>::new());
    assert_eq!(reference(&[]), first);
    assert_eq!(reference(&["--push", "r.example/x:{version}"]), "r.example/x:1.0.0\n");
    // Whatever goes in changes it, also what makes no difference in the end.
    world.write("app/unread", "by no stage");
    assert_ne!(reference(&[]), first);
}

#[test]
fn the_recipes_commit_is_in_a_tag() {
    let world = World::new(IMAGE);
    files(&world);
    let to = ["image", "--print-reference", "--push", "r.example/x:{git:7}"];
    insta::assert_snapshot!(world.run(&to), @"
    --- exit 1
    error: `r.example/x:{git:7}` asks for the recipe's commit, and `[PROJECT]` is in no git repository
      help: commit the recipe to a git repository, or write another tag with `--push REF`
    ");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example", "-C"]).arg(world.path("project")).args(args);
        let output = git.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "all"]);
    let commit = git(&["rev-parse", "HEAD"]);
    let ran = world.run(&to).ok();
    assert_eq!((ran.out.trim(), ran.err.as_str()), (format!("r.example/x:{}", &commit[..7]).as_str(), ""));
    world.write("app/a.txt", "changed\n");
    let ran = world.run(&to).ok();
    assert!(ran.err.starts_with("warning: the recipe's folder has changes that commit"), "{}", ran.err);
}

#[test]
fn words_that_mean_nothing() {
    let world = World::new(IMAGE);
    files(&world);
    let said = |to: &str| world.run(&["image", "--print-reference", "--push", to]).failed().err;
    insta::assert_snapshot!(said("r.example/x:{digest}"), @"
    error: `r.example/x:{digest}` is no place to push to: `{digest}` means nothing
      help: words are {name}, {version}, {git}, {git:SOURCE} and {key}; `:7` at the end of the last three takes 7 characters
    ");
    insta::assert_snapshot!(said("r.example/x:{git:web:7}").lines().next().unwrap(), @"error: `r.example/x:{git:web:7}` is no place to push to: there is no source `web`");
    insta::assert_snapshot!(said("r.example/x:{git:app}").lines().next().unwrap(), @"error: `r.example/x:{git:app}` is no place to push to: source `app` is no git repository, and has no commit");
    insta::assert_snapshot!(said("r.example/x:{key:0}").lines().next().unwrap(), @"error: `r.example/x:{key:0}` is no place to push to: `{key:0}` has a bad length");
    insta::assert_snapshot!(said("r.example/x:{key").lines().next().unwrap(), @"error: `r.example/x:{key` is no place to push to: a `{` has no `}`");
}

#[test]
fn what_is_asked_for_is_not_there() {
    let world = World::new(IMAGE);
    files(&world);
    insta::assert_snapshot!(world.run(&["image", "words"]), @"
    --- exit 1
    error: stage `words` makes no image
      help: images are `image`
    ");
    insta::assert_snapshot!(world.run(&["image", "--push", "user:secret@r.example/x:1"]), @"
    --- exit 1
    error: credentials do not belong in a reference
      help: put them into `AKBUILD_REGISTRY_USER` and `AKBUILD_REGISTRY_PASSWORD`, or into the files of container tools
    ");
    insta::assert_snapshot!(world.run(&["image", "--push", "r.example/x"]), @"
    --- exit 1
    error: `r.example/x` has no tag
      help: write `r.example/x:TAG`, such as `r.example/x:v{version}-{git:7}`
    ");
    insta::assert_snapshot!(world.run(&["image", "--output", "-", "--json"]).failed().err, @"
    error: the image goes to stdout, where `--json` would be in it
      help: name a file with `--output FILE`
    ");
    insta::assert_snapshot!(world.run(&["image", "--output", "-", "--format", "oci"]), @"
    --- exit 1
    error: a layout is a folder, and cannot go to stdout
      help: name a file with `--output FILE`
    ");
    insta::assert_snapshot!(world.run(&["image", "--push", "r.example/x:1", "--offline"]), @"
    --- exit 1
    error: `r.example/x:1` cannot be pushed to with `--offline`
      help: leave one of the two out
    ");
    insta::assert_snapshot!(world.run(&["image", "--toolchain", "host"]), @"
    --- exit 1
    error: an image is made of packages, and not of this machine's own programs
      help: leave out `--toolchain host`
    ");
    world.recipe(&IMAGE.replace("push =", "# push ="));
    insta::assert_snapshot!(world.run(&["image", "--push"]), @"
    --- exit 1
    error: nothing says where the image is pushed to
      help: write `--push REGISTRY/NAME:TAG`, or `push = \"...\"` in the recipe's stage
    ");
    world.recipe(&[IMAGE, IMAGE.split("[stages.image]").nth(1).unwrap()].join("\n[stages.other]"));
    insta::assert_snapshot!(world.run(&["image"]), @"
    --- exit 1
    error: the recipe has several images
      help: name one: `image`, `other`
    ");
    world.recipe(IMAGE.split("[stages.image]").next().unwrap());
    insta::assert_snapshot!(world.run(&["image"]), @"
    --- exit 1
    error: the recipe has no image
      help: add a stage of the kind `image` (docs/stages.md)
    ");
}

#[test]
fn an_image_may_change_a_file_of_its_tree() {
    let other = "files = [{ path = \"opt/tiny/share/words\", text = \"three\\n\" }, { path = \"start\"";
    let world = World::new(&IMAGE.replace("files = [{ path = \"start\"", other));
    files(&world);
    let line = image(&world, &[]);
    assert_eq!(layer(&world, &line, "words")["opt/tiny/share/words"], "Regular 644 one\ntwo");
    assert_eq!(layer(&world, &line, "glue")["opt/tiny/share/words"], "Regular 644 three");
}

#[test]
fn what_would_hide_a_part_of_the_sysroot() {
    let world =
        World::new(&IMAGE.replace("path = \"start\"", "path = \"bin/start\"").replace("/start\"]", "/bin/start\"]"));
    files(&world);
    insta::assert_snapshot!(world.run(&["image", "--quiet"]), @"
    --- exit 1
    failed image after [TIME]
      glue has a folder at `/bin`, where sysroot has a symbolic link
        help: write the path as it is below, without symbolic links, or leave one of the two out with `exclude`
      log: [HOME]/builds-v1/[NAME]/image.log
      help: `akbuild log image` prints the log
    ");
}

#[test]
fn links_beside_what_is_written_are_not_followed() {
    let world = World::new(IMAGE);
    files(&world);
    let canary = world.path("canary");
    std::fs::write(&canary, "alive").unwrap();
    let written = ["image.tar", "image.tar.cdx.json", "image.tar.provenance.json", "export", "akbuild.lock"];
    for name in written {
        for planted in [name.to_owned(), format!("{name}.new"), format!(".{name}.new"), format!("{name}.tmp")] {
            let path = world.path("project").join(planted);
            let _ = std::fs::remove_file(&path);
            std::os::unix::fs::symlink(&canary, path).unwrap();
        }
    }
    let lock = world.path("project/akbuild.lock");
    std::fs::remove_file(&lock).unwrap();
    world.lock();
    let _ = world.run(&["image", "--output", "image.tar"]).ok();
    let _ = world.run(&["cache", "export", "--output", "export"]).ok();
    assert_eq!(std::fs::read_to_string(&canary).unwrap(), "alive");
    for name in written {
        assert!(world.path("project").join(name).symlink_metadata().unwrap().is_file(), "{name}");
    }
}

#[test]
fn a_layout_is_written_through_no_link() {
    let world = World::new(IMAGE);
    files(&world);
    let host = world.path("host");
    std::fs::create_dir(&host).unwrap();
    for (i, link) in ["blobs", "blobs/sha256"].into_iter().enumerate() {
        let layout = world.path(&format!("project/layout-{i}"));
        std::fs::create_dir_all(layout.join(link).parent().unwrap()).unwrap();
        std::fs::write(layout.join("oci-layout"), "{}").unwrap();
        std::os::unix::fs::symlink(&host, layout.join(link)).unwrap();
        let ran = world.run(&["image", "--format", "oci", "--output", &format!("layout-{i}")]);
        assert_eq!(ran.code, Some(1), "{ran}");
        assert!(ran.err.contains("symbolic link"), "{ran}");
        assert_eq!(std::fs::read_dir(&host).unwrap().count(), 0);
    }
    // The way to the folder may have links.
    std::os::unix::fs::symlink(&host, world.path("project/way")).unwrap();
    let _ = world.run(&["image", "--format", "oci", "--output", "way"]).ok();
    assert!(host.join("index.json").is_file());
}
