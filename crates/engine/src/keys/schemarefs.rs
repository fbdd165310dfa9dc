//! The files that an OpenAPI schema consists of: those to which it refers by `$ref`, and those to which they refer in
//! turn. A stage that reads the schema sees just these, so that a change of another file does not make it run again.
//!
//! Follows how OpenAPI generators resolve references: relative to the file that contains them, whatever follows `#` being
//! a place inside the file. YAML and JSON are read leniently: what cannot be parsed refers to nothing, and the generator
//! says what is wrong with it. Knows names of files and their texts; nothing of stages.

mod scan;

use std::collections::BTreeSet;

use akbuild_names::percent_decode;

use crate::keys::view_problem::ViewProblem;
use scan::Reference;

/// The given files and all that they refer to, sorted. `read` gives the text of a file; `None` if there is no such file.
pub(crate) fn follow(
    start: &[String],
    mut read: impl FnMut(&str) -> Option<String>,
) -> Result<BTreeSet<String>, ViewProblem> {
    let mut found: BTreeSet<String> = start.iter().cloned().collect();
    let mut open: Vec<String> = start.iter().filter(|file| is_schema(file) || start.len() == 1).cloned().collect();
    while let Some(file) = open.pop() {
        let Some(text) = read(&file) else { continue };
        for reference in scan::references(&text) {
            let Some(target) = resolve(&file, &reference)? else { continue };
            if found.contains(&target) {
                continue;
            }
            if read(&target).is_some() {
                found.insert(target.clone());
                open.push(target);
            } else if reference.is_certain {
                return Err(ViewProblem::NoReferredFile { file, reference: reference.text, target });
            }
        }
    }
    Ok(found)
}

fn is_schema(file: &str) -> bool {
    [".yml", ".yaml", ".json"].iter().any(|ending| file.ends_with(ending))
}

/// The file that a reference leads to; `None` if it stays in its own file, or may be no reference at all.
fn resolve(file: &str, reference: &Reference) -> Result<Option<String>, ViewProblem> {
    let path = reference.text.split('#').next().unwrap_or_default();
    // Generators take a word alone for the name of a component.
    let is_name = !path.contains(['/', '.', ':']) && path == reference.text;
    if path.is_empty() || is_name {
        return Ok(None);
    }
    let decoded = percent_decode(path).unwrap_or(path.into());
    let target = if has_scheme(path) || path.starts_with("//") { None } else { Some(join(file, &decoded)) };
    let (file, text) = (file.to_owned(), reference.text.clone());
    match target {
        Some(Some(target)) => Ok(Some(target)),
        _ if !reference.is_certain => Ok(None),
        Some(None) => Err(ViewProblem::ReferenceOutside { file, reference: text }),
        None => Err(ViewProblem::RemoteReference { file, reference: text }),
    }
}

/// `https:`, `file:`, `urn:`.
fn has_scheme(path: &str) -> bool {
    let scheme = path.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)))
}

/// A path relative to the folder of `file`; `None` above the top.
pub(crate) fn join(file: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn followed(files: &[(&str, &str)]) -> Result<String, String> {
        let texts: BTreeMap<&str, &str> = files.iter().copied().collect();
        let found = follow(&[files[0].0.to_owned()], |file| texts.get(file).map(|text| (*text).to_owned()));
        found.map(|found| found.into_iter().collect::<Vec<_>>().join(" ")).map_err(|problem| problem.to_string())
    }

    #[test]
    fn references_are_followed_through_folders_and_in_circles() {
        let files = [
            (
                "api/schema.yml",
                "a: { $ref: 'paths/pets.yaml' }\nb: { $ref: '#/a' }\nc: { $ref: '../common/types.json#/Id' }\n",
            ),
            ("api/paths/pets.yaml", "get: { $ref: ../models/pet%20a.yml#/Pet }\nback: { $ref: ../schema.yml }\n"),
            ("api/models/pet a.yml", "Pet: { $ref: './pet a.yml#/Base' }\nplain: { $ref: Pet }\n"),
            ("common/types.json", "{\"Id\": {\"$ref\": \"extra.json\"}}"),
            ("common/extra.json", "{}"),
            ("api/unrelated.yml", "$ref: nowhere.yml"),
        ];
        assert_eq!(
            followed(&files).unwrap(),
            "api/models/pet a.yml api/paths/pets.yaml api/schema.yml common/extra.json common/types.json"
        );
    }

    #[test]
    fn a_reference_that_cannot_be_followed_names_its_file() {
        let one = |reference: &str| followed(&[("api/s.yml", &format!("$ref: '{reference}'"))]).unwrap_err();
        insta::assert_snapshot!(one("./models.yml#/Pet"), @"
        `api/s.yml` refers to `./models.yml#/Pet`, and there is no file `api/models.yml`
          help: correct the `$ref`, or add the file to the source
        ");
        insta::assert_snapshot!(one("../../x.yml"), @"
        `api/s.yml` refers to `../../x.yml`, which is outside of the source
          help: refer to a file of the source by a relative path
        ");
        insta::assert_snapshot!(one("/etc/x.yml"), @"
        `api/s.yml` refers to `/etc/x.yml`, which is outside of the source
          help: refer to a file of the source by a relative path
        ");
        insta::assert_snapshot!(one("https://files.invalid/x.yml#/a"), @"
        `api/s.yml` refers to `https://files.invalid/x.yml#/a`, and a stage has no network
          help: put that file into the source, and refer to it by a relative path
        ");
        for remote in ["//files.invalid/x.yml", "file:///x.yml", "urn:x:y"] {
            assert!(one(remote).contains("no network"), "{remote}");
        }
    }

    #[test]
    fn a_mapping_may_name_files() {
        let mapping = "discriminator: { mapping: { a: a.yml, b: b.yml, c: 'https://x.invalid/c.yml', D: D } }";
        assert_eq!(followed(&[("s.yml", mapping), ("a.yml", "")]).unwrap(), "a.yml s.yml");
    }
}
