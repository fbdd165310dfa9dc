//! Which module a path in the sources leads to. A name that a module imports or re-exports is followed to the module
//! that defines it, so that `crate::Engine` leads to `engine` and not to the root. Names that macros define, and paths
//! into other crates, stay unknown.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Type, UseTree};

use super::crate_source::CrateSource;

/// How many imports of imports are followed; more are a circle.
const MOST_IMPORTS: usize = 16;

/// The imports of each module of a crate.
pub(crate) struct ModuleNames(BTreeMap<Vec<String>, Imports>);

/// The module that defines a type, and the type's name.
pub(crate) type TypePlace = (Vec<String>, String);

/// Imported names and the paths that they stand for.
#[derive(Default)]
struct Imports(BTreeMap<String, Vec<String>>);

impl ModuleNames {
    pub(crate) fn of(source: &CrateSource) -> Self {
        let imports = source.iter().map(|(path, module)| {
            let mut imports = Imports::default();
            imports.visit_file(&module.syntax);
            (path.clone(), imports)
        });
        Self(imports.collect())
    }

    /// The module that `path` leads to, as it is written in the module `from`, and the name of an item there.
    /// `depth` is the number of inline modules around it.
    pub(crate) fn resolve(
        &self,
        from: &[String],
        depth: usize,
        path: &[String],
    ) -> Option<(Vec<String>, Option<String>)> {
        self.follow(from, depth, path, MOST_IMPORTS)
    }

    /// Where the type that is written in the module `from` is defined.
    pub(crate) fn type_place(&self, from: &[String], written: &Type) -> Option<TypePlace> {
        let Type::Path(written) = written else { return None };
        let words: Vec<String> = written.path.segments.iter().map(|part| part.ident.to_string()).collect();
        match self.resolve(from, 0, &words) {
            Some((module, Some(name))) => Some((module, name)),
            _ => Some((from.to_vec(), words.last()?.clone())),
        }
    }

    fn follow(
        &self,
        from: &[String],
        depth: usize,
        path: &[String],
        left: usize,
    ) -> Option<(Vec<String>, Option<String>)> {
        let left = left.checked_sub(1)?;
        let ups = path.iter().take_while(|word| *word == "super").count();
        let (mut module, mut rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (from.to_vec(), &path[1..]),
            "super" => (from[..from.len().checked_sub(ups.saturating_sub(depth))?].to_vec(), &path[ups..]),
            _ => (from.to_vec(), path),
        };
        let is_relative = rest.len() == path.len();
        while let Some((name, further)) = rest.split_first() {
            module.push(name.clone());
            if !self.0.contains_key(&module) {
                module.pop();
                let import = self.0.get(&module).and_then(|imports| imports.0.get(name));
                let found = import
                    .filter(|import| *import != path)
                    .and_then(|import| self.follow(&module, 0, &[import, further].concat(), left));
                let is_unknown = is_relative && rest.len() == path.len();
                return found.or_else(|| (!is_unknown).then(|| (module, Some(name.clone()))));
            }
            rest = further;
        }
        Some((module, None))
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, node: &'ast syn::ItemUse) {
        for (name, path) in paths_of(&node.tree) {
            self.0.insert(name, path);
        }
        visit::visit_item_use(self, node);
    }
}

/// The names that a `use` brings, each with its whole path.
pub(crate) fn paths_of(tree: &UseTree) -> Vec<(String, Vec<String>)> {
    match tree {
        UseTree::Path(part) => {
            let name = part.ident.to_string();
            let below = paths_of(&part.tree).into_iter().map(|(last, mut path)| {
                path.insert(0, name.clone());
                (if last == "self" { name.clone() } else { last }, path)
            });
            below.collect()
        }
        UseTree::Name(name) if name.ident == "self" => vec![("self".to_owned(), Vec::new())],
        UseTree::Name(name) => vec![(name.ident.to_string(), vec![name.ident.to_string()])],
        UseTree::Rename(name) => vec![(name.rename.to_string(), vec![name.ident.to_string()])],
        UseTree::Glob(_) => vec![("*".to_owned(), Vec::new())],
        UseTree::Group(group) => group.items.iter().flat_map(paths_of).collect(),
    }
}
