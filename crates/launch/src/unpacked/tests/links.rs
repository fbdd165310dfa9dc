//! An image that leads to the host: by links of its own, and by links and pipes that have taken the place of its files
//! since it was unpacked. Nothing of the host is read, copied or changed.

use akbuild_tree::TreeError;

use super::*;

const CANARY: &str = "canary:x:7:7::/home/canary:/bin/sh\n";

/// A folder of the host with one file.
fn host() -> TempDir {
    let host = tempfile::tempdir().unwrap();
    fs::write(host.path().join("secret"), CANARY).unwrap();
    host
}

fn is_unchanged(host: &TempDir) {
    let names: Vec<_> = fs::read_dir(host.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["secret"]);
    assert_eq!(fs::read_to_string(host.path().join("secret")).unwrap(), CANARY);
}

fn up(host: &TempDir) -> String {
    format!("../../../../../../../..{}", host.path().display())
}

#[test]
fn users_are_those_of_the_image() {
    let host = host();
    let targets = [host.path().display().to_string(), up(&host)].map(|folder| format!("{folder}/secret"));
    for target in targets.iter().map(String::as_str).chain(["/none"]) {
        let (folder, _root) = root(&["755 /etc/", &format!("/etc/passwd -> {target}")]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(who("canary", folder.path()).unwrap_err(), @"the user `canary` is not in the image's `/etc/passwd`");
        }
    }
    let (folder, _root) = root(&[]);
    symlink(host.path(), folder.path().join("etc")).unwrap();
    fs::rename(host.path().join("secret"), host.path().join("passwd")).unwrap();
    assert!(who("canary", folder.path()).is_err());
    fs::rename(host.path().join("passwd"), host.path().join("secret")).unwrap();
    is_unchanged(&host);
}

#[test]
fn a_list_of_users_is_a_file_of_moderate_length() {
    let (folder, _root) = root(&["755 /etc/"]);
    let passwd = folder.path().join("etc/passwd");
    rustix::fs::mknodat(rustix::fs::CWD, &passwd, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    assert!(who("canary", folder.path()).is_err());
    fs::remove_file(&passwd).unwrap();
    fs::write(&passwd, CANARY).unwrap();
    assert_eq!(who("canary", folder.path()).unwrap().home, "/home/canary");
    fs::File::options().append(true).open(&passwd).unwrap().set_len(1 << 40).unwrap();
    assert!(who("canary", folder.path()).is_err());
}

#[test]
fn a_writable_folder_is_copied_without_what_its_links_lead_to() {
    let host = host();
    let link = |name: &str, target: &str| format!("/data/{name} -> {target}");
    let absolute = link("absolute", &host.path().display().to_string());
    let climbing = link("climbing", &format!("{}/secret", up(&host)));
    let (_folder, root) = root(&[START, "777 /data/", &absolute, &climbing, &link("dangling", "/none")]);
    let (_scratch, spec) = spec(&root, &ProcessSetup::default());
    assert_eq!(
        modes(&spec, "/data").into_values().collect::<Vec<_>>(),
        ["777".to_owned(), host.path().display().to_string(), format!("{}/secret", up(&host)), "/none".to_owned()]
    );
    is_unchanged(&host);
}

#[test]
fn a_writable_folder_that_has_become_a_link_is_refused() {
    let host = host();
    for place in ["data", "var/data"] {
        let (folder, root) = root(&[START, "755 /var/", &format!("777 /{place}/")]);
        let top = folder.path().join(place.split('/').next().unwrap());
        fs::remove_dir_all(&top).unwrap();
        symlink(host.path(), &top).unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let error = root.spec(&scratch.path().join("own"), &ProcessSetup::default()).unwrap_err();
        assert!(matches!(error, LaunchError::Tree(TreeError::Link { .. })), "{error}");
        assert!(!scratch.path().join("own/0").exists());
        is_unchanged(&host);
    }
}

#[test]
fn a_pipe_in_a_writable_folder_is_not_waited_for() {
    let (folder, root) = root(&[START, "777 /data/"]);
    let pipe = folder.path().join("data/pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let error = root.spec(&scratch.path().join("own"), &ProcessSetup::default()).unwrap_err();
    insta::assert_snapshot!(error, @"`pipe` of the image is a device, pipe or socket, expected a file, folder or symbolic link");
}

#[test]
fn the_first_line_of_a_file_of_the_host_is_not_read() {
    let host = host();
    let script = "#!/canary/interpreter\n";
    fs::write(host.path().join("secret"), script).unwrap();
    let (folder, root) = root(&[START]);
    assert!(root.argv(&[]).is_ok());
    fs::remove_file(folder.path().join("start")).unwrap();
    symlink(host.path().join("secret"), folder.path().join("start")).unwrap();
    assert!(root.argv(&[]).is_ok(), "the interpreter of a script of the host is not looked for");
    fs::remove_file(folder.path().join("start")).unwrap();
    fs::write(folder.path().join("start"), script).unwrap();
    assert!(root.argv(&[]).is_err());
}
