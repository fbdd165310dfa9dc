//! Addresses of a server inside a sandbox: what a reference means, and whether it is still the same server. Knows that the
//! server is reached at `localhost` and at 127.0.0.1; asks for nothing.

use url::{Position, Url};

/// The address of a path at a port; what follows a `#` is not asked for.
pub(crate) fn address(port: u16, path: &str) -> Url {
    let path = path.split('#').next().unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path);
    Url::parse(&format!("http://localhost:{port}/{path}")).expect("anything can be a path")
}

/// The path in an address, as a server is asked for it.
pub(crate) fn path(address: &Url) -> &str {
    &address[Position::BeforePath..]
}

/// Whether two addresses are of one server.
pub(crate) fn is_same(one: &Url, other: &Url) -> bool {
    one[..Position::BeforePath] == other[..Position::BeforePath]
}

/// The address that a reference on a page means, if it is of the same server.
pub(crate) fn resolve_own(reference: &str, base: &Url) -> Option<Url> {
    resolve(reference, base).filter(|found| is_same(found, base))
}

/// The address that a reference on a page means, of this server or another one.
pub(crate) fn resolve(reference: &str, base: &Url) -> Option<Url> {
    let reference = reference.trim().split('#').next().unwrap_or_default();
    // What a program is to fill in is no address yet.
    if reference.is_empty() || reference.starts_with(['$', '{']) {
        return None;
    }
    let mut found = base.join(reference).ok()?;
    if found.host_str() == Some("127.0.0.1") {
        found.set_host(Some("localhost")).ok()?;
    }
    matches!(found.scheme(), "http" | "https").then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(reference: &str) -> Option<String> {
        resolve_own(reference, &address(9000, "/if/flow/page?x=1")).map(|found| path(&found).to_owned())
    }

    #[test]
    fn a_reference_is_relative_to_the_page_that_has_it() {
        for (reference, found) in [
            ("next", "/if/flow/next"),
            ("next/", "/if/flow/next/"),
            ("./", "/if/flow/"),
            ("..", "/if/"),
            ("../..", "/"),
            ("../../..", "/"),
            ("../../../x", "/x"),
            ("?y=2", "/if/flow/page?y=2"),
            ("next?y=/2#z", "/if/flow/next?y=/2"),
            ("/a/../b", "/b"),
            ("/a b/\u{e9}?c=%20", "/a%20b/%C3%A9?c=%20"),
        ] {
            assert_eq!(resolved(reference).as_deref(), Some(found), "{reference}");
        }
        for nothing in ["", " ", "#top", "data:,", "mailto:a@example", "${x}", "{x}"] {
            assert_eq!(resolved(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_reference_to_the_server_itself_is_its_path() {
        for own in ["http://localhost:9000/x?y", "http://127.0.0.1:9000/x?y", "//localhost:9000/x?y"] {
            assert_eq!(resolved(own).as_deref(), Some("/x?y"), "{own}");
        }
        for other in [
            "//other.example/x",
            "https://other.example/",
            "https://localhost:9000/",
            "http://localhost:9001/x",
            "http://localhost:90001/x",
            "http://localhost:9000.example/x",
            "http://localhost/x",
            "http://localhost:9000@other.example/x",
            "blob:http://localhost:9000/x",
        ] {
            assert_eq!(resolved(other), None, "{other}");
        }
        let found = resolve_own("http://localhost/x", &address(80, "/"));
        assert_eq!(found.as_ref().map(path), Some("/x"));
    }

    #[test]
    fn any_path_has_an_address() {
        for (written, asked) in
            [("/", "/"), ("/x?next=/y", "/x?next=/y"), ("/x#y", "/x"), ("//x/y", "//x/y"), ("/a b\"", "/a%20b%22")]
        {
            assert_eq!(path(&address(80, written)), asked, "{written}");
            assert_eq!(address(80, written).port_or_known_default(), Some(80));
        }
    }
}
