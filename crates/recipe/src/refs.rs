//! Fields that name something else of the recipe: a source, a stage, a sysroot, a tool, a tree.
//! Knows which names there are, and where each is written; nothing of what they stand for.

use toml_span::Span;

use crate::error::RecipeError;
use crate::fields::Fields;
use crate::plan::{SourceId, StageId, SysrootId, ToolId, TreeRef};
use crate::scope::Names;
use crate::suggest::{list, nearest};
use crate::value::{Kind, Node};

impl Fields<'_> {
    /// A source that must be there.
    pub fn source(&mut self, key: &str) -> Result<SourceId, RecipeError> {
        self.opt_source(key)?.ok_or_else(|| self.missing(key))
    }

    /// A source, if the field is given.
    pub fn opt_source(&mut self, key: &str) -> Result<Option<SourceId>, RecipeError> {
        Ok(self.name(key, "source", &self.scope.sources)?.map(SourceId::new))
    }

    /// A stage that must be there.
    pub fn stage(&mut self, key: &str) -> Result<StageId, RecipeError> {
        self.opt_stage(key)?.ok_or_else(|| self.missing(key))
    }

    /// A stage, if the field is given.
    pub fn opt_stage(&mut self, key: &str) -> Result<Option<StageId>, RecipeError> {
        Ok(self.name(key, "stage", &self.scope.stages)?.map(StageId::new))
    }

    /// A sysroot that must be there.
    pub fn sysroot(&mut self, key: &str) -> Result<SysrootId, RecipeError> {
        self.opt_sysroot(key)?.ok_or_else(|| self.missing(key))
    }

    /// A sysroot, if the field is given.
    pub fn opt_sysroot(&mut self, key: &str) -> Result<Option<SysrootId>, RecipeError> {
        Ok(self.name(key, "sysroot", &self.scope.sysroots)?.map(SysrootId::new))
    }

    /// A sysroot; that of the name `default`, which must exist, if the field is absent.
    pub fn sysroot_or(&mut self, key: &str, default: &str) -> Result<SysrootId, RecipeError> {
        if let Some(id) = self.opt_sysroot(key)? {
            return Ok(id);
        }
        if self.scope.sysroots.has(default) {
            return Ok(SysrootId::new(default));
        }
        Err(self
            .point(self.place, format!("{} has no `{key}`, and there is no sysroot `{default}`", self.what))
            .with_help(format!("add `[sysroots.{default}]` with its `packages`, or name another with `{key} = …`")))
    }

    /// A tool that must be there.
    pub fn tool(&mut self, key: &str) -> Result<ToolId, RecipeError> {
        self.opt_tool(key)?.ok_or_else(|| self.missing(key))
    }

    /// A tool, if the field is given.
    pub fn opt_tool(&mut self, key: &str) -> Result<Option<ToolId>, RecipeError> {
        Ok(self.name(key, "tool", &self.scope.tools)?.map(ToolId::new))
    }

    /// A tool; that of the name `default`, which must exist, if the field is absent.
    pub fn tool_or(&mut self, key: &str, default: &str) -> Result<ToolId, RecipeError> {
        if let Some(id) = self.opt_tool(key)? {
            return Ok(id);
        }
        if self.scope.tools.has(default) {
            return Ok(ToolId::new(default));
        }
        Err(self
            .point(self.place, format!("{} has no `{key}`, and there is no tool `{default}`", self.what))
            .with_help(format!("add `[tools.{default}]` with its package, or name another with `{key} = …`")))
    }

    /// A tree: `source:NAME`, `stage:NAME`, or a bare name, which is a stage's if there is one of that
    /// name, else a source's.
    pub fn tree(&mut self, key: &str) -> Result<TreeRef, RecipeError> {
        self.opt_tree(key)?.ok_or_else(|| self.missing(key))
    }

    /// A tree, if the field is given.
    pub fn opt_tree(&mut self, key: &str) -> Result<Option<TreeRef>, RecipeError> {
        let Some(text) = self.opt_string(key)? else { return Ok(None) };
        self.tree_ref(&text, self.value_span(key)).map(Some)
    }

    /// An array of trees; empty if it is absent.
    pub fn trees(&mut self, key: &str) -> Result<Vec<TreeRef>, RecipeError> {
        let names = self.strings(key)?;
        names.iter().enumerate().map(|(i, name)| self.tree_ref(name, self.item_span(key, i))).collect()
    }

    /// An array of sources; empty if it is absent.
    pub fn sources(&mut self, key: &str) -> Result<Vec<SourceId>, RecipeError> {
        let names = self.strings(key)?;
        let known = |(i, name): (usize, &String)| {
            self.known_name(name, self.item_span(key, i), "source", &self.scope.sources)?;
            Ok(SourceId::new(name))
        };
        names.iter().enumerate().map(known).collect()
    }

    /// An array of tools; empty if it is absent.
    pub fn tools(&mut self, key: &str) -> Result<Vec<ToolId>, RecipeError> {
        let names = self.strings(key)?;
        let known = |(i, name): (usize, &String)| {
            self.known_name(name, self.item_span(key, i), "tool", &self.scope.tools)?;
            Ok(ToolId::new(name))
        };
        names.iter().enumerate().map(known).collect()
    }

    fn name(&mut self, key: &str, what: &str, names: &Names) -> Result<Option<String>, RecipeError> {
        let Some(name) = self.opt_string(key)? else { return Ok(None) };
        self.known_name(&name, self.value_span(key), what, names)?;
        Ok(Some(name))
    }

    fn tree_ref(&self, text: &str, place: Span) -> Result<TreeRef, RecipeError> {
        let scope = self.scope;
        if let Some(name) = text.strip_prefix("source:") {
            self.known_name(name, place, "source", &scope.sources)?;
            return Ok(TreeRef::Source(SourceId::new(name)));
        }
        if let Some(name) = text.strip_prefix("stage:") {
            self.known_name(name, place, "stage", &scope.stages)?;
            return Ok(TreeRef::Stage(StageId::new(name)));
        }
        if scope.stages.has(text) {
            return Ok(TreeRef::Stage(StageId::new(text)));
        }
        if scope.sources.has(text) {
            return Ok(TreeRef::Source(SourceId::new(text)));
        }
        let names: Names = scope.stages.iter().chain(scope.sources.iter()).collect();
        Err(self.no_such(text, place, "stage or source", &names))
    }

    /// Fails unless the name is one of these.
    pub(crate) fn known_name(&self, name: &str, place: Span, what: &str, names: &Names) -> Result<(), RecipeError> {
        if names.has(name) { Ok(()) } else { Err(self.no_such(name, place, what, names)) }
    }

    fn no_such(&self, name: &str, place: Span, what: &str, names: &Names) -> RecipeError {
        let help = match (nearest(name, names.iter()), list(names.iter())) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, all) if all.is_empty() => format!("the recipe has no {what}"),
            (None, all) => format!("there are {all}"),
        };
        self.point(place, format!("no {what} `{name}`")).with_help(help)
    }

    /// A complaint of the reader's own, pointing at an item of the field's array.
    pub fn item_error(
        &self,
        key: &str,
        index: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> RecipeError {
        self.point(self.item_span(key, index), message).with_help(help)
    }

    /// Where an item of an array is written.
    pub(crate) fn item_span(&self, key: &str, index: usize) -> Span {
        match self.table.get(key).map(|e| &e.value) {
            Some(Node { kind: Kind::Array(items), span }) => items.get(index).map_or(*span, |i| i.span),
            _ => self.place,
        }
    }

    /// Where a key of a table inside is written.
    pub(crate) fn key_span(&self, key: &str, name: &str) -> Span {
        match self.table.get(key).map(|e| &e.value.kind) {
            Some(Kind::Table(table)) => table.get(name).map_or(self.place, |e| e.key),
            _ => self.place,
        }
    }
}
