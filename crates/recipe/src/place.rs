//! Paths in a recipe: in trees, in the sandbox, in an image. Knows which forms a path may have; opens no file.
//!
//! A path of something that is taken is relative to the tree that it is in. A place where something goes may be
//! written relative to the folder that it belongs to, or as a whole path below that folder, in every kind of stage.

use toml_span::Span;

use crate::error::RecipeError;
use crate::fields::Fields;

/// What is wrong with the path of a file inside a tree.
pub(crate) fn relative(text: &str) -> Result<(), &'static str> {
    let bad = |p: &str| p.is_empty() || p == "." || p == "..";
    match text {
        "" => Err("it is empty"),
        _ if text.starts_with('/') => Err("it is absolute"),
        _ if text.split('/').any(bad) => Err("it has an empty part, `.` or `..`"),
        _ => Ok(()),
    }
}

/// What is wrong with a whole path, of a file or folder of a root file system.
fn whole(text: &str) -> Result<(), &'static str> {
    let bad = |p: &str| p.is_empty() || p == "." || p == "..";
    match text.strip_prefix('/') {
        None => Err("it is relative"),
        Some("") => Ok(()),
        Some(rest) if rest.strip_suffix('/').unwrap_or(rest).split('/').any(bad) => {
            Err("it has an empty part, `.` or `..`")
        }
        Some(_) => Ok(()),
    }
}

/// A path that may have a `/` at its end and `./` at its beginning, without them.
fn tidy(text: &str) -> &str {
    let text = text.strip_suffix('/').unwrap_or(text);
    text.strip_prefix("./").unwrap_or(text)
}

/// A place below one of some folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceBelow {
    /// Which of the folders: the first one for a relative path.
    pub folder: String,
    /// The path below it; empty: the folder itself.
    pub path: String,
    /// The whole path, as it is written if it is written whole.
    pub whole: String,
}

/// The place that a text means, or what is wrong with it.
fn place_below(text: &str, folders: &[&str]) -> Result<PlaceBelow, String> {
    if !text.starts_with('/') {
        let path = if matches!(text, "." | "./") { "" } else { tidy(text) };
        if !path.is_empty() || text.is_empty() {
            relative(path)?;
        }
        let folder = folders[0].to_owned();
        let whole = format!("{}/{path}", folder.trim_end_matches('/'));
        let whole = if path.is_empty() { folder.clone() } else { whole };
        return Ok(PlaceBelow { folder, path: path.to_owned(), whole });
    }
    whole(text)?;
    for folder in folders {
        let top = folder.trim_end_matches('/');
        if let Some(rest) = text.strip_prefix(top).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            let path = rest.trim_matches('/').to_owned();
            return Ok(PlaceBelow { folder: (*folder).to_owned(), path, whole: text.to_owned() });
        }
    }
    Err(format!("it is not below {}", any_of(folders)))
}

