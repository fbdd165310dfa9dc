//! A recipe's text becomes a [`Written`]. Knows the file's top-level tables and that names within the file
//! must exist; knows no lock, no overlay and no stage kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toml_span::Span;

use crate::error::{Errors, RecipeError, RecipeErrors};
use crate::expand::Vars;
use crate::fields::Fields;
use crate::file::File;
use crate::plan::{SourceId, StageId, SysrootId, ToolId};
use crate::program::Requirement;
use crate::scope::Scope;
use crate::value::{Entry, Kind, Table};
use crate::written::{Place, Project, Written, WrittenPatch, WrittenSmoke, WrittenStage, WrittenSysroot};
use crate::{name, sections, smoke, value};

/// Reads `akbuild.toml`. `file_name` is what messages call it. Reports all that is wrong with the
/// tables other than stages, whose options wait for their kinds in [`crate::resolve`].
pub fn read(text: &str, file_name: &str) -> Result<Written, RecipeErrors> {
    let file = Arc::new(File::new(file_name, text));
    let root = value::parse(&file)?;
    let mut errors = Errors::default();
    let bare = Scope::new(file.clone(), Vars::itself());
    let mut top = Fields::new(&root, Span::new(0, 0), "a recipe", &bare);
    let Some((project, mut scope)) = errors.keep(project(&mut top)) else { return errors.end(None) };
    let mut names = |key: &str| {
        let tables = errors.keep(named(&mut top, key)).unwrap_or_default();
        for (entry, _) in &tables {
            errors.keep(check_name(&file, key, entry));
        }
        tables
    };
    let tables = [names("sources"), names("sysroots"), names("tools"), names("stages")];
    let list = |tables: &[(&Entry, &Table)]| tables.iter().map(|(e, _)| e.name.as_str()).collect();
    (scope.sources, scope.sysroots) = (list(&tables[0]), list(&tables[1]));
    (scope.tools, scope.stages) = (list(&tables[2]), list(&tables[3]));
    let mut reader = Reader { scope: &scope, errors };
    let sources = reader.each(&tables[0], "source", |f| sections::source(f), SourceId::new);
    let sysroots = reader.sysroots(&tables[1]);
    let tools = reader.each(&tables[2], "tool", |f| sections::tool(f), ToolId::new);
    let patches = reader.patches(&mut top);
    let debian = reader.debian(&mut top, tables[1].first().map(|(e, _)| *e));
    let targets = reader.targets(&root);
    let smoke = reader.smoke(&mut top);
    let mut errors = reader.errors;
    errors.keep(top.finish());
    let stages = tables[3].iter().map(|(entry, table)| WrittenStage {
        id: StageId::new(&entry.name),
        place: Place { file: file.clone(), span: entry.key },
        table: (*table).clone(),
    });
    let stages = stages.collect();
    let project = Project { targets, ..project };
    errors.end(Some(Written { file, project, sources, debian, sysroots, tools, patches, smoke, stages, scope }))
}

/// `[project]`, and the scope with its variables.
fn project(top: &mut Fields<'_>) -> Result<(Project, Scope), RecipeError> {
    let Some(mut fields) = top.opt_table("project")? else {
        let help = "start the file with `[project]` and its `name`, `version`, `prefix` and `targets`";
        return Err(top.point(top.place, "the recipe has no `[project]`").with_help(help));
    };
    fields.what = "`[project]`".into();
    let name = plain(&mut fields, "name", name::check)?;
    let version = plain(&mut fields, "version", name::version)?;
    let half = Vars { name: name.clone(), version: version.clone(), prefix: "{prefix}".into() };
    let raw = fields.string("prefix")?;
    let prefix = half.expand(&raw);
    let prefix = prefix.trim_end_matches('/').to_owned();
    name::prefix(if prefix.is_empty() { &raw } else { &prefix }).map_err(|problem| {
        let help = "give the absolute folder where the result will live: `prefix = \"/opt/NAME\"`";
        fields.error("prefix", format!("bad prefix `{raw}`"), help).with_label(problem)
    })?;
    let span = fields.value_span("version");
    fields.know(&["targets"]);
    let vars = Vars { name: name.clone(), version: version.clone(), prefix: prefix.clone() };
    let scope = Scope::new(fields.scope.file.clone(), vars);
    fields.finish()?;
    Ok((Project { name, version, prefix, targets: vec![], version_span: (span.start, span.end) }, scope))
}

fn plain(
    fields: &mut Fields<'_>,
    key: &str,
    check: fn(&str) -> Result<(), &'static str>,
) -> Result<String, RecipeError> {
    let text = fields.text(key)?;
    check(&text).map_err(|problem| fields.error(key, format!("bad {key} `{text}`"), "").with_label(problem))?;
    Ok(text)
}

/// The tables inside a table, by name.
fn named<'a>(top: &mut Fields<'a>, key: &str) -> Result<Vec<(&'a Entry, &'a Table)>, RecipeError> {
    let Some(outer) = top.opt_table(key)? else { return Ok(Vec::new()) };
    let one = |entry: &'a Entry| match &entry.value.kind {
        Kind::Table(table) => Ok((entry, table)),
        other => {
            let label = format!("expected a table, found {}", other.describe());
            let message = format!("`{}` of `{key}` has the wrong type", entry.name);
            Err(top.point(entry.value.span, message).with_label(label).with_help(format!("write `[{key}.NAME]`")))
        }
    };
    outer.table.entries.iter().map(one).collect()
}

