//! What a table can refer to: variables, and the names of sources, stages, sysroots and tools.
//! Knows names only, nothing of what they stand for.

use std::sync::Arc;

use crate::expand::Vars;
use crate::file::File;

/// Names in the order in which messages list them.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) file: Arc<File>,
    pub(crate) vars: Vars,
    pub(crate) sources: Vec<String>,
    pub(crate) stages: Vec<String>,
    pub(crate) sysroots: Vec<String>,
    pub(crate) tools: Vec<String>,
}

impl Scope {
    pub(crate) fn new(file: Arc<File>, vars: Vars) -> Self {
        Self { file, vars, sources: vec![], stages: vec![], sysroots: vec![], tools: vec![] }
    }
}
