//! How long the functions of a crate are, from `fn` to the closing brace. Tests are not in the sources any more.

use syn::visit::{self, Visit};
use syn::{Block, Signature};

use super::crate_source::CrateSource;

/// A function that has a body.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FunctionLength {
    pub(crate) lines: usize,
    /// `FILE: NAME`.
    pub(crate) place: String,
}

/// All functions, the shortest first.
pub(crate) fn function_lengths(source: &CrateSource) -> Vec<FunctionLength> {
    let mut found = Vec::new();
    for module in source.values() {
        Functions { file: &module.file, found: &mut found }.visit_file(&module.syntax);
    }
    found.sort();
    found
}

struct Functions<'a> {
    file: &'a str,
    found: &'a mut Vec<FunctionLength>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &Signature, body: &Block) {
        let lines = body.brace_token.span.close().end().line - signature.fn_token.span.start().line + 1;
        self.found.push(FunctionLength { lines, place: format!("{}: {}", self.file, signature.ident) });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.add(&node.sig, &node.block);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.add(&node.sig, &node.block);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(body) = &node.default {
            self.add(&node.sig, body);
        }
        visit::visit_trait_item_fn(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::super::crate_source::crate_of;
    use super::*;

    #[test]
    fn functions_methods_and_defaults_are_measured_without_attributes() {
        let text = "#[inline]\nfn a() {}\nimpl B {\n    fn b(\n        x: u8,\n    ) {\n    }\n}\n\
            trait C {\n    fn none();\n    fn c() {\n    }\n}\n#[cfg(test)]\nfn tested() {\n\n\n\n\n}\n";
        let found = function_lengths(&crate_of(&[("a/lib.rs", text)]));
        let found: Vec<_> = found.iter().map(|function| (function.lines, &*function.place)).collect();
        assert_eq!(found, [(1, "a/lib.rs: a"), (2, "a/lib.rs: c"), (4, "a/lib.rs: b")]);
    }
}
