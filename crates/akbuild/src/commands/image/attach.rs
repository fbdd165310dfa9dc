//! Attaching an image's documents to it in a registry. The image has been pushed by then, so a registry that does not
//! take a document makes a warning and no error.

use std::collections::BTreeMap;

use akbuild_distribution::{Artifact, Blob, Client, DistributionError, ListedBy, Reference};
use akbuild_image::Descriptor;
use serde_json::{Value, json};

use super::documents::Documents;
use crate::failure::Outcome;
use crate::session::Session;

/// The documents of an image that was pushed, and what became of them.
#[derive(Default)]
pub(super) struct AttachedDocuments {
    /// Media type, and the digest of the manifest that ties the document to the image.
    attached: Vec<(&'static str, String)>,
    missing: Vec<MissingDocument>,
    /// The list of what is attached is a tag.
    by_tag: bool,
}

/// A document that the registry does not have.
struct MissingDocument {
    name: &'static str,
    media_type: &'static str,
    /// Why, without what to do.
    problem: String,
    /// Whether another attempt may succeed.
    may_pass: bool,
}

/// Attaches all documents.
pub(super) fn attach(
    session: &Session,
    client: &Client,
    image: &Descriptor,
    to: &Reference,
    documents: Option<&Documents>,
) -> Outcome<AttachedDocuments> {
    let mut all = AttachedDocuments::default();
    for (name, media_type, text) in documents.into_iter().flat_map(Documents::all) {
        let blob = Blob::bytes(media_type, text.as_bytes());
        let artifact = Artifact { artifact_type: media_type.to_owned(), blob, annotations: BTreeMap::new() };
        match session.interruptible(client.attach(image, &artifact, to, &|_| {}))? {
            Ok(done) => {
                all.by_tag |= done.listed_by == ListedBy::Tag;
                all.attached.push((media_type, done.manifest.name()));
            }
            Err(error) => all.missing.push(MissingDocument::new(name, media_type, &error)),
        }
    }
    Ok(all)
}

impl MissingDocument {
    fn new(name: &'static str, media_type: &'static str, error: &DistributionError) -> Self {
        let may_pass = match error {
            DistributionError::Unreachable { .. } | DistributionError::ReferrersRace { .. } => true,
            DistributionError::Refused { refusal, .. } => refusal.status >= 500 || matches!(refusal.status, 408 | 429),
            _ => false,
        };
        let problem = match error {
            // Without the address, so that documents which are refused for the same reason make one warning.
            DistributionError::Refused { refusal, .. } => {
                let said = refusal.said.iter().map(|said| format!("\n  it says: {said}"));
                format!("the registry answers {} {}{}", refusal.status, refusal.reason, said.collect::<String>())
            }
            error => {
                let text = error.to_string();
                text.lines().take_while(|line| !line.starts_with("  help: ")).collect::<Vec<_>>().join("\n")
            }
        };
        Self { name, media_type, problem, may_pass }
    }
}

impl AttachedDocuments {
    /// Those that are attached, for `--json`.
    pub(super) fn attached(&self) -> Vec<Value> {
        self.attached.iter().map(|(kind, digest)| json!({"type": kind, "digest": digest})).collect()
    }

    /// Those that are not, for `--json`.
    pub(super) fn missing(&self) -> Vec<Value> {
        self.missing.iter().map(|one| json!({"type": one.media_type, "problem": one.problem})).collect()
    }

    /// Says where the documents are found, and warns of those that the registry does not have.
    pub(super) fn tell(&self, session: &Session, image: &str) {
        if self.by_tag {
            session.ui.note("the registry keeps no list of referrers: the bill of materials is found by a tag");
        }
        for warning in self.warnings(image) {
            session.ui.warn(&warning);
        }
    }

    /// A warning for each problem, with the documents that have it.
    fn warnings(&self, image: &str) -> Vec<String> {
        let mut rest: Vec<&MissingDocument> = self.missing.iter().collect();
        let mut warnings = Vec::new();
        while let Some(first) = rest.first().copied() {
            let (same, others) = rest.into_iter().partition(|one| one.problem == first.problem);
            rest = others;
            let names: Vec<&str> = Vec::from_iter(same).into_iter().map(|one: &MissingDocument| one.name).collect();
            let verb = if names.len() == 1 { "is" } else { "are" };
            let again = if first.may_pass { "run the same again to attach them, " } else { "" };
            warnings.push(format!(
                "`{image}` is pushed, but its {} {verb} not attached to it: {}\n  help: {again}write them beside the image \
                 with `--output FILE`, or leave them out with `--bare`",
                names.join(" and its "),
                first.problem,
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_with_the_same_problem_make_one_warning() {
        let tag = || DistributionError::ReferrersTagIsImage { tag: "registry.example/app:sha256-4f5a".into() };
        let race = || DistributionError::ReferrersRace { tag: "registry.example/app:sha256-4f5a".into(), tries: 5 };
        let warnings = |errors: [DistributionError; 2]| {
            let [first, second] = errors;
            let missing = vec![
                MissingDocument::new("bill of materials", "a/b", &first),
                MissingDocument::new("provenance", "c/d", &second),
            ];
            AttachedDocuments { missing, ..Default::default() }.warnings("registry.example/app@sha256:4f5a").join("\n")
        };
        insta::assert_snapshot!(warnings([tag(), tag()]), @"
        `registry.example/app@sha256:4f5a` is pushed, but its bill of materials and its provenance are not attached to it: the registry takes the tag `registry.example/app:sha256-4f5a` for the image itself, and keeps no list of what is attached to it
          help: write them beside the image with `--output FILE`, or leave them out with `--bare`
        ");
        insta::assert_snapshot!(warnings([tag(), race()]), @"
        `registry.example/app@sha256:4f5a` is pushed, but its bill of materials is not attached to it: the registry takes the tag `registry.example/app:sha256-4f5a` for the image itself, and keeps no list of what is attached to it
          help: write them beside the image with `--output FILE`, or leave them out with `--bare`
        `registry.example/app@sha256:4f5a` is pushed, but its provenance is not attached to it: the tag `registry.example/app:sha256-4f5a` was changed by somebody else each of the 5 times that it was written
          help: run the same again to attach them, write them beside the image with `--output FILE`, or leave them out with `--bare`
        ");
    }
}
