//! Asking the clients in a sysroot for the registry they would use: what nothing on the machine configures
//! is then their own default, and no address has to be written anywhere.

use std::io::Read;
use std::path::Path;

use akbuild_fetch::{Cancel, registry_client};
use akbuild_launch::MountedSysroot;
use akbuild_names::Ecosystem;
use akbuild_sandbox::MountKind;

use crate::script_sandbox;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 << 10;

pub(crate) fn sysroot(root: &Path, ecosystem: Ecosystem, cancel: &Cancel) -> Option<String> {
    let tmp = akbuild_sandbox::Mount { at: "/tmp".into(), what: MountKind::Tmpfs { size: None, mode: 0o1777 } };
    let client = registry_client(ecosystem)?;
    let command = format!("{}{}", client.debian_env, client.command);
    let spec =
        script_sandbox::spec(&MountedSysroot::plain(root.to_owned()), vec![tmp], &command, Vec::new(), "/tmp", None);
    let mut running = akbuild_sandbox::spawn(&spec).ok()?;
    let killer = running.killer();
    let _registered = cancel.on_throw(move || killer.kill());
    let mut text = String::new();
    running.output()?.take(LONGEST_ANSWER).read_to_string(&mut text).ok()?;
    let finished = running.wait().ok()?;
    let answer = text.lines().last()?.trim().to_owned();
    let ok = finished.status == akbuild_sandbox::Status::Exited(0) && answer.starts_with("http");
    ok.then_some(answer)
}
