//! What a running pipeline shows of itself: counters that workers add to, and a picture that the keeper renews.
//!
//! For people who watch, not for the report: figures here may lag by a batch.

use crate::sink::SinkState;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use weir_core::plugin::Cost;

/// Counters and picture of one run. Shared by all its threads and the view.
#[derive(Debug)]
pub struct Progress {
    watched: bool,
    total: Total,
    counts: [AtomicU64; Count::ALL],
    work_done: Vec<AtomicU64>,
    live: Mutex<Live>,
}

/// How much there is to do, where the source can say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// A live stream.
    Unknown,
    /// Records before the ends.
    Records(u64),
    /// Bytes before the ends.
    Bytes(u64),
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub enum Count {
    /// Records from the source.
    Read,
    /// Undecodable records.
    Undecodable,
    /// Future-dated records.
    FutureDated,
    /// Rejected records.
    Rejected,
    /// Filtered records.
    Filtered,
    /// Record-KPI pairs that are late.
    Late,
}

impl Count {
    const ALL: usize = 6;
}

/// The picture.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The pipeline's watermark, microseconds; `None` before it is known.
    pub watermark_us: Option<i64>,
    /// For the keeper, then each worker: windows that hold records there and are not published, as grouping and start.
    pub open: Vec<BTreeSet<(usize, i64)>>,
    /// Windows published so far.
    pub windows: u64,
    /// Rows published so far.
    pub rows: u64,
    /// Partitions whose front is held by a jump.
    pub held: usize,
    /// Partitions that stepped aside as idle.
    pub idle: usize,
    /// Quarantined KPIs with their reasons.
    pub quarantined: BTreeMap<String, String>,
    /// The last checkpoint's epoch.
    pub checkpoint_epoch: Option<u64>,
    /// How each sink is, in the order of the file.
    pub sinks: Vec<SinkLine>,
    /// For each KPI, by place: the newest row of each group, by rendered key; only while watched.
    pub newest: Vec<BTreeMap<String, String>>,
    /// For each worker, by place: the cost of each plugin (preprocessors, then KPIs).
    pub costs: Vec<Vec<Cost>>,
}

/// A sink, for people.
#[derive(Debug, Clone)]
pub struct SinkLine {
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: SinkState,
}

impl Live {
    /// What a worker shows of itself.
    pub(super) fn worker(&mut self, index: usize, costs: Vec<Cost>, open: BTreeSet<(usize, i64)>) {
        let workers = index + 1;
        self.costs.resize(self.costs.len().max(workers), Vec::new());
        self.costs[index] = costs;
        self.keep_open(workers, open);
    }

    /// Windows that are open at the keeper (place 0) or at a worker (its index and one).
    pub(super) fn keep_open(&mut self, place: usize, open: BTreeSet<(usize, i64)>) {
        self.open.resize(self.open.len().max(place + 1), BTreeSet::new());
        self.open[place] = open;
    }

    /// Windows that hold records and are not published; one that several workers hold counts once.
    pub fn open_windows(&self) -> usize {
        self.open.iter().flatten().collect::<BTreeSet<_>>().len()
    }
}

impl Progress {
    /// For a job; `watched` says whether somebody looks at the newest rows.
    pub fn new(job: &super::Job, watched: bool) -> Self {
        Self::with(job.total(), job.partitions(), job.kpi_count(), watched)
    }

    pub(super) fn with(total: Total, partitions: usize, kpis: usize, watched: bool) -> Self {
        let live = Live { newest: vec![BTreeMap::new(); kpis], ..Live::default() };
        Self {
            watched,
            total,
            counts: Default::default(),
            work_done: (0..partitions).map(|_| AtomicU64::new(0)).collect(),
            live: Mutex::new(live),
        }
    }

    /// Whether somebody looks at the newest rows.
    pub fn watched(&self) -> bool {
        self.watched
    }

    /// Adds to a counter.
    pub fn add(&self, count: Count, by: u64) {
        if by > 0 {
            self.counts[count as usize].fetch_add(by, Ordering::Relaxed);
        }
    }

    /// A counter.
    pub fn get(&self, count: Count) -> u64 {
        self.counts[count as usize].load(Ordering::Relaxed)
    }

    /// Bytes read of a partition so far.
    pub fn set_bytes_read(&self, partition: u32, bytes: u64) {
        if let Some(done) = self.work_done.get(partition as usize) {
            done.store(bytes, Ordering::Relaxed);
        }
    }

    /// The share of the work that is done, 0 to 1; `None` for a live stream.
    pub fn share_done(&self) -> Option<f64> {
        let (done, total) = match self.total {
            Total::Unknown => return None,
            Total::Records(total) => (self.get(Count::Read), total),
            Total::Bytes(total) => (self.work_done.iter().map(|done| done.load(Ordering::Relaxed)).sum(), total),
        };
        Some(if total == 0 { 1.0 } else { (done as f64 / total as f64).min(1.0) })
    }

    /// The picture, to look at or to renew. Held for as short as possible.
    pub fn live(&self) -> MutexGuard<'_, Live> {
        // A panic elsewhere does not make the picture worse than old.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
