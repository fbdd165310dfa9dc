//! An interactive shell where a stage's script would run.

use std::fs::File;
use std::sync::Arc;

use akbuild_recipe::plan::{StageId, Step};
use akbuild_registry::Server;
use akbuild_sandbox::{Output, Stdio};

use crate::engine::Engine;
use crate::error::{EngineError, Io};
use crate::exec::Job;
use crate::graph::NodeId;
use crate::keys::Outputs;
use crate::work::Folders;

impl Engine {
    /// Opens the shell and waits for its end. `outputs` are those that [`Engine::prepare`] gave.
    pub fn shell(self: &Arc<Self>, id: &StageId, outputs: &Outputs) -> Result<(), EngineError> {
        let stage = self.stage(id)?;
        let Step::Exec(exec) = &stage.step else {
            return Err(EngineError::NoSandbox { stage: id.to_string() });
        };
        let node = NodeId::Stage(id.clone());
        let scratch = self.store.scratch(&format!("shell-{id}"))?;
        let path = scratch.path().join("log");
        let log = File::create(&path).doing("make", &path)?;
        let job = Job { engine: self, stage, node: &node, outputs, scratch: &scratch, log, upstream: None };
        let folders = Folders::new(scratch.path(), &exec.out)?;
        let served = exec.artifacts.as_ref().map(|_| job.served()).transpose()?;
        let mut spec = job.lay_out(exec, &folders, served.as_deref())?;
        spec.env.push(("AKBUILD_SCRIPT".into(), exec.script.clone().into()));
        spec.env.push(("PS1".into(), format!("[{id}] \\w$ ").into()));
        spec.argv = ["/bin/bash", "--norc", "-i"].map(Into::into).to_vec();
        (spec.stdin, spec.output) = (Stdio::Inherit, Output::Inherit);
        let mut running = akbuild_sandbox::spawn(&spec)?;
        let start = |(listener, served): (_, Arc<crate::served::Served>)| {
            Server::start(listener, served.catalogue(self), None, &self.runtime)
        };
        let server = running.listener().zip(served).map(start).transpose();
        let _server = server.doing("serve the registry for", &path)?;
        running.wait()?;
        Ok(())
    }
}
