//! `akbuild doctor`: what the machine allows, and what to do about what it does not.

use akbuild_sandbox::Finding;

use crate::failure::{Exit, Failure, Outcome};
use crate::ui::Ui;

pub(crate) fn run(ui: &dyn Ui) -> Outcome {
    let probe = akbuild_sandbox::probe();
    let findings = [
        ("namespaces", &probe.namespaces, true),
        ("system call filter", &probe.seccomp, true),
        ("overlays", &probe.overlay, false),
        ("memory control group", &probe.cgroup, false),
    ];
    let mut ok = true;
    for (name, finding, needed) in findings {
        match finding {
            Finding::Works => ui.out(&format!("works    {name}\n")),
            Finding::Lacks { what, advice } => {
                ok &= !needed;
                let word = if needed { "missing " } else { "without " };
                let advice = advice.lines().collect::<Vec<_>>().join("\n                 ");
                ui.out(&format!("{word} {name}: {what}\n           help: {advice}\n"));
            }
        }
    }
    for (name, program) in [("git", "git"), ("skopeo", "skopeo")] {
        if which::which(program).is_err() {
            ui.out(&format!("without  {name}: not needed to build\n"));
        }
    }
    if ok { Ok(()) } else { Err(Failure::Told(Exit::Failed)) }
}
