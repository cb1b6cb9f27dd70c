//! `cargo xtask services prepare|up|down|status`: what the tests' real services need, and a Kafka broker on loopback that is left running
//! between commands.

use crate::command::Done;
use clap::Subcommand;
use weir_services::kafka::{self, Left};

/// What to do with the services.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Services {
    /// Fetch and install what the tests need: jars, and (as root) Debian packages.
    Prepare,
    /// Start a Kafka broker and leave it running; says where it is.
    Up,
    /// Stop it.
    Down,
    /// Say whether it runs.
    Status,
}

impl Services {
    /// Does it, and tells.
    pub fn run(self) -> Done {
        match self {
            Services::Prepare => return prepare(),
            Services::Up => tell(&kafka::up().map_err(|error| error.to_string())?),
            Services::Down => {
                let was = kafka::down().map_err(|error| error.to_string())?;
                println!("{}", if was { "kafka is stopped" } else { "kafka does not run" });
            }
            Services::Status => match kafka::status() {
                Some(left) => tell(&left),
                None => println!("kafka does not run; start it with: cargo xtask services up"),
            },
        }
        Ok(())
    }
}

/// Gets what the services need, or says all that is missing.
pub fn prepare() -> Done {
    println!("getting what the services of the tests need");
    weir_services::prepare().map_err(|missing| {
        let mut reasons: Vec<String> = missing.iter().map(ToString::to_string).collect();
        // Several services may lack the same.
        reasons.dedup();
        format!("the tests start real services, and not all of them can:\n{}", reasons.join("\n"))
    })
}

fn tell(left: &Left) {
    println!("kafka runs at {} (process {})", left.bootstrap, left.pid);
    println!("  log: {}", left.folder.join("kafka.log").display());
    println!("  use: export KAFKA_BROKERS={}", left.bootstrap);
}
