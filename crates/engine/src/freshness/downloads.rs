//! What would be downloaded: the pins and lock files that are here, against the blobs in the store. Asks no network.

use akbuild_nar::Digest;
use akbuild_recipe::plan::{Origin, ToolPackage};
use serde::Serialize;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::{freshness, served};

/// Downloads that the store does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Downloads {
    /// Files.
    pub files: u64,
    /// Bytes of those whose size is pinned.
    pub bytes: u64,
    /// Files whose size is not known before they are asked for.
    pub unsized_files: u64,
    /// Commits of git repositories.
    pub commits: u64,
}

impl Downloads {
    /// Together with others.
    pub fn add(&mut self, other: &Downloads) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.unsized_files += other.unsized_files;
        self.commits += other.commits;
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Downloads::default()
    }
}

/// What a node that has to run would download; `None` if that is not known before its sources are here.
pub fn downloads(context: &EngineContext, node: &NodeId, outputs: &Outputs) -> Result<Option<Downloads>, EngineError> {
    Ok(match node {
        NodeId::Stage(_) | NodeId::Check(_) => Some(Downloads::default()),
        NodeId::Source(id) => match (context.source(id)?, &context.source(id)?.origin) {
            (source, _) if freshness::is_local(context, source) => Some(Downloads::default()),
            (_, Origin::Git { .. }) => Some(Downloads { commits: 1, ..Downloads::default() }),
            (_, Origin::Tarball { digest, .. }) => Some(missing(context, &[(*digest, None)])),
            (_, Origin::Path(_)) => Some(Downloads::default()),
        },
        NodeId::Sysroot(id) => {
            let packages = &context.sysroot(id)?.packages;
            Some(missing(context, &packages.iter().map(|pin| (pin.digest, Some(pin.size))).collect::<Vec<_>>()))
        }
        NodeId::Tool(id) => {
            let (ToolPackage::Python(akbuild_recipe::plan::PythonPin { digest, .. })
            | ToolPackage::Npm(akbuild_recipe::plan::NpmPin { digest, .. })) = &context.tool(id)?.package;
            Some(missing(context, &[(*digest, None)]))
        }
        NodeId::Fetch(id) => served::would_serve(context, id, outputs)
            .map(|served| missing(context, &served.artifacts.iter().map(|a| (a.digest, a.size)).collect::<Vec<_>>())),
    })
}

fn missing(context: &EngineContext, wanted: &[(Digest, Option<u64>)]) -> Downloads {
    let mut wanted = wanted.to_vec();
    wanted.sort();
    wanted.dedup_by_key(|(digest, _)| *digest);
    let digests: Vec<Digest> = wanted.iter().map(|(digest, _)| *digest).collect();
    let mut downloads = Downloads::default();
    for ((_, size), there) in wanted.iter().zip(context.store.has_blobs(&digests)) {
        if !there {
            downloads.files += 1;
            downloads.bytes += size.unwrap_or(0);
            downloads.unsized_files += u64::from(size.is_none());
        }
    }
    downloads
}
