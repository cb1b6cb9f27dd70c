//! Runs a job: threads, channels, and how everything ends.

use super::clock;
use super::delivery::PARCELS_MAX;
use super::identity::Discard;
use super::job::{CheckpointFolder, Job};
use super::keeper::Kept;
use super::message::{Message, WAITING_MAX};
use super::progress::{Count, Progress};
use super::report::{KpiReport, PluginReport, Report};
use super::resume::{self, Now, Resumed, SinkNow};
use super::shared::Shared;
use super::shutdown::Shutdown;
use super::start;
use crate::checkpoint::folder::{Claim, FolderStore};
use crate::checkpoint::{CheckpointError, Saved, Store};
use crate::decode::DecodeSchemaError;
use crate::plugin::UseError;
use crate::sink::SinkError;
use crate::source::SourceError;
use crate::storage::Storage;
use crate::telemetry;
use crate::telemetry::failpoint;
use arrow_schema::ArrowError;
use crossbeam_channel::bounded;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Instant;
use thiserror::Error;
use weir_core::close::{CloseError, Closer};
use weir_core::fold::FoldError;
use weir_core::plugin::{Cost, Kpi, PluginError};
use weir_core::time::Watermarks;

/// Looks at a checkpoint that another run is writing.
const LOOKS_MAX: usize = 5;

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// KPIs whose saved state is let go.
    pub discard: Discard,
    /// Stop, as a signal would, once this many records were read.
    pub stop_after: Option<u64>,
    /// When the process began, for the figures.
    pub started: Instant,
}