fn check_name(file: &File, key: &str, entry: &Entry) -> Result<(), RecipeError> {
    name::check(&entry.name).map_err(|problem| {
        let message = format!("bad name `{}` in `{key}`", entry.name);
        RecipeError::new(message).at(file, entry.key).with_label(problem)
    })
}

struct Reader<'a> {
    scope: &'a Scope,
    errors: Errors,
}

impl<'a> Reader<'a> {
    fn fields(&self, entry: &'a Entry, table: &'a Table, what: &str) -> Fields<'a> {
        Fields::new(table, entry.key, format!("{what} `{}`", entry.name), self.scope)
    }

    fn each<I: Ord, T>(
        &mut self,
        tables: &[(&'a Entry, &'a Table)],
        what: &str,
        read: impl Fn(Fields<'a>) -> Result<T, RecipeError>,
        id: impl Fn(&'a String) -> I,
    ) -> BTreeMap<I, T> {
        let mut all = BTreeMap::new();
        for (entry, table) in tables {
            let result = read(self.fields(entry, table, what));
            all.extend(self.errors.keep(result).map(|value| (id(&entry.name), value)));
        }
        all
    }

    fn sysroots(&mut self, tables: &[(&'a Entry, &'a Table)]) -> BTreeMap<SysrootId, WrittenSysroot> {
        let read = self.each(tables, "sysroot", |f| sections::sysroot(f), Clone::clone);
        let mut all = BTreeMap::new();
        for (name, (own, _)) in &read {
            let chain = chain(&read, name);
            if chain.last() == Some(&name.as_str()) && chain.len() > 1 {
                let message = format!("sysroots extend each other: {}", chain.join(" -> "));
                let error = RecipeError::new(message).at(&self.scope.file, own.place.span);
                self.errors.push(error.with_help("remove one `extends`"));
                continue;
            }
            let packages = chain.iter().filter_map(|n| read.get(*n)).flat_map(|(s, _)| s.packages.iter().cloned());
            let packages: BTreeSet<String> = packages.collect();
            let host = chain.iter().filter_map(|n| read.get(*n)).flat_map(|(s, _)| s.host.iter().cloned());
            let host: BTreeSet<Requirement> = host.collect();
            let (packages, host) = (packages.into_iter().collect(), host.into_iter().collect());
            all.insert(SysrootId::new(name), WrittenSysroot { packages, host, ..own.clone() });
        }
        all
    }

    fn patches(&mut self, top: &mut Fields<'a>) -> Vec<WrittenPatch> {
        let mut all = Vec::new();
        for table in self.errors.keep(top.tables("patches")).unwrap_or_default() {
            let mut fields = Fields::new(table.table, table.place, "a patch", self.scope);
            if let Err(error) = fields.opt_source("source") {
                self.errors.push(error);
                continue;
            }
            all.extend(self.errors.keep(sections::patch(fields)));
        }
        all
    }

    fn debian(&mut self, top: &mut Fields<'a>, sysroot: Option<&Entry>) -> Option<crate::written::Debian> {
        match self.errors.keep(top.opt_table("debian")).flatten() {
            Some(table) => {
                let fields = Fields::new(table.table, table.place, "`[debian]`", self.scope);
                self.errors.keep(sections::debian(fields))
            }
            None => {
                let sysroot = sysroot?;
                let message = format!("sysroot `{}` needs `[debian]`, which is missing", sysroot.name);
                let error = RecipeError::new(message).at(&self.scope.file, sysroot.key);
                self.errors.push(error.with_help("add `[debian]` with its `suites`"));
                None
            }
        }
    }

    fn smoke(&mut self, top: &mut Fields<'a>) -> Option<WrittenSmoke> {
        let table = self.errors.keep(top.opt_table("smoke")).flatten()?;
        let fields = Fields::new(table.table, table.place, "`[smoke]`", self.scope);
        self.errors.keep(smoke::smoke(fields))
    }

    fn targets(&mut self, root: &'a Table) -> Vec<(StageId, Place)> {
        let Some(Kind::Table(table)) = root.get("project").map(|e| &e.value.kind) else { return Vec::new() };
        let place = root.get("project").map_or(Span::new(0, 0), |e| e.key);
        let mut fields = Fields::new(table, place, "`[project]`", self.scope);
        let names = self.errors.keep(fields.req_strings("targets")).unwrap_or_default();
        let mut targets = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let span = fields.item_span("targets", index);
            if self.errors.keep(fields.known_name(name, span, "stage", &self.scope.stages)).is_some() {
                targets.push((StageId::new(name), Place { file: self.scope.file.clone(), span }));
            }
        }
        targets
    }
}

/// The sysroot and what it extends in turn; a name that comes again ends it.
fn chain<'a>(all: &'a BTreeMap<String, (WrittenSysroot, Option<String>)>, name: &'a str) -> Vec<&'a str> {
    let mut chain = vec![name];
    while let Some((_, Some(next))) = chain.last().and_then(|n| all.get(*n)) {
        let again = chain.contains(&next.as_str());
        chain.push(next);
        if again {
            break;
        }
    }
    chain
}
