//! The topic: seeded invoices, dealt to the partitions in turn, as the generator does.

use std::time::Duration;
use weir::source::generator::{GeneratorSettings, GeneratorSource};
use weir::source::{Assignment, ReadEvent, Source};
use weir_core::block::Block;
use weir_services::client::{Produced, create_topic, produce};

/// The topic's name.
pub const TOPIC: &str = "invoices";
/// As in the other engines' benchmarks.
pub const PARTITIONS: u32 = 8;
const EVENTS: u64 = 3_000_000;
const EVENTS_PER_MINUTE: u32 = 20_000;
/// 2010-12-01T00:00:00Z.
const START_US: i64 = 1_291_161_600_000_000;
/// Records that are held at once.
const CHUNK: usize = 8_192;
const CHUNKS: usize = 24;

/// What `WEIR_BENCH_EVENTS` says, or the default.
pub fn events() -> u64 {
    std::env::var("WEIR_BENCH_EVENTS").map_or(EVENTS, |text| text.parse().expect("WEIR_BENCH_EVENTS is a number"))
}

/// Makes and fills the topic; the bytes of all values.
pub fn fill(brokers: &str, events: u64) -> u64 {
    // Kept for ever: the invoices are from 2010.
    create_topic(brokers, TOPIC, PARTITIONS as i32, &[("retention.ms", "-1")]).expect("a topic");
    let source = GeneratorSource::open(&settings(events)).expect("sound settings");
    let assigned: Vec<_> = (0..PARTITIONS).map(|partition| Assignment { partition, offset: None }).collect();
    let mut reader = source.open(&assigned).expect("a reader");
    let (mut bytes, mut ended) = (0, 0);
    while ended < PARTITIONS {
        let mut blocks = Vec::new();
        while blocks.len() < CHUNKS && ended < PARTITIONS {
            match reader.next(CHUNK, Duration::ZERO).expect("records") {
                ReadEvent::Block(block) => blocks.push(block),
                ReadEvent::Ended { .. } => ended += 1,
                ReadEvent::CaughtUp { .. } | ReadEvent::Nothing => {}
            }
        }
        bytes += blocks.iter().map(|block| block.bytes.len() as u64).sum::<u64>();
        produce(brokers, TOPIC, blocks.iter().flat_map(records)).expect("all records arrive");
    }
    bytes
}

fn records(block: &Block) -> impl Iterator<Item = Produced<'_>> {
    (0..block.records.len()).map(|index| Produced {
        partition: block.partition as i32,
        value: Some(block.value(index)),
        ..Produced::default()
    })
}

fn settings(events: u64) -> GeneratorSettings {
    GeneratorSettings {
        seed: 7,
        partitions: PARTITIONS,
        records: Some(events),
        rate: None,
        start_us: START_US,
        records_per_minute: EVENTS_PER_MINUTE,
        disorder_us: 5_000_000,
        late_share: 0.0,
        broken_share: 0.0,
        clock: || 0,
    }
}
