//! Who a container runs as: the `User` of an image's configuration, looked up in its own files as container runtimes
//! do. Knows the form of passwd and group.

/// A user in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    /// Its home folder; `/` if nothing says.
    pub home: String,
}

/// Looks `user` up: `UID`, `UID:GID`, or names. `read` gives the text of a file of the image. An error is a text.
pub fn identity(user: &str, read: &dyn Fn(&str) -> Option<String>) -> Result<Identity, String> {
    let (name, group) = user.split_once(':').map_or((user, ""), |(name, group)| (name, group));
    let name = if name.is_empty() { "0" } else { name };
    let passwd = read("/etc/passwd").unwrap_or_default();
    let mut entries = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter(|fields| fields.len() >= 6);
    // A number is never a name, even if somebody is called so.
    let entry = entries.find(|fields| match number(name) {
        Some(uid) => number(fields[2]) == Some(uid),
        None => fields[0] == name,
    });
    let uid = number(name).or_else(|| number(entry.as_ref()?[2]));
    let uid = uid.ok_or_else(|| format!("the user `{name}` is not in the image's `/etc/passwd`"))?;
    let gid = match group {
        "" => entry.as_ref().and_then(|fields| number(fields[3])).unwrap_or(0),
        group => of_group(group, &read("/etc/group").unwrap_or_default())?,
    };
    let home = entry.map(|fields| fields[5]).filter(|home| !home.is_empty()).unwrap_or("/").to_owned();
    Ok(Identity { uid, gid, home })
}

fn of_group(group: &str, groups: &str) -> Result<u32, String> {
    let found = || {
        let mut entries = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
        number(entries.find(|fields| fields[0] == group)?.get(2)?)
    };
    number(group).or_else(found).ok_or_else(|| format!("the group `{group}` is not in the image's `/etc/group`"))
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\n+\nshort:x:7\n\
        nobody:x:65534:65533:nobody:/nonexistent:/bin/false\n1234:x:5:5::/numbered:/bin/false\n\
        homeless:x:8:9:::/bin/false\n";
    const GROUP: &str = "root:x:0:\n\nwww:x\nweb:x:33:\n";

    fn found(user: &str) -> Result<(u32, u32, String), String> {
        let read = |path: &str| match path {
            "/etc/passwd" => Some(PASSWD.to_owned()),
            "/etc/group" => Some(GROUP.to_owned()),
            other => panic!("{other}"),
        };
        identity(user, &read).map(|i| (i.uid, i.gid, i.home))
    }

    #[test]
    fn numbers_and_names_are_looked_up() {
        assert_eq!(found(""), Ok((0, 0, "/root".into())));
        assert_eq!(found("root"), Ok((0, 0, "/root".into())));
        assert_eq!(found("65534"), Ok((65_534, 65_533, "/nonexistent".into())));
        assert_eq!(found("nobody"), Ok((65_534, 65_533, "/nonexistent".into())));
        assert_eq!(found("nobody:web"), Ok((65_534, 33, "/nonexistent".into())));
        assert_eq!(found("nobody:5"), Ok((65_534, 5, "/nonexistent".into())));
        assert_eq!(found("65534:"), Ok((65_534, 65_533, "/nonexistent".into())));
        assert_eq!(found(":web"), Ok((0, 33, "/root".into())));
    }

    #[test]
    fn a_number_needs_no_entry() {
        assert_eq!(found("4321"), Ok((4321, 0, "/".into())));
        assert_eq!(found("4321:5"), Ok((4321, 5, "/".into())));
        assert_eq!(found("1234"), Ok((1234, 0, "/".into())));
        assert_eq!(found("homeless"), Ok((8, 9, "/".into())));
        let bare = identity("65534:65534", &|_| None);
        assert_eq!(bare, Ok(Identity { uid: 65_534, gid: 65_534, home: "/".into() }));
        assert_eq!(identity("", &|_| None), Ok(Identity { uid: 0, gid: 0, home: "/".into() }));
    }

    #[test]
    fn who_is_not_known_is_said() {
        insta::assert_snapshot!(found("web").unwrap_err(), @"the user `web` is not in the image's `/etc/passwd`");
        insta::assert_snapshot!(found("short").unwrap_err(), @"the user `short` is not in the image's `/etc/passwd`");
        insta::assert_snapshot!(found("-1").unwrap_err(), @"the user `-1` is not in the image's `/etc/passwd`");
        insta::assert_snapshot!(found("4294967296").unwrap_err(), @"the user `4294967296` is not in the image's `/etc/passwd`");
        insta::assert_snapshot!(found("0:no").unwrap_err(), @"the group `no` is not in the image's `/etc/group`");
        insta::assert_snapshot!(found("0:www").unwrap_err(), @"the group `www` is not in the image's `/etc/group`");
        insta::assert_snapshot!(identity("nobody", &|_| None).unwrap_err(), @"the user `nobody` is not in the image's `/etc/passwd`");
    }
}
