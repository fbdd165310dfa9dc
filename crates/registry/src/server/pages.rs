//! The pages that clients read before they ask for files: npm's packument, Python's simple index,
//! Go's list of versions. Pure functions; knows nothing of HTTP.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::catalogue::{GoFiles, NpmFile};
use crate::{IndexFile, percent};

/// The description of an npm package, with the locked versions only; `base` is the address that the
/// client used for this server.
pub(super) fn packument(name: &str, versions: &BTreeMap<String, NpmFile>, base: &str) -> Value {
    let entry = |(version, file): (&String, &NpmFile)| {
        let tarball = format!("{base}{}", file.path);
        let dist = json!({ "tarball": tarball, "integrity": file.digest.to_string() });
        (version.clone(), json!({ "name": name, "version": version, "dist": dist }))
    };
    let latest = versions.keys().max_by_key(|text| semver_key(text));
    let versions: Map<String, Value> = versions.iter().map(entry).collect();
    json!({ "name": name, "dist-tags": { "latest": latest }, "versions": versions })
}

/// Orders semantic versions well enough to say which is the latest: by numbers, releases last.
fn semver_key(text: &str) -> (Vec<u64>, bool, String) {
    let text = text.split('+').next().unwrap_or(text);
    let (numbers, pre) = text.split_once('-').unwrap_or((text, ""));
    (numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect(), pre.is_empty(), pre.to_owned())
}

/// A project's page as PEP 691 has it.
pub(super) fn simple_json(name: &str, files: &[IndexFile]) -> Value {
    let file = |file: &IndexFile| {
        let mut entry = json!({
            "filename": file.file,
            "url": link(file),
            "hashes": { "sha256": file.sha256 },
            "yanked": file.yanked,
        });
        if let Some(requires) = &file.requires_python {
            entry["requires-python"] = json!(requires);
        }
        if let Some(size) = file.size {
            entry["size"] = json!(size);
        }
        if let Some(time) = &file.upload_time {
            entry["upload-time"] = json!(time);
        }
        entry
    };
    json!({ "meta": { "api-version": "1.0" }, "name": name, "files": files.iter().map(file).collect::<Vec<_>>() })
}

/// A project's page as PEP 503 has it.
pub(super) fn simple_html(name: &str, files: &[IndexFile]) -> String {
    let link = |file: &IndexFile| {
        let requires = file.requires_python.as_ref();
        let requires = requires.map_or_else(String::new, |r| format!(" data-requires-python=\"{}\"", escape(r)));
        let yanked = if file.yanked { " data-yanked=\"\"" } else { "" };
        let (href, text) = (escape(&link(file)), escape(&file.file));
        format!("<a href=\"{href}#sha256={}\"{requires}{yanked}>{text}</a><br>\n", file.sha256)
    };
    html(name, &files.iter().map(link).collect::<String>())
}

/// The list of projects as PEP 503 has it.
pub(super) fn index_html<'a>(names: impl Iterator<Item = &'a str>) -> String {
    html("Simple index", &names.map(|name| format!("<a href=\"{name}/\">{name}</a><br>\n")).collect::<String>())
}

fn html(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{title}</title></head><body>\n{body}</body></html>\n"
    )
}

/// Where a file is, seen from the page.
fn link(file: &IndexFile) -> String {
    format!("../../files/{}/{}", file.sha256, percent::encode(&file.file))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What is known of a version of a Go module: nothing but that it is there.
pub(super) fn go_info(version: &str) -> Value {
    json!({ "Version": version })
}

/// The versions of a Go module that can be had whole; pseudo-versions are never listed.
pub(super) fn go_list(versions: &BTreeMap<String, GoFiles>) -> String {
    let whole = versions.iter().filter(|(_, files)| files.zip.is_some());
    whole.filter(|(version, _)| !is_pseudo(version)).map(|(version, _)| format!("{version}\n")).collect()
}

/// `v0.0.0-20210101000000-abcdefabcdef`: ends in a time of 14 digits and 12 digits of a commit.
fn is_pseudo(version: &str) -> bool {
    let Some((rest, commit)) = version.rsplit_once('-') else { return false };
    let time = rest.rsplit(['-', '.']).next().unwrap_or_default();
    let commit = commit.split('+').next().unwrap_or_default();
    commit.len() == 12 && time.len() == 14 && time.bytes().all(|b| b.is_ascii_digit())
}

/// The page entries of locked files and of an index outside together. A locked file stands for one of the same name, and
/// takes the time of its upload from there: it may have become too new for the project.
pub(super) fn merged(mut locked: Vec<IndexFile>, outside: &[IndexFile]) -> Vec<IndexFile> {
    for file in &mut locked {
        let same = outside.iter().find(|f| f.file == file.file && f.upload_time.is_some());
        file.upload_time = same.map_or(file.upload_time.take(), |same| same.upload_time.clone());
    }
    let new: Vec<IndexFile> = outside.iter().filter(|f| !locked.iter().any(|l| l.file == f.file)).cloned().collect();
    locked.extend(new);
    locked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_file_has_the_time_that_the_index_says() {
        let file = |file: &str, time: Option<&str>| IndexFile {
            file: file.to_owned(),
            upload_time: time.map(str::to_owned),
            ..IndexFile::default()
        };
        let pinned = vec![file("a-1.zip", Some("1980-01-01")), file("a-2.zip", Some("1980-01-01"))];
        let outside = [file("a-1.zip", Some("2026-01-01")), file("a-2.zip", None), file("a-3.zip", None)];
        let times: Vec<_> = merged(pinned, &outside).into_iter().map(|file| file.upload_time).collect();
        assert_eq!(times, [Some("2026-01-01".to_owned()), Some("1980-01-01".to_owned()), None]);
    }
}
