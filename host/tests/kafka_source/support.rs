//! The shared broker, topics of a test's own, and reading a source to where a test wants it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use weir::source::kafka::{self, Isolation, KafkaClient, KafkaSettings, KafkaStart, LostOffsets};
use weir::source::{Assignment, ReadEvent, Reader, Source, SourceError};
use weir_core::block::Record;
use weir_services::client::{self, Produced};
use weir_services::kafka::{Kafka, KafkaOptions};

/// A clock that stands still; arrivals are told by it.
pub const NOW_US: i64 = 1_700_000_000_000_000;
pub const WAIT: Duration = Duration::from_millis(100);
/// Long enough for a loaded machine; a test that needs it has failed.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub fn broker() -> &'static Kafka {
    static BROKER: OnceLock<Kafka> = OnceLock::new();
    BROKER.get_or_init(|| {
        clear_old_folders();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{FOLDER}{}", std::process::id()));
        Kafka::start(&folder, KafkaOptions { tls_and_sasl: true, ..KafkaOptions::default() })
            .unwrap_or_else(|error| panic!("{error}"))
    })
}

const FOLDER: &str = "kafka-source-";

/// A folder outlives its run, for a look at the broker's log; the next run removes those whose process is gone.
fn clear_old_folders() {
    for entry in std::fs::read_dir(env!("CARGO_TARGET_TMPDIR")).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(FOLDER)).unwrap_or_default();
        if id.parse::<u32>().is_ok() && !Path::new("/proc").join(id).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// A new topic on the shared broker.
pub fn topic(partitions: i32, settings: &[(&str, &str)]) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    client::create_topic(&broker().bootstrap(), &name, partitions, settings).unwrap();
    name
}

/// A topic's name is free again some moments after it was deleted.
pub fn create_again(topic: &str) {
    let begun = Instant::now();
    while client::create_topic(&broker().bootstrap(), topic, 1, &[]).is_err() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn value(partition: i32, number: usize) -> String {
    format!("{{\"p\": {partition}, \"n\": {number}}}")
}

/// Puts `count` numbered records into a partition.
pub fn fill(topic: &str, partition: i32, numbers: std::ops::Range<usize>) {
    fill_at(&broker().bootstrap(), topic, partition, numbers);
}

pub fn fill_at(bootstrap: &str, topic: &str, partition: i32, numbers: std::ops::Range<usize>) {
    let values: Vec<String> = numbers.map(|number| value(partition, number)).collect();
    let records =
        values.iter().map(|value| Produced { partition, value: Some(value.as_bytes()), ..Produced::default() });
    client::produce(bootstrap, topic, records).unwrap();
}

pub fn settings(topic: &str) -> KafkaSettings {
    KafkaSettings {
        client: KafkaClient::Native,
        isolation: Isolation::ReadCommitted,
        brokers: broker().bootstrap(),
        topic: topic.to_owned(),
        start: KafkaStart::Earliest,
        bounded: true,
        properties: BTreeMap::new(),
        connect_wait: Duration::from_secs(30),
        group: None,
        on_lost_offsets: LostOffsets::Stop,
        metadata_interval: kafka::METADATA_INTERVAL,
        clock: || NOW_US,
    }
}

pub fn connect(settings: &KafkaSettings) -> Arc<dyn Source> {
    kafka::connect(settings).unwrap_or_else(|error| panic!("{error}"))
}

pub fn refused(settings: &KafkaSettings) -> SourceError {
    match kafka::connect(settings) {
        Ok(_) => panic!("it connected"),
        Err(error) => error,
    }
}

/// A reader over these partitions, from the source's start.
pub fn open(source: &Arc<dyn Source>, partitions: &[u32]) -> Box<dyn Reader> {
    let assigned: Vec<Assignment> =
        partitions.iter().map(|partition| Assignment { partition: *partition, offset: None, epoch: None }).collect();
    source.open(&assigned).unwrap_or_else(|error| panic!("{error}"))
}

/// What readers brought, checked against the contract as it comes.
#[derive(Debug, Default)]
pub struct Brought {
    /// Record and value of each partition.
    pub records: BTreeMap<u32, Vec<(Record, String)>>,
    pub ended: Vec<u32>,
    pub caught_up: Vec<u32>,
    /// Partition, first offset, offset after the last, offset to go on at.
    pub lost: Vec<(u32, i64, i64, i64)>,
    pub blocks: usize,
}

impl Brought {
    /// One event of one reader.
    pub fn step(&mut self, reader: &mut dyn Reader, max: usize) -> Result<(), SourceError> {
        match reader.next(max, WAIT)? {
            ReadEvent::Block(block) => {
                self.blocks += 1;
                assert!(!block.records.is_empty() && block.records.len() <= max);
                assert!(!self.ended.contains(&block.partition), "records after the end");
                let mine = self.records.entry(block.partition).or_default();
                for (index, record) in block.records.iter().enumerate() {
                    assert!(
                        mine.last().is_none_or(|last| last.0.offset < record.offset),
                        "{record:?} is out of order or comes twice"
                    );
                    mine.push((*record, String::from_utf8_lossy(block.value(index)).into_owned()));
                }
            }
            ReadEvent::Ended { partition } => {
                assert!(!self.ended.contains(&partition), "ended twice");
                self.ended.push(partition);
            }
            ReadEvent::Lost { partition, from, until, next } => self.lost.push((partition, from, until, next)),
            ReadEvent::CaughtUp { partition } => self.caught_up.push(partition),
            ReadEvent::Nothing => {}
        }
        Ok(())
    }

    /// Reads until `enough`.
    pub fn until(&mut self, reader: &mut dyn Reader, max: usize, enough: impl Fn(&Brought) -> bool) {
        let begun = Instant::now();
        while !enough(self) {
            assert!(begun.elapsed() < PATIENCE, "waited too long: {:?} ended, {} records", self.ended, self.count());
            self.step(reader, max).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    pub fn count(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    pub fn values(&self, partition: u32) -> Vec<&str> {
        self.records.get(&partition).into_iter().flatten().map(|(_, value)| value.as_str()).collect()
    }

    pub fn offsets(&self, partition: u32) -> Vec<i64> {
        self.records.get(&partition).into_iter().flatten().map(|(record, _)| record.offset).collect()
    }
}

/// Reads all partitions of a bounded source to their ends with one reader.
pub fn read_bounded(settings: &KafkaSettings) -> Brought {
    let source = connect(settings);
    let count = source.partitions().len();
    let mut reader = open(&source, &(0..count as u32).collect::<Vec<u32>>());
    let mut brought = Brought::default();
    brought.until(&mut *reader, 1000, |brought| brought.ended.len() == count);
    brought
}

pub fn expected(partition: i32, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| value(partition, number)).collect()
}
