//! The akbuild command: reads the command line, does what it says, and ends with a code that means something.

mod args;
mod commands;
mod failure;
mod machine;
mod project;
mod replacement;
mod session;
mod timeline;
mod toolchain;
mod ui;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use crate::args::cache::Cache;
use crate::args::{Anew, Cli, Color, Command};
use crate::commands::build::What;
use crate::failure::{Exit, Outcome};
use crate::project::Project;
use crate::session::Session;
use crate::ui::{ColorChoice, MessageWriter, OutputStreams, Paint, Ui};

fn main() -> ExitCode {
    // The sandbox's helper is this program, started again: nothing may happen before it is recognised.
    akbuild_sandbox::helper_entry();
    machine::keep_few_heaps();
    let streams = OutputStreams::of_process();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return ended(usage(&error, &streams), &streams, Paint(false)),
    };
    let look = look(&cli);
    let paint = Paint(look.color);
    let ui = ui::new(&look, streams.clone());
    trace(&cli, &streams);
    report_panics(&streams);
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&cli, &ui)));
    let code = match result {
        Ok(Ok(())) => Exit::Ok as u8,
        Ok(Err(failure)) => {
            let (message, code) = failure.render(paint);
            let already_known = streams.failure().as_ref().is_some_and(|failure| failure.in_data);
            message.iter().filter(|_| !already_known).for_each(|m| ui.error(m));
            code
        }
        Err(_) => {
            ui.error("error: akbuild itself failed; the lines above say where");
            Exit::Bug as u8
        }
    };
    ended(code, &streams, paint)
}

/// Shows help, or says what is wrong with the command line.
fn usage(error: &clap::Error, streams: &OutputStreams) -> u8 {
    if error.use_stderr() {
        streams.err(&error.render().to_string());
        return Exit::Usage as u8;
    }
    streams.out(&error.render().to_string());
    Exit::Ok as u8
}

/// The code to end with: that of the command, unless it succeeded and its output was lost.
fn ended(code: u8, streams: &OutputStreams, paint: Paint) -> ExitCode {
    let Some(failure) = streams.failure().take() else { return ExitCode::from(code) };
    let lost = match failure.reader_is_gone() {
        true => Exit::ReaderGone,
        false => {
            let message = format!("error: cannot write to stdout: {}", failure.error);
            streams.err(&paint.error(&format!("{message}\n  help: make room, or send the output elsewhere")));
            Exit::Failed
        }
    };
    // Where data was lost, that is what the command failed of.
    ExitCode::from(if code == Exit::Ok as u8 || failure.in_data { lost as u8 } else { code })
}

/// A panic's message may have foreign text in it.
fn report_panics(streams: &Arc<OutputStreams>) {
    let streams = streams.clone();
    std::panic::set_hook(Box::new(move |panic| {
        streams.err(&format!("{panic}\n"));
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            streams.err(&format!("{trace}\n"));
        }
    }));
}

/// What the libraries note for whoever looks into a problem goes to stderr: warnings, or all of it.
fn trace(cli: &Cli, streams: &Arc<OutputStreams>) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (_, 0 | 1) => LevelFilter::WARN,
        _ => LevelFilter::DEBUG,
    };
    let streams = streams.clone();
    let writer = move || MessageWriter(streams.clone());
    tracing_subscriber::fmt().with_writer(writer).with_max_level(level).with_ansi(false).init();
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
            ui.out_bytes(&script);
            return Ok(());
        }
        _ => {}
    }
    if let Command::Cache(cache) = &cli.command {
        return commands::cache::run(global, cache, ui);
    }
    let project = match &cli.command {
        Command::Lock { anew, .. } if anew.contains(&Anew::All) => Project::read_anew(global)?,
        _ => Project::read(global)?,
    };
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
        Command::Why { stage } => commands::why::run(&session, &project, stage, global),
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
