//! `cargo xtask services up|down|status`: a real Kafka broker on loopback, left running between commands.

use clap::Subcommand;
use std::process::ExitCode;
use weir_services::kafka::{self, Left};

/// What to do with the services.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Services {
    /// Start a Kafka broker and leave it running; says where it is.
    Up,
    /// Stop it.
    Down,
    /// Say whether it runs.
    Status,
}

impl Services {
    /// Does it, and tells.
    pub fn run(self) -> ExitCode {
        let done = match self {
            Services::Up => kafka::up().map(|left| tell(&left)),
            Services::Down => {
                kafka::down().map(|was| println!("{}", if was { "kafka is stopped" } else { "kafka does not run" }))
            }
            Services::Status => {
                match kafka::status() {
                    Some(left) => tell(&left),
                    None => println!("kafka does not run; start it with: cargo xtask services up"),
                }
                Ok(())
            }
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

fn tell(left: &Left) {
    println!("kafka runs at {} (process {})", left.bootstrap, left.pid);
    println!("  log: {}", left.folder.join("kafka.log").display());
    println!("  use: export KAFKA_BROKERS={}", left.bootstrap);
}
