//! Layouts that are written and opened, and folders that are none.

use std::fs;

use akbuild_image::{Coding, Descriptor, ImageError, MEDIA_CONFIG, MEDIA_MANIFEST, Platform};
use akbuild_nar::Digest;
use akbuild_recipe::plan::ImageConfig;
use serde_json::{Value, json};

use crate::documents::{everything, layer, written};
use crate::world::{Blob, World, names};

#[test]
fn what_is_written_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    // Two of the same share a blob.
    let layers = [layer("one", Coding::Gzip), layer("two", Coding::Zstd), layer("one", Coding::Gzip)];
    let layout = written(folder.path(), &everything(), &layers);
    assert_eq!(layout.folder, folder.path());
    assert_eq!(layout.layers, [layers[0].1.descriptor(), layers[1].1.descriptor(), layers[0].1.descriptor()]);
    assert_eq!(layout.diff_ids, [layers[0].1.diff_id, layers[1].1.diff_id, layers[0].1.diff_id]);
    assert_eq!(
        (layout.manifest.media_type.as_str(), layout.config.media_type.as_str()),
        (MEDIA_MANIFEST, MEDIA_CONFIG)
    );
    let platform = Some(Platform::new("linux", "arm64"));
    assert_eq!(layout.manifest, Descriptor { platform, ..Descriptor::of(MEDIA_MANIFEST, &layout.manifest_bytes) });
    assert_eq!(layout.size(), 3000);
    assert_eq!(names(folder.path()), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(names(&folder.path().join("blobs/sha256")).len(), 4);
    assert_eq!(fs::read_to_string(folder.path().join("oci-layout")).unwrap(), r#"{"imageLayoutVersion":"1.0.0"}"#);
    insta::assert_debug_snapshot!(layout.run, @r#"
    Run {
        user: "1000:1000",
        env: Some(
            [
                "EMPTY=",
                "PATH=/usr/bin:/bin",
                "QUOTES=\"a\" = é\t",
            ],
        ),
        entrypoint: Some(
            [
                "/bin/start",
                "--now",
            ],
        ),
        cmd: Some(
            [
                "server",
            ],
        ),
        working_dir: "/srv",
        stop_signal: "SIGINT",
    }
    "#);
}

#[test]
fn what_an_image_does_not_say_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let layout = written(folder.path(), &ImageConfig::default(), &[]);
    assert_eq!((layout.size(), layout.run.entrypoint, layout.run.user.as_str()), (0, None, ""));
    // Neither is there a `config` in an image that nothing is said of.
    let world = World::new();
    world.publish(&world.image(&[]));
    let layout = world.open().unwrap();
    assert_eq!((layout.run.env, layout.run.working_dir.as_str()), (None, ""));
}

#[test]
fn a_layer_that_cannot_be_linked() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |_: usize, place: &std::path::Path| {
        let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        Err(ImageError::Io { doing: "link", path: place.file_name().unwrap().into(), source })
    };
    let layers = [layer("one", Coding::Gzip)];
    let error = akbuild_image::write_layout(folder.path(), &ImageConfig::default(), &layers, refuse).unwrap_err();
    insta::assert_snapshot!(error, @"cannot link `7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed`: permission denied");
    assert_eq!(names(folder.path()), ["blobs"], "without an index there is no image");
}

/// The error of a layout whose documents were changed before they were written.
fn opened(world: &World) -> String {
    let error = world.open().unwrap_err();
    let path = world.path("");
    error.to_string().replace(&path.display().to_string(), "[DIR]/")
}

fn of_index(text: &str) -> String {
    let world = World::new();
    world.index(text);
    opened(&world)
}

fn of_manifest(change: impl Fn(&World, &mut Value)) -> String {
    let world = World::new();
    let mut manifest = world.image(&[Blob::plain(b"")]);
    change(&world, &mut manifest);
    world.publish(&manifest);
    let hex = Digest::sha256(manifest.to_string().as_bytes()).hex();
    opened(&world).replace(&hex, "[HEX]")
}

