//! What every thread of a run shares: the plan's facts, the board of watermarks, the epoch wanted, the stop flag.

use super::batch::Batch;
use super::progress::{Count, Progress};
use super::shutdown::Shutdown;
use crate::source::{Partition, Source};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use weir_core::plugin::PluginError;
use weir_core::time::{TimeRules, Watermarks};
use weir_core::window::Windowing;

pub(super) struct Shared {
    pub pipeline: String,
    pub rules: TimeRules,
    pub idle_timeout: Duration,
    pub batch_rows_max: usize,
    /// The event-time column's place in a batch.
    pub event_time: usize,
    /// For each grouping, its key columns' places.
    pub keys: Vec<Vec<usize>>,
    pub windowings: Vec<Windowing>,
    /// For each grouping, the places of its KPIs.
    pub grouping_kpis: Vec<Vec<usize>>,
    /// For each KPI, its input columns' places.
    pub inputs: Vec<Vec<usize>>,
    pub kpi_names: Vec<String>,
    pub source: Arc<dyn Source>,
    pub partitions: Vec<Partition>,
    pub shutdown: Shutdown,
    pub progress: Arc<Progress>,
    pub started: Instant,
    pub first_record: OnceLock<Duration>,
    /// Stop once this many records were read.
    pub stop_after: Option<u64>,
    /// Whether ended partitions go on holding the watermark.
    pub ended_hold: bool,
    pub ended: AtomicUsize,
    pub board: Mutex<Watermarks>,
    pub epoch: AtomicU64,
    /// Epochs that delivery is done with, since the run's start.
    pub epochs_done: AtomicU64,
}

impl Shared {
    /// The board of watermarks. Held for a few instructions.
    pub fn board(&self) -> MutexGuard<'_, Watermarks> {
        // Its operations don't panic half-way; a panic elsewhere leaves it whole.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A partition has brought its last record.
    pub fn one_ended(&self) {
        self.ended.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether every partition of every worker has.
    pub fn all_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire) == self.partitions.len()
    }

    /// The epoch whose barrier workers have to pass.
    pub fn epoch_wanted(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Asks for the next epoch.
    pub fn want_next_epoch(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Counts records read, notes when the first came, and stops at the limit.
    pub fn count_read(&self, read: u64) {
        if read > 0 {
            self.first_record.get_or_init(|| self.started.elapsed());
        }
        self.progress.add(Count::Read, read);
        if self.stop_after.is_some_and(|limit| self.progress.get(Count::Read) >= limit) {
            self.shutdown.request();
        }
    }

    /// Where a row of a batch came from, for messages: ` (invoices/3, offset 17)`; empty where no row is named.
    pub fn place_of(&self, batch: &Batch<'_>, row: Option<u32>) -> String {
        let record =
            row.and_then(|row| batch.rows.get(row as usize)).map(|&index| &batch.block.records[index as usize]);
        match (record, self.partitions.get(batch.block.partition as usize)) {
            (Some(record), Some(partition)) => {
                format!(" ({} partition {}, offset {})", partition.name, partition.id, record.offset)
            }
            _ => String::new(),
        }
    }

    /// Why a KPI is quarantined, with the record that brought it down where one did.
    pub fn kpi_failure(&self, error: &PluginError, batch: &Batch<'_>) -> String {
        format!("{error}{}", self.place_of(batch, error.row))
    }
}
