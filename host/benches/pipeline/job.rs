//! What a worker and the keeper do, in one loop on one thread: decode, judge time, preprocess, fold, and as the watermark moves
//! flush, close and write rows. It knows the retail pipeline's columns by heart and never learns what its plugins are made of.

use super::clock::cpu_seconds;
use super::input::{Input, PARTITIONS};
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use std::sync::Arc;
use weir::decode::{DecodeField, DecodeSchema, Decoder, TimestampForm};
use weir::sink::KpiSchema;
use weir::sink::row::RowWriter;
use weir_core::block::Block;
use weir_core::close::Closer;
use weir_core::fold::{FoldRows, Folder};
use weir_core::plan::{FoldPlan, Grouping};
use weir_core::plugin::{Kpi, KpiDescription, Preprocess};
use weir_core::time::{PartitionClock, TimeRules, Watermarks};
use weir_core::types::{ColumnType, Field, ScalarType};
use weir_core::window::Windowing;

const MINUTE_US: i64 = 60_000_000;
const RULES: TimeRules = TimeRules {
    max_out_of_orderness_us: 10 * MINUTE_US,
    allowed_lateness_us: 0,
    max_time_jump_us: Some(60 * MINUTE_US),
    max_future_skew_us: Some(60 * MINUTE_US),
};

/// What the times of a run are split into.
pub const STAGES: [&str; 5] = [
    "decode",
    "judge time",
    "preprocess (order-totals)",
    "fold, KPIs' updates included",
    "flush, close, evaluate, rows",
];

/// The decoded columns, in this order; `order-totals` adds total_cost, total_items, is_order, is_return after them.
const COUNTRY: usize = 0;
const TIMESTAMP: usize = 1;
const PREPROCESS_INPUTS: [usize; 3] = [2, 3, 4];
const KPI_INPUTS: [usize; 3] = [5, 7, 8];

/// A use of `sales`.
#[derive(Clone, Copy)]
pub struct KpiPlan {
    pub by_country: bool,
    pub minutes: i64,
}

/// The KPIs of a pipeline.
pub struct Shape(pub Vec<KpiPlan>);

/// Where instances come from.
pub trait Plugins {
    fn order_totals(&self) -> Box<dyn Preprocess>;
    fn sales(&self) -> Box<dyn Kpi>;
    fn sales_description(&self) -> KpiDescription;
}

/// A run's figures.
pub struct Ran {
    /// CPU seconds of each of the `STAGES`.
    pub stages: [f64; STAGES.len()],
    /// All rows, as the files would have them.
    pub rows: Vec<u8>,
}

impl Ran {
    /// CPU seconds of all stages.
    pub fn seconds(&self) -> f64 {
        self.stages.iter().sum()
    }
}

/// One run, ready.
pub struct Job {
    decoder: Decoder,
    clocks: Vec<PartitionClock>,
    board: Watermarks,
    preprocess: Box<dyn Preprocess>,
    folder: Folder,
    closer: Closer,
    /// By grouping, whether it is by country.
    keyed: Vec<bool>,
    writers: Vec<RowWriter>,
    clock: Laps,
    rows: Vec<u8>,
}

impl Job {
    /// Fresh instances of everything.
    pub fn new(shape: &Shape, plugins: &dyn Plugins) -> Self {
        let (plan, keyed) = shape.fold_plan();
        let plan = Arc::new(plan);
        let kpis = || shape.0.iter().map(|_| plugins.sales()).collect::<Vec<_>>();
        let description = plugins.sales_description();
        Self {
            decoder: Decoder::new(&schema()).expect("a sound schema"),
            clocks: (0..PARTITIONS).map(|_| PartitionClock::new()).collect(),
            board: Watermarks::new(PARTITIONS as usize),
            preprocess: plugins.order_totals(),
            folder: Folder::new(Arc::clone(&plan), kpis()),
            closer: Closer::new(plan, kpis()),
            keyed,
            writers: shape.0.iter().enumerate().map(|(place, kpi)| writer(place, *kpi, &description)).collect(),
            clock: Laps { seconds: [0.0; STAGES.len()], at: 0.0 },
            rows: Vec::new(),
        }
    }

    /// Works through the input to the end of time.
    pub fn run(mut self, input: &Input) -> Ran {
        self.clock.at = cpu_seconds();
        for block in &input.blocks {
            self.work(block);
            self.flush_due(self.board.pipeline());
            self.clock.lap(4);
        }
        self.flush_due(i64::MAX);
        self.clock.lap(4);
        Ran { stages: self.clock.seconds, rows: self.rows }
    }

