//! Which module of a crate needs which: by what it imports and names, and by the methods that it calls. A re-export
//! alone makes no edge, since whoever uses it needs the module behind it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenTree;
use syn::parse::discouraged::Speculative;
use syn::visit::{self, Visit};
use syn::{Expr, Visibility};

use super::crate_source::CrateSource;
use super::method_index::MethodIndex;
use super::module_names::{ModuleNames, TypePlace, paths_of};

/// Each module and those that it needs.
pub(crate) type ModuleGraph = BTreeMap<String, BTreeSet<String>>;

/// The graph by imports and paths, and the graph that has method calls too.
pub(crate) fn module_graphs(source: &CrateSource) -> (ModuleGraph, ModuleGraph) {
    let names = ModuleNames::of(source);
    let methods = MethodIndex::of(source, &names);
    let (mut by_imports, mut by_calls) = (ModuleGraph::new(), ModuleGraph::new());
    for (path, module) in source {
        let (modules, called) = (BTreeSet::new(), BTreeSet::new());
        let mut needs =
            ModuleNeeds { names: &names, methods: &methods, path, depth: 0, own_type: None, modules, called };
        needs.visit_file(&module.syntax);
        needs.modules.remove(path);
        needs.called.remove(path);
        let named = |modules: &BTreeSet<Vec<String>>| modules.iter().map(|path| module_name(path)).collect();
        by_imports.insert(module_name(path), named(&needs.modules));
        needs.modules.append(&mut needs.called);
        by_calls.insert(module_name(path), named(&needs.modules));
    }
    (by_imports, by_calls)
}

/// `why::cause`; `crate` for the root.
fn module_name(path: &[String]) -> String {
    if path.is_empty() { "crate".to_owned() } else { path.join("::") }
}

struct ModuleNeeds<'a> {
    names: &'a ModuleNames,
    path: &'a [String],
    methods: &'a MethodIndex,
    /// How many inline modules are around.
    depth: usize,
    /// The type of `self`.
    own_type: Option<TypePlace>,
    modules: BTreeSet<Vec<String>>,
    called: BTreeSet<Vec<String>>,
}

impl ModuleNeeds<'_> {
    fn add(&mut self, path: &[String]) {
        let found = self.names.resolve(self.path, self.depth, path);
        self.modules.extend(found.map(|(module, _)| module));
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

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.own_type, self.names.type_place(self.path, &node.self_ty));
        visit::visit_item_impl(self, node);
        self.own_type = outer;
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        self.called.extend(self.methods.module(node, self.own_type.as_ref()).cloned());
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
            let (modules, called) = (BTreeSet::new(), BTreeSet::new());
            let mut inside = ModuleNeeds { own_type: self.own_type.clone(), modules, called, ..*self };
            inside.visit_expr(&expression);
            self.modules.append(&mut inside.modules);
            self.called.append(&mut inside.called);
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
            ("a/lib.rs", "mod b;\nmod c;\nmod d;\nmod e;\n"),
            ("a/b.rs", "fn b(e: E) { e.twice(); e.of_a_trait(); E::associated(); e.once(1); e.len(); e.field; }\n"),
            ("a/c.rs", "fn c(e: E) { vec![e.once()] }\n"),
            ("a/d.rs", "fn d() { f(0).of_f(1) }\n"),
            (
                "a/e.rs",
                "impl E { fn once(&self) {}\nfn twice(&self) {}\nfn associated() {}\nfn len(&self) {} }\n\
                 impl F { fn twice(&self) {}\nfn of_f(self, x: u8) {} }\nimpl T for F { fn of_a_trait(&self) {} }\n",
            ),
        ]);
        let (by_imports, by_calls) = module_graphs(&source);
        assert_eq!(edges(&by_imports), "");
        assert_eq!(edges(&by_calls), "c -> {\"e\"}\nd -> {\"e\"}\n");
    }

    #[test]
    fn a_call_on_self_leads_to_a_block_of_the_type_that_has_the_method() {
        let source = crate_of(&[
            ("a/lib.rs", "mod b;\nmod c;\nmod d;\npub use c::E;\n"),
            (
                "a/b.rs",
                "use crate::E as Short;\nimpl Short { fn b(&self) { write!(f, \"{}\", self.len()); self.d(); } }\n",
            ),
            ("a/c.rs", "pub struct E;\nimpl E { fn len(&self) {} }\nimpl F { fn f(&self) { self.d() } }\n"),
            ("a/d.rs", "use crate::c::E;\nimpl F { fn len(&self) {} }\nimpl E { fn d(&self) {} }\n"),
        ]);
        assert_eq!(edges(&module_graphs(&source).1), "b -> {\"c\", \"d\"}\nd -> {\"c\"}\n");
    }
}
