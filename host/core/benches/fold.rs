//! What a row costs in the folder, in a grouping by nothing, by a text and by two columns, with a native KPI and without one.
//!
//! `cargo bench -p weir-core --features testing --bench fold`

use arrow_array::{ArrayRef, Int64Array, StringArray};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use weir_core::fold::{FoldRows, Folder};
use weir_core::plan::{FoldPlan, Grouping};
use weir_core::plugin::Kpi;
use weir_core::testing::CountSum;
use weir_core::time::{PartitionClock, TimeRules};
use weir_core::types::ScalarType::{Int64, Text};
use weir_core::window::Windowing;

const ROWS: usize = 8_192;
const BATCHES: usize = 300;
const MINUTE_US: i64 = 60_000_000;
const RULES: TimeRules = TimeRules {
    max_out_of_orderness_us: 10 * MINUTE_US,
    allowed_lateness_us: 0,
    max_time_jump_us: Some(60 * MINUTE_US),
    max_future_skew_us: Some(60 * MINUTE_US),
};

fn main() {
    println!("ns a row (median batch), {ROWS} rows a batch, 2,000 rows a minute of event time");
    for (name, disorder_us) in [("in order", 1), ("shuffled over 9 minutes", 9 * MINUTE_US)] {
        let batches: Vec<Batch> = (0..BATCHES).map(|batch| Batch::new(batch, disorder_us)).collect();
        clock(name, &batches);
        for (by, columns) in [("nothing", 0), ("text", 1), ("text, int64", 2)] {
            for kpis in [0, 1] {
                fold(&format!("{name}; by {by}; {kpis} KPI"), &batches, columns, kpis);
            }
        }
    }
}

struct Batch {
    events_us: Vec<i64>,
    columns: Vec<ArrayRef>,
    values: ArrayRef,
}

impl Batch {
    fn new(batch: usize, disorder_us: i64) -> Self {
        let number = |row: usize| (batch * ROWS + row) as u64;
        let random = |row: usize| number(row).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        let event_us = |row| number(row) as i64 * 30_000 - (random(row) as i64).rem_euclid(disorder_us);
        // Nine in ten rows are of one country, as in the retail data.
        let country = |row| {
            if random(row) % 10 < 9 {
                "United Kingdom".to_owned()
            } else {
                format!("Country {}", random(row) / 10 % 37)
            }
        };
        Self {
            events_us: (0..ROWS).map(event_us).collect(),
            columns: vec![
                Arc::new(StringArray::from_iter_values((0..ROWS).map(country))),
                Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| random(row) as i64 % 5))),
            ],
            values: Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| random(row) as i64 % 100))),
        }
    }
}

fn clock(name: &str, batches: &[Batch]) {
    let (mut clock, mut before) = (PartitionClock::new(), Vec::new());
    let mut nanos = Vec::new();
    for batch in batches {
        let started = Instant::now();
        black_box(clock.judge(&RULES, &batch.events_us, &batch.events_us, &mut before));
        nanos.push(started.elapsed().as_nanos());
    }
    tell(&format!("{name}; judging time"), nanos);
}

fn fold(name: &str, batches: &[Batch], columns: usize, kpis: usize) {
    let Ok(windowing) = Windowing::tumbling(MINUTE_US) else {
        return;
    };
    let grouping = Grouping { windowing, key_types: [Text, Int64][..columns].to_vec() };
    let Ok(plan) = FoldPlan::new(RULES, vec![grouping], vec![0; kpis]) else {
        return;
    };
    let instances = (0..kpis).map(|_| Box::<CountSum>::default() as Box<dyn Kpi>).collect();
    let mut folder = Folder::new(Arc::new(plan), instances);
    let (mut clock, mut before) = (PartitionClock::new(), Vec::new());
    let watermarks: Vec<Vec<i64>> = batches
        .iter()
        .map(|batch| {
            clock.judge(&RULES, &batch.events_us, &batch.events_us, &mut before);
            before.clone()
        })
        .collect();
    let mut nanos = Vec::new();
    for (batch, watermarks) in batches.iter().zip(&watermarks) {
        let keys = [batch.columns[..columns].to_vec()];
        let inputs = vec![vec![batch.values.clone()]; kpis];
        let rows = FoldRows { event_us: &batch.events_us, watermark_before: watermarks, keys: &keys, inputs: &inputs };
        let started = Instant::now();
        if black_box(folder.fold(&rows)).is_err() {
            return;
        }
        let watermark_us = watermarks.last().copied().unwrap_or(i64::MIN);
        if folder.has_due(watermark_us) {
            black_box(folder.flush(watermark_us));
        }
        nanos.push(started.elapsed().as_nanos());
    }
    tell(name, nanos);
}

/// The median, so that what else the machine does is left out.
fn tell(name: &str, mut nanos: Vec<u128>) {
    nanos.sort_unstable();
    println!("{:>8.2}  {name}", nanos[nanos.len() / 2] as f64 / ROWS as f64);
}
