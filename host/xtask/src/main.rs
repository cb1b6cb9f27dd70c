//! Weir's chores: `cargo xtask …`. Each is a module with its own arguments; this file only picks one.

mod services;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Weir's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// A real Kafka broker on loopback, without containers.
    #[command(subcommand)]
    Services(services::Services),
}

fn main() -> ExitCode {
    match Arguments::parse().chore {
        Chore::Services(services) => services.run(),
    }
}
