//! What a test run is made of: rules, groupings, partitions of records, and a schedule of steps.

use crate::plan::{FoldPlan, Grouping};
use crate::plugin::Kpi;
use crate::testing::{CountSum, Remainders};
use crate::time::TimeRules;
use crate::types::ScalarType;
use crate::window::Windowing;
use proptest::prelude::*;
use std::sync::Arc;

/// A record of a partition.
#[derive(Debug, Clone)]
pub struct Rec {
    pub event_us: i64,
    pub arrival_us: i64,
    pub country: Option<&'static str>,
    pub customer: i64,
    pub value: i64,
}

/// What happens next; whatever is left to read after the last step is read in turns.
#[derive(Debug, Clone)]
pub enum Step {
    /// The partition's worker reads up to so many records.
    Read(usize, usize),
    /// The partition steps aside, if it is live.
    Idle(usize),
    /// The worker looks at the pipeline's watermark.
    Look(usize),
    /// The worker gives up what is due at the watermark that it last looked at, and acknowledges it.
    Flush(usize),
    /// The worker gives up so many cells, due or not, and acknowledges nothing.
    FlushSome(usize, usize),
    /// The closer takes a worker's next delta and advances.
    Deliver(usize),
    /// The closer's state is told: all of it, or what changed.
    Save { whole: bool },
    /// Everything goes through a checkpoint and on with so many workers.
    Restart(usize),
}

#[derive(Debug, Clone)]
pub struct Scenario {
    pub rules: TimeRules,
    /// Of the four groupings: by nothing, by country, by country and customer, and by country again in other windows.
    pub windowings: [Windowing; 4],
    pub partitions: Vec<Vec<Rec>>,
    pub workers: usize,
    pub steps: Vec<Step>,
}

/// The grouping of each KPI: `CountSum`, `CountSum`, `Remainders`, `CountSum`, `CountSum`.
pub const KPIS: [usize; 5] = [0, 1, 1, 2, 3];

impl Scenario {
    pub fn plan(&self) -> Arc<FoldPlan> {
        let country = vec![ScalarType::Text];
        let key_types = [vec![], country.clone(), vec![ScalarType::Text, ScalarType::Int64], country];
        let groupings = self.windowings.into_iter().zip(key_types);
        let groupings = groupings.map(|(windowing, key_types)| Grouping { windowing, key_types });
        Arc::new(FoldPlan::new(self.rules, groupings.collect(), KPIS.to_vec()).unwrap())
    }

    pub fn kpis() -> Vec<Box<dyn Kpi>> {
        vec![
            Box::<CountSum>::default(),
            Box::<CountSum>::default(),
            Box::<Remainders>::default(),
            Box::<CountSum>::default(),
            Box::<CountSum>::default(),
        ]
    }
}

/// Around 1970, year 1, year 9999 and a day of our own.
const BASES: [i64; 5] = [0, -3, -62_135_596_800_000_000, 253_402_300_799_999_990, 1_600_000_000_000_000];

pub fn scenarios() -> impl Strategy<Value = Scenario> {
    let shape = (rules(), [windowing(), windowing(), windowing(), windowing()], prop::sample::select(&BASES[..]));
    (shape, 1usize..=4, 1usize..=4).prop_flat_map(|((rules, windowings, base_us), partitions, workers)| {
        let records = prop::collection::vec(records(base_us), partitions);
        let steps = prop::collection::vec(step(partitions), 0..120);
        (records, steps).prop_map(move |(partitions, steps)| Scenario { rules, windowings, partitions, workers, steps })
    })
}

fn rules() -> impl Strategy<Value = TimeRules> {
    let lateness = prop_oneof![2 => Just(0i64), 3 => 1i64..12, 1 => Just(1_000)];
    let maybe = |range: std::ops::Range<i64>| prop::option::of(range);
    (0i64..6, lateness, maybe(3..30), maybe(20..60)).prop_map(|(ooo, lateness, jump, skew)| TimeRules {
        max_out_of_orderness_us: ooo,
        allowed_lateness_us: lateness,
        max_time_jump_us: jump,
        max_future_skew_us: skew,
    })
}

fn windowing() -> impl Strategy<Value = Windowing> {
    (1i64..14, 1i64..14, -20i64..20).prop_map(|(a, b, offset)| Windowing::new(a.max(b), a.min(b), offset).unwrap())
}

/// Time goes on by about one a record, with disorder on every margin, duplicates, and now and then a wrong clock.
fn records(base_us: i64) -> impl Strategy<Value = Vec<Rec>> {
    let jitter = prop_oneof![6 => -4i64..3, 3 => -25i64..5, 1 => 15i64..90];
    let country = prop::option::weighted(0.8, prop::sample::select(&["de", "fr", "é"][..]));
    let fields = (jitter, 0i64..3, -30i64..40, country, 0i64..3, -50i64..50);
    prop::collection::vec(fields, 0..60).prop_map(move |rows| {
        let mut now_us = base_us;
        rows.into_iter()
            .map(|(jitter, on, lag, country, customer, value)| {
                now_us += on;
                Rec { event_us: now_us + jitter, arrival_us: now_us + lag, country, customer, value }
            })
            .collect()
    })
}

fn step(partitions: usize) -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..partitions, 1usize..20).prop_map(|(partition, rows)| Step::Read(partition, rows)),
        1 => (0..partitions).prop_map(Step::Idle),
        3 => (0usize..4).prop_map(Step::Look),
        4 => (0usize..4).prop_map(Step::Flush),
        1 => (0usize..4, 0usize..6).prop_map(|(worker, cells)| Step::FlushSome(worker, cells)),
        4 => (0usize..4).prop_map(Step::Deliver),
        2 => prop::bool::weighted(0.3).prop_map(|whole| Step::Save { whole }),
        1 => (1usize..=4).prop_map(Step::Restart),
    ]
}
