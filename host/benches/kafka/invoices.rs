//! Fills a topic with seeded invoices, dealt to the partitions in turn, as the generator does: 387 bytes in the mean, 1 to 4 items, 40
//! Zipf-like countries, 1 in 16 a return, 20,000 in a minute of event time, up to 5 s of disorder. Shared with `examples/load_topic.rs`.

use std::time::Duration;
use weir::source::generator::{GeneratorSettings, GeneratorSource};
use weir::source::{Assignment, ReadEvent, Source};
use weir_core::block::Block;
use weir_services::client::{Produced, create_topic, produce};

const EVENTS_PER_MINUTE: u32 = 20_000;
/// 2010-12-01T00:00:00Z.
const START_US: i64 = 1_291_161_600_000_000;
/// Records that are held at once.
const CHUNK: usize = 8_192;
const CHUNKS: usize = 24;

/// Makes and fills the topic; the bytes of all values.
pub fn fill(brokers: &str, topic: &str, partitions: u32, events: u64) -> Result<u64, String> {
    // Kept for ever: the invoices are from 2010.
    create_topic(brokers, topic, partitions as i32, &[("retention.ms", "-1")]).map_err(|error| error.to_string())?;
    let source = GeneratorSource::open(&settings(partitions, events)).map_err(|error| error.to_string())?;
    let assigned: Vec<_> =
        (0..partitions).map(|partition| Assignment { partition, offset: None, epoch: None }).collect();
    let mut reader = source.open(&assigned).map_err(|error| error.to_string())?;
    let (mut bytes, mut ended) = (0, 0);
    while ended < partitions {
        let mut blocks = Vec::new();
        while blocks.len() < CHUNKS && ended < partitions {
            match reader.next(CHUNK, Duration::ZERO).map_err(|error| error.to_string())? {
                ReadEvent::Block(block) => blocks.push(block),
                ReadEvent::Ended { .. } => ended += 1,
                ReadEvent::CaughtUp { .. } | ReadEvent::Lost { .. } | ReadEvent::Nothing => {}
            }
        }
        bytes += blocks.iter().map(|block| block.bytes.len() as u64).sum::<u64>();
        produce(brokers, topic, blocks.iter().flat_map(records)).map_err(|error| error.to_string())?;
    }
    Ok(bytes)
}

fn records(block: &Block) -> impl Iterator<Item = Produced<'_>> {
    (0..block.records.len()).map(|index| Produced {
        partition: block.partition as i32,
        value: Some(block.value(index)),
        ..Produced::default()
    })
}

/// What is made.
pub fn settings(partitions: u32, events: u64) -> GeneratorSettings {
    GeneratorSettings {
        seed: 7,
        partitions,
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
