//! What two KPIs publish in a random stretch of time: windows, their revisions, windows that lose their rows. And what the files hold
//! after each step of it.

use super::chance::Chance;
use crate::sink::KpiSchema;
use crate::sink::json_files::{JsonFiles, JsonFilesSettings};
use crate::sink::{Claim, Resume, Sink};
use crate::storage::forgetful::Forgetful;
use arrow_array::{ArrayRef, Int64Array};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use weir_core::group::KeyValue;
use weir_core::plugin::Output;
use weir_core::results::{Closed, ClosedWindow, ResultTable, WindowContent};
use weir_core::types::{ColumnType, Field, ScalarType};

const T0_US: i64 = 1_600_426_200_000_000;
const MINUTE_US: i64 = 60_000_000;
/// Few windows a file, and several files, of which some become final.
const INTERVAL_US: i64 = 3 * MINUTE_US;
const FOLDER: &str = "out";

/// Published files by path.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// What delivery gets in one parcel.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub closed: Vec<Closed>,
    pub settled_us: i64,
}

#[derive(Debug)]
pub(super) struct History {
    pub steps: Vec<Step>,
    /// The files after so many steps; the last are those of a run without a crash.
    pub files: Vec<Files>,
}

impl History {
    pub fn new(chance: &mut Chance) -> Self {
        let mut drawn = Drawn::default();
        let steps: Vec<Step> = (0..4 + chance.below(7)).map(|_| drawn.step(chance)).collect();
        let files = files(&steps);
        Self { steps, files }
    }
}

/// What was drawn so far.
#[derive(Default)]
struct Drawn {
    /// The next revision of each window, by KPI and minute.
    windows: BTreeMap<(usize, i64), u64>,
    /// Minutes before this are settled.
    settled: i64,
    front: i64,
    rows: i64,
}

impl Drawn {
    fn step(&mut self, chance: &mut Chance) -> Step {
        self.front += chance.below(3) as i64;
        let closed = (0..chance.below(4)).map(|_| self.window(chance)).collect();
        if chance.one_in(2) {
            let to = (self.front - chance.below(5) as i64).max(self.settled);
            self.settled = to;
        }
        Step { closed, settled_us: T0_US + self.settled * MINUTE_US }
    }

    fn window(&mut self, chance: &mut Chance) -> Closed {
        let (kpi, minute) = (chance.below(2) as usize, self.settled + chance.below(5) as i64);
        let next = self.windows.entry((kpi, minute)).or_default();
        let revision = *next;
        *next += 1;
        // A third of the revisions take their window's rows away.
        let rows = if revision > 0 && chance.one_in(3) { 0 } else { chance.below(3) as i64 };
        self.rows += rows;
        closed(kpi, minute, revision, self.rows - rows..self.rows)
    }
}

/// A window of rows whose numbers are no other's.
fn closed(kpi: usize, minute: i64, revision: u64, rows: std::ops::Range<i64>) -> Closed {
    let start_us = T0_US + minute * MINUTE_US;
    let keys = rows.clone().map(|row| Arc::from([KeyValue::Text(format!("country {row}").into())])).collect::<Vec<_>>();
    let content = WindowContent::Rows(0..keys.len());
    let orders: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
    Closed {
        kpi,
        windows: vec![ClosedWindow { start_us, end_us: start_us + MINUTE_US, revision, content }],
        table: Arc::new(ResultTable { keys, columns: vec![orders] }),
    }
}

fn schema(name: &str, kpi: usize) -> KpiSchema {
    let field =
        |path: &str, scalar| Field { path: path.to_owned(), column_type: ColumnType::Scalar(scalar), nullable: true };
    let orders =
        Output { field: field("orders", ScalarType::Int64), unit: None, description: String::new(), additive: true };
    KpiSchema { name: name.to_owned(), kpi, keys: vec![field("country", ScalarType::Text)], outputs: vec![(0, orders)] }
}

/// The sink of a run, which works on this disk.
pub(super) fn sink(disk: &Forgetful) -> JsonFiles {
    let storage = Arc::new(disk.clone());
    let settings = JsonFilesSettings { storage, path: PathBuf::from(FOLDER), interval_us: INTERVAL_US, locks: None };
    JsonFiles::new(settings, vec![schema("sales", 0), schema("returns", 1)]).unwrap()
}

/// Every file that people see.
pub(super) fn published(disk: &Forgetful) -> Files {
    let seen = |name: &String| name.starts_with(FOLDER) && !name.ends_with('/') && !name.contains("/.");
    disk.tree().into_iter().filter(|(name, _)| seen(name)).collect()
}

/// The files after each step, of a run that nothing happens to.
fn files(steps: &[Step]) -> Vec<Files> {
    let disk = Forgetful::new();
    let mut sink = sink(&disk);
    let claim = Claim { pipeline: "retail".to_owned(), lineage: "none".to_owned(), generation: 1 };
    sink.recover(&Resume { claim, epoch: 0, prepared: None, open_from_us: i64::MIN }).unwrap();
    let mut files = vec![Files::new()];
    for (epoch, step) in (1..).zip(steps) {
        step.closed.iter().for_each(|closed| sink.accept(closed).unwrap());
        sink.settle(step.settled_us);
        let prepared = sink.prepare(epoch).unwrap();
        sink.commit(epoch, &prepared.bytes).unwrap();
        files.push(published(&disk));
    }
    files
}
