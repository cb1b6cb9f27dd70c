//! The command line: arguments, exit codes, and everything that is printed. The only room that prints.
//!
//! Exit codes: 0 all well; 1 could not run, or stopped by an error; 2 the configuration or the command line is wrong; 3 ran, but a
//! KPI was quarantined.

mod args;
mod check;
mod dlq;
mod plugin;
mod run;
mod view;

use crate::plugin as plugin_room;
use crate::telemetry::{self, LogFormat};
use args::{Args, Command, PluginCommand};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // Before clap: the child that compiles a component must not depend on anything but its standard input.
    if std::env::args_os().nth(1).is_some_and(|first| first == plugin_room::COMPILE_SUBCOMMAND) {
        return plugin_room::compile_child_main();
    }
    let args = Args::parse();
    telemetry::init(if args.log_json { LogFormat::Json } else { LogFormat::Text }, &args.log);
    let outcome = match args.command {
        Command::Run(run) => run::run(&run),
        Command::Check(check) => check::check(&check),
        Command::Dlq(command) => dlq::run(&command),
        Command::Plugin(PluginCommand::Build(build)) => plugin::build(&build),
        Command::Plugin(PluginCommand::Inspect(inspect)) => plugin::inspect(&inspect),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(std::io::stderr(), "{}", failure.text.trim_end());
            ExitCode::from(failure.code)
        }
    }
}

/// Prints to standard output. Nobody may be left to read it, which is no reason to fail: the work is done.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Why a command did not do its work: what to print, and the exit code.
#[derive(Debug)]
struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// Could not run.
    fn run(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { text: format!("error: {}", chain_of(error)), code: 1 }
    }

    /// The configuration is wrong; the text is whole already.
    fn configuration(text: String) -> Self {
        Self { text, code: 2 }
    }
}

/// An error and its causes, `: ` between them, leaving out a cause that its effect has already quoted.
fn chain_of(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = next.source();
    }
    text
}
