//! `cargo xtask`: set-up, plugins, demo, tests and benchmarks, with nothing to install or start by hand.

mod bench;
mod command;
mod demo;
mod plugins;
mod services;
mod testing;
mod torture;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Weir's developer commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build what is needed and replay a year of real invoices through the retail pipeline
    Demo(demo::DemoArgs),
    /// Format check, lints, docs, and all tests, with real services
    Test(testing::TestArgs),
    /// Build the repository's plugins into pipelines/plugins
    Plugins,
    /// What the tests' services need, and a real Kafka broker on loopback, without containers
    #[command(subcommand)]
    Services(services::Services),
    /// The benchmark suite, as tables with their commands
    Bench(bench::BenchArgs),
    /// kill -9 at every named point with every sink, on real services, against a run that was left alone
    Torture(torture::TortureArgs),
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Demo(args) => demo::demo(&args),
        Task::Test(args) => testing::test(&args),
        Task::Plugins => plugins::build_all("release"),
        Task::Services(services) => services.run(),
        Task::Bench(args) => bench::bench(&args),
        Task::Torture(args) => torture::torture(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
