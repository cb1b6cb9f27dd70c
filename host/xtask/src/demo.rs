//! `cargo xtask demo`: a year of real invoices as a live stream through the retail pipeline, from a file or through a real broker.

use crate::command::{Done, cargo, root, run};
use crate::plugins;
use clap::Args;
use std::process::Command;
use weir_services::kafka::{Kafka, KafkaOptions};

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

/// A broker of its own, the invoices in a topic of eight partitions, and the pipeline that users run.
fn through_kafka() -> Done {
    let folder = std::env::temp_dir().join(format!("weir-demo-kafka-{}", std::process::id()));
    println!("starting a Kafka broker in {}", folder.display());
    let broker = Kafka::start(&folder, KafkaOptions::default()).map_err(|error| error.to_string())?;
    let done = fill(&broker.bootstrap()).and_then(|()| {
        let mut weir = weir();
        weir.args(["--log", "warn", "run", "pipelines/retail.toml", "--until-end"]);
        run(weir.env("KAFKA_BROKERS", broker.bootstrap()))
    });
    drop(broker);
    println!("the broker is stopped");
    // Its data is worth nothing without it; a leftover folder is not worth failing for.
    let _ = std::fs::remove_dir_all(&folder);
    done
}

fn fill(bootstrap: &str) -> Done {
    let load = ["run", "--release", "--package", "weir", "--example", "load_topic", "--", bootstrap, "invoices", "8"];
    run(cargo(&load).arg("data/online-retail/invoices.jsonl.zst"))
}
