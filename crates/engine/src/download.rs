//! Downloading for a node: into the store, with the node's progress as events, until the run is stopped.

use akbuild_fetch::Wanted;

use crate::context::EngineContext;
use crate::error::EngineError;
use crate::event::Event;
use crate::graph::NodeId;
use crate::registries;

pub(crate) async fn download(context: &EngineContext, node: &NodeId, wanted: Vec<Wanted>) -> Result<(), EngineError> {
    context.phase(node, "fetch");
    let progress = |progress| context.sink.event(Event::Download { node: node.clone(), progress });
    let (_, client) = registries::network(context)?;
    tokio::select! {
        biased;
        () = context.cancel.thrown() => return Err(EngineError::Cancelled),
        fetched = client.fetch(&context.store, wanted, &progress) => drop(fetched?),
    }
    Ok(())
}
