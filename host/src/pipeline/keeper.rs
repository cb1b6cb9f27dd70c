//! The keeper: one thread that holds the merged state and closes windows.
//!
//! ```text
//! workers ─▶ deltas ─▶ closer ─▶ closed windows ─▶ delivery
//!        ─▶ letters ──────────────────────────────▶
//!        ─▶ barriers ─▶ (all in) a cut, what changed since the last ─▶
//! ```

use super::delivery::{Ending, Parcel, Taking};
use super::epoch::{Aligned, Alignment};
use super::identity::Identity;
use super::message::{Cut, Ended, Message};
use super::run::RunError;
use super::shared::Shared;
use super::snapshot::{self, Snapshot, State};
use super::tally::Tally;
use super::watch::Watch;
use crate::telemetry;
use crate::telemetry::failpoint;
use crate::telemetry::stages::{self, Stage, lap};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use weir_core::close::Closer;
use weir_core::ledger::Ledger;
use weir_core::plugin::Cost;
use weir_core::results::{Closed, WindowContent};

/// Without a checkpoint: how long accepted rows may wait before they are made visible.
const COMMIT_EVERY: Duration = Duration::from_millis(200);

/// How often the picture is renewed.
const SHOW_EVERY: Duration = Duration::from_millis(100);

/// Records that build on one base at the most: reading a chain back costs a file each.
const CHAIN_MAX: usize = 64;

pub(super) struct Keeper {
    pub shared: Arc<Shared>,
    pub closer: Closer,
    pub delivery: Sender<Parcel>,
    /// Time between epochs, where a checkpoint is kept.
    pub interval: Option<Duration>,
    pub identity: Identity,
    /// For each KPI, its grouping.
    pub groupings: Vec<usize>,
    /// For each KPI: windows that start at or before this are not whole.
    pub begins_us: Vec<Option<i64>>,
    /// What a checkpoint brought.
    pub base: Ledger,
    pub tally: Tally,
    pub watch: Watch,
    pub workers: Vec<WorkerState>,
    pub alignment: Option<Alignment>,
    pub failure: Option<RunError>,
    /// Cuts that were handed over.
    pub cuts: u64,
    pub chain: Chain,
    /// Where the partitions stood at the last cut.
    pub last_offsets: Vec<Option<i64>>,
    /// Windows that end at or before this will not come again.
    pub settled_us: i64,
    /// Rows or letters were handed over since the last commit.
    pub uncommitted: bool,
    pub last_commit: Instant,
    /// When the picture was renewed.
    pub shown: Instant,
}

/// What has been told since the last whole state.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Records since then; `None`: the next has to be whole.
    records: Option<usize>,
    cells: usize,
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
    pub at_end: bool,
}

impl Keeper {
    /// Keeps until every worker has finished, then ends the run.
    pub fn run(mut self, inbox: &Receiver<(usize, Message)>) -> Result<Kept, RunError> {
        stages::begin();
        while self.workers.iter().any(|worker| !worker.finished) {
            match inbox.recv_timeout(self.interval.map_or(COMMIT_EVERY, |interval| interval.min(COMMIT_EVERY))) {
                Ok((worker, message)) => self.receive(worker, message)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(self.failure.take().unwrap_or(RunError::WorkerGone)),
            }
            self.tick()?;
        }
        self.finish()
    }

    /// Ends the run, once every worker has finished.
    pub fn finish(mut self) -> Result<Kept, RunError> {
        match self.failure.take() {
            Some(failure) => {
                // Windows that closed before it are right; a checkpoint would bring them again. If delivery is gone too, its own error is told.
                if self.interval.is_none() {
                    let _ = self.hand_over(Parcel::Commit);
                }
                let _ = self.hand_over(Parcel::End(Ending::Failed));
                Err(failure)
            }
            None => self.end(),
        }
    }

