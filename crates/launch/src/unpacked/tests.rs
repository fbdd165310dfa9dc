//! What a process of an image gets to see and may write to, and what can be seen to be wrong beforehand. Images are made by
//! hand here: those of layers are tried by the tests of whole runs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use akbuild_image::Meta;
use tempfile::TempDir;

use super::*;

mod links;

/// Where a path of the image is on this machine.
fn within(folder: &Path, path: &Path) -> PathBuf {
    folder.join(path.strip_prefix("/").unwrap_or(path))
}

/// A root folder with these entries, each `MODE PATH`, `MODE PATH/` for a folder or `PATH -> TARGET`.
fn root(entries: &[&str]) -> (TempDir, UnpackedImage) {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Unpacked::default();
    for entry in entries {
        let (path, meta) = match entry.split_once(" -> ") {
            Some((path, target)) => {
                symlink(target, within(folder.path(), Path::new(path))).unwrap();
                (path, Meta { mode: 0o777, uid: 0, gid: 0, is_folder: false, target: Some(target.into()) })
            }
            None => {
                let (mode, path) = entry.split_once(' ').unwrap();
                let (mode, is_folder) = (u32::from_str_radix(mode, 8).unwrap(), path.ends_with('/'));
                let host = within(folder.path(), Path::new(path));
                if is_folder {
                    fs::create_dir(&host).unwrap()
                } else {
                    fs::write(&host, path).unwrap()
                }
                (path.trim_end_matches('/'), Meta { mode, uid: 0, gid: 50, is_folder, target: None })
            }
        };
        files.entries.insert(path.into(), meta);
    }
    let root = UnpackedImage {
        folder: folder.path().to_owned(),
        process: ImageProcess {
            entrypoint: vec!["/start".into()],
            command: vec!["serve".into()],
            env: BTreeMap::new(),
            user: "65534".into(),
            workdir: "/".into(),
        },
        stop: String::new(),
        identity: who("65534", folder.path()),
        files,
    };
    (folder, root)
}

fn spec(root: &UnpackedImage, mounted: &ProcessSetup<'_>) -> (TempDir, Spec) {
    let scratch = tempfile::tempdir().unwrap();
    let spec = root.spec(&scratch.path().join("own"), mounted).unwrap().unwrap();
    (scratch, spec)
}

/// What is mounted where, in order.
fn mounts(spec: &Spec) -> Vec<String> {
    let what = |mount: &Mount| match &mount.what {
        MountKind::ReadWrite(_) => format!("{} rw", mount.at.display()),
        MountKind::File(bytes) => format!("{} {:?}", mount.at.display(), String::from_utf8_lossy(bytes)),
        other => panic!("{other:?}"),
    };
    spec.mounts.iter().map(what).collect()
}

