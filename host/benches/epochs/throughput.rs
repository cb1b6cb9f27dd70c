//! The retail pipeline over a backlog, with a checkpoint every second and with none.

use super::verdicts::{Verdict, median};
use super::weir_run::{Site, pipelines};
use super::{input, invoices};
use serde_json::Value;
use std::path::Path;

/// Records of the backlog: some seconds of two workers.
const EVENTS: u64 = 4_000_000;
const PAIRS: usize = 5;
/// At least so much of the pace without.
const WANTED: f64 = 0.97;
const TOPIC: &str = "invoices";
const PARTITIONS: u32 = 8;
const CHECKPOINT: &str = "\n[checkpoint]\npath = \"checkpoint\"\ninterval = \"1s\"\n";

/// Over files.
pub fn over_files(folder: &Path, target: &Path) -> Vec<Verdict> {
    let pattern = input::invoices(target, events());
    let text = pipeline("retail-files.toml");
    let (head, tail) = text.split_once("files = [").expect("the pipeline reads files");
    let (_, tail) = tail.split_once('\n').expect("more lines");
    compare("files", folder, &format!("{head}files = [\"{pattern}\"]\n{tail}"))
}

/// Over a topic of a real broker.
pub fn over_kafka(folder: &Path, brokers: &str) -> Vec<Verdict> {
    invoices::fill(brokers, TOPIC, PARTITIONS, events()).expect("a topic full of invoices");
    let text = pipeline("retail.toml");
    let text = text.replace("${KAFKA_BROKERS:-127.0.0.1:9092}", brokers).replace("${KAFKA_TOPIC:-invoices}", TOPIC);
    compare("kafka", folder, &text)
}

fn events() -> u64 {
    std::env::var("WEIR_BENCH_EVENTS").map_or(EVENTS, |text| text.parse().expect("WEIR_BENCH_EVENTS is a number"))
}

fn pipeline(name: &str) -> String {
    std::fs::read_to_string(pipelines().join(name)).expect("the pipeline file")
}

/// Wall and CPU seconds of a run, and its checkpoints.
struct Ran {
    seconds: f64,
    cpu_seconds: f64,
    checkpoints: u64,
}

fn compare(source: &str, folder: &Path, text: &str) -> Vec<Verdict> {
    let with = Site::new(folder, &format!("{source}-with"), &format!("{text}{CHECKPOINT}"));
    let without = Site::new(folder, &format!("{source}-without"), text);
    // Once before it counts: page cache, compiled plugins.
    run(&with);
    run(&without);
    println!("\n{source}: {} invoices, 2 workers, {PAIRS} pairs in turn", events());
    println!("{:>12} {:>12} {:>12} {:>12} {:>12}", "wall, with", "without", "CPU, with", "without", "checkpoints");
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        // Who goes first changes, so that a machine that grows busier harms both.
        let (a, b) = if pair % 2 == 0 { (&with, &without) } else { (&without, &with) };
        let (a, b) = (run(a), run(b));
        let (with, without) = if pair % 2 == 0 { (a, b) } else { (b, a) };
        println!(
            "{:>10.2} s {:>10.2} s {:>10.2} s {:>10.2} s {:>12}",
            with.seconds, without.seconds, with.cpu_seconds, without.cpu_seconds, with.checkpoints
        );
        pairs.push((without.seconds / with.seconds, without.cpu_seconds / with.cpu_seconds));
    }
    let told = |of: &str, ratios: Vec<f64>| {
        Verdict::at_least(format!("{source}: records a {of} with 1 s epochs, of those without"), median(ratios), WANTED)
    };
    vec![
        told("second", pairs.iter().map(|pair| pair.0).collect()),
        told("CPU-second", pairs.iter().map(|pair| pair.1).collect()),
    ]
}

fn run(site: &Site) -> Ran {
    site.clean();
    let report: Value = site.start("warn", &["--until-end", "--workers", "2"]).wait();
    let all = report["balanced"] == true && report["kept"].as_u64() == Some(events());
    assert!(all, "not every invoice was counted: {report}");
    let float = |name: &str| report[name].as_f64().expect("a number");
    Ran {
        seconds: float("seconds"),
        cpu_seconds: float("cpu_seconds"),
        checkpoints: report["checkpoint_epoch"].as_u64().unwrap_or(0),
    }
}
