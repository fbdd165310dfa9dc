//! Downloading for a node: into the store, with the node's progress as events, until the run is stopped.

use akbuild_fetch::Wanted;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::event::Event;
use crate::graph::NodeId;
use crate::registries;

pub(crate) async fn download(engine: &Engine, node: &NodeId, wanted: Vec<Wanted>) -> Result<(), EngineError> {
    engine.phase(node, "fetch");
    let progress = |progress| engine.sink.event(Event::Download { node: node.clone(), progress });
    let (_, client) = registries::network(engine)?;
    tokio::select! {
        biased;
        () = engine.cancel.thrown() => return Err(EngineError::Cancelled),
        fetched = client.fetch(&engine.store, wanted, &progress) => drop(fetched?),
    }
    Ok(())
}
