//! Pushing to a real registry on this machine's loopback: Debian's `docker-registry`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::front::{FrontAction, FrontRequest, front};
use crate::gate::until;
use crate::image::{IMAGE, files, line};
use crate::world::{World, text};

/// A registry that keeps its files in a folder.
struct Registry {
    process: Child,
    port: u16,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    /// `None` where there is none, which a machine of our own must have.
    fn start(folder: &Path) -> Option<Self> {
        Self::with(folder, "")
    }

    /// One that speaks with encryption only; `None` as there. Who is to trust it trusts `ca.pem` in its folder.
    fn encrypted(folder: &Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        let script = format!(
            "openssl req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca -days 2
             openssl req {key} -keyout key.pem -out asked.pem -subj /CN=registry -addext subjectAltName=IP:127.0.0.1
             openssl x509 -req -in asked.pem -CA ca.pem -CAkey ca.key -days 2 -copy_extensions copy -out cert.pem"
        );
        let made = Command::new("sh").args(["-ec", &script]).current_dir(folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let file = |name: &str| folder.join(name).display().to_string();
        Self::with(folder, &format!(", tls: {{certificate: {}, key: {}}}", file("cert.pem"), file("key.pem")))
    }

    fn with(folder: &Path, http: &str) -> Option<Self> {
        if !Path::new("/usr/bin/docker-registry").exists() {
            assert!(std::env::var_os("CI").is_none(), "install docker-registry");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::create_dir_all(folder).unwrap();
        let config = folder.join("config.yml");
        let storage = format!("storage: {{filesystem: {{rootdirectory: {}}}}}", folder.join("files").display());
        std::fs::write(&config, format!("version: 0.1\n{storage}\nhttp: {{addr: \"127.0.0.1:{port}\"{http}}}\n"))
            .unwrap();
        let mut command = Command::new("docker-registry");
        let process = command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let registry = Registry { process, port };
        until("registry", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Some(registry)
    }

    fn to(&self, name: &str) -> String {
        format!("127.0.0.1:{}/{name}", self.port)
    }
}

fn push(world: &World, to: &str, more: &[&str]) -> Value {
    let ran = world.run(&[&["image", "--json", "--push", to], more].concat()).ok();
    line(&ran)["pushed"].clone()
}

fn blobs(pushed: &Value) -> [u64; 3] {
    ["uploaded", "mounted", "present"].map(|how| pushed[how]["blobs"].as_u64().unwrap())
}

#[test]
fn only_what_changed_is_uploaded() {
    let world = World::new(IMAGE);
    files(&world);
    let Some(registry) = Registry::start(&world.path("registry")) else { return };
    let first = push(&world, &registry.to("demo/tiny:{key:12}"), &[]);
    // Five layers and the configuration.
    assert_eq!((blobs(&first), text(&first["tag"])), ([6, 0, 0], "new"));
    let again = push(&world, &registry.to("demo/tiny:{key:12}"), &[]);
    assert_eq!((blobs(&again), text(&again["tag"])), ([0, 0, 0], "same"));
    assert_eq!(first["attached"], again["attached"]);
    let other = push(&world, &registry.to("elsewhere/tiny:1"), &[]);
    assert_eq!(blobs(&other), [0, 6, 0]);
    world.write("app/README.md", "read this\n");
    let changed = push(&world, &registry.to("demo/tiny:{key:12}"), &["--bare"]);
    assert_eq!((blobs(&changed), changed["attached"].as_array().unwrap().len()), ([2, 0, 4], 0));
}

#[test]
fn a_tag_is_not_moved_unless_it_is_asked_for() {
    let world = World::new(IMAGE);
    files(&world);
    let Some(registry) = Registry::start(&world.path("registry")) else { return };
    let to = registry.to("demo/tiny:1");
    let first = push(&world, &to, &[]);
    world.write("app/README.md", "read this\n");
    let refused = world.run(&["image", "--quiet", "--push", &to]).failed().err;
    assert!(
        refused.contains("--force") && refused.contains(text(&first["whole"]).split('@').nth(1).unwrap()),
        "{refused}"
    );
    assert_eq!(text(&push(&world, &to, &["--force"])["tag"]), "moved");
}

#[test]
fn a_registry_of_this_machine_may_want_encryption() {
    let world = World::new(IMAGE);
    files(&world);
    let Some(registry) = Registry::encrypted(&world.path("registry")) else { return };
    let to = registry.to("demo/tiny:1");
    let refused = world.run(&["image", "--quiet", "--push", &to]).failed().err;
    assert!(refused.contains("certificate"), "{refused}");
    let mut command = world.command(&["image", "--quiet", "--push", &to]);
    let trusting = command.env("SSL_CERT_FILE", world.path("registry/ca.pem")).output().unwrap();
    assert!(trusting.status.success(), "{}", String::from_utf8_lossy(&trusting.stderr));
    assert!(String::from_utf8_lossy(&trusting.stdout).starts_with(&registry.to("demo/tiny@sha256:")));
}

#[test]
fn the_digest_is_what_is_printed() {
    let image = IMAGE.replace("$GREETING $*\\\"\\n", "$GREETING $*\\\"\\nexec sleep 60\\n");
    assert_ne!(image, IMAGE);
    let world = World::new(&image);
    files(&world);
    let Some(registry) = Registry::start(&world.path("registry")) else { return };
    let ran = world.run(&["image", "--quiet", "--push", &registry.to("demo/tiny:1")]).ok();
    let digest = world.run(&["image", "--quiet"]).ok().out;
    assert_eq!(ran.out, format!("{}@{digest}", registry.to("demo/tiny")));
    // What was pushed can be tried as the image that ran before.
    let smoke = "\n[smoke]\nimage = \"image\"\n[[smoke.processes]]\nname = \"once\"\n";
    world.recipe(&format!("{image}{smoke}"));
    let ran = world.run(&["smoke", "--from", &registry.to("demo/tiny:1")]).ok();
    assert!(ran.err.contains("the processes of the previous image end within 30 s"), "{}", ran.err);
}

/// Pushes through a front of the registry, and gives what that was told in words, without ports and digests.
fn push_through(
    world: &World,
    registry: &Registry,
    act: impl Fn(&FrontRequest) -> FrontAction + Send + Sync + 'static,
) -> String {
    let host = format!("127.0.0.1:{}", front(registry.port, act));
    let ran = world.run(&["image", "--quiet", "--push", &format!("{host}/demo/tiny:1")]).ok();
    let digest = world.run(&["image", "--quiet"]).ok().out;
    assert_eq!(ran.out, format!("{host}/demo/tiny@{digest}"));
    let tag = world.path("registry/files/docker/registry/v2/repositories/demo/tiny/_manifests/tags/1/current/link");
    assert_eq!(std::fs::read_to_string(tag).unwrap(), digest.trim_end());
    let hex = digest.trim_end().trim_start_matches("sha256:");
    ran.err.replace(&host, "HOST").replace(hex, "HEX")
}

#[test]
fn a_registry_that_reads_the_tag_of_the_referrers_as_the_image_gets_the_image() {
    let world = World::new(IMAGE);
    files(&world);
    let Some(registry) = Registry::start(&world.path("registry")) else { return };
    let alias =
        |request: &FrontRequest| FrontAction::Pass(request.target.replace("/manifests/sha256-", "/manifests/sha256:"));
    insta::assert_snapshot!(push_through(&world, &registry, alias), @"
    warning: `HOST/demo/tiny@sha256:HEX` is pushed, but its bill of materials and its provenance are not attached to it: the registry takes the tag `HOST/demo/tiny:sha256-HEX` for the image itself, and keeps no list of what is attached to it
      help: write them beside the image with `--output FILE`, or leave them out with `--bare`
    ");
    // The same as JSON.
    let host = format!("127.0.0.1:{}", front(registry.port, alias));
    let again = push(&world, &format!("{host}/demo/tiny:1"), &[]);
    assert_eq!((text(&again["tag"]), again["attached"].as_array().unwrap().len()), ("same", 0));
    let missing: Vec<&str> = again["missing"].as_array().unwrap().iter().map(|one| text(&one["type"])).collect();
    assert_eq!(missing, ["application/vnd.cyclonedx+json", "application/vnd.in-toto+json"]);
    assert!(text(&again["missing"][0]["problem"]).contains("for the image itself"));
}

#[test]
fn a_registry_that_takes_no_artifacts_gets_the_image() {
    let world = World::new(IMAGE);
    files(&world);
    let Some(registry) = Registry::start(&world.path("registry")) else { return };
    let refuse = |request: &FrontRequest| {
        let is_artifact = String::from_utf8_lossy(&request.body).contains("\"subject\":");
        match request.method == "PUT" && request.target.contains("/manifests/") && is_artifact {
            true => {
                let body =
                    r#"{"errors": [{"code": "MANIFEST_INVALID", "message": "unknown media type of the config"}]}"#;
                FrontAction::Answer(400, String::new(), body.to_owned())
            }
            false => FrontAction::Pass(request.target.clone()),
        }
    };
    insta::assert_snapshot!(push_through(&world, &registry, refuse), @"
    warning: `HOST/demo/tiny@sha256:HEX` is pushed, but its bill of materials and its provenance are not attached to it: the registry answers 400 Bad Request
      it says: MANIFEST_INVALID: unknown media type of the config
      help: write them beside the image with `--output FILE`, or leave them out with `--bare`
    ");
}

#[test]
fn a_proxy_with_a_limit_and_redirects_gets_everything() {
    let world = World::new(IMAGE);
    files(&world);
    // A layer that does not fit in one request, whatever it is compressed to.
    let noise = std::iter::successors(Some(1u32), |n| Some(n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)));
    let readme: Vec<u8> = noise.skip(1).take(900_000).map(|n| (n >> 24) as u8).collect();
    std::fs::write(world.path("project/app/README.md"), readme).unwrap();
    let Some(registry) = Registry::start(&world.path("registry")) else { return };
    let strict = |request: &FrontRequest| {
        if request.body.len() > 300_000 {
            let page = "<html><head><title>413 Request Entity Too Large</title></head></html>";
            return FrontAction::Answer(413, "Content-Type: text/html\r\n".to_owned(), page.to_owned());
        }
        let sends = ["POST", "PATCH", "PUT"].contains(&request.method.as_str());
        if sends && !request.target.contains("again=1") {
            let mark = if request.target.contains('?') { '&' } else { '?' };
            return FrontAction::Answer(307, format!("Location: {}{mark}again=1\r\n", request.target), String::new());
        }
        FrontAction::Pass(request.target.clone())
    };
    assert_eq!(push_through(&world, &registry, strict), "");
}