/// The modes of all that is in a copy of a folder.
fn modes(spec: &Spec, at: &str) -> BTreeMap<String, String> {
    let MountKind::ReadWrite(copy) = &spec.mounts.iter().find(|mount| mount.at == Path::new(at)).unwrap().what else {
        panic!("{at} cannot be written to")
    };
    let mut found = BTreeMap::new();
    let mut open = vec![copy.clone()];
    while let Some(path) = open.pop() {
        let meta = path.symlink_metadata().unwrap();
        let name = Path::new(at).join(path.strip_prefix(copy).unwrap()).display().to_string();
        if meta.is_symlink() {
            found.insert(name, fs::read_link(&path).unwrap().display().to_string());
            continue;
        }
        found.insert(name, format!("{:o}", meta.permissions().mode() & 0o7777));
        if meta.is_dir() {
            // So that an ordinary user can look.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

fn file(path: &str) -> WrittenFile {
    WrittenFile { path: path.into(), text: "x".into(), executable: false }
}

const START: &str = "755 /start";

#[test]
fn what_lies_in_a_writable_folder_keeps_what_its_mode_allows() {
    let entries = [
        START,
        "1777 /tmp/",
        "777 /data/",
        "755 /data/closed/",
        "644 /data/closed/file",
        "777 /data/closed/open/",
        "666 /data/closed/open/file",
        "755 /data/run",
        "600 /data/secret",
        "/data/link -> closed/file",
        "755 /etc/",
    ];
    let (_folder, root) = root(&entries);
    let (_scratch, spec) = spec(&root, &ProcessSetup::default());
    assert_eq!(mounts(&spec)[..2], ["/data rw", "/tmp rw"]);
    insta::assert_debug_snapshot!(modes(&spec, "/data"), @r#"
    {
        "/data/": "777",
        "/data/closed": "555",
        "/data/closed/file": "444",
        "/data/closed/open": "777",
        "/data/closed/open/file": "666",
        "/data/link": "closed/file",
        "/data/run": "555",
        "/data/secret": "0",
    }
    "#);
    assert_eq!(modes(&spec, "/tmp")["/tmp/"], "1777");
}

#[test]
fn a_group_may_write_where_the_mode_says_so() {
    let (_folder, mut root) = root(&[START, "775 /shared/", "664 /shared/file", "755 /own/"]);
    root.identity = Ok(Identity { uid: 7, gid: 50, home: "/".into() });
    let (_scratch, spec) = spec(&root, &ProcessSetup::default());
    assert_eq!(mounts(&spec)[..1], ["/shared rw"]);
    assert_eq!(modes(&spec, "/shared")["/shared/file"], "664");
}

#[test]
fn root_may_write_to_every_folder() {
    let (_folder, mut root) = root(&[START, "500 /closed/", "400 /closed/file", "511 /closed/run", "755 /etc/"]);
    root.identity = Ok(Identity { uid: 0, gid: 0, home: "/root".into() });
    let (_scratch, spec) = spec(&root, &ProcessSetup::default());
    assert_eq!(mounts(&spec)[..2], ["/closed rw", "/etc rw"]);
    insta::assert_debug_snapshot!(modes(&spec, "/closed"), @r#"
    {
        "/closed/": "700",
        "/closed/file": "600",
        "/closed/run": "711",
    }
    "#);
}

#[test]
fn files_are_mounted_where_links_lead_and_where_nothing_is() {
    let entries = [
        START,
        "755 /etc/",
        "/etc/resolv.conf -> ../run/resolve/stub.conf",
        "755 /run/",
        "755 /var/",
        "/var/run -> /run",
        "755 /blueprints/",
        "/loop -> loop",
        "/up -> ../..",
    ];
    let (_folder, root) = root(&entries);
    let paths = ["/blueprints/custom/smoke.yaml", "/var/run/app/key", "/loop/x", "/up/y", "/new/z", "/start"];
    let files = paths.map(file);
    let (_scratch, spec) = spec(&root, &ProcessSetup { files: &files, ..ProcessSetup::default() });
    insta::assert_snapshot!(mounts(&spec).join("\n"), @r#"
    /etc/hosts "127.0.0.1\tlocalhost\n::1\tlocalhost\n"
    /run/resolve/stub.conf ""
    /blueprints/custom/smoke.yaml "x"
    /run/app/key "x"
    /loop/x "x"
    /y "x"
    /new/z "x"
    /start "x"
    "#);
}

#[test]
fn a_user_is_looked_up_where_links_of_the_image_lead() {
    let (folder, _root) = root(&["755 /etc/", "755 /usr/", "644 /usr/passwd", "/etc/passwd -> /usr/passwd"]);
    fs::write(folder.path().join("usr/passwd"), "app:x:12:13::/srv:/bin/sh\n").unwrap();
    let found = who("app", folder.path());
    assert_eq!(found, Ok(Identity { uid: 12, gid: 13, home: "/srv".into() }));
    // The machine has such a file.
    let (folder, _root) = self::root(&["/etc -> /proc/self/root/etc"]);
    assert!(who("root", folder.path()).is_err());
}

#[test]
fn a_process_has_the_images_variables_and_its_own() {
    let (_folder, mut root) = root(&[START, "755 /srv/"]);
    root.process.env =
        BTreeMap::from([("A".into(), "image".into()), ("B".into(), "image".into()), ("HOME".into(), "/h".into())]);
    root.process.workdir = "/srv".into();
    let (args, env) = (["worker".to_owned()], BTreeMap::from([("B".into(), "own".into())]));
    let (_scratch, spec) =
        spec(&root, &ProcessSetup { args: &args, env, ports: vec![5432], ..ProcessSetup::default() });
    let env: Vec<String> =
        spec.env.iter().map(|(name, value)| format!("{}={}", name.display(), value.display())).collect();
    insta::assert_snapshot!(env.join("\n"), @"
    A=image
    B=own
    HOME=/h
    HOSTNAME=localhost
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    ");
    assert_eq!((spec.argv, spec.cwd, spec.ids), (vec!["/start".into(), "worker".into()], "/srv".into(), (65_534, 0)));
    assert_eq!((spec.listen, spec.network, spec.private_tmp), (vec![5432], Network::Loopback, false));
}

/// What is found wrong of a root that was changed.
fn found(entries: &[&str], change: impl FnOnce(&mut UnpackedImage)) -> String {
    let (_folder, mut root) = root(entries);
    change(&mut root);
    // Of the second, nobody knows whether it is a file.
    let extra = [("DATA_DIR", "/data"), ("WEB_PATH", "/no/")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    match root.inspect(&BTreeMap::from(extra)) {
        Some(problem) => [vec![problem.what], problem.causes].concat().join("\n"),
        None => String::new(),
    }
}

#[test]
fn what_is_wrong_can_be_seen_beforehand() {
    let sound = [START, "1777 /tmp/", "755 /data/"];
    assert_eq!(found(&sound, |_| ()), "");
    insta::assert_snapshot!(found(&sound, |r| r.identity = who("app", &r.folder)), @"
    the image cannot be run
    the user `app` is not in the image's `/etc/passwd`
    ");
    insta::assert_snapshot!(found(&[START, "755 /data/"], |_| ()), @"
    the image has no folder for temporary files
    `/tmp` is not in the image
    without `TMPDIR` it is `/tmp`
    ");
    insta::assert_snapshot!(found(&[START, "755 /data/", "666 /tmp"], |_| ()), @"
    the image has no folder for temporary files
    `/tmp` is not a folder
    without `TMPDIR` it is `/tmp`
    ");
    insta::assert_snapshot!(found(&[START, "755 /tmp/", "755 /data/"], |_| ()), @"
    the image has no folder for temporary files
    user 65534 may not write to `/tmp`: it belongs to 0:50 and its mode is 755
    without `TMPDIR` it is `/tmp`
    ");
    insta::assert_snapshot!(found(&sound, |r| drop(r.process.env.insert("TMPDIR".into(), "/data".into()))), @"
    the image has no folder for temporary files
    user 65534 may not write to `/data`: it belongs to 0:50 and its mode is 755
    `TMPDIR` is `/data`
    ");
    insta::assert_snapshot!(found(&[START, "1777 /tmp/"], |_| ()), @"
    the variable `DATA_DIR` leads nowhere
    `/data` is not in the image
    ");
    insta::assert_snapshot!(found(&sound, |r| r.process.workdir = "/srv".into()), @"
    the image cannot be started
    its working folder `/srv` is not in it
    ");
    insta::assert_snapshot!(found(&sound, |r| r.stop = "SIGQUIT".into()), @"
    the image is not ended by SIGTERM
    its `stop_signal` is SIGQUIT, and a process is told by SIGTERM here
    ");
    insta::assert_snapshot!(found(&sound, |r| (r.process.entrypoint, r.process.command) = Default::default()), @"
    the image cannot be started
    it has neither an entry point nor a command
    ");
    insta::assert_snapshot!(found(&["644 /start", "1777 /tmp/", "755 /data/"], |_| ()), @"
    the image cannot be started
    `/start` cannot be executed
    ");
    insta::assert_snapshot!(found(&sound, |r| r.process.entrypoint = vec!["begin".into()]), @"
    the image cannot be started
    there is no program `begin` in `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`
    ");
}

#[test]
fn a_program_is_looked_for_as_it_is_written() {
    let entries = [
        "755 /opt/",
        "755 /opt/bin/",
        "755 /opt/bin/begin",
        "755 /bin/",
        "/bin/begin -> ../opt/bin/begin",
        "1777 /tmp/",
    ];
    let program = |entry: &str, workdir: &str| {
        let (_folder, mut root) = root(&entries);
        (root.process.entrypoint, root.process.workdir) = (vec![entry.into()], workdir.into());
        root.argv(&[]).map(|argv| argv[0].clone()).map_err(|problem| problem.causes)
    };
    assert_eq!(program("begin", "/"), Ok("/bin/begin".into()));
    assert_eq!(program("bin/begin", "/opt"), Ok("/opt/bin/begin".into()));
    assert_eq!(program("/opt/bin/begin", "/tmp"), Ok("/opt/bin/begin".into()));
    assert_eq!(program("bin", "/opt"), Err(vec![format!("there is no program `bin` in `{DEFAULT_PATH}`")]));
    for path in ["", "opt/bin", ":opt/bin"] {
        let (_folder, mut root) = root(&[&entries[..], &["755 /begin"]].concat());
        root.process.entrypoint = vec!["begin".into()];
        root.process.env.insert("PATH".into(), path.into());
        assert_eq!(root.argv(&[]).unwrap_err().causes, [format!("there is no program `begin` in `{path}`")]);
    }
    let (folder, mut root) = root(&entries);
    fs::write(folder.path().join("opt/bin/begin"), "#!/usr/bin/env python3\n").unwrap();
    root.process.entrypoint = vec!["begin".into()];
    insta::assert_snapshot!(root.argv(&[]).unwrap_err().causes.join("\n"), @"`begin` is for `/usr/bin/env`, which is not in the image");
    fs::write(folder.path().join("opt/bin/begin"), "#!/opt/bin/begin\n").unwrap();
    assert!(root.argv(&[]).is_ok());
    fs::copy("/bin/true", folder.path().join("opt/bin/begin")).unwrap();
    let said = root.argv(&[]).unwrap_err().causes.join("\n");
    assert!(said.starts_with("`begin` is for `/lib") && said.ends_with("which is not in the image"), "{said}");
    let (folder, mut root) = self::root(&[&entries[..], &["755 /usr/", "755 /usr/bin/", "755 /usr/bin/env"]].concat());
    fs::write(folder.path().join("opt/bin/begin"), "#!/usr/bin/env python3\n").unwrap();
    root.process.entrypoint = vec!["/bin/begin".into()];
    insta::assert_snapshot!(root.argv(&[]).unwrap_err().causes.join("\n"), @"`/bin/begin` is for `/usr/bin/env`, and there is no program `python3` in `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`");
}

#[test]
fn a_file_is_found_elsewhere_if_more_than_its_name_agrees() {
    let (_folder, root) = root(&["755 /opt/", "755 /opt/web/", "644 /opt/web/icon.png", "/web -> /opt/web"]);
    let elsewhere = |path: &str| root.elsewhere(Path::new(path));
    assert_eq!(elsewhere("/srv/app/web/icon.png"), Some("/opt/web/icon.png".into()));
    assert_eq!(elsewhere("/srv/app/icon.png"), None);
    assert_eq!((elsewhere("/web/icon.png"), elsewhere("/")), (None, None));
}

#[test]
fn a_stop_signal_that_is_no_other() {
    let ended_by = |stop: &str| found(&[START, "1777 /tmp/", "755 /data/"], |r| r.stop = stop.into());
    assert_eq!(["", "SIGTERM", "15"].map(ended_by), [""; 3]);
    assert_ne!(ended_by("SIGQUIT"), "");
}
