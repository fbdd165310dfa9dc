//! Rules that must hold, line by line. Knows names and texts of files; touches none.
//!
//! What is looked for is written in pieces, so that this file does not break its own rules.

/// Hosts of package registries: addresses come from the clients' own configuration.
const HOSTS: &[&str] = &[
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.org"),
    concat!("yarn", "pkg.com"),
    concat!("proxy.", "golang.org"),
    concat!("sum.", "golang.org"),
    concat!("deb", "ian.org"),
    concat!("deb", "ian.net"),
    concat!("maven", ".org"),
    concat!("maven.", "apache.org"),
    concat!("crates", ".io"),
];

/// Folders of the machines that the project is written on; the checkout's own is added.
const FOLDERS: &[&str] = &[concat!("/wo", "rk/main"), concat!("/wo", "rk/shared"), concat!("/Us", "ers/")];

/// What is left undone.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("#[ig", "nore"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// The project that the first recipe builds; the program must not know it.
const PROJECT: &str = concat!("authen", "tik");

/// Where `unsafe` may stand.
const UNSAFE: &[&str] =
    &["crates/sandbox/src/sys/", "crates/fetch/src/git/isolate.rs", "crates/akbuild/src/machine.rs"];

/// Written by cargo, with the address of the registry in every entry.
const CARGO_LOCK: &str = "Cargo.lock";

/// What is wrong with a file: `name:line: what`. `checkout` is where the repository lies.
pub(crate) fn check(name: &str, text: &str, checkout: &str) -> Vec<String> {
    let rust = name.ends_with(".rs");
    let mut broken = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut say = |what: String| broken.push(format!("{name}:{}: {what}", number + 1));
        if name != CARGO_LOCK
            && let Some(host) = HOSTS.iter().find(|h| line.contains(**h))
        {
            say(format!("`{host}` is a registry's host: take it from the client's configuration"));
        }
        if let Some(folder) = FOLDERS.iter().chain([&checkout]).find(|f| line.contains(**f)) {
            say(format!("`{folder}` is a folder of one machine"));
        }
        if let Some(word) = UNFINISHED.iter().find(|w| line.contains(**w)) {
            say(format!("`{word}`: finish it, or say in words what is not there"));
        }
        if name.starts_with("crates/") && line.contains(PROJECT) {
            say(format!("`{PROJECT}`: what is built is in recipes/ and examples/, and nothing of it in the program"));
        }
        if rust && has_unsafe(line) && !UNSAFE.iter().any(|place| name.starts_with(place)) {
            say(format!("unsafe code: it may stand in {} only", UNSAFE.join(" and ")));
        }
    }
    if rust && !text.starts_with("//!") {
        broken
            .push(format!("{name}:1: the module does not open with `//!` lines: what it knows, and what it must not"));
    }
    broken
}

/// A block, function, trait or implementation; comments, strings and the lint's name do not count.
fn has_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let word = concat!("un", "safe");
    ["{", "fn", "impl", "trait", "extern"].iter().any(|next| code.contains(&format!("{word} {next}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_file_is_clean() {
        assert_eq!(
            check("crates/x/src/lib.rs", "//! X.\n\n/// Not unsafe at all.\nfn x() {}\n", "/src/akbuild"),
            [""; 0]
        );
    }

    #[test]
    fn each_rule_names_its_line() {
        let text =
            ["let a = \"https://", HOSTS[0], "/simple\";\n", FOLDERS[0], "x\n/src/akbuild/x\n// ", UNFINISHED[0], "\n"]
                .concat();
        let found = check("a.rs", &text, "/src/akbuild");
        let starts = ["a.rs:1: `pypi", "a.rs:2: `/wo", "a.rs:3: `/src", "a.rs:4: `TO", "a.rs:1: the module"];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        for (line, start) in found.iter().zip(starts) {
            assert!(line.starts_with(start), "{line}");
        }
    }

    #[test]
    fn unsafe_has_its_places() {
        let text = ["//! X.\nfn x() { un", "safe { y() } }\n"].concat();
        assert_eq!(check("crates/sandbox/src/sys/mod.rs", &text, "/src").len(), 0);
        assert_eq!(check("crates/sandbox/src/spawn.rs", &text, "/src").len(), 1);
    }

    #[test]
    fn the_program_knows_no_project() {
        let text = format!("//! Builds {PROJECT}.\n");
        assert_eq!(check("crates/engine/src/run.rs", &text, "/src").len(), 1);
        assert_eq!(check("xtask/src/sample.rs", &text, "/src").len(), 0);
    }

    #[test]
    fn cargo_may_name_its_registry() {
        assert_eq!(check(CARGO_LOCK, HOSTS[HOSTS.len() - 1], "/src").len(), 0);
        assert_eq!(check("deny.toml", HOSTS[HOSTS.len() - 1], "/src").len(), 1);
    }
}
