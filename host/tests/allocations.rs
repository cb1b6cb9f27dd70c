//! Nothing on the way of a record allocates: over the real steps from bytes to the fold, a block costs a bounded number of
//! allocations, however many records it holds.
//!
//! A counting allocator sees everything that the thread asks for: decoding, judging, both plugins in WebAssembly, keys and slots.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use weir::decode::{DecodeField, DecodeSchema, Decoder, TimestampForm};
use weir::plugin::{CompileMode, Host, Limits};
use weir::source::generator::{GeneratorSettings, GeneratorSource};
use weir::source::{Assignment, ReadEvent, Source};
use weir_core::block::Block;
use weir_core::fold::{FoldRows, Folder};
use weir_core::plan::{FoldPlan, Grouping};
use weir_core::plugin::Preprocess;
use weir_core::time::{PartitionClock, TimeRules};
use weir_core::types::{ColumnType, ScalarType};
use weir_core::window::Windowing;

const RECORDS: u64 = 100_000;
/// Allocations of a block at the most, from its bytes to the fold; 86 were counted for 8,192 records, 70 for 1,024.
const PER_BLOCK_MAX: u64 = 200;
const START_US: i64 = 1_291_161_600_000_000;
const MINUTE_US: i64 = 60_000_000;
const RULES: TimeRules = TimeRules {
    max_out_of_orderness_us: 10 * MINUTE_US,
    allowed_lateness_us: 0,
    max_time_jump_us: Some(60 * MINUTE_US),
    max_future_skew_us: Some(60 * MINUTE_US),
};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // Fails only while a thread ends, and the test's thread does not.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call goes to the system's allocator as it came; counting touches no memory that it hands out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_block_costs_a_bounded_number_of_allocations() {
    for block_records in [1_024, 8_192] {
        let blocks = blocks(block_records);
        let mut way = Way::new();
        // Once over everything: keys become known, and buffers that stay have their size.
        blocks.iter().for_each(|block| way.work(block));
        let most = blocks.iter().map(|block| allocations(|| way.work(block))).max().unwrap();
        let all = allocations(|| blocks.iter().for_each(|block| way.work(block)));
        println!("{block_records} records a block: {most} allocations at the most, {all} for {RECORDS} records");
        assert!(most <= PER_BLOCK_MAX, "{most} allocations for a block of {block_records} records");
        assert!(all <= PER_BLOCK_MAX * blocks.len() as u64);
    }
}

fn allocations(run: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

/// Seeded invoices of one partition.
fn blocks(records: usize) -> Vec<Block> {
    let settings = GeneratorSettings {
        seed: 7,
        partitions: 1,
        records: Some(RECORDS),
        rate: None,
        start_us: START_US,
        records_per_minute: 20_000,
        disorder_us: 5_000_000,
        late_share: 0.0,
        broken_share: 0.0,
        clock: || START_US * 2,
    };
    let source = GeneratorSource::open(&settings).unwrap();
    let mut reader = source.open(&[Assignment { partition: 0, offset: None, epoch: None }]).unwrap();
    let mut blocks = Vec::new();
    loop {
        match reader.next(records, Duration::ZERO).unwrap() {
            ReadEvent::Block(block) => blocks.push(block),
            ReadEvent::Ended { .. } => return blocks,
            ReadEvent::CaughtUp { .. } | ReadEvent::Lost { .. } | ReadEvent::Nothing => {}
        }
    }
}

/// The steps of a worker, with the plugins of the retail pipeline.
struct Way {
    decoder: Decoder,
    clock: PartitionClock,
    totals: Box<dyn Preprocess>,
    folder: Folder,
}

impl Way {
    fn new() -> Self {
        let host = Host::new(CompileMode::InProcess, None);
        let open = |name: &str| {
            host.open_file(name, &common::plugins().join(name).with_extension("wasm"), Limits::default()).unwrap()
        };
        let (totals, sales) = (open("order-totals"), open("sales"));
        let windowing = Windowing::tumbling(MINUTE_US).unwrap();
        let grouping = |key_types| Grouping { windowing, key_types };
        let groupings = vec![grouping(Vec::new()), grouping(vec![ScalarType::Text])];
        let plan = FoldPlan::new(RULES, groupings, vec![0, 1]).unwrap();
        Self {
            decoder: Decoder::new(&schema()).unwrap(),
            clock: PartitionClock::new(),
            totals: totals.preprocessor(&[]).unwrap(),
            folder: Folder::new(Arc::new(plan), vec![sales.kpi(&[]).unwrap(), sales.kpi(&[]).unwrap()]),
        }
    }

    fn work(&mut self, block: &Block) {
        let decoded = self.decoder.decode(block);
        let (mut columns, rows) = (decoded.columns, decoded.rows);
        assert_eq!(rows.len(), block.records.len());
        let event_us = columns[1].as_primitive::<TimestampMicrosecondType>().values().to_vec();
        let arrivals: Vec<i64> = rows.iter().map(|row| block.records[*row as usize].arrival_us).collect();
        let mut watermark_before = Vec::new();
        assert!(self.clock.judge(&RULES, &event_us, &arrivals, &mut watermark_before).is_empty());
        // The blocks come several times; late records would need letters, and those are counted by the letter.
        watermark_before.fill(i64::MIN);
        let outcome = self.totals.process(rows.len(), &columns[2..]).unwrap();
        assert!(outcome.rejects.is_empty() && outcome.keep.is_none());
        columns.extend(outcome.columns);
        let inputs: Vec<ArrayRef> = [5, 7, 8].map(|place: usize| columns[place].clone()).to_vec();
        let (keys, inputs) = ([Vec::new(), vec![columns[0].clone()]], [inputs.clone(), inputs]);
        let rows = FoldRows { event_us: &event_us, watermark_before: &watermark_before, keys: &keys, inputs: &inputs };
        let report = self.folder.fold(&rows).unwrap();
        assert!(report.quarantined.is_empty() && report.groupings.iter().all(|grouping| grouping.late == 0));
    }
}

fn schema() -> DecodeSchema {
    let scalar = ColumnType::Scalar;
    let timestamp = TimestampForm::Format { format: "%Y-%m-%d %H:%M:%S".into(), zone: "UTC".into() };
    let field = |path: &str, column_type, timestamp: Option<TimestampForm>| {
        let required = timestamp.is_some();
        DecodeField { path: path.into(), column_type, timestamp, required }
    };
    DecodeSchema::new(vec![
        field("country", scalar(ScalarType::Text), None),
        field("timestamp", scalar(ScalarType::Timestamp), Some(timestamp)),
        field("type", scalar(ScalarType::Text), None),
        field("items[].unit_price", ColumnType::List(ScalarType::Decimal(Some(4))), None),
        field("items[].quantity", ColumnType::List(ScalarType::Int64), None),
    ])
}
