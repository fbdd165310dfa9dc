//! Who has a library that would not be found: the output or the sysroot at another place, a package of another sysroot of the
//! recipe, or a package of the suites. Only asked when a check has failed. What stands in the store comes first; the index
//! of a suite is downloaded only for what is not there, and never with `--offline`.
//!
//! An index is not signed for here, since its answer is only told: what somebody adds because of it is locked like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use akbuild_launch::MountedSysroot;
use akbuild_recipe::plan::{Sysroot, SysrootId};
use akbuild_sysroot::{DebFile, owners_in_index, owners_of_paths, package_names_of};
use akbuild_tree::TreeDir;

use super::place::{PlacedTree, files_called};
use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::registries;
use crate::unmet_need::UnmetNeed;

/// The largest index that is downloaded, in bytes.
const LONGEST_INDEX: u64 = 256 << 20;
/// How long the download may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Packages that one line names.
const SHOWN: usize = 5;

/// Who has a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    /// It is there, where the loader does not look.
    Elsewhere {
        path: PathBuf,
        /// In the output, not in the sysroot.
        is_output: bool,
    },
    /// A package of another sysroot.
    Sysroot { package: Option<String>, sysroot: String },
    /// Packages of the suites.
    Suites { packages: Vec<String>, suites: String },
    /// No package of the suites.
    Nobody { suites: String },
    /// It could not be found out.
    Unknown { why: String, names: Vec<String> },
}

impl Provider {
    /// The one package that has the file.
    pub(super) fn only_package(&self) -> Option<&str> {
        match self {
            Provider::Sysroot { package, .. } => package.as_deref(),
            Provider::Suites { packages, .. } if packages.len() == 1 => packages.first().map(String::as_str),
            _ => None,
        }
    }

    /// Whether several packages have the file.
    pub(super) fn is_a_choice(&self) -> bool {
        matches!(self, Provider::Suites { packages, .. } if packages.len() > 1)
    }

    /// Who has this file, in a line; `of` is the sysroot that the output runs in.
    pub(super) fn sentence(&self, file: &str, of: &str) -> String {
        match self {
            Provider::Elsewhere { path, is_output } => {
                let whose = if *is_output { "the output".to_owned() } else { format!("sysroot `{of}`") };
                format!("{file} is in {whose} as {}, where the loader does not look", path.display())
            }
            Provider::Sysroot { package: Some(package), sysroot } => {
                format!("{file} is in package `{package}`, which sysroot `{sysroot}` has")
            }
            Provider::Sysroot { package: None, sysroot } => format!("{file} is in sysroot `{sysroot}`"),
            Provider::Suites { packages, suites } => {
                let noun = if packages.len() == 1 { "package" } else { "packages" };
                let more = packages.len().saturating_sub(SHOWN);
                let names: Vec<String> = packages.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{file} is in {noun} {}{more} of {suites}", names.join(", "))
            }
            Provider::Nobody { suites } => format!("no package of {suites} has {file}"),
            Provider::Unknown { why, names } if names.is_empty() => {
                format!("which package has {file} is not known: {why}")
            }
            Provider::Unknown { why, names } => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let rule = format!("by Debian's rule for names it is {}", names.join(" or "));
                format!("which package has {file} is not known ({why}); {rule}")
            }
        }
    }
}

/// Who has what is missing of an output at `at` over this sysroot, by the name of the file.
pub(crate) fn providers(
    context: &EngineContext,
    unmet: &[UnmetNeed],
    tree: &Path,
    at: &str,
    (id, root): (&SysrootId, &MountedSysroot),
) -> Result<BTreeMap<String, Provider>, EngineError> {
    let names = unmet.iter().filter_map(|unmet| unmet.need.missing_file()).map(str::to_owned);
    let mut open: BTreeSet<String> = names.collect();
    let mut found = BTreeMap::new();
    if open.is_empty() {
        return Ok(found);
    }
    let place = PlacedTree::open(tree, at, root)?;
    for (name, path, is_output) in place.find(&open) {
        if place.library(&path).is_some() {
            found.entry(name).or_insert(Provider::Elsewhere { path, is_output });
        }
    }
    for other in context.plan.sysroots.iter().filter(|other| other.id != *id && other.host.is_none()) {
        open.retain(|name| !found.contains_key(name));
        found.extend(in_sysroot(context, other, &open));
    }
    open.retain(|name| !found.contains_key(name));
    if !open.is_empty() {
        found.extend(in_suites(context, context.sysroot(id)?, open));
    }
    Ok(found)
}

