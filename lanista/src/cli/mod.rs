//! The command line: reads flags, prints for people, and holds no logic that another crate could own.
//!
//! * Every bad input is one line on standard error, `error: ..`, with place and remedy, and exit code 2.
//! * A search or a training that failed has exit code 1; what is done has 0.
//! * A closed pipe ends a command quietly.
//! * No name makes a terminal do anything: what is printed goes through `visible`.

mod args;
mod cost;
#[cfg(feature = "data")]
mod data;
mod demo;
mod export;
mod failure;
mod grid;
mod interrupt;
mod list;
#[cfg(feature = "torch")]
mod one_shot;
mod output;
mod progress;
mod protocol;
#[cfg(feature = "torch")]
mod rank;
mod result;
mod search;
#[cfg(feature = "torch")]
mod searched;
mod show;
mod source;
mod table;
#[cfg(feature = "torch")]
mod train;
#[cfg(not(feature = "torch"))]
#[path = "no_torch.rs"]
mod train;
mod verify;
mod visible;
mod watch;

use args::{Cli, Command};
use clap::Parser;
use clap::error::ErrorKind;
use failure::Failure;
use std::process::ExitCode;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    interrupt::listen();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.lines().iter().for_each(|line| output::note(&format!("error: {line}")));
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Spaces(args) => list::spaces(&args),
        Command::Strategies(args) => list::strategies(&args),
        Command::Evaluators(args) => list::evaluators(&args),
        Command::Ops(args) => list::ops(&args),
        Command::Search(args) => search::search(&args),
        Command::Resume(args) => search::resume(&args),
        Command::Show(args) => show::show(&args),
        Command::Cost(args) => cost::cost(&args),
        Command::Export(args) => export::export(&args),
        Command::Hash(args) => show::hash(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Table(args) => table::table(args.command),
        #[cfg(feature = "data")]
        Command::Data(args) => data::data(&args.command),
        #[cfg(not(feature = "data"))]
        Command::Data(_) => Err(Failure::usage(
            "this `lanista` was built without data sets; build it with `cargo build --features data`, or `torch`",
        )),
        Command::Demo(args) => demo::demo(&args),
        Command::Train(args) => train::train(&args),
        Command::DemoTrain(args) => train::demo(&args),
        #[cfg(feature = "torch")]
        Command::Rank(args) => rank::rank(&args),
        #[cfg(not(feature = "torch"))]
        Command::Rank(_) => Err(train::needs_torch("rank")),
        Command::DemoOneshot(args) => train::demo_oneshot(&args),
    }
}

/// Prints a usage error on one line, or the help that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe is no reason to complain.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(2);
    }
    // The paragraphs before the usage: what is wrong, and what was probably meant.
    let text = error.render().to_string();
    let parts = text.lines().map(str::trim).take_while(|l| !l.starts_with("Usage:")).filter(|l| !l.is_empty());
    let line: Vec<&str> = parts.filter(|l| !l.starts_with("For more information")).collect();
    let line = line.join("; ").replace(":; ", ": ");
    // Of a command its own help.
    let usage = text.lines().find_map(|l| l.trim().strip_prefix("Usage: lanista")).unwrap_or_default();
    let of: String = usage
        .split(' ')
        .skip(1)
        .take_while(|w| w.starts_with(|c: char| c.is_ascii_lowercase()))
        .fold(String::new(), |of, word| format!("{of} {word}"));
    output::note(&format!("{line}; see `lanista{of} --help`"));
    ExitCode::from(2)
}
