//! The akbuild command: reads the command line, does what it says, and ends with a code that means something.

mod args;
mod commands;
mod failure;
mod machine;
mod project;
mod session;
mod timeline;
mod toolchain;
mod ui;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use crate::args::cache::Cache;
use crate::args::{Cli, Color, Command};
use crate::commands::build::What;
use crate::failure::{Exit, Outcome};
use crate::project::Project;
use crate::session::Session;
use crate::ui::{ColorChoice, Ui};

fn main() -> ExitCode {
    // The sandbox's helper is this program, started again: nothing may happen before it is recognised.
    akbuild_sandbox::helper_entry();
    machine::keep_few_heaps();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { Exit::Ok as u8 });
        }
    };
    let look = look(&cli);
    let ui = ui::new(&look);
    trace(&cli);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&cli, &ui)));
    let code = match result {
        Ok(Ok(())) => Exit::Ok as u8,
        Ok(Err(failure)) => {
            let (message, code) = failure.render(look.color);
            message.iter().for_each(|m| ui.error(m));
            code
        }
        Err(_) => {
            ui.error("error: akbuild itself failed; the lines above say where");
            Exit::Bug as u8
        }
    };
    ExitCode::from(code)
}

/// What the libraries note for whoever looks into a problem goes to stderr: warnings, or all of it.
fn trace(cli: &Cli) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (_, 0 | 1) => LevelFilter::WARN,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level).with_ansi(false).init();
}

fn look(cli: &Cli) -> ui::Look {
    let global = &cli.global;
    let color = match global.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let env = machine::read(std::path::Path::new(".")).env;
    let no_color = env.get("NO_COLOR").is_some_and(|v| !v.is_empty());
    let term = env.get("TERM").map(String::as_str);
    // The document on stdout is all that it says as JSON; how far it is goes to stderr.
    let json = global.json && !matches!(cli.command, Command::Cache(Cache::Verify { .. }));
    ui::choose(json, global.quiet, global.verbose, color, no_color, std::io::stderr().is_terminal(), term)
}

fn run(cli: &Cli, ui: &Arc<dyn Ui>) -> Outcome {
    let global = &cli.global;
    match &cli.command {
        Command::Hash { path } => {
            ui.out(&format!("{}\n", akbuild_nar::hash_path(path)?));
            return Ok(());
        }
        Command::Doctor => return commands::doctor::run(&**ui),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "akbuild", &mut script);
            ui.out(&String::from_utf8_lossy(&script));
            return Ok(());
        }
        _ => {}
    }
    if let Command::Cache(cache) = &cli.command {
        return commands::cache::run(global, cache, ui);
    }
    let project = Project::read(global)?;
    if let Command::Graph { format } = &cli.command {
        return commands::graph::run(global, ui, &project, *format);
    }
    let session = Session::open(global, &project.root, ui.clone())?;
    match &cli.command {
        Command::All(building) => commands::build::run(&session, &project, &What::All, building),
        Command::Build { stages, rebuild, building } => {
            commands::build::run(&session, &project, &What::Stages(stages, *rebuild), building)
        }
        Command::Plan { stages } => commands::plan::run(&session, &project, stages, global.json),
        Command::Why { stage } => commands::why::run(&session, &project, stage, global.json),
        Command::Log { stage, follow, build } => {
            commands::log::run(&session, &project, stage, *follow, build.as_deref())
        }
        Command::Shell { stage, failed, command } => commands::shell::run(&session, &project, stage, *failed, command),
        Command::Image(image) => commands::image::run(&session, &project, image, global.json),
        Command::Run { image, env, bind, args } => {
            let wanted = commands::run::Wanted { image: image.as_deref(), env, bind, args };
            commands::run::run(&session, &project, &wanted)
        }
        Command::Smoke { from, plain_http } => {
            commands::smoke::run(&session, &project, from.as_deref(), plain_http, global.json)
        }
        Command::Trace { build, chrome } => commands::trace::run(&session, &project, build.as_deref(), *chrome),
        Command::Lock { anew, allow_expired } => commands::lock::run(&session, &project, anew, *allow_expired),
        Command::Update { version, allow_expired } => {
            commands::update::run(&session, &project, version, *allow_expired)
        }
        Command::Graph { .. }
        | Command::Cache(_)
        | Command::Hash { .. }
        | Command::Doctor
        | Command::Completions { .. } => Ok(()),
    }
}
