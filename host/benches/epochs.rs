//! What a checkpoint every second costs, how long one takes, and how soon a killed run is back. `cargo xtask bench epochs` or
//! `cargo bench -p weir --bench epochs`; the names of some parts (`files`, `kafka`, `groups`, `recovery`) run those only.
//!
//! The binary itself is measured. `files` and `kafka`: the repository's retail pipeline over a backlog, with a checkpoint every second and
//! with none, runs in turn. `groups`: 100,000 open groups of which each changes every second, and the times that the binary tells of each checkpoint
//! (`--log weir=debug`). `recovery`: a live topic, 1,000 groups, `kill -9`, and the same command again at once.
//!
//! `WEIR_BENCH_EVENTS` sets the records of the backlog. Figures go to `target/bench/epochs.json` too.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

#[path = "epochs/feed.rs"]
mod feed;
#[path = "epochs/groups.rs"]
mod groups;
#[path = "epochs/input.rs"]
mod input;
#[path = "kafka/invoices.rs"]
mod invoices;
#[path = "epochs/recovery.rs"]
mod recovery;
#[path = "epochs/throughput.rs"]
mod throughput;
#[path = "epochs/verdicts.rs"]
mod verdicts;
#[path = "epochs/weir.rs"]
mod weir_run;

use std::path::Path;
use verdicts::Verdict;
use weir_services::kafka::{Kafka, KafkaOptions};

const PARTS: [&str; 4] = ["files", "kafka", "groups", "recovery"];

fn main() {
    // What cargo passes itself begins with dashes.
    let named: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let Some(unknown) = named.iter().find(|name| !PARTS.contains(&name.as_str())) {
        panic!("there is no part `{unknown}`; there are {PARTS:?}");
    }
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| name == part);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Beside what cargo builds, because /tmp may be memory, where an fsync costs nothing.
    let folder = tempfile::Builder::new().prefix("epochs-").tempdir_in(target).expect("a temporary folder");
    let machine = verdicts::machine();
    println!("{machine}");
    let mut all: Vec<Verdict> = Vec::new();
    if wanted("files") {
        all.extend(throughput::over_files(folder.path(), target));
    }
    if wanted("groups") {
        all.extend(groups::measure(folder.path(), target));
    }
    if wanted("kafka") || wanted("recovery") {
        let broker = Kafka::start(&folder.path().join("broker"), KafkaOptions::default()).expect("a broker");
        if wanted("kafka") {
            all.extend(throughput::over_kafka(folder.path(), &broker.bootstrap()));
        }
        if wanted("recovery") {
            all.extend(recovery::measure(folder.path(), &broker.bootstrap()));
        }
    }
    verdicts::print(&all);
    println!("\nload at the end {}", verdicts::load());
    verdicts::keep(&target.with_file_name("bench"), &machine, &all);
}
