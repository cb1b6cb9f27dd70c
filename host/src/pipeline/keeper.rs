//! The keeper: one thread that holds the merged state, closes windows, feeds the sinks and keeps the checkpoint.
//!
//! ```text
//! workers ─▶ deltas ─▶ closer ─▶ closed windows ─▶ sinks
//!        ─▶ letters ─▶ dead-letter and late files
//!        ─▶ barriers ─▶ (all in) sinks prepare ─▶ checkpoint ─▶ sinks commit
//! ```

use super::epoch::{Aligned, Alignment};
use super::job::OpenSink;
use super::letters::LetterFiles;
use super::message::{Cut, Ended, Message};
use super::run::RunError;
use super::shared::Shared;
use super::snapshot::{self, Snapshot};
use super::tally::Tally;
use super::watch::Watch;
use crate::checkpoint::Store;
use crate::checkpoint::folder::FolderStore;
use crate::telemetry;
use crate::telemetry::stages::{self, Stage, lap};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir_core::close::Closer;
use weir_core::ledger::Ledger;
use weir_core::plugin::Cost;

/// Without a checkpoint: how long accepted rows may wait before they are made visible.
const COMMIT_EVERY: Duration = Duration::from_millis(200);

/// How often the picture is renewed.
const SHOW_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Keeper {
    pub shared: Arc<Shared>,
    pub closer: Closer,
    pub sinks: Vec<OpenSink>,
    pub letters: LetterFiles,
    pub store: Option<(FolderStore, Duration)>,
    pub identities: Vec<(String, String)>,
    /// The last epoch that is complete.
    pub epoch: u64,
    /// What a checkpoint brought.
    pub base: Ledger,
    pub tally: Tally,
    pub watch: Watch,
    pub workers: Vec<WorkerState>,
    pub alignment: Option<Alignment>,
    pub failure: Option<RunError>,
    /// Rows were accepted since the last commit.
    pub uncommitted: bool,
    pub last_commit: Instant,
    /// When the picture was renewed.
    pub shown: Instant,
}

/// What the keeper knows of a worker.
pub(super) struct WorkerState {
    pub acknowledged_us: i64,
    pub ended: Option<Ended>,
    pub finished: bool,
}

/// How a run ended.
pub(super) struct Kept {
    pub ledger: Ledger,
    pub tally: Tally,
    /// For each worker, its plugins' costs; then the closer's KPIs'.
    pub costs: Vec<Vec<Cost>>,
    pub closer_costs: Vec<Cost>,
    /// By KPI: why it is quarantined.
    pub quarantined: Vec<Option<String>>,
    pub open_windows: usize,
    pub epoch: Option<u64>,
    pub at_end: bool,
}

