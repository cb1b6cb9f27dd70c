//! The input: seeded invoices in blocks, made before any clock starts.

use std::time::Duration;
use weir::source::generator::{GeneratorSettings, GeneratorSource};
use weir::source::{Assignment, ReadEvent, Source};
use weir_core::block::Block;

/// As many as the topic of the broker's benchmark has.
pub const PARTITIONS: u32 = 8;
/// The default of `batch_rows_max`.
pub const BLOCK_RECORDS: usize = 8_192;
const EVENTS: u64 = 400_000;
const EVENTS_PER_MINUTE: u32 = 20_000;
/// 2010-12-01T00:00:00Z.
const START_US: i64 = 1_291_161_600_000_000;

/// What `WEIR_BENCH_EVENTS` says, or the default.
pub fn events() -> u64 {
    std::env::var("WEIR_BENCH_EVENTS").map_or(EVENTS, |text| text.parse().expect("WEIR_BENCH_EVENTS is a number"))
}

/// Blocks in the order in which a reader brings them.
pub struct Input {
    pub blocks: Vec<Block>,
    pub records: u64,
    pub bytes: u64,
}

impl Input {
    /// Makes this many records.
    pub fn new(records: u64) -> Self {
        let source = GeneratorSource::open(&settings(records)).expect("sound settings");
        let assigned: Vec<_> =
            (0..PARTITIONS).map(|partition| Assignment { partition, offset: None, epoch: None }).collect();
        let mut reader = source.open(&assigned).expect("a reader");
        let mut blocks = Vec::new();
        let mut ended = 0;
        while ended < PARTITIONS {
            match reader.next(BLOCK_RECORDS, Duration::ZERO).expect("records") {
                ReadEvent::Block(block) => blocks.push(block),
                ReadEvent::Ended { .. } => ended += 1,
                ReadEvent::CaughtUp { .. } | ReadEvent::Lost { .. } | ReadEvent::Nothing => {}
            }
        }
        let bytes = blocks.iter().map(|block| block.bytes.len() as u64).sum();
        Self { blocks, records, bytes }
    }
}

fn settings(records: u64) -> GeneratorSettings {
    GeneratorSettings {
        seed: 7,
        partitions: PARTITIONS,
        records: Some(records),
        rate: None,
        start_us: START_US,
        records_per_minute: EVENTS_PER_MINUTE,
        disorder_us: 5_000_000,
        late_share: 0.0,
        broken_share: 0.0,
        // Long after every invoice: none is dated in the future.
        clock: || START_US * 2,
    }
}
