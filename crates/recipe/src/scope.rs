//! What a table can refer to: variables, and the names of sources, stages, sysroots and tools.
//! Knows names only, nothing of what they stand for.

use std::collections::HashSet;
use std::sync::Arc;

use crate::expand::Vars;
use crate::file::File;

#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) file: Arc<File>,
    pub(crate) vars: Vars,
    pub(crate) sources: Names,
    pub(crate) stages: Names,
    pub(crate) sysroots: Names,
    pub(crate) tools: Names,
}

impl Scope {
    pub(crate) fn new(file: Arc<File>, vars: Vars) -> Self {
        let none = Names::default;
        Self { file, vars, sources: none(), stages: none(), sysroots: none(), tools: none() }
    }
}

/// Names in the order of the file, which is how messages list them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    list: Vec<String>,
    set: HashSet<String>,
}

impl Names {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.set.contains(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(String::as_str)
    }
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let list: Vec<String> = names.into_iter().map(str::to_owned).collect();
        Self { set: list.iter().cloned().collect(), list }
    }
}
