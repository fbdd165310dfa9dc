//! The tables of a recipe other than stages: sources, Debian suites, sysroots, tools, patches. Knows the
//! fields of each; what they refer to is checked where all names are known.

use crate::error::RecipeError;
use crate::fields::Fields;
use crate::plan::SourceId;
use crate::program::Requirement;
use crate::written::{
    Debian, GitRef, Place, ToolSpec, WrittenEdit, WrittenOrigin, WrittenPatch, WrittenSource, WrittenSysroot,
    WrittenTool,
};

impl Fields<'_> {
    pub(crate) fn written_at(&self) -> Place {
        Place { file: self.scope.file.clone(), span: self.place }
    }

    /// The one field of several that is given.
    fn one_of<'k>(&mut self, keys: &[&'k str], help: &str) -> Result<Option<&'k str>, RecipeError> {
        let given: Vec<&str> = keys.iter().copied().filter(|k| self.has(k)).collect();
        match given[..] {
            [] => Ok(None),
            [key] => Ok(Some(key)),
            [first, second, ..] => {
                Err(self.error(second, format!("{} has both `{first}` and `{second}`", self.what), help))
            }
        }
    }
}

/// `[sources.NAME]`.
pub(crate) fn source(mut fields: Fields<'_>) -> Result<WrittenSource, RecipeError> {
    const HELP: &str = "give exactly one of `git`, `tarball` and `path`";
    let origin = match fields.one_of(&["git", "tarball", "path"], HELP)? {
        Some("git") => git(&mut fields)?,
        Some("tarball") => {
            let urls = urls(&mut fields, "tarball")?;
            WrittenOrigin::Tarball { urls, digest: fields.hash("digest")? }
        }
        Some(_) => WrittenOrigin::Path { path: fields.string("path")?.into(), subset: fields.subset()? },
        None => {
            let message = format!("{} has no `git`, `tarball` or `path`", fields.what);
            return Err(fields.point(fields.place, message).with_help(HELP));
        }
    };
    let spans = fields.value_spans(&["digest", "hash"]);
    let source = WrittenSource { origin, hash: fields.hash("hash")?, place: fields.written_at(), spans };
    fields.finish()?;
    Ok(source)
}

fn urls(fields: &mut Fields<'_>, key: &str) -> Result<Vec<String>, RecipeError> {
    let mut urls = vec![fields.string(key)?];
    urls.extend(fields.strings("mirrors")?);
    Ok(urls)
}

fn git(fields: &mut Fields<'_>) -> Result<WrittenOrigin, RecipeError> {
    let urls = urls(fields, "git")?;
    let Some(reference) = git_ref(fields)? else {
        let message = format!("{} has no `tag`, `branch` or `rev`", fields.what);
        return Err(fields.point(fields.place, message).with_help("say what to take: `tag = …`"));
    };
    let commit = commit(fields, Some(&reference))?;
    Ok(WrittenOrigin::Git { urls, reference, commit })
}

/// `tag`, `branch` or `rev`.
pub(crate) fn git_ref(fields: &mut Fields<'_>) -> Result<Option<GitRef>, RecipeError> {
    Ok(match fields.one_of(&["tag", "branch", "rev"], "give exactly one of `tag`, `branch` and `rev`")? {
        Some("tag") => Some(GitRef::Tag(fields.string("tag")?)),
        Some("branch") => Some(GitRef::Branch(fields.string("branch")?)),
        Some(_) => fields.commit("rev")?.map(GitRef::Rev),
        None => None,
    })
}

/// `commit`; the same as `rev` where that is given.
pub(crate) fn commit(fields: &mut Fields<'_>, reference: Option<&GitRef>) -> Result<Option<String>, RecipeError> {
    match (reference, fields.commit("commit")?) {
        (Some(GitRef::Rev(_)), Some(_)) => {
            let message = format!("{} has both `rev` and `commit`", fields.what);
            Err(fields.error("commit", message, "`rev` is the commit already: remove `commit`"))
        }
        (Some(GitRef::Rev(rev)), None) => Ok(Some(rev.clone())),
        (_, commit) => Ok(commit),
    }
}

/// `[debian]`.
pub(crate) fn debian(mut fields: Fields<'_>) -> Result<Debian, RecipeError> {
    let components = if fields.has("components") { fields.req_strings("components")? } else { vec!["main".into()] };
    let debian = Debian {
        suites: fields.req_strings("suites")?,
        components,
        architecture: fields.string_or("architecture", akbuild_names::BUILD_ARCHITECTURE.debian())?,
        fingerprints: fingerprints(&mut fields)?,
        keyrings: fields.strings("keyrings")?.into_iter().map(Into::into).collect(),
        allow_expired: fields.bool_or("allow_expired", false)?,
    };
    fields.finish()?;
    Ok(debian)
}

/// `fingerprints`, upper case, without spaces.
pub(crate) fn fingerprints(fields: &mut Fields<'_>) -> Result<Vec<String>, RecipeError> {
    let clean = |f: String| f.replace(' ', "").to_ascii_uppercase();
    let list: Vec<String> = fields.strings("fingerprints")?.into_iter().map(clean).collect();
    let bad = list.iter().find(|f| !matches!(f.len(), 40 | 64) || !f.bytes().all(|b| b.is_ascii_hexdigit()));
    match bad {
        None => Ok(list),
        Some(bad) => {
            let help = "give all 40 (or 64) hex digits, as `gpg --show-keys` prints them";
            Err(fields.error("fingerprints", format!("`{bad}` is not the fingerprint of a key"), help))
        }
    }
}