/// Why a run could not go on.
#[derive(Debug, Error)]
pub enum RunError {
    /// The source.
    #[error("source: {0}")]
    Source(#[from] SourceError),
    /// A sink.
    #[error("sink: {0}")]
    Sink(#[from] SinkError),
    /// The checkpoint.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A plugin could not be instantiated.
    #[error(transparent)]
    Plugin(#[from] UseError),
    /// Rows that don't fit the fold: ours.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// State that does not fit the closer: ours.
    #[error(transparent)]
    Close(#[from] CloseError),
    /// The schema.
    #[error("schema: {0}")]
    Schema(#[from] DecodeSchemaError),
    /// A preprocessor failed: everything depends on it, so the pipeline stops instead of leaving records out.
    #[error("preprocessor `{plugin}` failed{place}: {source}")]
    Preprocessor {
        /// Its name.
        plugin: String,
        /// ` (topic partition 3, offset 17)` or empty.
        place: String,
        /// What it said.
        source: PluginError,
    },
    /// Columns that don't fit: ours.
    #[error("columns: {0}")]
    Columns(#[from] ArrowError),
    /// The checkpoint belongs to another pipeline.
    #[error("the checkpoint does not fit the pipeline: {0}")]
    Mismatch(String),
    /// The file asks for a checkpoint to go on from, and there is none.
    #[error("there is no checkpoint: {0}")]
    NoCheckpoint(String),
    /// A checkpoint's content can't be read.
    #[error("the checkpoint can't be read: {0}")]
    Unreadable(String),
    /// A source handed a worker another worker's partition: ours.
    #[error("the source brought partition {0}, which was not asked for")]
    ForeignPartition(u32),
    /// A thread panicked: ours.
    #[error("a thread stopped unexpectedly: {0}; please report this")]
    Panicked(String),
    /// Rows of bounded input that a sink did not take before the run was stopped.
    #[error("{0} has not taken all rows: run again, and they come again")]
    Undelivered(String),
    /// Delivery ended first; its own error is told.
    #[error("delivery ended")]
    DeliveryGone,
    /// The system gives no random numbers.
    #[error("no random name: {0}")]
    Random(std::io::Error),
    /// The keeper ended first; its own error is told.
    #[error("the keeper ended")]
    KeeperGone,
    /// Every worker is gone without a word: ours.
    #[error("the workers ended without a word; please report this")]
    WorkerGone,
}

/// Runs a job to its end; the report of what it did.
pub fn run(
    mut job: Job,
    options: &RunOptions,
    shutdown: &Shutdown,
    progress: &Arc<Progress>,
) -> Result<Report, RunError> {
    let (store, mut resumed) = resume(&mut job, &options.discard, shutdown)?;
    failpoint!("checkpoint-read");
    let shared = Arc::new(share(&job, options, shutdown, progress, resumed.as_ref()));
    let mut closer = Closer::new(Arc::clone(&job.fold), instances(&job)?);
    if let Some(resumed) = &mut resumed {
        resumed.restore(&mut closer)?;
    }
    failpoint!("state-restored");
    let delivery = start::delivery(&mut job, &shared, store, resumed.as_ref())?;
    let (to_keeper, inbox) = bounded(WAITING_MAX);
    let (to_delivery, parcels) = bounded(PARCELS_MAX);
    let keeper = start::keeper(&job, &shared, closer, resumed.as_ref(), to_delivery);
    telemetry::run_started(
        &shared.pipeline,
        keeper.workers.len(),
        shared.partitions.len(),
        resumed.as_ref().map(|resumed| resumed.epoch),
    );
    let mut threads = Vec::new();
    for index in 0..keeper.workers.len() {
        let worker = start::worker(&job, &shared, index, keeper.workers.len(), resumed.as_ref(), to_keeper.clone())?;
        threads.push(start::thread(worker, to_keeper.clone(), index));
    }
    failpoint!("workers-started");
    drop((to_keeper, resumed));
    let workers = threads.len();
    let delivery = start::delivery_thread(delivery, parcels, Arc::clone(&shared));
    let kept = keeper.run(&inbox);
    // Workers that still send must not wait for a keeper that is gone.
    shutdown_workers(&shared, threads, inbox);
    let delivered = delivery.join().unwrap_or_else(|_| Err(RunError::Panicked("delivery".to_owned())));
    let (kept, epoch) = match (kept, delivered) {
        (Err(RunError::DeliveryGone), Err(cause)) => return Err(cause),
        (kept, delivered) => (kept?, delivered?),
    };
    Ok(report(&job, &shared, &kept, workers, epoch))
}

fn shutdown_workers(
    shared: &Shared,
    threads: Vec<JoinHandle<()>>,
    inbox: crossbeam_channel::Receiver<(usize, Message)>,
) {
    shared.shutdown.request();
    drop(inbox);
    for thread in threads {
        // A panic was caught inside and sent as a message.
        let _ = thread.join();
    }
}

/// Claims the checkpoint, and reads what to go on from, if there is something. Whether it fits, and whether sinks can be reached, is looked
/// at before: a start that is refused must not end the run that goes well.
pub(super) fn resume(
    job: &mut Job,
    discard: &Discard,
    shutdown: &Shutdown,
) -> Result<(Option<FolderStore>, Option<Resumed>), RunError> {
    let Some(CheckpointFolder { storage, path, floor, .. }) = &job.checkpoint else {
        return reach(job, shutdown).map(|()| (None, None));
    };
    let (storage, path, floor) = (Arc::clone(storage), path.clone(), *floor);
    let looked = take_up(job, discard, look(&storage, &path)?.and_then(|(_, saved)| saved))?;
    for open in &job.sinks {
        let parts = looked.iter().flat_map(|resumed| &resumed.sinks).find(|saved| saved.name == open.name);
        let prepared = parts.map(|saved| open.sink.join(&saved.parts)).transpose()?;
        prepared.map_or(Ok(()), |prepared| open.sink.fits(&prepared))?;
    }
    reach(job, shutdown)?;
    let mut store = FolderStore::open(storage, &path, floor)?;
    failpoint!("checkpoint-claimed");
    let resumed = take_up(job, discard, store.latest()?)?;
    if let Some(resumed) = &resumed {
        resumed.notes.iter().for_each(|note| telemetry::resumed_with(note));
    }
    Ok((Some(store), resumed))
}

fn reach(job: &mut Job, shutdown: &Shutdown) -> Result<(), RunError> {
    for open in &mut job.sinks {
        open.sink.reach(&|| shutdown.requested())?;
    }
    Ok(())
}

/// What a checkpoint holds for this job.
fn take_up(job: &Job, discard: &Discard, saved: Option<Saved>) -> Result<Option<Resumed>, RunError> {
    let Some(saved) = saved else { return job.may_begin().map(|()| None) };
    let identity = job.identity();
    let now = Now {
        pipeline: &job.plan.name,
        identity: &identity,
        fold: &job.fold,
        partitions: job.source.partitions(),
        sinks: job.sinks.iter().map(|open| SinkNow { name: open.name.clone(), place: open.known_place() }).collect(),
    };
    resume::take_up(&saved, &now, discard).map(Some)
}

/// What is there, claimed by nobody yet. Between its listing and its reading a run that goes on may tidy it away: then it is looked at again.
pub(super) fn look(storage: &Arc<dyn Storage>, path: &Path) -> Result<Option<(Claim, Option<Saved>)>, CheckpointError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match FolderStore::look(storage, path) {
            Err(CheckpointError::NoneWhole { .. } | CheckpointError::Io { .. } | CheckpointError::Fenced { .. })
                if tries < LOOKS_MAX => {}
            looked => return looked,
        }
    }
}

pub(super) fn share(
    job: &Job,
    options: &RunOptions,
    shutdown: &Shutdown,
    progress: &Arc<Progress>,
    resumed: Option<&Resumed>,
) -> Shared {
    let partitions = job.source.partitions();
    let mut board = Watermarks::new(partitions.len());
    if resumed.is_some() {
        for (place, clock) in start::clocks(job, resumed).into_iter().enumerate() {
            board.advance(place as u32, clock.watermark(job.fold.rules()));
        }
    }
    Shared {
        pipeline: job.plan.name.clone(),
        rules: *job.fold.rules(),
        idle_timeout: job.plan.time.idle_timeout,
        batch_rows_max: job.plan.batch_rows_max,
        event_time: job.chain.event_time,
        keys: job.grouping_keys.clone(),
        windowings: job.fold.groupings().iter().map(|grouping| grouping.windowing).collect(),
        grouping_kpis: (0..job.grouping_keys.len()).map(|grouping| job.kpis_of(grouping)).collect(),
        inputs: job.chain.kpis.iter().map(|kpi| kpi.inputs.clone()).collect(),
        kpi_names: job.kpi_names(),
        source: Arc::clone(&job.source),
        partitions: partitions.to_vec(),
        shutdown: shutdown.clone(),
        progress: Arc::clone(progress),
        started: options.started,
        first_record: OnceLock::new(),
        stop_after: options.stop_after,
        ended_hold: job.source.grows() && job.checkpoint.is_some(),
        ended: AtomicUsize::new(0),
        board: Mutex::new(board),
        epoch: AtomicU64::new(0),
        epochs_done: AtomicU64::new(0),
    }
}

pub(super) fn instances(job: &Job) -> Result<Vec<Box<dyn Kpi>>, RunError> {
    job.kpis.iter().map(|kpi| Ok((kpi.instance)()?)).collect()
}

fn report(job: &Job, shared: &Shared, kept: &Kept, workers: usize, epoch: Option<u64>) -> Report {
    let ledger = &kept.ledger;
    let balance = ledger.balance();
    if let Err(what) = &balance {
        telemetry::ledger_unbalanced(what);
    }
    let mut kpis = BTreeMap::new();
    for (place, name) in shared.kpi_names.iter().enumerate() {
        let (counts, published) = (&ledger.kpis[place], &kept.tally.kpis[place]);
        kpis.insert(
            name.clone(),
            KpiReport {
                before: counts.before,
                counted: counts.counted,
                late: counts.late,
                refused_pairs: counts.refused_pairs,
                windows: published.windows,
                rows: published.rows,
                revisions: published.revisions,
                quarantined: kept.quarantined[place].clone(),
            },
        );
    }
    let cpu_seconds = clock::cpu_seconds();
    Report {
        pipeline: shared.pipeline.clone(),
        read: ledger.read,
        undecodable: ledger.undecodable,
        future_dated: ledger.future_dated,
        rejected: ledger.rejected,
        filtered: ledger.filtered,
        kept: ledger.kept,
        balanced: balance.is_ok(),
        kpis,
        plugins: plugin_costs(job, kept),
        workers,
        ended_by: ended_by(shared, kept),
        open_windows: kept.open_windows,
        checkpoint_epoch: epoch,
        seconds: shared.started.elapsed().as_secs_f64(),
        seconds_to_first_record: shared.first_record.get().map(std::time::Duration::as_secs_f64),
        cpu_seconds,
        // What this process read, not what an earlier one did.
        events_per_cpu_second: shared.progress.get(Count::Read) as f64 / cpu_seconds,
        stages: telemetry::stages::spent(),
        peak_memory_bytes: clock::peak_memory_bytes(),
    }
}

fn ended_by(shared: &Shared, kept: &Kept) -> &'static str {
    if kept.at_end {
        return "end of input";
    }
    let read = shared.progress.get(Count::Read);
    if shared.stop_after.is_some_and(|limit| read >= limit) { "record limit" } else { "signal" }
}

fn plugin_costs(job: &Job, kept: &Kept) -> BTreeMap<String, PluginReport> {
    let names = job.plugin_names();
    let first_kpi = job.preprocessors.len();
    let cost = |place: usize| {
        let mut cost = Cost::default();
        kept.costs.iter().filter_map(|worker| worker.get(place)).for_each(|part| cost += *part);
        if let Some(closer) = place.checked_sub(first_kpi).and_then(|kpi| kept.closer_costs.get(kpi)) {
            cost += *closer;
        }
        PluginReport::from(cost)
    };
    names.into_iter().enumerate().map(|(place, name)| (name, cost(place))).collect()
}
