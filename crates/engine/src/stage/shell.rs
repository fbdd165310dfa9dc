//! A shell, or a command, where a stage's script would run: in new folders, or in those of a run that failed.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use akbuild_recipe::plan::{StageId, Step};
use akbuild_registry::Server;
use akbuild_sandbox::{Output, Status, Stdio};

use crate::context::EngineContext;
use crate::error::{EngineError, Io};
use crate::graph::NodeId;
use crate::node_inputs::NodeInputs;
use crate::run::Outcome;
use crate::stage::exec;
use crate::stage::job::Job;
use crate::stage::work::Folders;

/// What is opened, and where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shell<'a> {
    /// A program, looked for in `PATH`, and its arguments; a shell if there are none.
    pub command: &'a [String],
    /// Whether the shell has prompts and job control. Otherwise it runs the commands in its standard input.
    pub is_interactive: bool,
    /// The kept folders of a run that failed. They are used as they are, and stay.
    pub kept: Option<&'a Path>,
}

/// Opens the sandbox of a stage and waits for the end; gives the exit code, 128 and the number of the signal
/// if it was ended by one. A thrown cancel kills it. `prepared` is the result of [`prepare`](crate::prepare).
pub fn shell(
    context: &Arc<EngineContext>,
    id: &StageId,
    prepared: &Outcome,
    shell: Shell<'_>,
) -> Result<i32, EngineError> {
    let stage = context.stage(id)?;
    let Step::Exec(exec) = &stage.step else {
        return Err(EngineError::NoSandbox { stage: id.to_string() });
    };
    let node = NodeId::Stage(id.clone());
    let own = context.store.scratch(&format!("shell-{id}"))?;
    let scratch = shell.kept.unwrap_or(own.path());
    let _used = shell.kept.map(|kept| context.store.use_kept(kept)).transpose()?;
    let path = own.path().join("log");
    #[allow(clippy::disallowed_methods, reason = "the path is akbuild's own")]
    let log = File::create(&path).doing("make", &path)?;
    let given = NodeInputs { outputs: prepared.outputs.clone(), served: prepared.downloaded.of(&node) };
    let job = Job { context, stage, node: &node, given: &given, scratch, log, upstream: None };
    let served = (!exec.locks.is_empty()).then(|| job.served()).transpose()?;
    let mut spec = match shell.kept {
        Some(kept) => exec::describe(&job, exec, &Folders::reopen(kept, id, &exec.out)?)?,
        None => exec::lay_out(&job, exec, &Folders::new(scratch, id, &exec.out)?, served.as_deref())?,
    };
    spec.env.push(("AKBUILD_SCRIPT".into(), exec.script.clone().into()));
    spec.env.push(("PS1".into(), format!("[{id}] \\w$ ").into()));
    spec.argv = match shell.command {
        [] if shell.is_interactive => ["/bin/bash", "--norc", "-i"].map(Into::into).to_vec(),
        [] => ["/bin/bash", "--norc"].map(Into::into).to_vec(),
        command => {
            let through = ["/bin/bash", "-c", "exec -- \"$@\"", "akbuild"].map(Into::into);
            through.into_iter().chain(command.iter().map(Into::into)).collect()
        }
    };
    (spec.stdin, spec.output) = (Stdio::Inherit, Output::Inherit);
    let mut running = akbuild_sandbox::spawn(&spec)?;
    let killer = running.killer();
    let _killed = context.cancel.on_throw(move || killer.kill());
    let start = |(listener, served): (_, Arc<crate::served::Served>)| {
        Server::start(listener, served.catalogue(context), None, &context.runtime)
    };
    let server = running.listeners().into_iter().next().zip(served).map(start).transpose();
    let _server = server.doing("serve the registry for", &path)?;
    Ok(match running.wait()?.status {
        Status::Exited(code) => code,
        Status::Signalled(signal) => 128 + signal,
    })
}
