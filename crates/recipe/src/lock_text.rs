//! The text of `akbuild.lock`: TOML, sorted, one artifact a line, so that a diff reads well. Knows the
//! format and its version; what the pins are for stands in `lock`.
//!
//! ```toml
//! version = 1
//! sources = [ { name, git, tag | branch | rev, commit, hash } | { name, tarball, digest, hash } ]
//! tools = [ { name, python, file, digest } | { name, npm, digest } ]
//! python = [ { name, version, file, digest } ]
//! debs = [ { name, version, path, size, digest, sysroots } ]
//! [[sysroots]]  # name, suites, components, architecture, essential, packages: what was asked for
//! ```

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::Arc;

use toml_span::Span;

use crate::error::{Errors, RecipeError, RecipeErrors};
use crate::expand::Vars;
use crate::fields::Fields;
use crate::file::File;
use crate::lock::{Lock, LockedOrigin, LockedSource, LockedSysroot, LockedTool};
use crate::plan::{DebPin, NpmPin, PythonPin, SourceId, SysrootId, ToolId, ToolPackage};
use crate::scope::Scope;
use crate::written::ToolSpec;
use crate::{sections, value};

/// The version of the format that is written, and the only one that is read.
const VERSION: i64 = 1;

const HEADER: &str = "\
# Written by `akbuild lock`; change akbuild.toml and run it again instead of editing this file.
";

impl Lock {
    /// Reads the text of a lock. `file_name` is what messages call it.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, RecipeErrors> {
        let file = Arc::new(File::new(file_name, text));
        let root = value::parse(&file).map_err(|e| e.with_help(AGAIN))?;
        let scope = Scope::new(file, Vars::itself());
        let mut top = Fields::new(&root, Span::new(0, 0), "a lock", &scope);
        version(&mut top)?;
        let mut errors = Errors::default();
        let lock = Self {
            sources: named(&mut top, "sources", &mut errors, source),
            tools: named(&mut top, "tools", &mut errors, tool),
            python: each(&mut top, "python", &mut errors, python),
            debs: each(&mut top, "debs", &mut errors, deb),
            sysroots: named(&mut top, "sysroots", &mut errors, sysroot),
        };
        errors.keep(top.finish());
        errors.end(Some(lock)).map_err(|e| RecipeErrors(e.0.into_iter().map(again).collect()))
    }

    /// The text of the lock: the same for equal locks, whatever the order of their pins.
    pub fn render(&self) -> String {
        let mut out = format!("{HEADER}version = {VERSION}\n");
        array(&mut out, "sources", self.sources.iter().map(|(id, s)| source_line(id, s)).collect());
        array(&mut out, "tools", self.tools.iter().map(|(id, t)| tool_line(id, t)).collect());
        let mut pins: Vec<&PythonPin> = self.python.iter().collect();
        pins.sort();
        array(&mut out, "python", pins.into_iter().map(python_line).collect());
        let mut debs: Vec<&DebPin> = self.debs.iter().collect();
        debs.sort_by_key(|d| (&d.name, &d.version));
        array(&mut out, "debs", debs.into_iter().map(deb_line).collect());
        for (id, sysroot) in &self.sysroots {
            sysroot_table(&mut out, id, sysroot);
        }
        out
    }
}

const AGAIN: &str = "restore the file from version control, or pin everything anew with `akbuild lock all`";

fn version(top: &mut Fields<'_>) -> Result<(), RecipeError> {
    let found = match top.has("version") {
        true => top.int_or("version", VERSION, i64::MIN..=i64::MAX)?,
        false => return Err(again(top.missing("version"))),
    };
    if found == VERSION {
        return Ok(());
    }
    let newer =
        "it was written by a newer akbuild: use that one, or pin everything anew with `akbuild lock all`".to_owned();
    let help = if found > VERSION { newer } else { AGAIN.to_owned() };
    let label = format!("expected version {VERSION}");
    Err(top.error("version", format!("the lock has version {found}"), help).with_label(label))
}

