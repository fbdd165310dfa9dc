//! In how many `impl` blocks the methods of a type stand. Implementations of traits are not counted: most types have
//! several.

use std::collections::BTreeMap;

use syn::Item;

use super::crate_source::CrateSource;
use super::module_names::{ModuleNames, TypePlace};

/// How many blocks a type may have before it is listed.
const FEW: usize = 3;

/// The context of a run: it is listed however few blocks it has.
const CONTEXT: &str = "EngineContext";

/// A type and its `impl` blocks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ImplBlocks {
    pub(crate) type_name: String,
    /// Files, and how many blocks each has.
    pub(crate) files: BTreeMap<String, usize>,
}

impl ImplBlocks {
    pub(crate) fn count(&self) -> usize {
        self.files.values().sum()
    }
}

/// The types that have more than a few blocks, and the context of a run; the most blocks first.
pub(crate) fn impl_blocks(source: &CrateSource) -> Vec<ImplBlocks> {
    let names = ModuleNames::of(source);
    let mut types: BTreeMap<TypePlace, BTreeMap<String, usize>> = BTreeMap::new();
    for (path, module) in source {
        for item in &module.syntax.items {
            if let Item::Impl(block) = item
                && block.trait_.is_none()
                && let Some(place) = names.type_place(path, &block.self_ty)
            {
                *types.entry(place).or_default().entry(module.file.clone()).or_default() += 1;
            }
        }
    }
    let types = types.into_iter().map(|((_, type_name), files)| ImplBlocks { type_name, files });
    let mut many: Vec<ImplBlocks> =
        types.filter(|blocks| blocks.count() > FEW || blocks.type_name == CONTEXT).collect();
    many.sort_by_key(|blocks| std::cmp::Reverse(blocks.count()));
    many
}

#[cfg(test)]
mod tests {
    use super::super::crate_source::crate_of;
    use super::*;

    #[test]
    fn blocks_of_one_type_are_counted_in_all_files() {
        let source = crate_of(&[
            ("a/lib.rs", "mod b;\nmod c;\npub use b::Big;\nimpl Big {}\nimpl<T> Other<T> {}\n"),
            ("a/b.rs", "pub struct Big;\nimpl Big {}\nimpl Big {}\nimpl Clone for Big {}\nimpl super::Other<u8> {}\n"),
            ("a/c.rs", "use crate::Big;\nimpl Big {}\nstruct Other;\nimpl Other {}\nimpl Other {}\n"),
        ]);
        let files = [("a/b.rs", 2), ("a/c.rs", 1), ("a/lib.rs", 1)].map(|(file, count)| (file.to_owned(), count));
        let expected = ImplBlocks { type_name: "Big".to_owned(), files: files.into() };
        assert_eq!(impl_blocks(&source), [expected]);
    }

    #[test]
    fn the_context_of_a_run_is_always_listed() {
        let source = crate_of(&[("a/lib.rs", "pub struct EngineContext;\nimpl EngineContext {}\n")]);
        assert_eq!(impl_blocks(&source).iter().map(ImplBlocks::count).collect::<Vec<_>>(), [1]);
    }
}
