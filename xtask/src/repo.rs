//! The repository and the programs that the chores start. Knows no chore.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What went wrong, in words.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_owned()
}

/// The cargo that runs this program, in the root of the repository.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end; an error if it cannot be started or does not succeed.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| cannot("start", command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", line(command))) }
}

/// What a command writes to standard output.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| cannot("start", command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{}` ended with {}: {}", line(command), output.status, said.trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{}` did not write UTF-8", line(command)))
}

/// The files that git tracks and that are there, relative to the root.
pub(crate) fn files() -> Outcome<Vec<String>> {
    // The checkout may belong to somebody else than who runs this, as in CI.
    let listed = output(Command::new("git").current_dir(root()).args(["-c", "safe.directory=*", "ls-files", "-z"]))?;
    let there = |name: &&str| root().join(name).symlink_metadata().is_ok();
    Ok(listed.split_terminator('\0').filter(there).map(str::to_owned).collect())
}

/// Says what could not be done with a path.
pub(crate) fn io<T>(result: std::io::Result<T>, doing: &str, path: &Path) -> Outcome<T> {
    result.map_err(|error| format!("cannot {doing} `{}`: {error}", path.display()))
}

fn cannot(doing: &str, command: &Command, error: &std::io::Error) -> String {
    format!("cannot {doing} `{}`: {error}", command.get_program().to_string_lossy())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
