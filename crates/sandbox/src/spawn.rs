//! Starting a sandbox, from the parent's side. Knows how to start the helper, and how to say what it reports.

use std::fs::File;
use std::io::{self, PipeReader, Seek, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio as ProcessStdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use rustix::fs::{Gid, MemfdFlags, Uid};

use crate::cgroup::Cgroup;
use crate::control::{Control, Killer};
use crate::finished::Status;
use crate::identity::Identity;
use crate::message::{self, Message};
use crate::operations::operations;
use crate::ops::{Op, Resource};
use crate::reentry::{MARKER, PREPARED};
use crate::running::Running;
use crate::spec::{Output, Spec, Stdio};
use crate::wire::Job;
use crate::{SandboxError, advice};

/// Starts a sandbox, and returns when its command runs (or could not be made to run). Blocks for some
/// milliseconds; may be called from any thread, and from many at once.
///
/// # Errors
/// [`SandboxError`]; never starts the command with less confinement than the spec asks for.
pub fn spawn(spec: &Spec) -> Result<Running, SandboxError> {
    let mut ops = operations(spec)?;
    let cgroup = Cgroup::new(spec.limits.memory);
    if cgroup.is_some() {
        ops.retain(|op| !matches!(op, Op::Limit { resource: Resource::Data, .. }));
    }
    let job = Job {
        identity: Identity::current(),
        ids: spec.ids,
        network: spec.network,
        ops,
        argv: spec.argv.clone(),
        env: spec.env.clone(),
        terminal: spec.has_terminal(),
        seccomp: spec.seccomp,
    };
    start(&job, spec.stdin, spec.output, cgroup).map(|(running, _)| running)
}

/// Starts a helper with this job. The status is there if the sandbox has ended already.
pub(crate) fn start(
    job: &Job,
    stdin: Stdio,
    output: Output,
    cgroup: Option<Cgroup>,
) -> Result<(Running, Option<Status>), SandboxError> {
    if !PREPARED.load(Ordering::Relaxed) {
        return Err(SandboxError::Helper { status: "not started".into() });
    }
    let (ours, theirs) = message::pair().map_err(SandboxError::parent("make a control socket"))?;
    let (asks, answers) = message::pair().map_err(SandboxError::parent("make a control socket"))?;
    let owner = job.identity.privileged.then_some((job.identity.uid, job.identity.gid));
    let job = memory_file(&job.encode()).map_err(SandboxError::parent("write the sandbox's job"))?;
    let stdin = open_stdin(stdin).map_err(SandboxError::parent("open the sandbox's standard input"))?;
    let (mut child, output) =
        helper(theirs, output, owner).map_err(SandboxError::parent("start the sandbox's helper"))?;
    if let Some(Err(os)) = cgroup.as_ref().map(|group| group.add(child.id())) {
        drop(ours);
        child.wait().map_err(SandboxError::parent("wait for the sandbox's helper"))?;
        return Err(SandboxError::Parent { what: "move the sandbox into its cgroup", os });
    }
    let greeted = message::send_bytes(&ours, b"job", &[job.as_fd(), stdin.as_fd(), answers.as_fd()]);
    drop(answers);
    match greeted.and_then(|()| follow(&ours)) {
        Ok(Followed::Runs { init, command, listeners, status }) => {
            let killer = Killer(Arc::new(init));
            let cgroup = cgroup.map(Arc::new);
            let control = Control::new(asks, command, &killer, cgroup.as_ref());
            let (child, socket, started) = (Some(child), ours, Instant::now());
            Ok((Running { child, socket, killer, control, listeners, output, cgroup, started }, status))
        }
        Ok(Followed::Failed(failure)) => {
            drop(ours);
            child.wait().map_err(SandboxError::parent("wait for the sandbox's helper"))?;
            Err(advice::explain(failure))
        }
        Err(_) => {
            drop(ours);
            let status = child.wait().map_err(SandboxError::parent("wait for the sandbox's helper"))?;
            Err(SandboxError::Helper { status: status.to_string() })
        }
    }
}

/// What became of a start.
enum Followed {
    Runs { init: OwnedFd, command: Option<OwnedFd>, listeners: Vec<TcpListener>, status: Option<Status> },
    Failed(message::Failure),
}

/// Takes messages until the command runs, or the sandbox has ended. They come from two processes, in any order.
fn follow(control: &OwnedFd) -> io::Result<Followed> {
    let (mut init, mut command, mut listeners, mut runs, mut status) = (None, None, Vec::new(), false, None);
    loop {
        let (message, with) = message::receive(control)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        match message {
            Message::Init => init = with.into_iter().next(),
            Message::Listener => listeners.extend(with.into_iter().map(TcpListener::from)),
            Message::Started => (runs, command) = (true, with.into_iter().next()),
            Message::Ended(how, _) => (runs, status) = (true, Some(how)),
            Message::Socket => return Err(io::ErrorKind::InvalidData.into()),
            Message::Failed(failure) => return Ok(Followed::Failed(failure)),
        }
        if let Some(init) = init.take_if(|_| runs) {
            return Ok(Followed::Runs { init, command, listeners, status });
        }
    }
}

/// Starts this program as the helper. It gets the socket as its standard input, and no environment.
/// `owner` is who a pipe is given to.
fn helper(control: OwnedFd, output: Output, owner: Option<(u32, u32)>) -> io::Result<(Child, Option<PipeReader>)> {
    #[allow(clippy::disallowed_methods, reason = "this is the module that starts sandboxes")]
    let mut command = Command::new("/proc/self/exe");
    command.arg0(MARKER).env_clear().stdin(ProcessStdio::from(control));
    match output {
        Output::Inherit => Ok((command.spawn()?, None)),
        Output::Pipe => {
            let (reader, writer) = io::pipe()?;
            if let Some((uid, gid)) = owner {
                // `echo >/dev/stderr` opens it once more, by its owner and mode.
                rustix::fs::fchown(&writer, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
            }
            command.stdout(writer.try_clone()?).stderr(writer);
            Ok((command.spawn()?, Some(reader)))
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a device of the machine")]
fn open_stdin(stdin: Stdio) -> io::Result<OwnedFd> {
    match stdin {
        Stdio::Null => Ok(File::open("/dev/null")?.into()),
        Stdio::Inherit => io::stdin().as_fd().try_clone_to_owned(),
    }
}

fn memory_file(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("akbuild-sandbox", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}
