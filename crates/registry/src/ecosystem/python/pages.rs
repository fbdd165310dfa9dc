//! The pages of the simple API that clients read before they ask for files. Pure functions; must not depend on HTTP.

use serde_json::{Value, json};

use super::IndexFile;
use crate::percent;

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
