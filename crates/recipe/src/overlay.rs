//! The overlay: what one place changes about a recipe. Knows its fields; which of the names in it exist
//! is checked against the recipe in `merge`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use akbuild_names::Ecosystem;
use akbuild_nar::{Digest, TreeHash};
use toml_span::Span;

use crate::error::{Errors, RecipeError, RecipeErrors};
use crate::expand::Vars;
use crate::fields::Fields;
use crate::file::File;
use crate::plan::{DebPin, NpmPin, PythonPin, ToolPackage};
use crate::scope::Scope;
use crate::value::{Kind, Table};
use crate::written::{GitRef, Place, ToolSpec, WrittenPatch};
use crate::{lock_text, sections, value};

/// `akbuild.local.toml`. The default changes nothing: it stands for a file that is not there.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// Whether anything that no configured mirror covers is an error.
    pub mirrors_only: bool,
    /// The largest download whose size neither a lock nor an index gives, in MiB.
    pub download_limit_mib: Option<u64>,
    /// Base addresses of registries and mirrors, tried in turn; an ecosystem without one keeps the machine's own
    /// configuration.
    pub registries: BTreeMap<Ecosystem, Vec<String>>,
    /// What replaces parts of `[debian]`.
    pub debian: OverlayDebian,
    pub(crate) sources: BTreeMap<String, OverlaySource>,
    pub(crate) tools: BTreeMap<String, OverlayTool>,
    pub(crate) patches: Vec<WrittenPatch>,
    pub(crate) python: Vec<PythonPin>,
    pub(crate) debs: Vec<DebPin>,
    pub(crate) file: Arc<File>,
}

/// What the overlay says about Debian suites.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverlayDebian {
    /// Replaces the recipe's.
    pub keyrings: Option<Vec<PathBuf>>,
    /// Replaces the recipe's.
    pub fingerprints: Option<Vec<String>>,
    /// Replaces the recipe's.
    pub allow_expired: Option<bool>,
}

#[derive(Debug, Clone)]
pub(crate) struct OverlaySource {
    /// Empty: the recipe's.
    pub(crate) urls: Vec<String>,
    pub(crate) mirrors: Vec<String>,
    pub(crate) reference: Option<GitRef>,
    pub(crate) commit: Option<String>,
    pub(crate) digest: Option<Digest>,
    pub(crate) hash: Option<TreeHash>,
    pub(crate) place: Place,
    /// Where its pins are written.
    pub(crate) spans: BTreeMap<&'static str, Span>,
}

#[derive(Debug, Clone)]
pub(crate) struct OverlayTool {
    pub(crate) spec: ToolSpec,
    pub(crate) package: Option<ToolPackage>,
    pub(crate) place: Place,
}

/// Reads `akbuild.local.toml`.
pub fn read_overlay(text: &str, file_name: &str) -> Result<Overlay, RecipeErrors> {
    let file = Arc::new(File::new(file_name, text));
    let root = value::parse(&file)?;
    let scope = Scope::new(file.clone(), Vars::itself());
    let mut top = Fields::new(&root, Span::new(0, 0), "an overlay", &scope);
    let mut errors = Errors::default();
    let mirrors_only = errors.keep(top.bool_or("mirrors_only", false)).unwrap_or_default();
    let mut overlay = Overlay { mirrors_only, file, ..Overlay::default() };
    overlay.download_limit_mib = errors.keep(download_limit(&mut top)).flatten();
    overlay.registries = errors.keep(registries(&mut top)).unwrap_or_default();
    overlay.debian = errors.keep(debian(&mut top)).unwrap_or_default();
    overlay.sources = each(&mut top, "sources", "source", &mut errors, source);
    overlay.tools = each(&mut top, "tools", "tool", &mut errors, tool);
    for table in errors.keep(top.tables("patches")).unwrap_or_default() {
        let fields = Fields::new(table.table, table.place, "a patch", &scope);
        overlay.patches.extend(errors.keep(sections::patch(fields)));
    }
    (overlay.python, overlay.debs) = errors.keep(pins(&mut top)).unwrap_or_default();
    errors.keep(top.finish());
    errors.end(Some(overlay))
}

fn download_limit(top: &mut Fields<'_>) -> Result<Option<u64>, RecipeError> {
    const KEY: &str = "download_limit_mib";
    let given = top.has(KEY);
    let limit = top.int_or(KEY, 0, if given { 1..=i64::from(u32::MAX) } else { 0..=0 })?;
    Ok(u64::try_from(limit).ok().filter(|_| given))
}

fn registries(top: &mut Fields<'_>) -> Result<BTreeMap<Ecosystem, Vec<String>>, RecipeError> {
    let mut registries = BTreeMap::new();
    let Some(mut fields) = top.opt_table("registries")? else { return Ok(registries) };
    fields.what = "`[registries]`".into();
    for ecosystem in Ecosystem::ALL {
        let bases = fields.one_or_more(ecosystem.as_str())?;
        if !bases.is_empty() {
            registries.insert(ecosystem, bases);
        }
    }
    fields.finish()?;
    Ok(registries)
}

