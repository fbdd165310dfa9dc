//! The result of a check: how many files and needs there are, and which needs nothing satisfies. Must not depend on how needs
//! are found.

use std::collections::BTreeMap;

use super::object::ElfKind;
use crate::unmet_need::UnmetNeed;

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ElfReport {
    /// How many files there are of each kind.
    pub(super) kinds: BTreeMap<ElfKind, usize>,
    /// Libraries that they need.
    pub(super) libraries: usize,
    /// Loaders and versions of libraries that they need.
    pub(super) others: usize,
    /// What nothing satisfies, sorted.
    pub(crate) unmet: Vec<UnmetNeed>,
}

impl ElfReport {
    /// What was looked at, in a line.
    pub(crate) fn summary(&self) -> String {
        let of = |kind| self.kinds.get(&kind).copied().unwrap_or(0);
        let (dynamic, fixed) = (of(ElfKind::Program), of(ElfKind::StaticProgram));
        let programs = counted(dynamic + fixed, "program", "programs");
        let fixed = if fixed == 0 { String::new() } else { format!(", {fixed} of them static") };
        let libraries = counted(of(ElfKind::Library), "library", "libraries");
        let needed = counted(self.libraries, "needed library", "needed libraries");
        let others = [
            (ElfKind::Object, "object file", "object files"),
            (ElfKind::Debug, "debug file", "debug files"),
            (ElfKind::Foreign, "file for another machine", "files for other machines"),
            (ElfKind::Damaged, "damaged file", "damaged files"),
        ];
        let others =
            others.iter().filter(|(kind, ..)| of(*kind) > 0).map(|(kind, one, many)| counted(of(*kind), one, many));
        let others: Vec<String> = others.collect();
        let others = if others.is_empty() { String::new() } else { format!("; not looked at: {}", others.join(", ")) };
        format!("{programs}{fixed}; {libraries}; {needed}{others}")
    }
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
