//! The whole binary on a real broker: `weir run pipelines/retail.toml --until-end` over a topic of synthetic invoices, beside a client
//! that polls and drops them, which is what librdkafka leaves to win. `cargo bench -p weir --bench kafka`; `WEIR_BENCH_EVENTS` sets
//! the number of invoices. Needs Java and, the first time, Maven and a network.
//!
//! CPU seconds are those of the measured process alone, start included; the broker's stand beside them on the same cores. The topic is
//! read once before anything counts: whoever touches pages first that are not in the page cache pays for them. Runs take turns, and
//! medians are told.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

#[path = "kafka/floor.rs"]
mod floor;
#[path = "kafka/invoices.rs"]
mod invoices;
#[path = "kafka/poll.rs"]
mod poll;
#[path = "kafka/run.rs"]
mod run;
#[path = "kafka/topic.rs"]
mod topic;

use run::{Figures, Weir};
use std::path::Path;
use weir_services::kafka::{Kafka, KafkaOptions};

/// Runs of each variant.
const RUNS: usize = 5;
const WORKERS: [u16; 2] = [1, 2];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, brokers, topic] = arguments.as_slice()
        && mode == floor::MODE
    {
        return floor::read_and_drop(brokers, topic);
    }
    let folder = tempfile::Builder::new().prefix("weir-bench-kafka-").tempdir().expect("a temporary folder");
    let broker = Kafka::start(&folder.path().join("broker"), KafkaOptions::default()).expect("a broker");
    measure(&broker.bootstrap(), folder.path());
    drop(broker);
}

fn measure(brokers: &str, folder: &Path) {
    let events = topic::events();
    let bytes = topic::fill(brokers, events);
    println!(
        "a real broker on the same machine: {events} invoices of {:.0} bytes in {} partitions, not compressed",
        bytes as f64 / events as f64,
        topic::PARTITIONS
    );
    let weir = Weir::new(folder, brokers);
    let first = floor::child(brokers);
    assert_eq!(first.events, events, "the topic holds what was produced");
    let cold = weir.run(2, events);
    let mut floor = Vec::new();
    let mut ran = WORKERS.map(|_| Vec::new());
    for _ in 0..RUNS {
        floor.push(floor::child(brokers));
        for (workers, ran) in WORKERS.iter().zip(&mut ran) {
            ran.push(weir.run(*workers, events));
        }
    }
    tell(&floor, &ran);
    let first = |figures: &Figures| figures.first_record_s.unwrap_or(f64::NAN) * 1e3;
    println!("\nstart to first record: {:.0} ms where the plugins have to be compiled first (once)", first(&cold));
}

fn tell(floor: &[Figures], ran: &[Vec<Figures>]) {
    println!("\nmedians of {RUNS} runs in turn; CPU time of the process, user and system");
    println!(
        "{:<26} {:>14} {:>12} {:>14} {:>12} {:>16} {:>12}",
        "", "M events/CPU-s", "ns an event", "M events/s", "peak MB", "first record ms", "of the floor"
    );
    let floor_speed = run::median(floor, Figures::events_per_cpu_second);
    let row = |name: &str, figures: &[Figures]| {
        let speed = run::median(figures, Figures::events_per_cpu_second);
        println!(
            "{name:<26} {:>14.3} {:>12.0} {:>14.3} {:>12.0} {:>16.0} {:>12.2}",
            speed / 1e6,
            1e9 / speed,
            run::median(figures, |one| one.events as f64 / one.seconds) / 1e6,
            run::median(figures, |one| one.peak_bytes as f64 / 1e6),
            run::median(figures, |one| one.first_record_s.unwrap_or(f64::NAN) * 1e3),
            speed / floor_speed,
        );
    };
    row("poll and drop (the floor)", floor);
    for (workers, figures) in WORKERS.iter().zip(ran) {
        row(&format!("weir, {workers} worker{}", if *workers == 1 { "" } else { "s" }), figures);
    }
    println!("wanted of weir: 0.5 M events/CPU-s, 200 MB, 100 ms");
}