fn debian(top: &mut Fields<'_>) -> Result<OverlayDebian, RecipeError> {
    let Some(mut fields) = top.opt_table("debian")? else { return Ok(OverlayDebian::default()) };
    fields.what = "`[debian]`".into();
    let keyrings = fields.strings("keyrings")?.into_iter().map(PathBuf::from).collect();
    let fingerprints = sections::fingerprints(&mut fields)?;
    let debian = OverlayDebian {
        keyrings: fields.has("keyrings").then_some(keyrings),
        fingerprints: fields.has("fingerprints").then_some(fingerprints),
        allow_expired: if fields.has("allow_expired") { Some(fields.bool_or("allow_expired", false)?) } else { None },
    };
    fields.finish()?;
    Ok(debian)
}

fn each<'a, T>(
    top: &mut Fields<'a>,
    key: &str,
    what: &str,
    errors: &mut Errors,
    read: impl Fn(Fields<'a>) -> Result<T, RecipeError>,
) -> BTreeMap<String, T> {
    let mut all = BTreeMap::new();
    let Some(outer) = errors.keep(top.opt_table(key)).flatten() else { return all };
    for entry in &outer.table.entries {
        let (table, found): (Option<&Table>, _) = match &entry.value.kind {
            Kind::Table(table) => (Some(table), ""),
            other => (None, other.describe()),
        };
        let Some(table) = table else {
            let error = top.point(entry.value.span, format!("`{}` of `{key}` has the wrong type", entry.name));
            errors.push(error.with_label(format!("expected a table, found {found}")));
            continue;
        };
        let fields = Fields::new(table, entry.key, format!("{what} `{}` in an overlay", entry.name), outer.scope);
        all.extend(errors.keep(read(fields)).map(|value| (entry.name.clone(), value)));
    }
    all
}

fn source(mut fields: Fields<'_>) -> Result<OverlaySource, RecipeError> {
    let reference = sections::git_ref(&mut fields)?;
    let source = OverlaySource {
        urls: fields.one_or_more("url")?,
        mirrors: fields.one_or_more("mirrors")?,
        commit: sections::commit(&mut fields, reference.as_ref())?,
        reference,
        digest: fields.hash("digest")?,
        hash: fields.hash("hash")?,
        place: fields.written_at(),
        spans: fields.value_spans(&["commit", "rev", "digest", "hash"]),
    };
    fields.finish()?;
    Ok(source)
}

fn tool(mut fields: Fields<'_>) -> Result<OverlayTool, RecipeError> {
    let Some(spec) = sections::tool_spec(&mut fields)? else {
        let message = format!("{} has no `python` or `npm`", fields.what);
        return Err(fields.point(fields.place, message).with_help("name the package that replaces the recipe's"));
    };
    let (file, digest) = (fields.opt_string("file")?, fields.hash("digest")?);
    let package = match (&spec, file, digest) {
        (_, None, None) => None,
        (ToolSpec::Npm { name, version }, None, Some(digest)) => {
            let (name, version) = (fields.parsed("npm", name)?, fields.parsed("npm", version)?);
            Some(ToolPackage::Npm(NpmPin { name, version, digest }))
        }
        (ToolSpec::Python { name, version }, Some(file), Some(digest)) => {
            let (name, version) = (fields.parsed("python", name)?, fields.parsed("python", version)?);
            Some(ToolPackage::Python(PythonPin { name, version, file: fields.parsed("file", &file)?, digest }))
        }
        (ToolSpec::Npm { .. }, Some(_), _) => {
            return Err(fields.error(
                "file",
                "an npm tool has no `file`",
                "remove `file`: the version names the tarball",
            ));
        }
        (_, None, Some(_)) => return Err(fields.missing("file")),
        (_, Some(_), None) => return Err(fields.missing("digest")),
    };
    let tool = OverlayTool { spec, package, place: fields.written_at() };
    fields.finish()?;
    Ok(tool)
}

type Pins = (Vec<PythonPin>, Vec<DebPin>);

/// `[pins]`: single artifacts that take the place of the lock's of the same name.
fn pins(top: &mut Fields<'_>) -> Result<Pins, RecipeError> {
    let Some(mut fields) = top.opt_table("pins")? else { return Ok(Pins::default()) };
    fields.what = "`[pins]`".into();
    let python = fields.tables("python")?.into_iter().map(lock_text::python).collect::<Result<_, _>>()?;
    let debs = fields.tables("debian")?.into_iter().map(lock_text::deb).collect::<Result<_, _>>()?;
    fields.finish()?;
    Ok((python, debs))
}
