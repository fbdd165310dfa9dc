//! `cargo xtask tidy`: what no compiler checks. Rules that must hold fail the command; sizes are only printed.
//! Knows which rule looks at which file.

mod manual;
mod rules;
mod size;
mod tests_named;
mod trees;

use crate::figures::change_files;
use crate::repo::{self, Outcome};

pub(crate) fn run() -> Outcome {
    let mut broken = Vec::new();
    let mut large = Vec::new();
    let checkout = repo::root();
    let manual = std::fs::read_to_string(checkout.join(manual::MANUAL)).unwrap_or_default();
    for name in repo::files()? {
        let Ok(text) = std::fs::read_to_string(checkout.join(&name)) else { continue };
        broken.extend(rules::check(&name, &text, &checkout.to_string_lossy()));
        broken.extend(manual::check(&name, &text, &manual));
        if name.ends_with(".rs") {
            large.extend(size::check(&name, &text));
        }
    }
    for name in tests_named::DOCUMENTS {
        let document = std::fs::read_to_string(checkout.join(name)).unwrap_or_default();
        broken.extend(tests_named::check(name, &document, |name| std::fs::read_to_string(checkout.join(name)).ok()));
    }
    let text = |name: &str| std::fs::read_to_string(checkout.join(name)).unwrap_or_default();
    broken.extend(change_files::check(&text(change_files::DOCUMENT), |name| checkout.join(name).exists()));
    let link = |name: &str| std::fs::read_link(checkout.join(name)).ok();
    broken.extend(trees::check(&text(trees::RULES), &text(trees::TREE_RULES), link));
    if repo::run(repo::cargo().args(["fmt", "--all", "--check", "--quiet"])).is_err() {
        broken.push("rustfmt would change something: run `cargo fmt --all`".to_owned());
    }
    for line in &large {
        println!("worth a second look: {line}");
    }
    for line in &broken {
        println!("{line}");
    }
    match broken.len() {
        0 => Ok(()),
        1 => Err("1 rule is broken".to_owned()),
        n => Err(format!("{n} rules are broken")),
    }
}
