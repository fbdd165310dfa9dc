//! Recipe and overlay together: what is wanted in this place. Knows which of the two wins; knows no lock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use akbuild_nar::{Digest, TreeHash};

use crate::error::{Errors, RecipeError, RecipeErrors};
use crate::overlay::{Overlay, OverlaySource};
use crate::plan::{AddressAuthor, SourceAddress, SourceId, Subset, SysrootId, ToolId, ToolPackage};
use crate::scope::Names;
use crate::suggest::{list, nearest};
use crate::written::{
    Debian, GitRef, Place, ToolSpec, Written, WrittenEdit, WrittenOrigin, WrittenPatch, WrittenSource,
};

/// What `akbuild lock` has to resolve.
#[derive(Debug, Clone)]
pub struct LockInputs {
    /// Git and tarball sources that lack a pin; what of them is pinned is filled in.
    pub sources: BTreeMap<SourceId, SourceRequest>,
    /// The suites, the overlay's changes made; there if there is any sysroot.
    pub debian: Option<Debian>,
    /// Sysroots.
    pub sysroots: Vec<SysrootRequest>,
    /// Tools that the overlay does not pin.
    pub tools: Vec<ToolRequest>,
}

/// A source that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRequest {
    /// The first address that the recipe names: what the lock records.
    pub url: String,
    /// Where it is fetched from here and now; never empty for git and tarballs.
    pub urls: Vec<SourceAddress>,
    /// What is taken, and the pins that are already there.
    pub want: Want,
    /// The NAR hash, if it is pinned.
    pub hash: Option<TreeHash>,
    /// Whether the overlay names a commit alone: it need not be that of the recipe's tag or branch.
    pub by_commit: bool,
}

/// What is taken of a source's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// A commit of a git repository.
    Git {
        /// Tag, branch or commit.
        reference: GitRef,
        /// The commit, if it is pinned.
        commit: Option<String>,
    },
    /// An archive.
    Tarball {
        /// Its digest, if it is pinned.
        digest: Option<Digest>,
    },
    /// A folder; nothing of it is locked.
    Path {
        /// Relative to the recipe's folder, or absolute.
        path: PathBuf,
        /// Which of its files.
        subset: Subset,
    },
}

impl SourceRequest {
    /// Whether nothing is left for the lock.
    pub fn is_pinned(&self) -> bool {
        match &self.want {
            Want::Path { .. } => true,
            Want::Git { commit, .. } => commit.is_some() && self.hash.is_some(),
            Want::Tarball { digest } => digest.is_some() && self.hash.is_some(),
        }
    }
}

/// A sysroot that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysrootRequest {
    /// Its name.
    pub id: SysrootId,
    /// The packages, sorted.
    pub packages: Vec<String>,
    /// Whether all packages marked `Essential` are added.
    pub essential: bool,
}

/// A tool that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolRequest {
    /// Its name.
    pub id: ToolId,
    /// Which package.
    pub spec: ToolSpec,
}

/// A recipe with an overlay's changes made.
#[derive(Debug)]
pub(crate) struct Merged<'a> {
    pub(crate) sources: BTreeMap<SourceId, SourceRequest>,
    pub(crate) debian: Option<Debian>,
    pub(crate) sysroots: Vec<SysrootRequest>,
    pub(crate) tools: BTreeMap<ToolId, (ToolSpec, Option<&'a ToolPackage>)>,
    pub(crate) patches: Vec<WrittenPatch>,
}

/// What `akbuild lock` has to resolve. Fails if the overlay does not fit the recipe.
pub fn lock_inputs(written: &Written, overlay: &Overlay) -> Result<LockInputs, RecipeErrors> {
    fits(written, overlay)?;
    let merged = merge(written, overlay);
    let sources = merged.sources.into_iter().filter(|(_, s)| !s.is_pinned()).collect();
    let open = |(id, (spec, pin)): (ToolId, (ToolSpec, Option<&ToolPackage>))| match pin {
        None => Some(ToolRequest { id, spec }),
        Some(_) => None,
    };
    let tools = merged.tools.into_iter().filter_map(open).collect();
    Ok(LockInputs { sources, debian: merged.debian, sysroots: merged.sysroots, tools })
}

