//! What an ELF file needs and nothing satisfies, and how that is told. Looks nothing up.

use std::collections::{BTreeMap, BTreeSet};

use super::provider::Provider;
use super::report::ElfReport;
use crate::unmet_need::{ElfNeed, UnmetNeed};

/// The most lines of one kind that a message has.
const SHOWN: usize = 20;

/// The newest of these versions that is called like this one: of `GLIBC_2.41` another `GLIBC_...`.
pub(super) fn newest_like(version: &str, defined: &BTreeSet<String>) -> Option<String> {
    let split = |version: &str| {
        let (name, numbers) = version.rsplit_once('_')?;
        let numbers: Option<Vec<u64>> = numbers.split('.').map(|number| number.parse().ok()).collect();
        Some((name.to_owned(), numbers?))
    };
    let (name, _) = split(version)?;
    let like = defined.iter().filter_map(|other| Some((split(other)?, other)));
    like.filter(|((other, _), _)| *other == name).max_by(|a, b| a.0.1.cmp(&b.0.1)).map(|(_, newest)| newest.clone())
}

/// The whole message; `sysroot` is the one that the output runs in.
pub(crate) fn words(report: &ElfReport, providers: &BTreeMap<String, Provider>, sysroot: &str) -> String {
    let unmet = &report.unmet;
    let libraries_only = unmet.iter().all(|unmet| matches!(unmet.need, ElfNeed::Library(_)));
    let (what, all) = match libraries_only {
        true => ("needed libraries would not be found", report.libraries),
        false => ("needs of programs and libraries would not be met", report.libraries + report.others),
    };
    let mut lines = vec![format!("{} of {all} {what} at run time:", unmet.len())];
    lines.extend(unmet.iter().take(SHOWN).map(line));
    if unmet.len() > SHOWN {
        lines.push(format!("  and {} more", unmet.len() - SHOWN));
    }
    lines
        .extend(providers.iter().take(SHOWN).map(|(name, provider)| format!("  {}", provider.sentence(name, sysroot))));
    lines.extend(help(unmet, providers, sysroot).iter().map(|help| format!("  help: {help}")));
    lines.join("\n")
}

fn line(unmet: &UnmetNeed) -> String {
    let file = &unmet.file;
    match &unmet.need {
        ElfNeed::Library(name) => format!("  {file} needs {name}"),
        ElfNeed::Loader(path) => format!("  {file} needs the loader {path}"),
        ElfNeed::Version { library, version, path, newest } => {
            let newest = newest.as_ref().map(|newest| format!(": its newest is {newest}")).unwrap_or_default();
            format!("  {file} needs {version} of {library}, which {path} does not have{newest}")
        }
    }
}

/// What to do, for each kind of what is missing.
fn help(unmet: &[UnmetNeed], providers: &BTreeMap<String, Provider>, sysroot: &str) -> Vec<String> {
    let mut all = Vec::new();
    let packages: BTreeSet<&str> = providers.values().filter_map(Provider::only_package).collect();
    if !packages.is_empty() {
        let names: Vec<String> = packages.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(", ");
        all.push(format!("add {names} to `packages` of `[sysroots.{sysroot}]`, and run `akbuild lock`"));
    }
    if providers.values().any(Provider::is_a_choice) {
        all.push(format!("where several packages have a library, add the one that fits to `[sysroots.{sysroot}]`"));
    }
    if providers.values().any(|provider| matches!(provider, Provider::Elsewhere { .. })) {
        all.push("link what needs it with a RUNPATH to its folder, such as `-Wl,-rpath,'$ORIGIN/../lib'`".to_owned());
    }
    if unmet.iter().any(|unmet| matches!(unmet.need, ElfNeed::Version { .. })) {
        let build = "build it in a sysroot with the same version of the library as the one that it runs in";
        all.push(format!("{build}, or take the newer library into `[sysroots.{sysroot}]`"));
    }
    if all.is_empty() {
        let add = "add the package that has the library to the run-time sysroot of the recipe";
        all.push(format!("{add}, or leave out the file that needs it"));
    }
    all
}
