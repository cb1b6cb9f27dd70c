//! How long a closed window's row takes: from the arrival of the record that ends the window to its row in a file, on a live pipeline
//! behind a real broker, at half of what this machine can carry. `cargo xtask bench latency` or `cargo bench -p weir --bench latency`.
//!
//! Invoices are dated by the second in which they are sent, windows are one second long and wait for nobody (`bench/pipelines/latency.toml`).
//! A window ends when every partition has brought a record of the next second. Its clock starts at the broker's append time of the last
//! of those and stops when the file that holds its row has got its name. Feeder, broker and Weir share the machine's cores.
//!
//! `WEIR_BENCH_RATE` sets the invoices a second, `WEIR_BENCH_SECONDS` how long each variant is measured. Figures go to `target/bench/latency.json` too.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

#[path = "latency/feed.rs"]
mod feed;
#[path = "latency/figures.rs"]
mod figures;
#[path = "latency/rows.rs"]
mod rows;
#[path = "latency/run.rs"]
mod run;

use feed::{Fed, Feed};
use figures::Figures;
use rows::Rows;
use run::Weir;
use std::path::Path;
use std::time::{Duration, Instant};
use weir_services::client::create_topic;
use weir_services::kafka::{Kafka, KafkaOptions};

const PARTITIONS: i32 = 8;
/// How long each variant is measured: 120 windows of two KPIs.
const SECONDS: u64 = 120;
/// Windows at the beginning that don't count: connections, first fetches, first fsyncs.
const WARM_UP_SECONDS: i64 = 5;
/// What the load is a half of is measured with so many.
const CAPACITY_EVENTS: u64 = 3_000_000;
/// A run without a checkpoint shows rows at once; with one, rows are shown when the checkpoint that holds them is durable. Not 100 ms and
/// a second (the default): beside windows of a second their phase would hardly move, and chance would set the figure.
const VARIANTS: [(&str, Option<&str>); 3] =
    [("no checkpoint", None), ("a checkpoint every 97 ms", Some("97ms")), ("a checkpoint every 970 ms", Some("970ms"))];
/// Time for Weir to connect before the first invoice.
const CONNECT: Duration = Duration::from_secs(2);

fn main() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Beside what cargo builds, because /tmp may be memory, where an fsync costs nothing.
    let folder = tempfile::Builder::new().prefix("latency-").tempdir_in(target).expect("a temporary folder");
    let broker = Kafka::start(&folder.path().join("broker"), KafkaOptions::default()).expect("a broker");
    let bench = Bench { folder: folder.path(), brokers: &broker.bootstrap() };
    let capacity = bench.capacity();
    let rate = number("WEIR_BENCH_RATE").unwrap_or(capacity / 2);
    println!("a live pipeline on this machine carries {capacity} invoices a second; fed with {rate}\n");
    let figures: Vec<Figures> = VARIANTS.iter().map(|variant| bench.variant(*variant, rate)).collect();
    figures::print(&figures);
    figures::keep(&target.with_file_name("bench"), capacity, rate, &figures);
}

struct Bench<'a> {
    folder: &'a Path,
    brokers: &'a str,
}

impl Bench<'_> {
    /// Invoices a second that feeder, broker and Weir get through together, live: from the first sent to the last counted.
    fn capacity(&self) -> u64 {
        let mut weir = self.start("capacity", None, &["--stop-after", &CAPACITY_EVENTS.to_string()]);
        std::thread::sleep(CONNECT);
        let began = Instant::now();
        Feed { brokers: self.brokers, topic: "capacity", rate: None, events: CAPACITY_EVENTS }.run();
        let report = weir.wait();
        assert_eq!(report["read"].as_u64(), Some(CAPACITY_EVENTS), "not every invoice was read: {report}");
        (CAPACITY_EVENTS as f64 / began.elapsed().as_secs_f64()) as u64
    }

    fn variant(&self, (name, checkpoint): (&str, Option<&str>), rate: u64) -> Figures {
        let topic = format!("checkpoint-{}", checkpoint.unwrap_or("none"));
        let mut weir = self.start(&topic, checkpoint, &[]);
        let rows = Rows::watch(weir.out());
        std::thread::sleep(CONNECT);
        let seconds = number("WEIR_BENCH_SECONDS").unwrap_or(SECONDS) + WARM_UP_SECONDS as u64;
        let fed: Fed = Feed { brokers: self.brokers, topic: &topic, rate: Some(rate), events: rate * seconds }.run();
        // The last window that ended is written by then, or it is told as missing.
        std::thread::sleep(CONNECT);
        let seen = rows.end();
        let report = weir.stop();
        assert!(report["balanced"] == true && report["read"].as_u64() == Some(fed.sent), "invoices are lost: {report}");
        Figures::of(name, &fed, &seen, WARM_UP_SECONDS, &report)
    }

    fn start(&self, topic: &str, checkpoint: Option<&str>, options: &[&str]) -> Weir {
        // Dated by the broker, so that the delivery report says when a record arrived.
        create_topic(self.brokers, topic, PARTITIONS, &[("message.timestamp.type", "LogAppendTime")]).expect("a topic");
        Weir::start(&self.folder.join(topic), self.brokers, topic, checkpoint, options)
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}