/// Fails on whatever in the overlay has nothing in the recipe to change.
pub(crate) fn fits(written: &Written, overlay: &Overlay) -> Result<(), RecipeErrors> {
    let mut errors = Errors::default();
    let scope = &written.scope;
    for (name, source) in &overlay.sources {
        errors.keep(known(overlay, &source.place, "source", name, &scope.sources));
        if let Some(own) = written.sources.get(&SourceId::new(name)) {
            errors.keep(misfit(&own.origin, source));
        }
    }
    for (name, tool) in &overlay.tools {
        errors.keep(known(overlay, &tool.place, "tool", name, &scope.tools));
    }
    for patch in &overlay.patches {
        errors.keep(known(overlay, &patch.place, "source", patch.source.as_str(), &scope.sources));
    }
    errors.end(Some(()))
}

/// Makes the overlay's changes; what does not fit is passed over, see [`fits`].
pub(crate) fn merge<'a>(written: &Written, overlay: &'a Overlay) -> Merged<'a> {
    let request = |(id, source): (&SourceId, &WrittenSource)| {
        (id.clone(), source_request(written, source, overlay.sources.get(id.as_str())))
    };
    let tools = written.tools.iter().map(|(id, tool)| {
        let replaced = overlay.tools.get(id.as_str()).map(|t| (expanded(written, &t.spec), t.package.as_ref()));
        (id.clone(), replaced.unwrap_or_else(|| (tool.spec.clone(), None)))
    });
    let sysroots = written.sysroots.iter().map(|(id, s)| SysrootRequest {
        id: id.clone(),
        packages: s.packages.clone(),
        essential: s.essential,
    });
    Merged {
        sources: written.sources.iter().map(request).collect(),
        debian: written.debian.clone().map(|d| debian(d, overlay)),
        sysroots: sysroots.collect(),
        tools: tools.collect(),
        patches: patches(written, overlay),
    }
}

fn known(overlay: &Overlay, place: &Place, what: &str, name: &str, names: &Names) -> Result<(), RecipeError> {
    if names.has(name) {
        return Ok(());
    }
    let help = match (nearest(name, names.iter()), list(names.iter())) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, all) if all.is_empty() => format!("the recipe has no {what}"),
        (None, all) => format!("the recipe has {all}"),
    };
    let message = format!("the overlay names the {what} `{name}`, which the recipe does not have");
    Err(RecipeError::new(message).at(&overlay.file, place.span).with_help(help))
}

fn expanded(written: &Written, spec: &ToolSpec) -> ToolSpec {
    let expand = |text: &String| written.vars().expand(text);
    match spec {
        ToolSpec::Python { name, version } => ToolSpec::Python { name: expand(name), version: expand(version) },
        ToolSpec::Npm { name, version } => ToolSpec::Npm { name: expand(name), version: expand(version) },
    }
}

fn debian(debian: Debian, overlay: &Overlay) -> Debian {
    let over = overlay.debian.clone();
    Debian {
        keyrings: over.keyrings.unwrap_or(debian.keyrings),
        fingerprints: over.fingerprints.unwrap_or(debian.fingerprints),
        allow_expired: over.allow_expired.unwrap_or(debian.allow_expired),
        ..debian
    }
}

