//! How an image was built, as SLSA provenance v1 in an in-toto Statement v1. Knows what goes into which part; how it is
//! written is `statement.rs`'s.

use std::collections::BTreeMap;

use akbuild_nar::Digest;

use crate::{Item, Material, Timestamp};

/// The `buildType`. Its external parameters, the interface that whoever builds has: `project`, `version` and `target`, the
/// target that was built; `recipe`, `lock` and `overlay`, each a name and digest; `replacedSources`, the sources for which
/// a local folder was used instead of what the lock names. Its internal parameters, which the builder sets: `akbuild`, its
/// version; `toolchain`, where stages have their programs from (`debian` or `host`); `stages`, each stage's key, an SRI
/// string: the hash of everything that decides its output.
pub const BUILD_TYPE: &str = "urn:akbuild:build-type:image:v1";

/// How something was built.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// What was built: images, by their digests.
    pub subjects: Vec<Item>,
    /// What whoever built it chose.
    pub external: External,
    /// What akbuild added.
    pub internal: Internal,
    /// All that came from outside, in any order.
    pub materials: Vec<Material>,
    /// Who built it.
    pub builder: Builder,
    /// When, and what else came of it.
    pub run: Run,
}

/// What whoever builds can choose.
#[derive(Clone, Debug)]
pub struct External {
    /// The recipe's name of the project.
    pub project: String,
    /// The version that was built.
    pub version: String,
    /// The target.
    pub target: String,
    /// The recipe's file.
    pub recipe: Item,
    /// The lock's file.
    pub lock: Item,
    /// The overlay's file, if there is one.
    pub overlay: Option<Item>,
    /// Sources that were other than the lock says, in any order.
    pub replaced: Vec<ReplacedSource>,
}

/// A local folder that was used instead of a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplacedSource {
    /// The source's name.
    pub name: String,
    /// The folder's NAR hash. Where it lay is nobody's business.
    pub tree: Digest,
}

/// What akbuild decides.
#[derive(Clone, Debug)]
pub struct Internal {
    /// The version of akbuild.
    pub akbuild: String,
    /// Where the stages' programs come from.
    pub toolchain: String,
    /// The keys of the stages, by their names.
    pub stages: BTreeMap<String, Digest>,
}

/// Who built.
#[derive(Clone, Debug)]
pub struct Builder {
    /// A URI that stands for the machine and all that it trusts, as SLSA's `builder.id`.
    pub id: String,
    /// Versions of its parts, by their names.
    pub versions: BTreeMap<String, String>,
}

/// One build.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the builder calls it; the same for no two.
    pub invocation: Option<String>,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it was done.
    pub finished: Option<Timestamp>,
    /// What else it left, such as logs, in any order.
    pub byproducts: Vec<Item>,
}
