//! The floor: a consumer that polls the topic to its end and drops every message, in a process of its own.

use super::run::Figures;
use super::topic::TOPIC;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use rustix::time::{ClockId, clock_gettime};
use std::process::Command;
use std::time::{Duration, Instant};

/// The first argument of the child.
pub const MODE: &str = "--read-and-drop";
const WAIT: Duration = Duration::from_secs(10);

/// Runs it in a child of this process.
pub fn child(brokers: &str) -> Figures {
    let this = std::env::current_exe().expect("this program's path");
    let output = Command::new(this).args([MODE, brokers, TOPIC]).output().expect("the child starts");
    assert!(output.status.success(), "the child failed: {}", String::from_utf8_lossy(&output.stderr));
    Figures::from_json(&output.stdout)
}

/// What the child does; its figures go to standard output.
pub fn read_and_drop(brokers: &str, topic: &str) {
    let started = Instant::now();
    let consumer: BaseConsumer = config(brokers).create().expect("a consumer");
    let mut left = assign(&consumer, topic);
    let (mut events, mut bytes, mut first) = (0_u64, 0_usize, None);
    while left > 0 {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let message = message.expect("a message");
            first.get_or_insert_with(|| started.elapsed().as_secs_f64());
            events += 1;
            bytes += message.payload().map_or(0, <[u8]>::len);
            left -= 1;
        }
    }
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let figures = serde_json::json!({
        "read": events,
        "bytes": bytes,
        "seconds": started.elapsed().as_secs_f64(),
        "seconds_to_first_record": first,
        "cpu_seconds": cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
        "peak_memory_bytes": peak_memory_bytes(),
    });
    println!("{figures}");
}

/// As good as polling gets: large fetches, a bounded queue.
fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (key, value) in [
        ("bootstrap.servers", brokers),
        ("group.id", "floor"),
        ("enable.auto.commit", "false"),
        ("fetch.message.max.bytes", "1048576"),
        ("fetch.max.bytes", "16777216"),
        ("queued.min.messages", "100000"),
        ("queued.max.messages.kbytes", "131072"),
        ("socket.receive.buffer.bytes", "1048576"),
    ] {
        config.set(key, value);
    }
    config
}

/// Assigns every partition from its beginning; how many records there are.
fn assign(consumer: &BaseConsumer, topic: &str) -> i64 {
    let metadata = consumer.fetch_metadata(Some(topic), WAIT).expect("metadata");
    let partitions = metadata.topics().first().expect("the topic").partitions();
    let mut list = TopicPartitionList::new();
    let mut records = 0;
    for partition in partitions {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), WAIT).expect("watermarks");
        records += high - low;
        list.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("an offset");
    }
    consumer.assign(&list).expect("assigned");
    records
}

/// The most memory that this process has held at once.
fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
}
