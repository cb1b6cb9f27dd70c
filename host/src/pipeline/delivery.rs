//! Delivery: one thread that has the sinks, the letters and the checkpoint, so that nothing that syncs or waits stands in the way of
//! the keeper.
//!
//! ```text
//! keeper ─▶ closed windows ─▶ sinks accept        letters ─▶ dead-letter and late files
//!        ─▶ cut ─▶ sinks prepare ─▶ one record ─▶ sinks commit ─▶ the source is told
//! ```
//!
//! Parcels come in order over a bounded channel: a sink that holds as much as it may stops the taking of parcels, and so the keeper and
//! the workers. It is never the sink's rows that give way.

use super::job::OpenSink;
use super::letters::{Letter, LetterFiles};
use super::progress::SinkLine;
use super::run::RunError;
use super::shared::Shared;
use super::snapshot::{self, SavedSink, Snapshot};
use crate::checkpoint::Store;
use crate::telemetry;
use crate::telemetry::failpoint;
use crate::telemetry::stages::{self, Stage, lap};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use weir_core::results::Closed;

/// Parcels that may wait.
pub(super) const PARCELS_MAX: usize = 64;

/// How often a full sink is looked at, and the picture renewed.
const LOOK: Duration = Duration::from_millis(20);
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// After a signal: how long sinks are given to take what they were given. What a checkpoint holds can wait longer.
const GRACE: Duration = Duration::from_secs(5);
const GRACE_WITHOUT_CHECKPOINT: Duration = Duration::from_secs(30);

/// What the keeper hands over.
#[derive(Debug)]
pub(super) enum Parcel {
    /// Windows to publish; those that end at or before `settled_us` will not come again.
    Closed { closed: Vec<Closed>, settled_us: i64 },
    /// Records that are not counted.
    Letters(Vec<Letter>),
    /// A consistent cut, to be made an epoch; what the sinks and letters have to add is still missing.
    Cut { snapshot: Box<Snapshot>, taking: Taking },
    /// Make visible what came so far, without a checkpoint.
    Commit,
    /// Nothing more comes.
    End(Ending),
}

/// When the keeper took a cut, and for how long it did nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taking {
    pub began: Instant,
    pub took: Duration,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The input has ended: every row has to be taken.
    AtEnd,
    /// Stopped; a checkpoint keeps what is not taken in time.
    Stopped,
    /// Something failed.
    Failed,
}

pub(super) struct Delivery {
    pub shared: Arc<Shared>,
    pub sinks: Vec<OpenSink>,
    pub letters: LetterFiles,
    pub store: Option<Box<dyn Store>>,
    /// The last epoch that is complete, and the last number that was used.
    pub epoch: u64,
    /// The epoch of the last record in the store that the next may build on.
    pub last_record: Option<u64>,
    pub shown: Instant,
}

impl Delivery {
    /// Delivers until the keeper ends; the epoch of the last checkpoint, if one is kept.
    pub fn run(mut self, parcels: &Receiver<Parcel>) -> Result<Option<u64>, RunError> {
        stages::begin();
        let ending = loop {
            self.wait_for_room()?;
            match parcels.recv_timeout(SHOW_EVERY) {
                Ok(Parcel::End(ending)) => break ending,
                Ok(parcel) => self.take(parcel)?,
                Err(RecvTimeoutError::Timeout) => self.look()?,
                Err(RecvTimeoutError::Disconnected) => break Ending::Failed,
            }
        };
        self.finish(ending)?;
        Ok(self.store.is_some().then_some(self.last_record.unwrap_or(0)))
    }

    /// Does what a parcel asks for.
    pub fn take(&mut self, parcel: Parcel) -> Result<(), RunError> {
        match parcel {
            Parcel::Closed { closed, settled_us } => self.accept(&closed, settled_us),
            Parcel::Letters(letters) => {
                self.letters.write(&letters, &self.shared)?;
                failpoint!("letters-written");
                Ok(())
            }
            Parcel::Cut { snapshot, taking } => {
                self.make_epoch(*snapshot, taking)?;
                self.shared.epochs_done.fetch_add(1, Ordering::AcqRel);
                self.look()
            }
            Parcel::Commit => {
                self.commit()?;
                self.look()
            }
            Parcel::End(_) => Ok(()),
        }
    }

    fn accept(&mut self, closed: &[Closed], settled_us: i64) -> Result<(), RunError> {
        for open in &mut self.sinks {
            for closed in closed.iter().filter(|closed| open.takes[closed.kpi]) {
                open.sink.accept(closed)?;
            }
            open.sink.settle(settled_us);
        }
        failpoint!("sinks-accepted");
        lap(Stage::Sink);
        Ok(())
    }

