//! The bill of materials of an image. Knows in which order things stand and when two are one; the format is
//! `cyclonedx.rs`'s.

use std::collections::BTreeMap;

use akbuild_nar::{Algo, Digest};

use crate::cyclonedx::Bom;
use crate::{Component, ComponentKind, Project, Purl, SbomError};

/// CycloneDX 1.6 as JSON, with a line feed at its end: `project` is what it is about, `akbuild` the version of akbuild.
///
/// The order of `components` does not matter. Those with the same package URL become one, with the digests and licences
/// of all, that ships as the one that matters most. There is no time in it; the same input gives the same bytes.
///
/// # Errors
/// If components contradict each other.
pub fn sbom(project: &Project, components: &[Component], akbuild: &str) -> Result<String, SbomError> {
    if let Some(found) = project.image.filter(|digest| digest.algo() != Algo::Sha256) {
        return Err(SbomError::Image { found });
    }
    let merged = merge(components)?;
    let main = project.purl();
    if merged.contains_key(&main) {
        return Err(SbomError::Main { purl: main });
    }
    Ok(Bom::new(project, &merged.into_values().collect::<Vec<_>>(), akbuild).into_json())
}

/// Components by their package URLs. They are taken in their own order, so that the one that gives the name does not
/// depend on the order in which they came.
fn merge(components: &[Component]) -> Result<BTreeMap<Purl, Component>, SbomError> {
    let mut sorted: Vec<&Component> = components.iter().collect();
    sorted.sort();
    let mut merged: BTreeMap<Purl, Component> = BTreeMap::new();
    for component in sorted {
        match merged.get_mut(&component.purl) {
            Some(known) => join(known, component)?,
            None => drop(merged.insert(component.purl.clone(), component.clone())),
        }
    }
    for component in merged.values_mut() {
        component.licences.sort();
        component.licences.dedup();
        component.digests = one_of_each(component)?;
    }
    Ok(merged)
}

fn join(known: &mut Component, other: &Component) -> Result<(), SbomError> {
    if (&known.kind, &known.name, &known.version) != (&other.kind, &other.name, &other.version) {
        let (first, second) = (named(known), named(other));
        return Err(SbomError::Ambiguous { purl: known.purl.clone(), first, second });
    }
    known.digests.extend(&other.digests);
    known.licences.extend(other.licences.iter().cloned());
    known.ships = known.ships.max(other.ships);
    Ok(())
}

/// Its digests, one of each algorithm.
fn one_of_each(component: &Component) -> Result<Vec<Digest>, SbomError> {
    let mut digests: BTreeMap<Algo, Digest> = BTreeMap::new();
    let mut sorted = component.digests.clone();
    sorted.sort();
    for second in sorted {
        if let Some(first) = digests.insert(second.algo(), second).filter(|first| *first != second) {
            return Err(SbomError::Digests { purl: component.purl.clone(), first, second });
        }
    }
    Ok(digests.into_values().collect())
}

/// A component in words, with what tells sources of one name apart.
fn named(component: &Component) -> String {
    match &component.kind {
        ComponentKind::Source(origin) => format!("{} {} ({})", component.name, component.version, origin.tree),
        _ => format!("{} {}", component.name, component.version),
    }
}