impl Keeper {
    /// Keeps until every worker has finished, then ends the run.
    pub fn run(mut self, inbox: &Receiver<(usize, Message)>) -> Result<Kept, RunError> {
        stages::begin();
        while self.workers.iter().any(|worker| !worker.finished) {
            match inbox.recv_timeout(COMMIT_EVERY) {
                Ok((worker, message)) => self.receive(worker, message)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.failure.take().unwrap_or(RunError::WorkerGone)),
            }
            self.tick()?;
        }
        match self.failure.take() {
            Some(failure) => {
                // Windows that closed before it are right; a checkpoint would bring them again.
                if self.store.is_none() {
                    self.commit()?;
                }
                Err(failure)
            }
            None => self.end(),
        }
    }

    /// Messages of a worker that has passed the barrier wait until the others have, so that the epoch's state is one cut.
    fn receive(&mut self, worker: usize, message: Message) -> Result<(), RunError> {
        let Some(alignment) = &mut self.alignment else { return self.take(worker, message) };
        match alignment.receive(worker, message) {
            Aligned::Take(message) => self.take(worker, message),
            Aligned::Waits => Ok(()),
            Aligned::Complete { cuts, waiting } => {
                self.alignment = None;
                self.checkpoint(&cuts)?;
                self.take_all(waiting)
            }
            Aligned::Abandoned { waiting } => {
                // A worker ended before its barrier, and the run's end is the next cut; or one is held up.
                self.alignment = None;
                self.take_all(waiting)
            }
        }
    }

    fn take_all(&mut self, waiting: Vec<(usize, Message)>) -> Result<(), RunError> {
        waiting.into_iter().try_for_each(|(worker, message)| self.take(worker, message))
    }

    fn take(&mut self, worker: usize, message: Message) -> Result<(), RunError> {
        match message {
            Message::Flushed { delta, acknowledged_us } => {
                if let Some(delta) = delta {
                    self.closer.absorb(delta)?;
                }
                self.workers[worker].acknowledged_us = acknowledged_us;
                let least = self.workers.iter().map(|worker| worker.acknowledged_us).min().unwrap_or(i64::MIN);
                self.advance(least)
            }
            Message::Letters(letters) => {
                self.uncommitted = true;
                self.letters.write(&letters, &self.shared)
            }
            // A barrier that nobody waits for belongs to an abandoned epoch.
            Message::Barrier { .. } => Ok(()),
            Message::Finished(outcome) => {
                self.workers[worker].finished = true;
                match outcome {
                    Ok(ended) => self.workers[worker].ended = Some(ended),
                    Err(failure) => {
                        self.shared.shutdown.request();
                        self.failure.get_or_insert(failure);
                    }
                }
                Ok(())
            }
        }
    }

    /// Closes what the watermark allows and hands it to the sinks.
    fn advance(&mut self, watermark_us: i64) -> Result<(), RunError> {
        let advance = self.closer.advance(watermark_us);
        lap(Stage::Close);
        for failed in &advance.quarantined {
            let (name, reason) = (&self.shared.kpi_names[failed.kpi], failed.error.to_string());
            telemetry::kpi_quarantined(&self.shared.pipeline, name, &reason);
            self.shared.progress.live().quarantined.insert(name.clone(), reason);
        }
        for closed in &advance.closed {
            self.tally.add(closed);
            self.watch.show(closed, &self.shared.progress);
            for open in self.sinks.iter_mut().filter(|open| open.takes[closed.kpi]) {
                open.sink.accept(closed)?;
                self.uncommitted = true;
            }
        }
        self.tally.settle(advance.settled_before_us);
        self.sinks.iter_mut().for_each(|open| open.sink.settle(advance.settled_before_us));
        lap(Stage::Sink);
        self.show(watermark_us);
        Ok(())
    }

    /// For people; not more often than they can see it, but for the end.
    fn show(&mut self, watermark_us: i64) {
        let soon = self.shown.elapsed() < SHOW_EVERY && watermark_us != i64::MAX;
        if !self.shared.progress.watched() || soon {
            return;
        }
        self.shown = Instant::now();
        let mut open = BTreeSet::new();
        self.closer.open_windows_into(&mut open);
        let mut live = self.shared.progress.live();
        if watermark_us != i64::MIN && watermark_us != i64::MAX {
            live.watermark_us = Some(watermark_us);
        }
        live.keep_open(0, open);
        (live.windows, live.rows) = self.tally.totals();
    }

    /// What is due by the clock: an epoch, or without a checkpoint a commit.
    fn tick(&mut self) -> Result<(), RunError> {
        match &self.store {
            Some((_, interval)) => {
                if self.alignment.is_none() && self.last_commit.elapsed() >= *interval {
                    self.last_commit = Instant::now();
                    self.alignment = Some(Alignment::new(self.shared.want_next_epoch(), self.workers.len()));
                }
                Ok(())
            }
            None if self.uncommitted && self.last_commit.elapsed() >= COMMIT_EVERY => self.commit(),
            None => Ok(()),
        }
    }

    /// Makes rows visible without a checkpoint.
    fn commit(&mut self) -> Result<(), RunError> {
        for open in &mut self.sinks {
            let prepared = open.sink.prepare(self.epoch + 1)?;
            open.sink.commit(self.epoch + 1, &prepared.bytes)?;
        }
        self.letters.sync()?;
        lap(Stage::Sink);
        self.uncommitted = false;
        self.last_commit = Instant::now();
        Ok(())
    }

    /// Sinks prepare; one record holds everything; sinks commit.
    fn checkpoint(&mut self, cuts: &[Cut]) -> Result<(), RunError> {
        let Some((store, _)) = &self.store else { return Ok(()) };
        let began = Instant::now();
        let prepare = |open: &mut OpenSink| Ok((open.name.clone(), open.sink.prepare(self.epoch + 1)?.bytes));
        let prepared = self.sinks.iter_mut().map(prepare).collect::<Result<Vec<_>, RunError>>()?;
        let letters = self.letters.sync()?;
        let epoch = self.epoch + 1;
        let snapshot = Snapshot {
            pipeline: self.shared.pipeline.clone(),
            identities: self.identities.clone(),
            partitions: snapshot::partitions(&self.shared.partitions, cuts),
            closer: self.closer.export(),
            ledger: self.ledger(cuts),
            tally: self.tally.clone(),
            letters,
            sinks: prepared,
        };
        let bytes = snapshot::encode(&snapshot)?;
        store.write(epoch, &bytes)?;
        for (open, (_, prepared)) in self.sinks.iter_mut().zip(&snapshot.sinks) {
            open.sink.commit(epoch, prepared)?;
        }
        self.epoch = epoch;
        self.uncommitted = false;
        self.shared.progress.live().checkpoint_epoch = Some(epoch);
        lap(Stage::Checkpoint);
        telemetry::checkpoint_written(epoch, bytes.len(), began.elapsed().as_millis());
        Ok(())
    }

    /// What the checkpoint brought, and what every worker has counted since.
    fn ledger(&self, cuts: &[Cut]) -> Ledger {
        let mut ledger = self.base.clone();
        cuts.iter().for_each(|cut| ledger += &cut.ledger);
        ledger
    }

    /// Every worker has finished. The checkpoint comes before the end of time, so that a later run goes on with the windows that
    /// bounded input ends: they are published now, and again, whole, once more records came.
    fn end(mut self) -> Result<Kept, RunError> {
        let ended: Vec<Ended> = self.workers.iter_mut().filter_map(|worker| worker.ended.take()).collect();
        let cuts: Vec<Cut> = ended.iter().map(|ended| ended.cut.clone()).collect();
        let at_end = ended.iter().all(|ended| ended.at_end);
        self.checkpoint(&cuts)?;
        // Publishes nothing, and tells of a KPI that failed in giving up its state.
        self.advance(self.closer.watermark_us())?;
        let open_windows = self.closer.open_windows();
        if at_end {
            self.advance(i64::MAX)?;
        } else if self.store.is_none() && open_windows > 0 {
            telemetry::open_windows_dropped(open_windows);
        }
        self.commit()?;
        self.letters.sync()?;
        Ok(Kept {
            ledger: self.ledger(&cuts),
            costs: ended.into_iter().map(|ended| ended.costs).collect(),
            closer_costs: (0..self.shared.kpi_names.len()).map(|kpi| self.closer.cost(kpi)).collect(),
            quarantined: self.closer.quarantined().into_iter().map(|error| error.map(ToString::to_string)).collect(),
            open_windows: if at_end { 0 } else { open_windows },
            epoch: self.store.is_some().then_some(self.epoch),
            tally: self.tally,
            at_end,
        })
    }
}
