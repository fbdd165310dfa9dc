//! Which module of a crate needs which: by what it imports and names, and by the methods that it calls. A re-export
//! alone makes no edge, since whoever uses it needs the module behind it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenTree;
use syn::parse::discouraged::Speculative;
use syn::visit::{self, Visit};
use syn::{Expr, ImplItem, Item, Visibility};

use super::crate_source::CrateSource;
use super::module_names::{ModuleNames, paths_of};

/// Each module and those that it needs.
pub(crate) type ModuleGraph = BTreeMap<String, BTreeSet<String>>;

/// The graph by imports and paths, and the graph that has method calls too.
pub(crate) fn module_graphs(source: &CrateSource) -> (ModuleGraph, ModuleGraph) {
    let (names, methods) = (ModuleNames::of(source), methods_defined_once(source));
    let (mut by_imports, mut by_calls) = (ModuleGraph::new(), ModuleGraph::new());
    for (path, module) in source {
        let mut needs = ModuleNeeds { names: &names, path, depth: 0, modules: BTreeSet::new(), calls: BTreeSet::new() };
        needs.visit_file(&module.syntax);
        let own = module_name(path);
        needs.modules.remove(&own);
        let called = needs.calls.iter().filter_map(|name| methods.get(name)?.as_ref());
        let called = called.filter(|module| **module != own).cloned();
        by_calls.insert(own.clone(), needs.modules.iter().cloned().chain(called).collect());
        by_imports.insert(own, needs.modules);
    }
    (by_imports, by_calls)
}

/// `why::cause`; `crate` for the root.
fn module_name(path: &[String]) -> String {
    if path.is_empty() { "crate".to_owned() } else { path.join("::") }
}

/// The module of each method that one `impl` block of the crate defines; `None` if several do, a trait included.
fn methods_defined_once(source: &CrateSource) -> BTreeMap<String, Option<String>> {
    let mut methods = BTreeMap::new();
    for (path, module) in source {
        for item in &module.syntax.items {
            let Item::Impl(block) = item else { continue };
            for item in &block.items {
                let ImplItem::Fn(function) = item else { continue };
                let defined = function.sig.receiver().filter(|_| block.trait_.is_none()).map(|_| module_name(path));
                methods.entry(function.sig.ident.to_string()).and_modify(|module| *module = None).or_insert(defined);
            }
        }
    }
    methods
}

struct ModuleNeeds<'a> {
    names: &'a ModuleNames,
    path: &'a [String],
    depth: usize,
    modules: BTreeSet<String>,
    calls: BTreeSet<String>,
}

impl ModuleNeeds<'_> {
    fn add(&mut self, path: &[String]) {
        let found = self.names.resolve(self.path, self.depth, path);
        self.modules.extend(found.map(|(module, _)| module_name(&module)));
    }
}

impl<'ast> Visit<'ast> for ModuleNeeds<'_> {
    fn visit_item_use(&mut self, node: &'ast syn::ItemUse) {
        if matches!(node.vis, Visibility::Inherited) {
            paths_of(&node.tree).iter().for_each(|(_, path)| self.add(path));
        }
    }

    fn visit_path(&mut self, node: &'ast syn::Path) {
        let words: Vec<String> = node.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if words.len() > 1 {
            self.add(&words);
        }
        visit::visit_path(self, node);
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, node);
        self.depth -= 1;
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        self.calls.insert(node.method.to_string());
        visit::visit_expr_method_call(self, node);
    }

    /// Looks at all expressions among a macro's arguments.
    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        let arguments = node.parse_body_with(|input: syn::parse::ParseStream<'_>| {
            let mut found = Vec::new();
            while !input.is_empty() {
                let ahead = input.fork();
                if let Ok(expression) = ahead.parse::<Expr>() {
                    input.advance_to(&ahead);
                    found.push(expression);
                } else {
                    input.parse::<TokenTree>()?;
                }
            }
            Ok(found)
        });
        for expression in arguments.unwrap_or_default() {
            // It ends with this call; only what a macro's arguments call and name is kept.
            let mut inner = ModuleNeeds { modules: BTreeSet::new(), calls: BTreeSet::new(), ..*self };
            inner.visit_expr(&expression);
            self.modules.append(&mut inner.modules);
            self.calls.append(&mut inner.calls);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::crate_source::crate_of;
    use super::*;

    fn edges(graph: &ModuleGraph) -> String {
        let lines = graph.iter().filter(|(_, needs)| !needs.is_empty());
        lines.map(|(module, needs)| format!("{module} -> {needs:?}\n")).collect()
    }

    #[test]
    fn imports_and_paths_lead_to_the_module_that_defines_the_name() {
        let source = crate_of(&[
            ("a/lib.rs", "mod b;\nmod c;\nmod d;\npub use c::inner::Deep;\npub use std::fmt::Debug;\n"),
            (
                "a/b.rs",
                "use crate::{Deep, d as other};\nuse std::fmt;\nfn b() { crate::c::free(); fmt::x(); Deep::new() }\n",
            ),
            ("a/c.rs", "mod inner;\nfn free() { inner::f() }\n"),
            ("a/c/inner.rs", "use super::super::b::B;\nmod own { use super::X; }\npub struct Deep;\n"),
            (
                "a/d.rs",
                "fn d() { let x = format!(\"{}\", crate::b::B); matches!(x, Some(Y { .. }) if super::c::f()) }\n",
            ),
        ]);
        let (by_imports, by_calls) = module_graphs(&source);
        let expected =
            "b -> {\"c\", \"c::inner\", \"d\"}\nc -> {\"c::inner\"}\nc::inner -> {\"b\"}\nd -> {\"b\", \"c\"}\n";
        assert_eq!(edges(&by_imports), expected);
        assert_eq!(edges(&by_calls), expected);
    }

    #[test]
    fn a_call_leads_to_the_only_impl_block_that_has_the_method() {
        let source = crate_of(&[
            ("a/lib.rs", "mod b;\nmod c;\nmod d;\n"),
            ("a/b.rs", "fn b(e: E) { e.once(); e.twice(); e.of_a_trait(); E::associated(); e.unknown(); e.field; }\n"),
            ("a/c.rs", "impl E { fn once(&self) {}\nfn twice(&self) {}\nfn associated() {} }\n"),
            (
                "a/d.rs",
                "impl F { fn twice(&self) { vec![self.of_c()] } }\nimpl T for F { fn of_a_trait(&self) {} }\nimpl E { fn of_c(&self) { self.twice() } }",
            ),
        ]);
        let (by_imports, by_calls) = module_graphs(&source);
        assert_eq!(edges(&by_imports), "");
        assert_eq!(edges(&by_calls), "b -> {\"c\"}\n");
    }
}
