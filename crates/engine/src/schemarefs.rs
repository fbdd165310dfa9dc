//! The files that an OpenAPI schema consists of: those to which it refers by `$ref`, and those to which they refer in
//! turn. A stage that reads the schema sees just these, so that a change of another file does not make it run again.
//!
//! Follows how OpenAPI generators resolve references: relative to the file that contains them, whatever follows `#` being
//! a place inside the file. YAML and JSON are read leniently: what cannot be parsed refers to nothing, and the generator
//! says what is wrong with it. Knows names of files and their texts; nothing of stages.

mod scan;

use std::collections::BTreeSet;

use akbuild_names::percent_decode;

use crate::viewed::ViewProblem;
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
