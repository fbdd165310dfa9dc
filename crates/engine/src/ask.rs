//! Asking the clients in a sysroot for the registry they would use: what nothing on the machine configures
//! is then their own default, and no address has to be written anywhere.

use std::io::Read;
use std::path::Path;

use akbuild_fetch::{Cancel, Question};
use akbuild_launch::MountedSysroot;
use akbuild_sandbox::MountKind;

use crate::script_sandbox;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 << 10;

/// The command that answers, in a shell.
pub fn command(question: Question) -> &'static str {
    match question {
        Question::NpmRegistry => "npm config get registry",
        Question::PythonIndex => {
            "PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) \
             python3 -c 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)'"
        }
        Question::GoProxy => "go env GOPROXY",
    }
}

pub(crate) fn sysroot(root: &Path, question: Question, cancel: &Cancel) -> Option<String> {
    let tmp = akbuild_sandbox::Mount { at: "/tmp".into(), what: MountKind::Tmpfs { size: None, mode: 0o1777 } };
    let spec = script_sandbox::spec(
        &MountedSysroot::plain(root.to_owned()),
        vec![tmp],
        command(question),
        Vec::new(),
        "/tmp",
        None,
    );
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