    fn work(&mut self, block: &Block) {
        let mut decoded = self.decoder.decode(block);
        assert!(decoded.undecodable.is_empty(), "the generator makes sound records");
        self.clock.lap(0);
        let events_us = decoded.columns[TIMESTAMP].as_primitive::<TimestampMicrosecondType>().values().to_vec();
        let arrivals: Vec<i64> = decoded.rows.iter().map(|&row| block.records[row as usize].arrival_us).collect();
        let clock = &mut self.clocks[block.partition as usize];
        let mut watermark_before = Vec::new();
        let future = clock.judge(&RULES, &events_us, &arrivals, &mut watermark_before);
        assert!(future.is_empty(), "no record is dated in the future");
        self.clock.lap(1);
        let inputs = pick(&decoded.columns, &PREPROCESS_INPUTS);
        let outcome = self.preprocess.process(decoded.rows.len(), &inputs).expect("totals");
        assert!(outcome.keep.is_none() && outcome.rejects.is_empty(), "every invoice has totals");
        decoded.columns.extend(outcome.columns);
        self.clock.lap(2);
        let key = |&keyed: &bool| pick(&decoded.columns, if keyed { &[COUNTRY] } else { &[] });
        let keys: Vec<_> = self.keyed.iter().map(key).collect();
        let inputs: Vec<_> = self.writers.iter().map(|_| pick(&decoded.columns, &KPI_INPUTS)).collect();
        let rows = FoldRows { event_us: &events_us, watermark_before: &watermark_before, keys: &keys, inputs: &inputs };
        let report = self.folder.fold(&rows).expect("rows that fit");
        assert!(report.quarantined.is_empty() && report.groupings.iter().all(|grouping| grouping.late == 0));
        drop((inputs, keys, decoded));
        self.board.advance(block.partition, self.clocks[block.partition as usize].watermark(&RULES));
        self.clock.lap(3);
    }

    /// Gives up what is due, closes and writes rows.
    fn flush_due(&mut self, watermark_us: i64) {
        if self.folder.has_due(watermark_us) {
            self.closer.absorb(self.folder.flush(watermark_us)).expect("state that fits");
        }
        let advance = self.closer.advance(watermark_us);
        assert!(advance.quarantined.is_empty(), "no KPI fails");
        for closed in &advance.closed {
            let rows = self.writers[closed.kpi].rows(&closed.table).expect("columns as described");
            for window in &closed.windows {
                rows.push_window(&mut self.rows, window).expect("rows of the table");
            }
        }
    }
}

impl Shape {
    /// KPIs of the same windows and key share a grouping, as in the pipeline.
    fn fold_plan(&self) -> (FoldPlan, Vec<bool>) {
        let mut groupings: Vec<(bool, i64)> = Vec::new();
        let mut of_kpi = Vec::new();
        for kpi in &self.0 {
            let wanted = (kpi.by_country, kpi.minutes);
            let place = groupings.iter().position(|known| *known == wanted).unwrap_or_else(|| {
                groupings.push(wanted);
                groupings.len() - 1
            });
            of_kpi.push(place);
        }
        let grouping = |&(by_country, minutes): &(bool, i64)| Grouping {
            windowing: Windowing::tumbling(minutes * MINUTE_US).expect("a sound window"),
            key_types: if by_country { vec![ScalarType::Text] } else { Vec::new() },
        };
        let plan = FoldPlan::new(RULES, groupings.iter().map(grouping).collect(), of_kpi).expect("a sound plan");
        (plan, groupings.into_iter().map(|(by_country, _)| by_country).collect())
    }
}

/// CPU time, lap by lap.
struct Laps {
    seconds: [f64; STAGES.len()],
    at: f64,
}

impl Laps {
    fn lap(&mut self, stage: usize) {
        let now = cpu_seconds();
        self.seconds[stage] += now - self.at;
        self.at = now;
    }
}

fn pick(columns: &[ArrayRef], places: &[usize]) -> Vec<ArrayRef> {
    places.iter().map(|&place| columns[place].clone()).collect()
}

/// What of an invoice is asked for.
pub fn schema() -> DecodeSchema {
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

fn writer(place: usize, kpi: KpiPlan, description: &KpiDescription) -> RowWriter {
    let country = Field { path: "country".into(), column_type: ColumnType::Scalar(ScalarType::Text), nullable: true };
    RowWriter::new(&KpiSchema {
        name: format!("sales-{place}"),
        kpi: place,
        keys: if kpi.by_country { vec![country] } else { Vec::new() },
        outputs: description.outputs.iter().cloned().enumerate().collect(),
    })
}
