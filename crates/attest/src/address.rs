//! Addresses as others may see them. Knows which parts of an address can be a secret.

use url::Url;

/// The address of something on a network, without user, password, query and fragment; `None` for all else, such as
/// a folder of this machine. `user@host:path`, as git takes it, becomes `ssh://host/path`.
pub(crate) fn public(address: &str) -> Option<String> {
    let mut url = match address.contains("://") {
        true => Url::parse(address).ok()?,
        false => ssh(address)?,
    };
    if !matches!(url.scheme(), "http" | "https" | "ssh" | "git" | "ftp") || !url.has_host() {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}

fn ssh(address: &str) -> Option<Url> {
    let (_, at_host) = address.split_once('@')?;
    let (host, path) = at_host.split_once(':')?;
    Url::parse(&format!("ssh://{host}/{}", path.trim_start_matches('/'))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_folders_stay_out() {
        let seen = |address| public(address);
        assert_eq!(seen("https://u:p@forge.example/a?token=x#y").as_deref(), Some("https://forge.example/a"));
        assert_eq!(seen("git@forge.example:team/a.git").as_deref(), Some("ssh://forge.example/team/a.git"));
        assert_eq!(seen("git@forge.example:/a").as_deref(), Some("ssh://forge.example/a"));
        assert_eq!(seen("ssh://git@forge.example:22022/a").as_deref(), Some("ssh://forge.example:22022/a"));
        for hidden in [
            "/srv/git/a",
            "file:///srv/git/a",
            "file://host/srv/git/a",
            "../a",
            "",
            "a",
            "./a:b",
            "https://",
            "data:text/plain,x",
        ] {
            assert_eq!(seen(hidden), None, "{hidden}");
        }
    }
}
