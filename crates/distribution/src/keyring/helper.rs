//! Credential helpers: programs that give credentials, by the protocol of docker-credential-helpers. Knows what is
//! said to them and what they answer; starts none itself.

use std::fmt;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::Secret;
use crate::DistributionError;

/// What a program did.
#[derive(Clone, Default)]
pub struct HelperAnswer {
    /// Whether it ended well.
    pub success: bool,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl fmt::Debug for HelperAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelperAnswer").field("success", &self.success).finish_non_exhaustive()
    }
}

/// Runs a helper: the name of its program, and what it is told on its standard input.
pub(super) type Run = dyn Fn(&str, &[u8]) -> io::Result<HelperAnswer> + Send + Sync;

/// Asks a helper; `None` if it has nothing for that host.
pub(super) fn ask(
    run: Option<&Run>,
    program: &str,
    host: &str,
    file: &Path,
) -> Result<Option<Secret>, DistributionError> {
    let wrong = |problem: String| DistributionError::Helper {
        program: program.to_owned(),
        host: host.to_owned(),
        file: file.to_owned(),
        problem,
    };
    let run = run.ok_or_else(|| wrong("no program may be run here".to_owned()))?;
    let answer = run(program, host.as_bytes()).map_err(|e| wrong(format!("it cannot be run: {e}")))?;
    let stderr = String::from_utf8_lossy(&answer.stderr);
    if !answer.success {
        let both = format!("{}{stderr}", String::from_utf8_lossy(&answer.stdout));
        return match both.contains("credentials not found") {
            true => Ok(None),
            false => Err(wrong(match stderr.lines().map(str::trim).find(|line| !line.is_empty()) {
                Some(line) => format!("it fails: {}", line.chars().filter(|c| !c.is_control()).collect::<String>()),
                None => "it fails and does not say why".to_owned(),
            })),
        };
    }
    let value: Value = serde_json::from_slice(&answer.stdout).unwrap_or_default();
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    match (text("Username"), text("Secret")) {
        (Some(_), Some("")) => Ok(None),
        (Some(user), Some(secret)) => Ok(Some(Secret::of_pair(user, secret))),
        _ => Err(wrong("its answer is no JSON with `Username` and `Secret`".to_owned())),
    }
}
