//! The project's own chores. Knows the commands and nothing of what they do.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program for whoever works on the project: it talks, starts cargo and reads the environment"
)]

mod dist;
mod figures;
mod repo;
mod sample;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  tidy              check what no compiler checks; print files and functions that ask for a second look
  figures           print figures about the structure of the workspace: sizes, cycles, files per change
  sample [--fresh]  build the sample project with akbuild, in a copy, and start its image;
                    --fresh: with an empty home that is removed afterwards
  dist              make a static binary of akbuild for this architecture in target/dist";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["tidy"] => tidy::run(),
        ["figures"] => figures::run(),
        ["sample"] => sample::run(false),
        ["sample", "--fresh"] => sample::run(true),
        ["dist"] => dist::run(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
