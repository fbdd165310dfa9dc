//! Runs one command in a sandbox described on the command line: what the tests start, and handy by hand.
//!
//! `akbuild-sandbox-probe [OPTION]... -- PROGRAM [ARG]...`; the options are in `parse`. The command's
//! output comes out as it is; then, on standard error, `status`, `error` or `kill`ed.
#![allow(clippy::disallowed_methods, reason = "a program that tests run inside a sandbox")]

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use akbuild_sandbox::{Control, Mount, MountKind, Network, Output, Running, SandboxError, Signal, Spec, Status, Stdio};

/// What the command line says.
#[derive(Default)]
struct Asked {
    spec: Spec,
    /// Answers the first connection to each inner socket with its text.
    serve: Vec<String>,
    /// Kills the sandbox as soon as it has written a line.
    kill: bool,
    /// Does to the sandbox what each line of standard input says, also after its end; the answers are in `order`.
    orders: bool,
    /// Prints the operations instead of running anything.
    plan: bool,
    /// Prints what the machine allows instead.
    doctor: bool,
    /// Runs it so often, and says how long each took.
    times: Option<u32>,
}

fn main() -> ExitCode {
    akbuild_sandbox::helper_entry();
    if let [_, flag, what, on] = &std::env::args().collect::<Vec<_>>()[..]
        && flag == "--try"
    {
        say(&attempt(what, on).map_or_else(|e| format!("refused: {e}"), |()| "done".into()));
        return ExitCode::SUCCESS;
    }
    let Some(asked) = parse(std::env::args_os().skip(1)) else {
        say("error: this command line is not understood");
        return ExitCode::from(2);
    };
    let result = if asked.doctor {
        say(&format!("{:#?}", akbuild_sandbox::probe()));
        Ok(())
    } else if asked.plan {
        akbuild_sandbox::operations(&asked.spec).map(|ops| ops.iter().for_each(|op| say(&op.to_string())))
    } else if let Some(times) = asked.times {
        measure(&asked.spec, times)
    } else {
        run(&asked)
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(&format!("error: {e}"));
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: impl Iterator<Item = OsString>) -> Option<Asked> {
    let mut asked = Asked::default();
    let spec = &mut asked.spec;
    spec.env.push(("PATH".into(), "/usr/bin:/bin".into()));
    while let Some(arg) = args.next() {
        let mut next = || args.next();
        let mut mount = |at: OsString, what| spec.mounts.push(Mount { at: at.into(), what });
        match arg.to_str()? {
            "--" => break,
            "--root" => spec.root = next()?.into(),
            "--cwd" => spec.cwd = next()?.into(),
            "--ro" => mount(next()?, MountKind::ReadOnly(next()?.into())),
            "--rw" => mount(next()?, MountKind::ReadWrite(next()?.into())),
            "--tmpfs" => mount(next()?, MountKind::Tmpfs { size: Some(1 << 20), mode: 0o700 }),
            "--file" => mount(next()?, MountKind::File(next()?.into_encoded_bytes())),
            "--overlay" => {
                let (at, [lower, upper, work]) = (next()?, [next()?, next()?, next()?].map(PathBuf::from));
                mount(at, MountKind::Overlay { lower, upper, work });
            }
            "--env" => spec.env.push((next()?, next()?)),
            "--listen" => spec.listen.push(next()?.to_str()?.parse().ok()?),
            "--serve" => asked.serve.push(next()?.into_string().ok()?),
            "--nofile" => spec.limits.nofile = next()?.to_str()?.parse().ok(),
            "--fsize" => spec.limits.fsize = next()?.to_str()?.parse().ok(),
            "--memory" => spec.limits.memory = next()?.to_str()?.parse().ok(),
            "--times" => asked.times = next()?.to_str()?.parse().ok(),
            "--stdin" => spec.stdin = Stdio::Inherit,
            "--terminal" => (spec.stdin, spec.output) = (Stdio::Inherit, Output::Inherit),
            "--ids" => spec.ids = (next()?.to_str()?.parse().ok()?, next()?.to_str()?.parse().ok()?),
            "--host-network" => spec.network = Network::Host,
            "--no-private-tmp" => spec.private_tmp = false,
            "--no-seccomp" => spec.seccomp = false,
            "--kill" => asked.kill = true,
            "--orders" => asked.orders = true,
            "--plan" => asked.plan = true,
            "--doctor" => asked.doctor = true,
            _ => return None,
        }
    }
    asked.spec.argv.extend(args);
    Some(asked)
}

fn run(asked: &Asked) -> Result<(), SandboxError> {
    let mut running = akbuild_sandbox::spawn(&asked.spec)?;
    for (listener, text) in running.listeners().into_iter().zip(asked.serve.clone()) {
        std::thread::spawn(move || serve(&listener, &text));
    }
    let control = asked.orders.then(|| running.control());
    let orders = control.map(|control| std::thread::spawn(move || obey(&control)));
    pass_on(&mut running, asked.kill);
    let finished = running.wait()?;
    say(&match finished.status {
        Status::Exited(code) => format!("status: exited {code}"),
        Status::Signalled(signal) => format!("status: signalled {signal}"),
    });
    if let Some(orders) = orders {
        let _ = orders.join();
    }
    Ok(())
}

fn obey(control: &Control) {
    for line in io::stdin().lines().map_while(Result::ok) {
        say(&order(control, &line).unwrap_or_else(|e| format!("{:?}: {e}", e.kind())));
    }
}

fn order(control: &Control, line: &str) -> io::Result<String> {
    let (verb, on) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "connect" => {
            let port = on.parse().map_err(io::Error::other)?;
            let stream = control.connect(port, Duration::from_secs(60))?;
            io::read_to_string(stream).map(|text| format!("connected: {text}"))
        }
        "terminate" => control.signal(Signal::Terminate).map(|()| "signalled".into()),
        "memory" => Ok(control.memory().map_or("none".into(), |found| found.together.to_string())),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Tries something from the inside that no everyday program does.
fn attempt(what: &str, on: &str) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags, XattrFlags};
    use rustix::net::{AddressFamily, SocketType};
    match what {
        "connect" => std::net::TcpStream::connect(on).map(drop),
        "resolve" => std::net::ToSocketAddrs::to_socket_addrs(&(on, 80)).map(drop),
        "open-set-uid" => {
            Ok(rustix::fs::open(on, OFlags::CREATE | OFlags::WRONLY, Mode::from_raw_mode(0o4755)).map(drop)?)
        }
        "set-attribute" => Ok(rustix::fs::setxattr(on, "user.x", b"x", XattrFlags::empty())?),
        "socket" => {
            let family = AddressFamily::from_raw(on.parse().map_err(io::Error::other)?);
            Ok(rustix::net::socket(family, SocketType::DGRAM, None).map(drop)?)
        }
        "serve" => {
            let listener = TcpListener::bind(on)?;
            writeln!(io::stdout(), "listening")?;
            listener.incoming().try_for_each(|connection| connection?.write_all(b"from inside"))
        }
        "hold" => {
            let memory = vec![1_u8; on.parse().map_err(io::Error::other)?];
            writeln!(io::stdout(), "holding")?;
            loop {
                std::hint::black_box(&memory);
                std::thread::park();
            }
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn measure(spec: &Spec, times: u32) -> Result<(), SandboxError> {
    let started = std::time::Instant::now();
    for _ in 0..times {
        akbuild_sandbox::spawn(spec)?.wait()?;
    }
    say(&format!("{:.2} ms each", started.elapsed().as_secs_f64() * 1e3 / f64::from(times)));
    Ok(())
}

fn serve(listener: &TcpListener, text: &str) {
    if let Ok((mut connection, _)) = listener.accept() {
        let _ = connection.write_all(text.as_bytes());
    }
}

/// Copies the command's output, and kills it at the first newline if that is asked for.
fn pass_on(running: &mut Running, kill: bool) {
    let Some(mut output) = running.output() else { return };
    let killer = running.killer();
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = output.read(&mut bytes) {
        let _ = io::stdout().write_all(&bytes[..length]).and_then(|()| io::stdout().flush());
        if kill && bytes[..length].contains(&b'\n') {
            killer.kill();
        }
    }
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
