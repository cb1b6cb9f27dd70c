//! `cargo xtask demo`: a year of real invoices as a live stream through the retail pipeline, from a file or through a real broker.

use crate::command::{Done, root, run};
use crate::plugins;
use clap::Args;
use std::process::Command;

/// `cargo xtask demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Through a real Kafka broker, started and stopped for it (needs Java and Maven)
    #[arg(long)]
    kafka: bool,
}

/// Builds, replays, and tells where everything is.
pub fn demo(args: &DemoArgs) -> Done {
    plugins::build_all("release")?;
    if args.kafka { through_kafka() } else { from_file() }
}

fn weir() -> Command {
    let mut weir = Command::new(crate::command::target().join("release").join("weir"));
    weir.current_dir(root());
    weir
}

fn from_file() -> Done {
    run(weir().args(["--log", "warn", "run", "pipelines/demo.toml", "--until-end"]))
}

fn through_kafka() -> Done {
    Err("not built yet".into())
}
