//! A stage being run: its inputs, its folders and its log. Processes in sandboxes run to their end here, with their output
//! in the log and the registry at their side. Must not depend on what a step does.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use akbuild_launch::MountedSysroot;
use akbuild_nar::TreeHash;
use akbuild_recipe::plan::{Stage, SysrootId};
use akbuild_registry::{Server, Upstream};
use akbuild_sandbox::{Finished, Spec, Status};

use crate::context::EngineContext;
use crate::error::{EngineError, Io};
use crate::event::Event;
use crate::graph::NodeId;
use crate::keys::output_of;
use crate::node_inputs::NodeInputs;
use crate::served::Served;

/// Bytes of a line that are passed on at a time: a stage may write a line that never ends.
const LONGEST_LINE: u64 = 64 << 10;

/// A stage being run.
pub(crate) struct Job<'a> {
    pub(crate) context: &'a EngineContext,
    pub(crate) stage: &'a Stage,
    pub(crate) node: &'a NodeId,
    pub(crate) given: &'a NodeInputs,
    /// Where its folders are.
    pub(crate) scratch: &'a Path,
    pub(crate) log: File,
    pub(crate) upstream: Option<Arc<dyn Upstream>>,
}

/// What is measured of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) max_rss: u64,
}

impl Job<'_> {
    pub(crate) fn served(&self) -> Result<Arc<Served>, EngineError> {
        let known = self.given.served.clone();
        known.ok_or_else(|| EngineError::Bug(format!("`{}` began before its downloads", self.stage.id)))
    }

    pub(crate) fn root(&self, id: &SysrootId) -> Result<MountedSysroot, EngineError> {
        let tree = self.context.tree(&self.output(NodeId::Sysroot(id.clone()))?);
        Ok(MountedSysroot::new(self.context.sysroot(id)?, tree))
    }

    /// The output of a node that the stage needs.
    pub(crate) fn output(&self, node: impl Into<NodeId>) -> Result<TreeHash, EngineError> {
        output_of(&self.given.outputs, &node.into())
    }

    /// Runs a sandbox to its end, or until the run is stopped.
    pub(crate) fn sandbox(
        &mut self,
        spec: &Spec,
        what: &str,
        served: Option<&Served>,
    ) -> Result<Finished, EngineError> {
        if self.context.cancel.is_thrown() {
            return Err(EngineError::Cancelled);
        }
        let mut running = akbuild_sandbox::spawn(spec)?;
        let killer = running.killer();
        let _registered = self.context.cancel.on_throw(move || killer.kill());
        let start = |(listener, served): (_, &Served)| {
            let catalogue = served.catalogue(self.context);
            Server::start(listener, catalogue, self.upstream.clone(), &self.context.runtime)
        };
        let server = running.listeners().into_iter().next().zip(served).map(start).transpose();
        let server = server.doing("serve the registry for", Path::new(what))?;
        if let Some(output) = running.output() {
            self.follow(BufReader::new(output))?;
        }
        let finished = running.wait()?;
        let misses = server.map(|server| server.misses()).unwrap_or_default();
        if self.context.cancel.is_thrown() {
            return Err(EngineError::Cancelled);
        }
        let how = match finished.status {
            Status::Exited(0) => return Ok(finished),
            Status::Exited(code) => format!("exited with status {code}"),
            Status::Signalled(signal) => format!("was ended by signal {signal}"),
        };
        let what = what.to_owned();
        if misses.is_empty() {
            return Err(EngineError::Script { what, how });
        }
        let misses: Vec<String> = misses.iter().map(|miss| format!("  {miss}")).collect();
        Err(EngineError::Misses { what, how, misses: misses.join("\n") })
    }

    /// Copies what a stage writes to its log, and tells of each line.
    pub(crate) fn follow(&mut self, mut output: impl BufRead) -> Result<(), EngineError> {
        let mut line = Vec::new();
        let log = Path::new("the log");
        loop {
            line.clear();
            match read_line(&mut output, &mut line) {
                Ok(0) => return self.log.flush().doing("write", log),
                Ok(_) => {}
                // A terminal's other end gone means the same as the end of a pipe.
                Err(error) if error.raw_os_error() == Some(5) => return Ok(()),
                Err(error) => return Err(error).doing("read", Path::new("the output of a stage")),
            }
            self.log.write_all(&line).doing("write", log)?;
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if !text.is_empty() {
                self.context.sink.event(Event::Line { node: self.node.clone(), line: text });
            }
        }
    }
}

/// Reads a line, or the beginning of one that is too long to be kept; the rest is read as further lines.
fn read_line(output: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    output.take(LONGEST_LINE).read_until(b'\n', line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_never_ends_is_read_in_pieces() {
        let (length, mut read, mut line) = (64 << 20, 0, Vec::new());
        let endless = io::repeat(b'x').take(length).chain(&b"\nlast\n"[..]);
        let mut output = BufReader::new(endless);
        let mut lines = 0;
        loop {
            line.clear();
            match read_line(&mut output, &mut line).unwrap() {
                0 => break,
                n => read += n as u64,
            }
            lines += 1;
            assert!(line.capacity() as u64 <= 2 * LONGEST_LINE);
        }
        assert_eq!((read, lines), (length + 6, length / LONGEST_LINE + 2));
    }
}
