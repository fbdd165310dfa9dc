//! An image's documents as others read them: with everything that can be said, and with hardly anything.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use akbuild_image::{Coding, Layout, Packed, write_layout};
use akbuild_nar::Digest;
use akbuild_recipe::plan::{Healthcheck, ImageConfig};
use serde_json::Value;

/// A layer that nobody has packed.
pub(crate) fn layer(name: &str, compression: Coding) -> (String, Packed) {
    let (digest, diff_id) = (Digest::sha256(name.as_bytes()), Digest::sha256(&name.as_bytes()[1..]));
    let packed = Packed { compression, digest, size: 1000, diff_id, diff_size: 2000 };
    (name.to_owned(), packed)
}

/// Writes a layout whose layers hold their names.
pub(crate) fn written(folder: &Path, config: &ImageConfig, layers: &[(String, Packed)]) -> Layout {
    let link = |i: usize, place: &Path| {
        // Never over another, as a link would not be either.
        File::create_new(place).unwrap().write_all(layers[i].0.as_bytes()).unwrap();
        Ok::<_, akbuild_image::ImageError>(())
    };
    let manifest = write_layout(folder, config, layers, link).unwrap();
    let layout = Layout::open(folder).unwrap();
    assert_eq!(layout.manifest, manifest);
    layout
}

/// Everything that a recipe can say of an image.
pub(crate) fn everything() -> ImageConfig {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let map = |words: &[(&str, &str)]| words.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    ImageConfig {
        architecture: "arm64".into(),
        entrypoint: list(&["/bin/start", "--now"]),
        command: list(&["server"]),
        env: map(&[("PATH", "/usr/bin:/bin"), ("EMPTY", ""), ("QUOTES", "\"a\" = é\t")]),
        user: "1000:1000".into(),
        workdir: "/srv".into(),
        ports: list(&["53/udp", "9000/tcp"]),
        labels: map(&[("org.opencontainers.image.version", "1.0"), ("a", "b")]),
        volumes: list(&["/data", "/media"]),
        stop_signal: "SIGINT".into(),
        healthcheck: Some(Healthcheck {
            command: list(&["/bin/ask", "-q"]),
            interval: 30,
            timeout: 5,
            start_period: 0,
            retries: 3,
        }),
    }
}

/// Configuration, manifest and index, as they are written but for white space.
fn documents(config: &ImageConfig, layers: &[(String, Packed)]) -> [String; 3] {
    let folder = tempfile::tempdir().unwrap();
    let layout = written(folder.path(), config, layers);
    [layout.blob(&layout.config.digest), layout.blob(&layout.manifest.digest), folder.path().join("index.json")].map(
        |path| {
            let text = fs::read_to_string(path).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(text, value.to_string(), "nothing but the document, its fields in their order");
            serde_json::to_string_pretty(&value).unwrap()
        },
    )
}

#[test]
fn an_image_with_everything() {
    let layers = [layer("sysroot", Coding::Gzip), layer("glue", Coding::Zstd)];
    let [config, manifest, index] = documents(&everything(), &layers);
    insta::assert_snapshot!(config, @r#"
    {
      "created": "1970-01-01T00:00:01Z",
      "architecture": "arm64",
      "os": "linux",
      "config": {
        "User": "1000:1000",
        "ExposedPorts": {
          "53/udp": {},
          "9000/tcp": {}
        },
        "Env": [
          "EMPTY=",
          "PATH=/usr/bin:/bin",
          "QUOTES=\"a\" = é\t"
        ],
        "Entrypoint": [
          "/bin/start",
          "--now"
        ],
        "Cmd": [
          "server"
        ],
        "Volumes": {
          "/data": {},
          "/media": {}
        },
        "WorkingDir": "/srv",
        "Labels": {
          "a": "b",
          "org.opencontainers.image.version": "1.0"
        },
        "StopSignal": "SIGINT",
        "Healthcheck": {
          "Test": [
            "CMD",
            "/bin/ask",
            "-q"
          ],
          "Interval": 30000000000,
          "Timeout": 5000000000,
          "StartPeriod": 0,
          "Retries": 3
        }
      },
      "rootfs": {
        "type": "layers",
        "diff_ids": [
          "sha256:116eb64828d0eb02f8eaed04fecd609d3b6e8257908a741ddd1a7734866646cf",
          "sha256:f560ebb6387ce364886fc0aed01344a61ea771bfe2a02a52c4dadd427da5982e"
        ]
      },
      "history": [
        {
          "created": "1970-01-01T00:00:01Z",
          "created_by": "akbuild: sysroot"
        },
        {
          "created": "1970-01-01T00:00:01Z",
          "created_by": "akbuild: glue"
        }
      ]
    }
    "#);
    insta::assert_snapshot!(manifest, @r#"
    {
      "schemaVersion": 2,
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": "sha256:d5022db9c2a4b2379923d523fe1de6c9d14c91b910d2ee911131118527ecc03e",
        "size": 843
      },
      "layers": [
        {
          "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
          "digest": "sha256:7537056ccf75356c61a67695a59cd540e63c8f9f28941a21e96517f5690caec8",
          "size": 1000
        },
        {
          "mediaType": "application/vnd.oci.image.layer.v1.tar+zstd",
          "digest": "sha256:99552de9998a2b8267df80b5984342437dda324689e2d7c6b6a0c8a7f392ffb5",
          "size": 1000
        }
      ]
    }
    "#);
    insta::assert_snapshot!(index, @r#"
    {
      "schemaVersion": 2,
      "mediaType": "application/vnd.oci.image.index.v1+json",
      "manifests": [
        {
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "digest": "sha256:bc6a09cf80da174b9b7c54d5a2ddebd65a1b049b308d44e94fda25c9c8b9b9e9",
          "size": 557,
          "platform": {
            "architecture": "arm64",
            "os": "linux"
          }
        }
      ]
    }
    "#);
}

#[test]
fn an_image_with_hardly_anything() {
    let config = ImageConfig { architecture: "amd64".into(), ..ImageConfig::default() };
    let [config, manifest, index] = documents(&config, &[layer("glue", Coding::Gzip)]);
    insta::assert_snapshot!(config, @r#"
    {
      "created": "1970-01-01T00:00:01Z",
      "architecture": "amd64",
      "os": "linux",
      "config": {},
      "rootfs": {
        "type": "layers",
        "diff_ids": [
          "sha256:f560ebb6387ce364886fc0aed01344a61ea771bfe2a02a52c4dadd427da5982e"
        ]
      },
      "history": [
        {
          "created": "1970-01-01T00:00:01Z",
          "created_by": "akbuild: glue"
        }
      ]
    }
    "#);
    insta::assert_snapshot!(manifest, @r#"
    {
      "schemaVersion": 2,
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": "sha256:d2dbd1dd50511538e406e9f2b95628feaec3a330466925b361bfc9941fc9c739",
        "size": 272
      },
      "layers": [
        {
          "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
          "digest": "sha256:99552de9998a2b8267df80b5984342437dda324689e2d7c6b6a0c8a7f392ffb5",
          "size": 1000
        }
      ]
    }
    "#);
    insta::assert_snapshot!(index, @r#"
    {
      "schemaVersion": 2,
      "mediaType": "application/vnd.oci.image.index.v1+json",
      "manifests": [
        {
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "digest": "sha256:1c77f3d5cbc7a55f0a5024e052cceb73ab58ea79b86ad6ed650cb5d3f2d23a5e",
          "size": 402,
          "platform": {
            "architecture": "amd64",
            "os": "linux"
          }
        }
      ]
    }
    "#);
}
