//! The checks on an output before it is published: what programs need to be loaded, and scripts that must succeed.

use std::io::Write;
use std::path::Path;

use akbuild_recipe::plan::Check;
use akbuild_tree::TreeDir;

use crate::error::{EngineError, Io};
use crate::event::Event;
use crate::script_sandbox;
use crate::stage::elf;
use crate::stage::job::{Job, Used};
use crate::stage::work::{is_there, make_folder};

pub(crate) fn check(job: &mut Job<'_>, check: &Check, out: &Path) -> Result<Used, EngineError> {
    match check {
        Check::Elf { sysroot, at } => {
            let root = job.root(sysroot)?;
            let report = elf::check(out, at, &root)?;
            let line = report.summary();
            writeln!(job.log, "{line}").doing("write", Path::new("the log"))?;
            job.context.sink.event(Event::Line { node: job.node.clone(), line });
            if report.unmet.is_empty() {
                return Ok(Used::default());
            }
            let providers = elf::providers(job.context, &report.unmet, out, at, (sysroot, &root))?;
            let words = elf::words(&report, &providers, sysroot.as_str());
            Err(EngineError::Elf { unmet: report.unmet, words })
        }
        Check::Run { sysroot, at, script, env } => {
            let root = job.root(sysroot)?;
            let tmp = job.scratch.join("check-tmp");
            if !is_there(&tmp) {
                make_folder(&tmp)?;
                TreeDir::open(&tmp, "`/tmp`")?.give_to(akbuild_sandbox::build_owner())?;
            }
            let mounts = vec![script_sandbox::writable("/tmp", &tmp), script_sandbox::part(at, out, "")];
            let env = env.iter().chain([(&"out".to_owned(), at)]).map(script_sandbox::pair).collect();
            let what = format!("a check of stage `{}`", job.stage.id);
            let finished = job.sandbox(&script_sandbox::spec(&root, mounts, script, env, "/", None), &what, None)?;
            Ok(Used { max_rss: finished.max_rss() })
        }
    }
}