/// `[sysroots.NAME]`, and what it extends.
pub(crate) fn sysroot(mut fields: Fields<'_>) -> Result<(WrittenSysroot, Option<String>), RecipeError> {
    let extends = fields.opt_sysroot("extends")?.map(|id| id.to_string());
    let packages = if extends.is_some() { fields.strings("packages")? } else { fields.req_strings("packages")? };
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
    if let Some(bad) = packages.iter().find(|p| p.len() < 2 || !p.bytes().all(allowed)) {
        let help = "give bare names, as `apt-cache search` prints them: the lock holds the versions";
        return Err(fields.error("packages", format!("`{bad}` is not the name of a Debian package"), help));
    }
    let essential = fields.bool_or("essential", true)?;
    let host = host(&mut fields)?;
    let sysroot = WrittenSysroot { packages, essential, host, place: fields.written_at() };
    fields.finish()?;
    Ok((sysroot, extends))
}

/// `host = ["NAME", "NAME >= VERSION"]`.
fn host(fields: &mut Fields<'_>) -> Result<Vec<Requirement>, RecipeError> {
    let texts = fields.strings("host")?;
    let read = |text: &String| {
        Requirement::parse(text).ok_or_else(|| {
            let help = "write `NAME` or `NAME >= VERSION`; `>`, `=`, `<` and `<=` are understood too";
            fields.error("host", format!("`{text}` is not a program, with or without a version"), help)
        })
    };
    texts.iter().map(read).collect()
}

/// `[tools.NAME]`.
pub(crate) fn tool(mut fields: Fields<'_>) -> Result<WrittenTool, RecipeError> {
    let Some(spec) = tool_spec(&mut fields)? else {
        let message = format!("{} has no `python` or `npm`", fields.what);
        return Err(fields
            .point(fields.place, message)
            .with_help("name its package: `python = \"NAME==VERSION\"` or `npm = \"NAME@VERSION\"`"));
    };
    let tool = WrittenTool { spec, place: fields.written_at() };
    fields.finish()?;
    Ok(tool)
}

/// `python = "NAME==VERSION"` or `npm = "NAME@VERSION"`.
pub(crate) fn tool_spec(fields: &mut Fields<'_>) -> Result<Option<ToolSpec>, RecipeError> {
    let Some(key) = fields.one_of(&["python", "npm"], "a tool is one package: give `python` or `npm`")? else {
        return Ok(None);
    };
    let text = fields.string(key)?;
    let (parts, form) = match key {
        "python" => (text.split_once("=="), "NAME==VERSION"),
        _ => (text.rsplit_once('@'), "NAME@VERSION"),
    };
    let exact = |v: &str| v.starts_with(|c: char| c.is_ascii_digit()) && crate::name::version(v).is_ok();
    let named = |n: &str| !n.is_empty() && !n.contains(|c: char| c.is_whitespace() || c == '=');
    match parts.map(|(n, v)| (n.trim(), v.trim())).filter(|(n, v)| named(n) && exact(v)) {
        Some((name, version)) if key == "python" => {
            Ok(Some(ToolSpec::Python { name: akbuild_names::normalise(name), version: version.to_owned() }))
        }
        Some((name, version)) => Ok(Some(ToolSpec::Npm { name: name.to_owned(), version: version.to_owned() })),
        None => {
            let message = format!("`{text}` is not a package with an exact version");
            Err(fields.error(key, message, format!("expected `{key} = \"{form}\"`")))
        }
    }
}

/// `[[patches]]`; the caller has told the fields which sources there are, or checks the name itself.
pub(crate) fn patch(mut fields: Fields<'_>) -> Result<WrittenPatch, RecipeError> {
    let source = SourceId::new(fields.string("source")?);
    let file = fields.path("file")?;
    let (from, to, with) = (fields.opt_verbatim("from")?, fields.opt_text("to")?, fields.opt_string("with")?);
    let edit = match (from, to, with) {
        (Some(from), Some(_), None) if from.is_empty() => {
            return Err(fields.error("from", "`from` is empty", "give the text that must occur exactly once"));
        }
        (Some(from), Some(to), None) => WrittenEdit::Replace { from, to },
        (None, None, Some(with)) => WrittenEdit::With(with.into()),
        (None, None, None) => {
            return Err(fields.point(fields.place, "a patch has no `from` and `to`").with_help(PATCH));
        }
        (from, to, None) => {
            let missing = if from.is_none() && to.is_some() { "from" } else { "to" };
            return Err(fields.point(fields.place, format!("a patch has no `{missing}`")).with_help(PATCH));
        }
        (_, _, Some(_)) => {
            return Err(fields.error("with", "a patch has both `with` and `from` or `to`", PATCH));
        }
    };
    let patch = WrittenPatch { source, file, edit, why: fields.opt_text("why")?, place: fields.written_at() };
    fields.finish()?;
    Ok(patch)
}

const PATCH: &str = "give `from` and `to`, or `with` and a file that takes its place";