fn each<'a, T>(
    top: &mut Fields<'a>,
    key: &str,
    errors: &mut Errors,
    read: impl Fn(Fields<'a>) -> Result<T, RecipeError>,
) -> Vec<T> {
    let tables = errors.keep(top.tables(key)).unwrap_or_default();
    tables.into_iter().filter_map(|fields| errors.keep(read(fields))).collect()
}

/// Like [`each`], for pins of which there is one for each name.
fn named<'a, I: Ord + Display, T>(
    top: &mut Fields<'a>,
    key: &str,
    errors: &mut Errors,
    read: impl Fn(Fields<'a>) -> Result<(I, T), RecipeError>,
) -> BTreeMap<I, T> {
    let mut all = BTreeMap::new();
    for fields in errors.keep(top.tables(key)).unwrap_or_default() {
        let place = fields.place;
        let Some((id, pin)) = errors.keep(read(fields)) else { continue };
        if all.contains_key(&id) {
            errors.push(top.point(place, format!("`{id}` stands twice in `{key}`")));
        }
        all.insert(id, pin);
    }
    all
}

/// Nobody repairs a lock by hand. `akbuild lock` itself reads it first, to leave its pins alone: `all` does not.
fn again(mut error: RecipeError) -> RecipeError {
    error.0.help.clear();
    error.with_help(AGAIN)
}

fn needed<T>(fields: &mut Fields<'_>, key: &str, value: Option<T>) -> Result<T, RecipeError> {
    value.ok_or_else(|| fields.missing(key))
}

fn source(mut fields: Fields<'_>) -> Result<(SourceId, LockedSource), RecipeError> {
    let id = SourceId::new(fields.text("name")?);
    let origin = if let Some(url) = fields.opt_text("tarball")? {
        let digest = fields.hash("digest")?;
        LockedOrigin::Tarball { url, digest: needed(&mut fields, "digest", digest)? }
    } else {
        let url = fields.text("git")?;
        let reference = sections::git_ref(&mut fields)?;
        let reference = needed(&mut fields, "tag", reference)?;
        let commit = fields.commit("commit")?;
        LockedOrigin::Git { url, reference, commit: needed(&mut fields, "commit", commit)? }
    };
    let hash = fields.hash("hash")?;
    let hash = needed(&mut fields, "hash", hash)?;
    fields.finish()?;
    Ok((id, LockedSource { origin, hash }))
}

fn tool(mut fields: Fields<'_>) -> Result<(ToolId, LockedTool), RecipeError> {
    let id = ToolId::new(fields.text("name")?);
    let spec = sections::tool_spec(&mut fields)?;
    let spec = needed(&mut fields, "python", spec)?;
    let digest = fields.hash("digest")?;
    let digest = needed(&mut fields, "digest", digest)?;
    let package = match spec.clone() {
        ToolSpec::Python { name, version } => {
            let (name, version) = (fields.parsed("python", &name)?, fields.parsed("python", &version)?);
            ToolPackage::Python(PythonPin { name, version, file: fields.parsed_text("file")?, digest })
        }
        ToolSpec::Npm { name, version } => {
            let (name, version) = (fields.parsed("npm", &name)?, fields.parsed("npm", &version)?);
            ToolPackage::Npm(NpmPin { name, version, digest })
        }
    };
    fields.finish()?;
    Ok((id, LockedTool { spec, package }))
}

/// A pinned Python file.
pub(crate) fn python(mut fields: Fields<'_>) -> Result<PythonPin, RecipeError> {
    let name = fields.parsed_text("name")?;
    let (version, file) = (fields.parsed_text("version")?, fields.parsed_text("file")?);
    let digest = fields.hash("digest")?;
    let digest = needed(&mut fields, "digest", digest)?;
    fields.finish()?;
    Ok(PythonPin { name, version, file, digest })
}

