//! Runs a job: threads, channels, and how everything ends.

use super::batch::{Step, Steps};
use super::clock;
use super::job::Job;
use super::keeper::{Keeper, Kept, WorkerState};
use super::letters::LetterFiles;
use super::message::{Message, WAITING_MAX};
use super::partitions::Partitions;
use super::progress::{Count, Progress};
use super::report::{KpiReport, PluginReport, Report};
use super::shared::Shared;
use super::shutdown::Shutdown;
use super::snapshot::{self, Snapshot};
use super::tally::Tally;
use super::watch::Watch;
use super::worker::Worker;
use crate::checkpoint::{CheckpointError, Store};
use crate::decode::{DecodeSchemaError, Decoder};
use crate::plugin::UseError;
use crate::sink::{Claim, Resume, SinkError};
use crate::source::{Assignment, OLDEST, SourceError};
use crate::telemetry;
use arrow_schema::ArrowError;
use crossbeam_channel::{Sender, bounded};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use thiserror::Error;
use weir_core::close::{CloseError, Closer};
use weir_core::delta::KpiState;
use weir_core::fold::{FoldError, Folder};
use weir_core::ledger::Ledger;
use weir_core::plugin::{Cost, Kpi, PluginError};
use weir_core::time::{PartitionClock, Watermarks};

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
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
    /// A checkpoint's content can't be read.
    #[error("the checkpoint can't be read: {0}")]
    Unreadable(String),
    /// A source handed a worker another worker's partition: ours.
    #[error("the source brought partition {0}, which was not asked for")]
    ForeignPartition(u32),
    /// A thread panicked: ours.
    #[error("a worker stopped unexpectedly: {0}; please report this")]
    Panicked(String),
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
    let snapshot = resume(&job)?;
    let shared = Arc::new(share(&job, options, shutdown, progress, snapshot.as_ref()));
    let (to_keeper, inbox) = bounded(WAITING_MAX);
    let keeper = keeper(&mut job, &shared, snapshot.as_ref())?;
    telemetry::run_started(
        &shared.pipeline,
        keeper.workers.len(),
        shared.partitions.len(),
        snapshot.as_ref().map(|_| keeper.epoch),
    );
    let mut threads = Vec::new();
    for index in 0..keeper.workers.len() {
        let worker = worker(&job, &shared, index, keeper.workers.len(), snapshot.as_ref(), to_keeper.clone())?;
        threads.push(start(worker, to_keeper.clone(), index));
    }
    drop(to_keeper);
    let workers = threads.len();
    let kept = keeper.run(&inbox);
    // Workers that still send must not wait for a keeper that is gone.
    shutdown_workers(&shared, threads, inbox);
    let kept = kept?;
    Ok(report(&job, &shared, &kept, workers))
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

/// The checkpoint to go on from, if there is one.
fn resume(job: &Job) -> Result<Option<(u64, Snapshot)>, RunError> {
    let Some((store, _)) = &job.store else { return Ok(None) };
    let Some(saved) = store.latest()? else { return Ok(None) };
    let snapshot = snapshot::decode(&saved.bytes)?;
    snapshot.fits(&job.plan.name, &job.identities(), job.source.partitions())?;
    Ok(Some((saved.epoch, snapshot)))
}

