//! The topic: its name, and how many seeded invoices it holds.

use super::invoices;

/// The topic's name.
pub const TOPIC: &str = "invoices";
/// As in the other engines' benchmarks.
pub const PARTITIONS: u32 = 8;
const EVENTS: u64 = 3_000_000;

/// What `WEIR_BENCH_EVENTS` says, or the default.
pub fn events() -> u64 {
    std::env::var("WEIR_BENCH_EVENTS").map_or(EVENTS, |text| text.parse().expect("WEIR_BENCH_EVENTS is a number"))
}

/// Makes and fills the topic; the bytes of all values.
pub fn fill(brokers: &str, events: u64) -> u64 {
    invoices::fill(brokers, TOPIC, PARTITIONS, events).expect("a topic full of invoices")
}