/// `a`, `a` or `b`.
fn any_of(folders: &[&str]) -> String {
    let quoted: Vec<String> = folders.iter().map(|folder| format!("`{folder}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

impl Fields<'_> {
    /// A whole path, from `/` and without `..`, given back without a `/` at its end; `None` if the field is absent.
    pub fn whole_path(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(text) = self.opt_string(key)? else { return Ok(None) };
        self.plain(text, self.value_span(key)).map(Some)
    }

    /// An array of whole paths; empty if it is absent.
    pub fn whole_paths(&mut self, key: &str) -> Result<Vec<String>, RecipeError> {
        let texts = self.strings(key)?.into_iter().enumerate();
        texts.map(|(i, text)| self.plain(text, self.item_span(key, i))).collect()
    }

    fn plain(&self, text: String, place: Span) -> Result<String, RecipeError> {
        match whole(&text) {
            Ok(()) if text.len() > 1 => Ok(text.strip_suffix('/').map(str::to_owned).unwrap_or(text)),
            Ok(()) => Ok(text),
            Err(problem) => Err(self
                .point(place, format!("bad path `{text}`"))
                .with_label(problem)
                .with_help("write the whole path, from `/`")),
        }
    }

    /// A whole path, given back as it is written; `None` if the field is absent.
    pub fn opt_absolute(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(text) = self.opt_string(key)? else { return Ok(None) };
        self.plain(text.clone(), self.value_span(key))?;
        Ok(Some(text))
    }

    /// A place below one of these folders: relative to the first, or a whole path below any of them.
    pub fn opt_place(&mut self, key: &str, folders: &[&str]) -> Result<Option<PlaceBelow>, RecipeError> {
        let Some(text) = self.opt_string(key)? else { return Ok(None) };
        place_below(&text, folders).map(Some).map_err(|problem| {
            let first = match folders[0] {
                "/" => "the root folder".to_owned(),
                folder => format!("`{folder}`"),
            };
            let below = match folders {
                _ if folders.contains(&"/") => ", from `/`".to_owned(),
                [_] => " below it".to_owned(),
                _ => format!(" below {}", any_of(folders)),
            };
            let help = format!("write it relative to {first}, or as a whole path{below}");
            self.error(key, format!("bad path `{text}`"), help).with_label(problem)
        })
    }

    /// The same of a file: one of the folders themselves is not enough.
    pub fn place_of_file(&mut self, key: &str, folders: &[&str]) -> Result<PlaceBelow, RecipeError> {
        let place = self.opt_place(key, folders)?.ok_or_else(|| self.missing(key))?;
        if place.path.is_empty() {
            let help = "name the file too: `folder/file`";
            return Err(self.error(key, format!("bad path `{}`", place.whole), help).with_label("it is a folder"));
        }
        Ok(place)
    }

    /// A string that is a path inside a tree: relative, without `..`.
    pub fn path(&mut self, key: &str) -> Result<String, RecipeError> {
        self.opt_path(key)?.ok_or_else(|| self.missing(key))
    }

    /// Like [`Fields::path`], for a field that may be absent.
    pub fn opt_path(&mut self, key: &str) -> Result<Option<String>, RecipeError> {
        let Some(text) = self.opt_string(key)? else { return Ok(None) };
        relative(tidy(&text)).map_err(|problem| self.bad_path(self.value_span(key), &text, problem))?;
        Ok(Some(tidy(&text).to_owned()))
    }

    /// A folder inside a tree, `.` (the root itself) if it is absent.
    pub fn folder(&mut self, key: &str) -> Result<String, RecipeError> {
        match self.opt_string(key)?.as_deref() {
            None | Some(".") => Ok(".".to_owned()),
            Some(_) => self.path(key),
        }
    }

    /// An array of paths inside a tree, given back as they are written; empty if it is absent.
    pub fn paths(&mut self, key: &str) -> Result<Vec<String>, RecipeError> {
        let texts = self.strings(key)?;
        match texts.iter().enumerate().find_map(|(i, text)| Some((i, text, relative(tidy(text)).err()?))) {
            None => Ok(texts),
            Some((i, text, problem)) => Err(self.bad_path(self.item_span(key, i), text, problem)),
        }
    }

    fn bad_path(&self, place: Span, text: &str, problem: &str) -> RecipeError {
        let help = match text.trim_matches('/') {
            inside if text.starts_with('/') && relative(inside).is_ok() => {
                format!("give the path inside the tree, without the first `/`: `{inside}`")
            }
            _ => "give a path inside the tree: `folder/file`".to_owned(),
        };
        self.point(place, format!("bad path `{text}`")).with_label(problem).with_help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_relative_or_whole() {
        let place = |text| place_below(text, &["/build", "/out"]).map(|place| (place.path, place.whole));
        let own = |path: &str, whole: &str| Ok((path.to_owned(), whole.to_owned()));
        assert_eq!(place("web/src"), own("web/src", "/build/web/src"));
        assert_eq!(place("./web/"), own("web", "/build/web"));
        assert_eq!(place("."), own("", "/build"));
        assert_eq!(place("/build"), own("", "/build"));
        assert_eq!(place("/build/web/"), own("web", "/build/web/"));
        assert_eq!(place("/out/x"), own("x", "/out/x"));
        assert_eq!(place("/builds/x"), Err("it is not below `/build` or `/out`".to_owned()));
        assert_eq!(place(""), Err("it is empty".to_owned()));
        assert_eq!(place("/build/../x"), Err("it has an empty part, `.` or `..`".to_owned()));
        assert_eq!(place("../x"), Err("it has an empty part, `.` or `..`".to_owned()));
        assert_eq!(place_below("/etc/motd", &["/"]).map(|place| place.path).as_deref(), Ok("etc/motd"));
    }
}
