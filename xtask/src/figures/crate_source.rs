//! The modules of one crate as syntax trees, without their tests. Follows `mod` declarations from the roots, as the
//! compiler does, so that a file that only tests use is left out. Depends on no figure.

use std::collections::BTreeMap;

use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Item};

use crate::repo::Outcome;

/// One file of a crate.
pub(crate) struct ModuleSource {
    /// The file, relative to the repository.
    pub(crate) file: String,
    /// How many lines of it are not tests.
    pub(crate) lines: usize,
    /// What it declares, without tests.
    pub(crate) syntax: syn::File,
}

/// The modules of a crate by their paths: `["why", "cause"]`; the root has an empty path.
pub(crate) type CrateSource = BTreeMap<Vec<String>, ModuleSource>;

/// Reads the file at `path` of a crate, and the modules that it declares.
pub(crate) fn read_module(
    source: &mut CrateSource,
    path: &[String],
    file: &str,
    read: &impl Fn(&str) -> Option<String>,
) -> Outcome {
    let text = read(file).ok_or_else(|| format!("there is no `{file}`"))?;
    let mut syntax = syn::parse_file(&text).map_err(|error| format!("cannot parse `{file}`: {error}"))?;
    let lines = text.lines().count() - remove_tests(&mut syntax.items);
    let folder = match file.rsplit_once('/') {
        Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder,
        _ => file.trim_end_matches(".rs"),
    };
    for item in &syntax.items {
        if let Item::Mod(module) = item
            && module.content.is_none()
        {
            let name = module.ident.to_string();
            let beside = format!("{folder}/{name}.rs");
            let file = if read(&beside).is_some() { beside } else { format!("{folder}/{name}/mod.rs") };
            read_module(source, &[path, &[name]].concat(), &file, read)?;
        }
    }
    source.insert(path.to_vec(), ModuleSource { file: file.to_owned(), lines, syntax });
    Ok(())
}

/// Removes items that only tests have, and returns how many lines they take.
fn remove_tests(items: &mut Vec<Item>) -> usize {
    let mut removed = 0;
    items.retain_mut(|item| {
        let is_test = attributes(item).iter().any(is_test_attribute);
        match item {
            _ if is_test => removed += height(item),
            Item::Mod(module) => {
                removed += module.content.as_mut().map_or(0, |(_, items)| remove_tests(items));
            }
            Item::Impl(block) => block.items.retain(|item| {
                let is_test = matches!(item, ImplItem::Fn(function) if function.attrs.iter().any(is_test_attribute));
                removed += if is_test { height(item) } else { 0 };
                !is_test
            }),
            _ => {}
        }
        !is_test
    });
    removed
}

/// How many lines something takes, with its attributes.
pub(crate) fn height(part: &impl Spanned) -> usize {
    let span = part.span();
    span.end().line - span.start().line + 1
}

fn is_test_attribute(attribute: &Attribute) -> bool {
    let is_cfg = attribute.path().is_ident("cfg");
    attribute.path().is_ident("test")
        || is_cfg && attribute.parse_args::<syn::Path>().is_ok_and(|option| option.is_ident("test"))
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(syn::ItemConst { attrs, .. })
        | Item::Enum(syn::ItemEnum { attrs, .. })
        | Item::Fn(syn::ItemFn { attrs, .. })
        | Item::Impl(syn::ItemImpl { attrs, .. })
        | Item::Macro(syn::ItemMacro { attrs, .. })
        | Item::Mod(syn::ItemMod { attrs, .. })
        | Item::Static(syn::ItemStatic { attrs, .. })
        | Item::Struct(syn::ItemStruct { attrs, .. })
        | Item::Trait(syn::ItemTrait { attrs, .. })
        | Item::Type(syn::ItemType { attrs, .. })
        | Item::Use(syn::ItemUse { attrs, .. }) => attrs,
        _ => &[],
    }
}

/// A crate whose files are given as pairs of a path and a text; the first is its root.
#[cfg(test)]
pub(crate) fn crate_of(files: &[(&str, &str)]) -> CrateSource {
    let read = |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned());
    let mut source = CrateSource::new();
    read_module(&mut source, &[], files[0].0, &read).unwrap();
    source
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_followed_and_tests_are_left_out() {
        let source = crate_of(&[
            ("a/lib.rs", "mod b;\n#[cfg(test)]\nmod tests;\n"),
            ("a/b.rs", "mod c;\nstruct B;\nimpl B {\n    #[cfg(test)]\n    fn only_tested() {}\n    fn used() {}\n}\n"),
            ("a/b/c/mod.rs", "fn c() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {}\n}\n"),
        ]);
        let found: Vec<_> = source.iter().map(|(path, module)| (path.join("::"), module.lines)).collect();
        assert_eq!(found, [(String::new(), 1), ("b".to_owned(), 5), ("b::c".to_owned(), 1)]);
    }
}
