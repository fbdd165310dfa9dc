//! The JSON of an in-toto Statement v1 with SLSA provenance v1. Knows the fields' names and that what has no order is
//! sorted.

use std::collections::BTreeMap;

use akbuild_nar::Digest;
use serde::Serialize;
use url::Url;

use crate::{BUILD_TYPE, DigestSet, Item, Material, Provenance, ProvenanceError, Timestamp};

impl Provenance {
    /// The statement as JSON, with a line feed at its end. The same input gives the same bytes.
    ///
    /// # Errors
    /// If there is no subject, one without a digest, or the builder's name is no URI.
    pub fn to_json(&self) -> Result<String, ProvenanceError> {
        if self.subjects.is_empty() {
            return Err(ProvenanceError::NoSubject);
        }
        if let Some(subject) = self.subjects.iter().find(|s| s.digest.is_empty()) {
            return Err(ProvenanceError::NoDigest { name: subject.name.clone() });
        }
        if Url::parse(&self.builder.id).is_err() {
            return Err(ProvenanceError::Builder { id: self.builder.id.clone() });
        }
        Ok(Statement::new(self).to_json())
    }
}

/// A statement: what it is about, and what it says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<&'a Item>,
    predicate_type: &'static str,
    predicate: Predicate<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate<'a> {
    build_definition: BuildDefinition<'a>,
    run_details: RunDetails<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition<'a> {
    build_type: &'static str,
    external_parameters: ExternalParameters<'a>,
    internal_parameters: InternalParameters<'a>,
    resolved_dependencies: Vec<&'a Material>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalParameters<'a> {
    project: &'a str,
    version: &'a str,
    target: &'a str,
    recipe: &'a Item,
    lock: &'a Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    overlay: Option<&'a Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaced_sources: Vec<Item>,
}

#[derive(Serialize)]
struct InternalParameters<'a> {
    akbuild: &'a str,
    toolchain: &'a str,
    stages: &'a BTreeMap<String, Digest>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunDetails<'a> {
    builder: BuilderId<'a>,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    byproducts: Vec<&'a Item>,
}

#[derive(Serialize)]
struct BuilderId<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    version: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    invocation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_on: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_on: Option<Timestamp>,
}

impl<'a> Statement<'a> {
    fn new(provenance: &'a Provenance) -> Self {
        Self {
            kind: "https://in-toto.io/Statement/v1",
            subject: sorted(&provenance.subjects),
            predicate_type: "https://slsa.dev/provenance/v1",
            predicate: Predicate {
                build_definition: BuildDefinition {
                    build_type: BUILD_TYPE,
                    external_parameters: external(provenance),
                    internal_parameters: InternalParameters {
                        akbuild: &provenance.internal.akbuild,
                        toolchain: &provenance.internal.toolchain,
                        stages: &provenance.internal.stages,
                    },
                    resolved_dependencies: sorted(&provenance.materials),
                },
                run_details: details(provenance),
            },
        }
    }

    fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("only texts, lists and maps of texts are written");
        text.push('\n');
        text
    }
}

fn external(provenance: &Provenance) -> ExternalParameters<'_> {
    let external = &provenance.external;
    let replaced = sorted(&external.replaced);
    let replaced = replaced.into_iter().map(|r| Item { name: r.name.clone(), digest: DigestSet::tree(&r.tree) });
    ExternalParameters {
        project: &external.project,
        version: &external.version,
        target: &external.target,
        recipe: &external.recipe,
        lock: &external.lock,
        overlay: external.overlay.as_ref(),
        replaced_sources: replaced.collect(),
    }
}

fn details(provenance: &Provenance) -> RunDetails<'_> {
    let (builder, run) = (&provenance.builder, &provenance.run);
    RunDetails {
        builder: BuilderId { id: &builder.id, version: &builder.versions },
        metadata: Metadata {
            invocation_id: run.invocation.as_deref(),
            started_on: run.started,
            finished_on: run.finished,
        },
        byproducts: sorted(&run.byproducts),
    }
}

/// Sorted, each once.
fn sorted<T: Ord>(items: &[T]) -> Vec<&T> {
    let mut sorted: Vec<&T> = items.iter().collect();
    sorted.sort();
    sorted.dedup();
    sorted
}
