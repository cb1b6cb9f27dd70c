//! Named events: what happened, as one log line each, in one place. Imports nobody.
//!
//! A pipeline says `telemetry::kpi_quarantined(…)`; which words, level and fields that becomes is decided here, so that a
//! log line can be searched for and does not change by accident.

pub mod failpoint;
mod log;
pub mod stages;

pub(crate) use failpoint::failpoint;

pub use log::{LogFormat, init};

use std::fmt::Display;
use std::time::Duration;
use tracing::{debug, error, info, warn};

/// A pipeline begins.
pub fn run_started(pipeline: &str, workers: usize, partitions: usize, resumed_epoch: Option<u64>) {
    match resumed_epoch {
        Some(epoch) => info!(pipeline, workers, partitions, epoch, "resumed from the checkpoint"),
        None => info!(pipeline, workers, partitions, "started"),
    }
}

/// The pipeline differs from the one that wrote the checkpoint, in a way that does not change what its state means.
pub fn resumed_with(note: &str) {
    info!("{note}");
}

/// A signal or the end of a bounded run stops the pipeline.
pub fn stop_requested(reason: &str) {
    info!(reason, "stopping");
}

/// Windows that are open when the pipeline stops and that no checkpoint keeps.
pub fn open_windows_dropped(windows: usize) {
    warn!(windows, "open windows end with this run: set [checkpoint] to keep them over a stop");
}

/// A KPI is quarantined: its windows are unavailable from now on.
pub fn kpi_quarantined(pipeline: &str, kpi: &str, reason: &dyn Display) {
    error!(pipeline, kpi, %reason, "KPI quarantined; its windows are unavailable from now on");
}

/// A partition was read to its end, brings nothing, and no longer holds the watermark.
pub fn partition_idle(partition: &str, id: i32) {
    info!(partition, id, "partition is idle and steps aside");
}

/// An idle partition brought a record.
pub fn partition_returned(partition: &str, id: i32) {
    info!(partition, id, "partition is back from idle");
}

/// A front is held by a jump that is not believed yet.
pub fn front_held(partition: &str, id: i32) {
    debug!(partition, id, "front is held: records jump ahead of it");
}

/// A checkpoint, and what it took.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    /// Its epoch.
    pub epoch: u64,
    /// It stands alone; else it tells what changed.
    pub whole: bool,
    /// Cells whose state it tells.
    pub cells: usize,
    /// Its record's length.
    pub bytes: usize,
    /// For so long the keeper did nothing but take the cut.
    pub cut: Duration,
    /// From the cut's data to the record's bytes.
    pub encode: Duration,
    /// From the bytes to a durable record.
    pub write: Duration,
    /// From the begin of the cut to the durable record.
    pub durable: Duration,
    /// All of delivery's part: sinks prepare, the record, sinks commit.
    pub all: Duration,
}

/// A checkpoint was written.
pub fn checkpoint_written(written: &Written) {
    let Written { epoch, whole, cells, bytes, .. } = *written;
    let micros = |duration: Duration| duration.as_micros() as u64;
    debug!(
        epoch,
        whole,
        cells,
        bytes,
        cut_micros = micros(written.cut),
        encode_micros = micros(written.encode),
        write_micros = micros(written.write),
        durable_micros = micros(written.durable),
        millis = written.all.as_millis() as u64,
        "checkpoint written"
    );
}

/// Whether anybody will see [`barrier_passed`].
pub fn measures_gaps() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

/// A worker passed an epoch's barrier; its records stood still for `gap` at the longest, since the barrier before.
pub fn barrier_passed(worker: usize, epoch: u64, gap: Duration) {
    debug!(worker, epoch, gap_micros = gap.as_micros() as u64, "barrier passed");
}

/// A file system does not answer as it should; what was to be done there is tried again for a while.
pub fn storage_trouble(place: &str, reason: &str) {
    info!(storage = place, reason, "the file system is away or busy; it is tried again");
}

/// A sink's system can't be reached; its rows wait.
pub fn sink_away(place: &str, reason: &str) {
    warn!(sink = place, reason, "the sink is away; its rows wait in the checkpoint, and it is tried again");
}

/// A stop while a sink is away.
pub fn rows_wait_in_checkpoint(place: &str) {
    warn!(sink = place, "the sink has not taken all rows: they are in the checkpoint, and the next run delivers them");
}

/// It takes rows again.
pub fn sink_back(place: &str, epoch: u64) {
    info!(sink = place, epoch, "the sink is back");
}

/// Offsets of a partition, `lost.0` to just below `lost.1`, are gone, and the run goes on at `next` as it was told to.
pub fn offsets_lost(partition: &str, id: i32, lost: (i64, i64), next: i64) {
    let (from, to, count) = (lost.0, lost.1 - 1, lost.1 - lost.0);
    let what = if next > from { "deleted before they were read" } else { "counted, and cut off from the log since" };
    warn!(partition, id, from, to, count, next, "offsets are lost, {what}; it goes on, as `on_lost_offsets` says");
}

/// A sink's system is set up so that it may lose rows that it has taken.
pub fn sink_may_lose(place: &str, reason: &str) {
    warn!(sink = place, reason, "the sink's system may lose rows that it has taken");
}

/// The ledger does not balance: a defect of ours.
pub fn ledger_unbalanced(what: &str) {
    error!(what, "the ledger does not balance; please report this");
}
