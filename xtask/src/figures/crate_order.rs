//! Dependencies between crates that point upwards: to a crate that comes later in the table "Map of the code" of
//! `docs/architecture.md`. Dependencies of tests are not counted.

use std::path::Path;

use serde_json::Value;

use crate::repo::{self, Outcome};

/// The crates in the order of the table.
pub(crate) fn crate_order(document: &str) -> Vec<&str> {
    let section = document.split("\n## ").find(|section| section.starts_with("Map of the code")).unwrap_or_default();
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

/// Each crate of `crates/` and one that it depends on, by the names of their folders.
pub(crate) fn dependencies() -> Outcome<Vec<(String, String)>> {
    let text = repo::output(repo::cargo().args(["metadata", "--no-deps", "--offline", "--format-version", "1"]))?;
    let metadata: Value =
        serde_json::from_str(&text).map_err(|error| format!("cannot read cargo's metadata: {error}"))?;
    Ok(dependencies_of(&metadata))
}

fn dependencies_of(metadata: &Value) -> Vec<(String, String)> {
    let folder = |path: &Value| Path::new(path.as_str()?).file_name()?.to_str().map(str::to_owned);
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let manifest = package["manifest_path"].as_str().and_then(|path| Path::new(path).parent()?.to_str());
        let Some(from) = manifest.and_then(|path| folder(&path.into())) else { continue };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if let Some(to) = folder(&dependency["path"]).filter(|_| dependency["kind"] != "dev") {
                found.push((from.clone(), to));
            }
        }
    }
    found
}

/// The dependencies that point upwards; a crate that is not in the table is above all others.
pub(crate) fn upward<'a>(order: &[&str], dependencies: &'a [(String, String)]) -> Vec<&'a (String, String)> {
    let rank = |name: &str| order.iter().position(|other| *other == name).unwrap_or(order.len());
    dependencies.iter().filter(|(from, to)| rank(to) >= rank(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_on_later_crates_are_found() {
        let document = "# A\n\n## Map of the code\n\n| crate | knows |\n|---|---|\n| `low` | `x` |\n| `mid` | - |\n| `top` | - |\n\n## B\n\n| `other` |\n";
        let order = crate_order(document);
        assert_eq!(order, ["low", "mid", "top"]);
        let metadata = serde_json::json!({"packages": [
            {"manifest_path": "/r/crates/mid/Cargo.toml", "dependencies": [
                {"path": "/r/crates/low", "kind": null}, {"path": "/r/crates/top", "kind": "dev"},
                {"path": "/r/crates/new", "kind": "build"}, {"name": "serde", "kind": null},
            ]},
            {"manifest_path": "/r/crates/low/Cargo.toml", "dependencies": [{"path": "/r/crates/top", "kind": null}]},
        ]});
        let dependencies = dependencies_of(&metadata);
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(dependencies, [pair("mid", "low"), pair("mid", "new"), pair("low", "top")]);
        assert_eq!(upward(&order, &dependencies), [&pair("mid", "new"), &pair("low", "top")]);
    }
}