/// A pinned Debian package.
pub(crate) fn deb(mut fields: Fields<'_>) -> Result<DebPin, RecipeError> {
    let name = fields.parsed_text("name")?;
    let (version, path) = (fields.parsed_text("version")?, fields.parsed_text("path")?);
    let size = fields.int_or("size", 0, 0..=i64::MAX)?;
    let digest = fields.hash("digest")?;
    let digest = needed(&mut fields, "digest", digest)?;
    let sysroots = fields.req_strings("sysroots")?;
    fields.finish()?;
    Ok(DebPin { name, version, path, digest, size: size.unsigned_abs(), sysroots })
}

fn sysroot(mut fields: Fields<'_>) -> Result<(SysrootId, LockedSysroot), RecipeError> {
    let id = SysrootId::new(fields.text("name")?);
    let sysroot = LockedSysroot {
        suites: fields.req_strings("suites")?,
        components: fields.req_strings("components")?,
        architecture: fields.text("architecture")?,
        essential: fields.bool_or("essential", false)?,
        packages: fields.strings("packages")?,
    };
    fields.finish()?;
    Ok((id, sysroot))
}

fn array(out: &mut String, key: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{key} = [");
    for line in lines {
        let _ = writeln!(out, "  {{ {line} }},");
    }
    out.push_str("]\n");
}

fn source_line(id: &SourceId, source: &LockedSource) -> String {
    let hash = source.hash;
    match &source.origin {
        LockedOrigin::Git { url, reference, commit } => format!(
            "name = {}, git = {}, {} = {}, commit = {}, hash = \"{hash}\"",
            quote(id.as_str()),
            quote(url),
            reference.field(),
            quote(reference.text()),
            quote(commit)
        ),
        LockedOrigin::Tarball { url, digest } => {
            format!("name = {}, tarball = {}, digest = \"{digest}\", hash = \"{hash}\"", quote(id.as_str()), quote(url))
        }
    }
}

fn tool_line(id: &ToolId, tool: &LockedTool) -> String {
    let head = format!("name = {}, {} = {}", quote(id.as_str()), tool.spec.field(), quote(&tool.spec.to_string()));
    match &tool.package {
        ToolPackage::Python(pin) => format!("{head}, file = {}, digest = \"{}\"", quote(&pin.file), pin.digest),
        ToolPackage::Npm(pin) => format!("{head}, digest = \"{}\"", pin.digest),
    }
}

fn python_line(pin: &PythonPin) -> String {
    let (name, version, file) = (quote(&pin.name), quote(&pin.version), quote(&pin.file));
    format!("name = {name}, version = {version}, file = {file}, digest = \"{}\"", pin.digest)
}

fn deb_line(pin: &DebPin) -> String {
    let (name, version, path) = (quote(&pin.name), quote(&pin.version), quote(&pin.path));
    let mut sysroots: Vec<&String> = pin.sysroots.iter().collect();
    sysroots.sort();
    let (size, digest, sysroots) = (pin.size, pin.digest, strings(sysroots));
    format!(
        "name = {name}, version = {version}, path = {path}, size = {size}, digest = \"{digest}\", sysroots = {sysroots}"
    )
}

fn sysroot_table(out: &mut String, id: &SysrootId, sysroot: &LockedSysroot) {
    let _ = writeln!(out, "\n[[sysroots]]\nname = {}", quote(id.as_str()));
    let _ = writeln!(out, "suites = {}\ncomponents = {}", strings(&sysroot.suites), strings(&sysroot.components));
    let _ = writeln!(out, "architecture = {}\nessential = {}", quote(&sysroot.architecture), sysroot.essential);
    out.push_str("packages = [\n");
    for package in &sysroot.packages {
        let _ = writeln!(out, "  {},", quote(package));
    }
    out.push_str("]\n");
}

fn strings<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    format!("[{}]", items.into_iter().map(|i| quote(i)).collect::<Vec<_>>().join(", "))
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
