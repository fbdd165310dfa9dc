//! Cuts libgit2 off from the machine's git configuration, so that a checkout depends on nothing but
//! the commit. The crate's only `unsafe`: these settings are global to the process. Knows libgit2's
//! options, no repository.
#![allow(unsafe_code)]

use std::sync::OnceLock;

use git2::ConfigLevel;

/// Must have been called before anything else of libgit2 is used; cheap when called again.
pub(super) fn isolate() -> Result<(), String> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(set).clone()
}

fn set() -> Result<(), String> {
    let said = |e: git2::Error| e.message().to_owned();
    for level in [ConfigLevel::System, ConfigLevel::Global, ConfigLevel::XDG, ConfigLevel::ProgramData] {
        // SAFETY: the options are plain globals of libgit2, unsafe to set while another thread uses
        // it. This crate alone uses libgit2, every use begins with `isolate`, and the `OnceLock`
        // lets no other thread go on before the settings are made.
        unsafe { git2::opts::set_search_path(level, "") }.map_err(said)?;
    }
    // A repository of another user is only read for its objects: nothing of its configuration is run.
    // SAFETY: as above.
    unsafe { git2::opts::set_verify_owner_validation(false) }.map_err(said)
}
