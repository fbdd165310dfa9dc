//! What the program takes from the machine: environment, home folder, client programs. No other
//! module of any crate reads them.

use std::path::{Path, PathBuf};

use akbuild_fetch::{Machine, registry_client};
use akbuild_names::Ecosystem;

/// The environment and folders, for the libraries that must not look themselves.
pub(crate) fn read(project: &Path) -> Machine {
    #[allow(clippy::disallowed_methods, reason = "this is the module that reads the environment")]
    let env = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
    let mut machine = Machine { env, home: None, etc: "/etc".into(), project: project.to_owned() };
    // For tests, which must not depend on how the machine that runs them is configured.
    if let Some(etc) = machine.env.get("AKBUILD_ETC") {
        machine.etc = etc.into();
    }
    machine.home = machine.env.get("HOME").filter(|h| !h.is_empty()).map(PathBuf::from);
    machine
}

/// Where the store is if nobody says: `akbuild` below the XDG cache folder.
pub(crate) fn default_home(machine: &Machine) -> Option<PathBuf> {
    let xdg = machine.env.get("XDG_CACHE_HOME").filter(|p| p.starts_with('/')).map(PathBuf::from);
    let cache = xdg.or_else(|| Some(machine.home.as_ref()?.join(".cache")))?;
    Some(cache.join("akbuild"))
}

/// Memory that one thread has freed is soon there for the others: glibc would keep up to eight heaps for each processor,
/// and the peak of packing an image would be a third higher.
#[allow(unsafe_code, reason = "no crate in use here sets the allocator's numbers")]
pub(crate) fn keep_few_heaps() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a number of the allocator, and no other thread is there yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0.0, |time| time.as_secs_f64())
}

/// How many processors this process may use.
pub(crate) fn processors() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1))
}

/// What is written into records as having made things.
pub(crate) fn maker() -> akbuild_store::Maker {
    let system = rustix::system::uname();
    akbuild_store::Maker {
        akbuild: env!("CARGO_PKG_VERSION").to_owned(),
        host: system.nodename().to_string_lossy().into_owned(),
        kernel: system.release().to_string_lossy().into_owned(),
        processors: processors(),
    }
}

/// Asks a client on this machine for the registry it would use, where nothing configures one.
pub(crate) fn ask(ecosystem: Ecosystem) -> Option<String> {
    client(ecosystem)?;
    #[allow(clippy::disallowed_methods, reason = "this is the module that runs the machine's own clients")]
    let mut command = std::process::Command::new("/bin/sh");
    command.arg("-c").arg(registry_client(ecosystem)?.command);
    let output = command.current_dir("/").stderr(std::process::Stdio::null()).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    let answer = answer.lines().last()?.trim();
    (output.status.success() && answer.starts_with("http")).then(|| answer.to_owned())
}

/// The program that could answer.
pub(crate) fn client(ecosystem: Ecosystem) -> Option<PathBuf> {
    which::which(registry_client(ecosystem)?.program).ok()
}

/// What a program of this machine writes when it is asked something, both streams together.
pub(crate) fn say(program: &Path, asked: &str, path: &str) -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "this is the module that runs the machine's own programs")]
    let mut command = std::process::Command::new(program);
    command.arg(asked).env_clear().env("PATH", path).env("LC_ALL", "C").current_dir("/");
    let output = command.stdin(std::process::Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    output.status.success().then(|| String::from_utf8_lossy(&text).into_owned())
}

/// Runs a credential helper of this machine: whether it ended well, and what it wrote to its two streams.
pub(crate) fn helper(program: &str, input: &[u8]) -> std::io::Result<(bool, Vec<u8>, Vec<u8>)> {
    use std::io::Write;
    use std::process::Stdio;
    #[allow(clippy::disallowed_methods, reason = "this is the module that runs the machine's own programs")]
    let mut command = std::process::Command::new(program);
    let command = command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read is told by what it answers.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output()?;
    Ok((output.status.success(), output.stdout, output.stderr))
}

/// What this machine's processor is called.
pub(crate) fn processor() -> &'static str {
    std::env::consts::ARCH
}