/// The recipe's source with the overlay's changes. Another tag, branch or commit drops what the recipe
/// pins for its own.
fn source_request(written: &Written, source: &WrittenSource, over: Option<&OverlaySource>) -> SourceRequest {
    let (urls, want) = match source.origin.clone() {
        WrittenOrigin::Git { urls, reference, commit } => (urls, Want::Git { reference, commit }),
        WrittenOrigin::Tarball { urls, digest } => (urls, Want::Tarball { digest }),
        WrittenOrigin::Path { path, subset } => (Vec::new(), Want::Path { path, subset }),
    };
    let url = urls.first().cloned().unwrap_or_default();
    let named_by = |author| move |url: String| SourceAddress { url, author };
    let urls = urls.into_iter().map(named_by(AddressAuthor::Recipe)).collect();
    let mut request = SourceRequest { url, urls, want, hash: source.hash, by_commit: false };
    let Some(over) = over else { return request };
    let expand = |text: &String| written.vars().expand(text);
    if !over.urls.is_empty() {
        request.urls = over.urls.iter().map(expand).map(named_by(AddressAuthor::Overlay)).collect();
    }
    request.urls.extend(over.mirrors.iter().map(expand).map(named_by(AddressAuthor::Overlay)));
    let changed = match &mut request.want {
        Want::Git { reference, commit } => git(written, reference, commit, over),
        Want::Tarball { digest } => over.digest.is_some_and(|new| digest.replace(new) != Some(new)),
        Want::Path { .. } => false,
    };
    request.hash = over.hash.or(request.hash.filter(|_| !changed));
    request.by_commit = over.commit.is_some() && over.reference.is_none();
    request
}

/// Whether another commit may be meant now.
fn git(written: &Written, reference: &mut GitRef, commit: &mut Option<String>, over: &OverlaySource) -> bool {
    let before = (reference.clone(), commit.clone());
    if let Some(new) = &over.reference {
        *reference = match new {
            GitRef::Tag(text) => GitRef::Tag(written.vars().expand(text)),
            GitRef::Branch(text) => GitRef::Branch(written.vars().expand(text)),
            GitRef::Rev(text) => GitRef::Rev(text.clone()),
        };
        if *reference != before.0 {
            *commit = None;
        }
    }
    if over.commit.is_some() {
        commit.clone_from(&over.commit);
        if let (GitRef::Rev(rev), Some(new)) = (&mut *reference, &over.commit) {
            rev.clone_from(new);
        }
    }
    before != (reference.clone(), commit.clone())
}

/// Fails if the overlay has a field that this sort of source does not have.
fn misfit(origin: &WrittenOrigin, over: &OverlaySource) -> Result<(), RecipeError> {
    let git = [("commit", over.commit.is_some()), ("tag", over.reference.is_some())];
    let remote = [("url", !over.urls.is_empty()), ("mirrors", !over.mirrors.is_empty())];
    let digest = ("digest", over.digest.is_some());
    let (sort, foreign): (&str, Vec<(&str, bool)>) = match origin {
        WrittenOrigin::Git { .. } => ("a git repository", vec![digest]),
        WrittenOrigin::Tarball { .. } => ("a tarball", git.to_vec()),
        WrittenOrigin::Path { .. } => ("a folder", [git, remote].concat().into_iter().chain([digest]).collect()),
    };
    let Some((field, _)) = foreign.into_iter().find(|(_, given)| *given) else { return Ok(()) };
    let message = format!("the overlay gives `{field}` for a source that is {sort}");
    Err(RecipeError::new(message).at(&over.place.file, over.place.span).with_help(format!("remove `{field}`")))
}

/// The recipe's patches, then the overlay's with variables replaced and files beside the overlay.
fn patches(written: &Written, overlay: &Overlay) -> Vec<WrittenPatch> {
    let expand = |text: &String| written.vars().expand(text);
    let folder = Path::new(&overlay.file.name).parent().unwrap_or(Path::new(""));
    let own = overlay.patches.iter().map(|patch| WrittenPatch {
        file: expand(&patch.file),
        edit: match &patch.edit {
            WrittenEdit::Replace { from, to } => WrittenEdit::Replace { from: expand(from), to: expand(to) },
            WrittenEdit::With(path) => WrittenEdit::With(folder.join(expand(&path.to_string_lossy().into_owned()))),
        },
        ..patch.clone()
    });
    written.patches.iter().cloned().chain(own).collect()
}