fn of_config(change: impl Fn(&mut Value)) -> String {
    let mut hex = String::new();
    let text = of_manifest(|world, manifest| {
        let mut config = json!({"architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", "0".repeat(64))]}});
        change(&mut config);
        let config = world.blob(MEDIA_CONFIG, config.to_string().as_bytes());
        manifest["config"] = json!(config);
    });
    hex.push_str(text.split("sha256/").nth(1).unwrap().split('`').next().unwrap());
    text.replace(&hex, "[HEX]")
}

#[test]
fn folders_that_are_no_layout() {
    let folder = tempfile::tempdir().unwrap();
    let error = akbuild_image::Layout::open(folder.path()).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&folder.path().display().to_string(), "[DIR]"), @"cannot open `index.json` of the image layout `[DIR]`: No such file or directory (os error 2)");
    insta::assert_snapshot!(of_index("not JSON"), @"
    `[DIR]/layout/index.json` is no image index: expected ident at line 1 column 2
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    insta::assert_snapshot!(of_index(r#"{"schemaVersion": 2}"#), @"
    `[DIR]/layout/index.json` is no image index: missing field `manifests` at line 1 column 20
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    insta::assert_snapshot!(of_index(r#"{"manifests": []}"#), @"
    `[DIR]/layout/index.json` is no index of one image: it has 0
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    let entry = |digest: &str| json!({"mediaType": MEDIA_MANIFEST, "digest": digest, "size": 1});
    let digest = format!("sha256:{}", "0".repeat(64));
    let other = format!("sha256:{}", "1".repeat(64));
    insta::assert_snapshot!(of_index(&json!({"manifests": [entry(&digest), entry(&other)]}).to_string()), @"
    `[DIR]/layout/index.json` is no index of one image: it has 2
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    insta::assert_snapshot!(of_index(&json!({"manifests": [entry(&digest)]}).to_string()), @"cannot open `blobs/sha256/0000000000000000000000000000000000000000000000000000000000000000` of the image layout `[DIR]/layout`: No such file or directory (os error 2)");
    for digest in ["sha512:00", "sha256:../../etc/passwd", "00", "\x1b[31m"] {
        let error = of_index(&json!({"manifests": [entry(digest)]}).to_string());
        assert!(error.contains(&format!("`{}` is no SHA-256 digest", digest.escape_debug())), "{error}");
    }
    let error = of_index(&json!({"manifests": [{"mediaType": "", "digest": digest, "size": -1}]}).to_string());
    assert!(error.contains("is no image index: invalid value: integer `-1`, expected u64"), "{error}");
}

#[test]
fn manifests_that_are_none() {
    insta::assert_snapshot!(of_manifest(|_, manifest| *manifest = json!({"manifests": []})), @"
    `[DIR]/layout/blobs/sha256/[HEX]` is no image manifest: missing field `config` at line 1 column 16
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    let first = |text: String| text.lines().next().unwrap().to_owned();
    let all = [
        first(of_manifest(|_, manifest| manifest["layers"] = json!(null))),
        first(of_manifest(|_, manifest| manifest["layers"][0]["size"] = json!("7"))),
        first(of_manifest(|_, manifest| manifest["layers"][0]["digest"] = json!("md5:00"))),
        first(of_manifest(|_, manifest| manifest["config"]["digest"] = json!(format!("sha256:{}", "1".repeat(64))))),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    `[DIR]/layout/blobs/sha256/[HEX]` is no image manifest: invalid type: null, expected a sequence at line 1 column 249
    `[DIR]/layout/blobs/sha256/[HEX]` is no image manifest: invalid type: string "7", expected u64 at line 1 column 393
    `[DIR]/layout/blobs/sha256/[HEX]` is no image manifest: `md5:00` is no SHA-256 digest at line 1 column 317
    cannot open `blobs/sha256/1111111111111111111111111111111111111111111111111111111111111111` of the image layout `[DIR]/layout`: No such file or directory (os error 2)
    "#);
    let sha512 = format!("sha512:{}", "1".repeat(128));
    let other = of_manifest(|_, manifest| manifest["layers"][0]["digest"] = json!(sha512));
    assert!(other.contains(&format!("is no image manifest: `{sha512}` is no SHA-256 digest\n")), "{other}");
    let world = World::new();
    let manifest = world.image(&[]);
    world.publish(&manifest);
    let hex = Digest::sha256(manifest.to_string().as_bytes()).hex();
    fs::write(world.path("layout/blobs/sha256").join(&hex), format!("{manifest} ")).unwrap();
    insta::assert_snapshot!(opened(&world).replace(&hex, "[HEX]"), @"
    `[DIR]/layout/blobs/sha256/[HEX]` is no image manifest: its bytes have another digest than its name
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
}

#[test]
fn configurations_that_are_none() {
    insta::assert_snapshot!(of_config(|config| config["rootfs"]["diff_ids"] = json!([])), @"
    `[DIR]/layout/blobs/sha256/[HEX]` is no configuration of this image: its `diff_ids` are not one SHA-256 for each layer
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
    let first = |text: String| text.lines().next().unwrap().to_owned();
    let all = [
        first(of_config(|config| config["rootfs"] = json!({}))),
        first(of_config(|config| config["rootfs"]["diff_ids"] = json!(["sha256:00"]))),
        first(of_config(|config| config["rootfs"]["diff_ids"] = json!(["", ""]))),
        first(of_config(|config| config["config"] = json!({"Env": "A=1"}))),
        first(of_config(|config| config["config"] = json!({"User": 7}))),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    `[DIR]/layout/blobs/sha256/[HEX]` is no image configuration: missing field `diff_ids` at line 1 column 35
    `[DIR]/layout/blobs/sha256/[HEX]` is no configuration of this image: its `diff_ids` are not one SHA-256 for each layer
    `[DIR]/layout/blobs/sha256/[HEX]` is no configuration of this image: its `diff_ids` are not one SHA-256 for each layer
    `[DIR]/layout/blobs/sha256/[HEX]` is no image configuration: invalid type: string "A=1", expected a sequence at line 1 column 159
    `[DIR]/layout/blobs/sha256/[HEX]` is no image configuration: invalid type: integer `7`, expected a string at line 1 column 156
    "#);
    let world = World::new();
    let manifest = world.image(&[]);
    world.publish(&manifest);
    let hex = manifest["config"]["digest"].as_str().unwrap().replace("sha256:", "");
    fs::write(world.path("layout/blobs/sha256").join(&hex), r#"{"architecture": "arm64", "rootfs": {"diff_ids": []}}"#)
        .unwrap();
    insta::assert_snapshot!(opened(&world).replace(&hex, "[HEX]"), @"
    `[DIR]/layout/blobs/sha256/[HEX]` is no image configuration: its bytes have another digest than its name
      help: run `akbuild cache verify --repair` if akbuild has made it; fetch any other image again
    ");
}

#[test]
fn an_image_with_two_names() {
    let world = World::new();
    world.publish(&world.image(&[]));
    let layout = world.open().unwrap();
    let names = ["a:1", "b:2"].map(str::to_owned);
    world.index(&String::from_utf8(layout.index(&names)).unwrap());
    assert_eq!(world.open().unwrap().manifest, layout.manifest);
}

/// Sizes are what somebody says.
#[test]
fn sizes_that_are_too_large_together() {
    let world = World::new();
    let mut manifest = world.image(&[Blob::plain(b"a"), Blob::plain(b"b")]);
    manifest["layers"][0]["size"] = json!(u64::MAX);
    world.publish(&manifest);
    assert_eq!(world.open().unwrap().size(), u64::MAX);
}