    /// Sinks prepare; one record holds everything; sinks commit.
    fn make_epoch(&mut self, mut snapshot: Snapshot, taking: Taking) -> Result<(), RunError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let (began, epoch) = (Instant::now(), self.epoch + 1);
        store.check()?;
        failpoint!("epoch-before-prepare");
        for open in &mut self.sinks {
            open.sink.begin_chain(snapshot.is_whole());
            let (name, place, prepared) = (open.name.clone(), open.known_place(), open.sink.prepare(epoch)?);
            snapshot.sinks.push(SavedSink { name, place, prepared });
            failpoint!("epoch-between-prepares");
        }
        failpoint!("letters-before-sync");
        snapshot.letters = self.letters.sync()?;
        failpoint!("epoch-prepared");
        let builds_on = snapshot.builds_on(self.last_record)?;
        let encoding = Instant::now();
        let bytes = snapshot::encode(&snapshot)?;
        let writing = Instant::now();
        store.write(epoch, builds_on, &bytes)?;
        let durable = Instant::now();
        (self.epoch, self.last_record) = (epoch, Some(epoch));
        failpoint!("epoch-before-commit");
        for (open, saved) in self.sinks.iter_mut().zip(&snapshot.sinks) {
            open.sink.commit(epoch, &saved.prepared.bytes)?;
            failpoint!("epoch-between-commits");
        }
        failpoint!("epoch-committed");
        self.shared.source.confirm(&snapshot.offsets());
        failpoint!("source-confirmed");
        self.shared.progress.live().checkpoint_epoch = Some(epoch);
        lap(Stage::Checkpoint);
        telemetry::checkpoint_written(&telemetry::Written {
            epoch,
            whole: builds_on.is_none(),
            cells: snapshot.cells(),
            bytes: bytes.len(),
            cut: taking.took,
            encode: writing - encoding,
            write: durable - writing,
            durable: durable - taking.began,
            all: began.elapsed(),
        });
        Ok(())
    }

    /// Makes rows visible without a checkpoint.
    fn commit(&mut self) -> Result<(), RunError> {
        self.epoch += 1;
        for open in &mut self.sinks {
            let prepared = open.sink.prepare(self.epoch)?;
            failpoint!("end-prepared");
            open.sink.commit(self.epoch, &prepared.bytes)?;
            failpoint!("end-committed");
        }
        self.letters.sync()?;
        failpoint!("end-letters-synced");
        lap(Stage::Sink);
        Ok(())
    }

    /// While a sink is full nothing more is taken, unless the run is to stop: then what is under way is little, and goes into the checkpoint.
    fn wait_for_room(&mut self) -> Result<(), RunError> {
        while self.is_full() {
            std::thread::sleep(LOOK);
            self.look()?;
        }
        Ok(())
    }

    /// Whether nothing more can be taken now.
    pub fn is_full(&self) -> bool {
        self.sinks.iter().any(|open| open.sink.state().full) && !self.shared.shutdown.requested()
    }

    /// Renews the picture, and finds out about sinks that failed on their own threads.
    pub fn look(&mut self) -> Result<(), RunError> {
        for open in &mut self.sinks {
            open.sink.finish(Duration::ZERO)?;
        }
        if self.shown.elapsed() >= SHOW_EVERY {
            self.shown = Instant::now();
            let line = |open: &OpenSink| SinkLine { name: open.name.clone(), state: open.sink.state() };
            self.shared.progress.live().sinks = self.sinks.iter().map(line).collect();
        }
        Ok(())
    }

    /// Waits until the sinks have taken what they were given, or as long as that makes sense.
    fn finish(&mut self, ending: Ending) -> Result<(), RunError> {
        failpoint!("shutdown");
        let began = Instant::now();
        let grace = if self.store.is_some() { GRACE } else { GRACE_WITHOUT_CHECKPOINT };
        loop {
            let Some(place) = self.behind(ending, LOOK)? else {
                failpoint!("sinks-finished");
                self.sinks.iter_mut().for_each(|open| open.sink.leave());
                return Ok(());
            };
            let patient = match ending {
                Ending::AtEnd => !self.shared.shutdown.signalled() || began.elapsed() < grace,
                Ending::Stopped => began.elapsed() < grace,
                Ending::Failed => false,
            };
            if !patient {
                return self.undelivered(ending, place);
            }
            self.look()?;
        }
    }

    /// A sink that has not taken what it was given, after such a wait; or whose system may still lose it, where no checkpoint keeps it:
    /// of bounded input's last windows none does.
    pub fn behind(&mut self, ending: Ending, wait: Duration) -> Result<Option<String>, RunError> {
        let kept = self.store.is_some() && ending != Ending::AtEnd;
        let mut behind = None;
        for open in &mut self.sinks {
            let taken = open.sink.finish(wait)?;
            let at_risk = taken && !kept && open.sink.state().at_risk_bytes > 0;
            if at_risk {
                std::thread::sleep(wait);
            }
            if !taken || at_risk {
                behind = Some(open.sink.place());
            }
        }
        Ok(behind)
    }

    fn undelivered(&self, ending: Ending, place: String) -> Result<(), RunError> {
        if ending == Ending::Stopped && self.store.is_some() {
            telemetry::rows_wait_in_checkpoint(&place);
            return Ok(());
        }
        if ending == Ending::Failed {
            return Ok(());
        }
        Err(RunError::Undelivered(place))
    }
}
