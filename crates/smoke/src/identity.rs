//! Who a container runs as: the `User` of an image's configuration, looked up in its own files as container runtimes
//! do. Knows the form of passwd and group.

use std::fs;
use std::path::Path;

/// A user in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Its home folder; `/` if nothing says.
    pub(crate) home: String,
}

/// Looks `user` up: `UID`, `UID:GID`, or names. An error is a text.
pub(crate) fn identity(user: &str, root: &Path) -> Result<Identity, String> {
    let (name, group) = user.split_once(':').map_or((user, None), |(name, group)| (name, Some(group)));
    let name = if name.is_empty() { "0" } else { name };
    let lines = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    let passwd = lines("etc/passwd");
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| {
        fields.len() >= 6 && (fields[0] == name || (name.parse::<u32>().is_ok() && fields[2] == name))
    });
    let number = |text: &str| text.parse::<u32>().ok();
    let uid = number(name).or_else(|| number(entry.as_ref()?[2]));
    let uid = uid.ok_or_else(|| format!("the user `{name}` is not in the image's `/etc/passwd`"))?;
    let of_group = |group: &str| {
        let groups = lines("etc/group");
        let found = groups.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == group);
        number(group).or_else(|| number(found?.get(2)?)).ok_or_else(|| {
            format!("the group `{group}` is not in the image's `/etc/group`")
        })
    };
    let gid = match group {
        Some(group) => of_group(group)?,
        None => entry.as_ref().and_then(|fields| number(fields[3])).unwrap_or(0),
    };
    let home = entry.map_or("/", |fields| fields[5]).to_owned();
    Ok(Identity { uid, gid, home })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_looked_up() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let passwd = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/nonexistent:/bin/false\n";
        fs::write(root.path().join("etc/passwd"), passwd).unwrap();
        fs::write(root.path().join("etc/group"), "root:x:0:\nweb:x:33:\n").unwrap();
        let found = |user: &str| identity(user, root.path()).map(|i| (i.uid, i.gid, i.home));
        assert_eq!(found(""), Ok((0, 0, "/root".into())));
        assert_eq!(found("65534"), Ok((65_534, 65_533, "/nonexistent".into())));
        assert_eq!(found("nobody:web"), Ok((65_534, 33, "/nonexistent".into())));
        assert_eq!(found("1234:5"), Ok((1234, 5, "/".into())));
        insta::assert_snapshot!(found("web").unwrap_err(), @"the user `web` is not in the image's `/etc/passwd`");
        insta::assert_snapshot!(found("0:no").unwrap_err(), @"the group `no` is not in the image's `/etc/group`");
    }
}