fn share(
    job: &Job,
    options: &RunOptions,
    shutdown: &Shutdown,
    progress: &Arc<Progress>,
    snapshot: Option<&(u64, Snapshot)>,
) -> Shared {
    let partitions = job.source.partitions();
    let mut board = Watermarks::new(partitions.len());
    if let Some((_, snapshot)) = snapshot {
        for (place, clock) in clocks(job, Some(snapshot)).into_iter().enumerate() {
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
        partitions: partitions.to_vec(),
        shutdown: shutdown.clone(),
        progress: Arc::clone(progress),
        started: options.started,
        first_record: OnceLock::new(),
        stop_after: options.stop_after,
        ended_hold: job.source.grows() && job.store.is_some(),
        ended: AtomicUsize::new(0),
        board: Mutex::new(board),
        epoch: AtomicU64::new(0),
    }
}

/// Each partition's clock to begin with. After a checkpoint none is behind the closer: a partition that had stepped aside, or that
/// is new, may find windows gone that its own front would still name.
fn clocks(job: &Job, snapshot: Option<&Snapshot>) -> Vec<PartitionClock> {
    let begin = |place: usize| {
        let Some(snapshot) = snapshot else { return PartitionClock::new() };
        let saved = snapshot
            .partitions
            .get(place)
            .map_or_else(PartitionClock::new, |saved| PartitionClock::restore(saved.clock));
        let mut clock = saved;
        clock.raise_floor(snapshot.closer.watermark_us);
        clock
    };
    (0..job.source.partitions().len()).map(begin).collect()
}

fn keeper(job: &mut Job, shared: &Arc<Shared>, snapshot: Option<&(u64, Snapshot)>) -> Result<Keeper, RunError> {
    let mut closer = Closer::new(Arc::clone(&job.fold), instances(job)?);
    let snapshot_of = snapshot.map(|(_, snapshot)| snapshot);
    if let Some(snapshot) = snapshot_of {
        closer.restore(snapshot.closer.clone())?;
    }
    let mut sinks = std::mem::take(&mut job.sinks);
    for open in &mut sinks {
        let prepared = snapshot_of.and_then(|snapshot| snapshot.sinks.iter().find(|(saved, _)| *saved == open.name));
        let claim = Claim { pipeline: job.plan.name.clone(), lineage: String::new(), generation: 1 };
        let prepared = prepared.map(|(_, prepared)| prepared.as_slice());
        open.sink.recover(&Resume { claim, epoch: snapshot.map_or(0, |(epoch, _)| *epoch), prepared })?;
    }
    let watermark_us = closer.watermark_us();
    let workers = job.plan.workers.min(shared.partitions.len()).max(1);
    Ok(Keeper {
        closer,
        sinks,
        letters: LetterFiles::open(
            &job.plan.dead_letters,
            &job.plan.late,
            snapshot_of.map(|snapshot| snapshot.letters),
        )?,
        store: job.store.take(),
        identities: job.identities(),
        epoch: snapshot.map_or(0, |(epoch, _)| *epoch),
        base: snapshot_of.map_or_else(|| Ledger::new(job.kpis.len()), |snapshot| snapshot.ledger.clone()),
        tally: snapshot_of.map_or_else(|| Tally::new(job.kpis.len()), |snapshot| snapshot.tally.clone()),
        watch: Watch::new(job.kpis.iter().map(|kpi| &kpi.schema)),
        workers: (0..workers)
            .map(|_| WorkerState { acknowledged_us: watermark_us, ended: None, finished: false })
            .collect(),
        alignment: None,
        failure: None,
        uncommitted: false,
        last_commit: Instant::now(),
        shown: Instant::now(),
        shared: Arc::clone(shared),
    })
}

fn worker(
    job: &Job,
    shared: &Arc<Shared>,
    index: usize,
    workers: usize,
    snapshot: Option<&(u64, Snapshot)>,
    keeper: Sender<(usize, Message)>,
) -> Result<Worker, RunError> {
    let snapshot = snapshot.map(|(_, snapshot)| snapshot);
    let mut partitions = Partitions::default();
    let mut assigned = Vec::new();
    for (place, clock) in clocks(job, snapshot).into_iter().enumerate() {
        if place % workers == index {
            // What a checkpoint does not know was added since, and all of it is new.
            let offset = snapshot.and_then(|snapshot| match snapshot.partitions.get(place) {
                Some(saved) => saved.next_offset,
                None => Some(OLDEST),
            });
            assigned.push(Assignment { partition: place as u32, offset });
            partitions.add(place as u32, offset.or(shared.partitions[place].begin), clock);
        }
    }
    let mut folder = Folder::new(Arc::clone(&job.fold), instances(job)?);
    for (kpi, state) in snapshot.iter().flat_map(|snapshot| snapshot.closer.kpis.iter().enumerate()) {
        if let KpiState::Quarantined(error) = state {
            folder.quarantine(kpi, error.clone());
        }
    }
    let mut steps = Vec::new();
    for (step, inputs) in job.preprocessors.iter().zip(&job.chain.preprocess) {
        let plugin = step.plugin.preprocessor(&step.settings)?;
        steps.push(Step { name: step.description.name.clone(), plugin, inputs: inputs.clone() });
    }
    Ok(Worker {
        index,
        shared: Arc::clone(shared),
        reader: job.source.open(&assigned)?,
        decoder: Decoder::new(&job.decode)?,
        steps: Steps { steps },
        folder,
        partitions,
        keeper,
        ledger: Ledger::new(job.kpis.len()),
        acknowledged_us: snapshot.map_or(i64::MIN, |snapshot| snapshot.closer.watermark_us),
        shown: Instant::now(),
        epoch: 0,
    })
}

fn instances(job: &Job) -> Result<Vec<Box<dyn Kpi>>, RunError> {
    job.kpis.iter().map(|kpi| Ok(kpi.plugin.kpi(&kpi.settings)?)).collect()
}

/// A worker's thread; its last message is always sent, also after a panic.
fn start(worker: Worker, keeper: Sender<(usize, Message)>, index: usize) -> JoinHandle<()> {
    thread::spawn(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| worker.run())).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Err(RunError::Panicked(words.unwrap_or_else(|| "no message".into())))
        });
        // An error says that the keeper is gone; it tells why itself.
        let _ = keeper.send((index, Message::Finished(ended)));
    })
}

fn report(job: &Job, shared: &Shared, kept: &Kept, workers: usize) -> Report {
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
        checkpoint_epoch: kept.epoch,
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