/// Which of these files a sysroot has that is in the store, and which of its packages has them.
fn in_sysroot(context: &EngineContext, sysroot: &Sysroot, names: &BTreeSet<String>) -> BTreeMap<String, Provider> {
    let tree = registries::present(context, &NodeId::Sysroot(sysroot.id.clone()));
    let Some(tree) = tree.and_then(|tree| TreeDir::open(&tree, "the sysroot").ok()) else { return BTreeMap::new() };
    let files = files_called(&tree, names);
    let paths: BTreeSet<String> = files.iter().map(|(_, path)| path.to_string_lossy().into_owned()).collect();
    let owners = owners_of_paths(&likely_debs(context, sysroot, names), &paths).unwrap_or_default();
    let mut found = BTreeMap::new();
    for (name, path) in files {
        let package = owners.get(&*path.to_string_lossy()).map(|name| name.to_string());
        let provider = Provider::Sysroot { package, sysroot: sysroot.id.to_string() };
        found.entry(name).or_insert(provider);
    }
    found
}

/// The packages of a sysroot that are in the store, those first that are called like these libraries.
fn likely_debs<'a>(context: &EngineContext, sysroot: &'a Sysroot, names: &BTreeSet<String>) -> Vec<DebFile<'a>> {
    let by_rule: BTreeSet<String> =
        names.iter().flat_map(|name| package_names_of(name)).map(|name| name.to_string()).collect();
    let mut pins: Vec<_> = sysroot.packages.iter().filter(|pin| context.store.has_blob(&pin.digest)).collect();
    pins.sort_by_key(|pin| (!by_rule.contains(&*pin.name), !pin.name.starts_with("lib"), pin.size));
    pins.into_iter().map(|pin| DebFile { pin, path: context.store.blob_path(&pin.digest) }).collect()
}

/// Which packages of a sysroot's suites have these files.
fn in_suites(context: &EngineContext, sysroot: &Sysroot, names: BTreeSet<String>) -> BTreeMap<String, Provider> {
    let suites = sysroot.suites.as_ref().map(|suites| words(&suites.suites)).unwrap_or_default();
    let answer = |name: String, owners: Result<&BTreeMap<String, BTreeSet<_>>, &String>| {
        let provider = match owners.map(|owners| owners.get(&name)) {
            Ok(Some(packages)) => Provider::Suites {
                packages: packages.iter().map(|name: &akbuild_names::DebianPackageName| name.to_string()).collect(),
                suites: suites.clone(),
            },
            Ok(None) => Provider::Nobody { suites: suites.clone() },
            Err(why) => Provider::Unknown {
                why: why.clone(),
                names: package_names_of(&name).iter().map(|name| name.to_string()).collect(),
            },
        };
        (name, provider)
    };
    let owners = owners_in_suites(context, sysroot, &names);
    names.into_iter().map(|name| answer(name, owners.as_ref())).collect()
}

/// Asks the index of each suite; why not, in words.
fn owners_in_suites(
    context: &EngineContext,
    sysroot: &Sysroot,
    names: &BTreeSet<String>,
) -> Result<BTreeMap<String, BTreeSet<akbuild_names::DebianPackageName>>, String> {
    if context.options.offline {
        return Err("`--offline`".to_owned());
    }
    let suites = sysroot.suites.as_ref().ok_or("the lock names no suite of the sysroot")?;
    let (mirrors, client) = registries::network(context).map_err(|error| error.to_string())?;
    let archives = mirrors.of(akbuild_names::Ecosystem::Debian);
    if archives.is_empty() {
        return Err("no Debian archive is configured".to_owned());
    }
    let mut all: BTreeMap<String, BTreeSet<_>> = BTreeMap::new();
    for suite in &suites.suites {
        for component in &suites.components {
            let arch = &suites.architecture;
            // Debian has one for each component, older archives one for each suite.
            let paths =
                [format!("dists/{suite}/{component}/Contents-{arch}.gz"), format!("dists/{suite}/Contents-{arch}.gz")];
            let urls = |path: &String| archives.iter().filter_map(|base| base.below(path)).collect::<Vec<_>>();
            let mut got = Err(String::new());
            for path in &paths {
                got = context.runtime.block_on(async {
                    let urls = urls(path);
                    let timed = tokio::time::timeout(PATIENCE, client.get_file(&urls, LONGEST_INDEX)).await;
                    timed.map_err(|_| format!("`{path}` took too long")).and_then(|got| got.map_err(|e| e.to_string()))
                });
                if got.is_ok() {
                    break;
                }
            }
            let no_index = |_| format!("the archive has no `{}`", paths[0]);
            let owners = owners_in_index(&got.map_err(no_index)?.bytes, names).map_err(|error| error.to_string())?;
            owners.into_iter().for_each(|(name, packages)| all.entry(name).or_default().extend(packages));
        }
    }
    Ok(all)
}

/// `suite "x"`, or several.
fn words(suites: &[String]) -> String {
    let names: Vec<String> = suites.iter().map(|suite| format!("`{suite}`")).collect();
    format!("suite{} {}", if names.len() == 1 { "" } else { "s" }, names.join(", "))
}