    /// Messages of a worker that has passed the barrier wait until the others have, so that the epoch's state is one cut.
    pub fn receive(&mut self, worker: usize, message: Message) -> Result<(), RunError> {
        let Some(alignment) = &mut self.alignment else { return self.take(worker, message) };
        match alignment.receive(worker, message) {
            Aligned::Take(message) => self.take(worker, message),
            Aligned::Waits => Ok(()),
            Aligned::Complete { cuts, waiting } => {
                self.alignment = None;
                self.cut(&cuts)?;
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
                    failpoint!("keeper-absorbed");
                }
                self.workers[worker].acknowledged_us = acknowledged_us;
                let least = self.workers.iter().map(|worker| worker.acknowledged_us).min().unwrap_or(i64::MIN);
                self.advance(least)
            }
            Message::Letters(letters) => {
                self.uncommitted = true;
                self.hand_over(Parcel::Letters(letters))
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

    /// Closes what the watermark allows and hands it to delivery.
    fn advance(&mut self, watermark_us: i64) -> Result<(), RunError> {
        let mut advance = self.closer.advance(watermark_us);
        lap(Stage::Close);
        for failed in &advance.quarantined {
            let (name, reason) = (&self.shared.kpi_names[failed.kpi], failed.error.to_string());
            telemetry::kpi_quarantined(&self.shared.pipeline, name, &reason);
            self.shared.progress.live().quarantined.insert(name.clone(), reason);
        }
        for closed in &mut advance.closed {
            hide_begun_before(closed, self.begins_us[closed.kpi]);
            self.tally.add(closed);
            self.watch.show(closed, &self.shared.progress);
        }
        self.tally.settle(advance.settled_before_us);
        self.uncommitted |= !advance.closed.is_empty();
        self.settled_us = advance.settled_before_us;
        if !advance.closed.is_empty() {
            failpoint!("keeper-closed");
            self.hand_over(Parcel::Closed { closed: advance.closed, settled_us: self.settled_us })?;
        }
        self.show(watermark_us);
        Ok(())
    }

    fn hand_over(&self, parcel: Parcel) -> Result<(), RunError> {
        let sent = self.delivery.send(parcel).map_err(|_| RunError::DeliveryGone);
        lap(Stage::Sink);
        sent
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

    /// What is due by the clock: an epoch, or without a checkpoint a commit. An epoch waits until delivery is done with the one before.
    pub fn tick(&mut self) -> Result<(), RunError> {
        match self.interval {
            Some(interval) => {
                let idle = self.alignment.is_none() && self.shared.epochs_done.load(Ordering::Acquire) == self.cuts;
                if idle && self.last_commit.elapsed() >= interval {
                    self.last_commit = Instant::now();
                    self.alignment = Some(Alignment::new(self.shared.want_next_epoch(), self.workers.len()));
                }
                Ok(())
            }
            None if self.uncommitted && self.last_commit.elapsed() >= COMMIT_EVERY => {
                self.uncommitted = false;
                self.last_commit = Instant::now();
                self.hand_over(Parcel::Commit)
            }
            None => Ok(()),
        }
    }

    /// Hands over a consistent cut through the run.
    fn cut(&mut self, cuts: &[Cut]) -> Result<(), RunError> {
        if self.interval.is_none() {
            return Ok(());
        }
        let partitions = snapshot::partitions(&self.shared.partitions, cuts);
        let offsets: Vec<Option<i64>> = partitions.iter().map(|partition| partition.next_offset).collect();
        if !self.uncommitted && offsets == self.last_offsets {
            return Ok(()); // Nothing happened since: the last epoch still says it all.
        }
        self.last_offsets = offsets;
        let began = Instant::now();
        self.hand_over(Parcel::Closed { closed: Vec::new(), settled_us: self.settled_us })?;
        failpoint!("epoch-cut");
        let state = self.chain.next(&mut self.closer);
        let snapshot = Snapshot {
            pipeline: self.shared.pipeline.clone(),
            identity: self.identity.clone(),
            groupings: self.groupings.clone(),
            windows_us: self.shared.windowings.iter().map(|windows| (windows.size_us(), windows.hop_us())).collect(),
            settled_us: self.settled_us,
            partitions,
            state,
            begins_us: self.begins_us.clone(),
            ledger: self.ledger(cuts),
            tally: self.tally.clone(),
            letters: [0; 2],
            sinks: Vec::new(),
        };
        lap(Stage::Checkpoint);
        self.cuts += 1;
        self.uncommitted = false;
        let taking = Taking { began, took: began.elapsed() };
        self.hand_over(Parcel::Cut { snapshot: Box::new(snapshot), taking })
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
        self.cut(&cuts)?;
        failpoint!("end-cut");
        // Publishes nothing, and tells of a KPI that failed in giving up its state.
        self.advance(self.closer.watermark_us())?;
        let open_windows = self.closer.open_windows();
        if at_end {
            self.advance(i64::MAX)?;
        } else if self.interval.is_none() && open_windows > 0 {
            telemetry::open_windows_dropped(open_windows);
        }
        failpoint!("end-closed");
        self.hand_over(Parcel::Commit)?;
        self.hand_over(Parcel::End(if at_end { Ending::AtEnd } else { Ending::Stopped }))?;
        Ok(Kept {
            ledger: self.ledger(&cuts),
            costs: ended.into_iter().map(|ended| ended.costs).collect(),
            closer_costs: (0..self.shared.kpi_names.len()).map(|kpi| self.closer.cost(kpi)).collect(),
            quarantined: self.closer.quarantined().into_iter().map(|error| error.map(ToString::to_string)).collect(),
            open_windows: if at_end { 0 } else { open_windows },
            tally: self.tally,
            at_end,
        })
    }
}

impl Chain {
    /// The state for the next record: whole where there is none to build on, or where what was told since has come to as much as a
    /// whole one, so that reading a chain back costs at most about twice a whole state; else what changed.
    fn next(&mut self, closer: &mut Closer) -> State {
        let live = closer.live_cells();
        match self.records {
            Some(records) if records < CHAIN_MAX && self.cells <= live.max(1_000) => {
                let changes = closer.export_changes();
                self.records = Some(records + 1);
                self.cells += changes.cells();
                State::Changes(changes)
            }
            _ => {
                *self = Self { records: Some(0), cells: 0 };
                State::Whole(closer.export())
            }
        }
    }
}

/// Windows that began before the KPI did are not whole, and no number is better than a wrong one.
fn hide_begun_before(closed: &mut Closed, begins_us: Option<i64>) {
    let Some(begins_us) = begins_us else { return };
    for window in closed.windows.iter_mut().filter(|window| window.start_us <= begins_us) {
        let reason = "the KPI's state was let go, or it began, while this window was open: it is not whole";
        window.content = WindowContent::Unavailable(reason.to_owned());
    }
}
