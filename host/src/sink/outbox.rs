//! The outbox: what databases and topics have in common. An epoch's rows go into the checkpoint, and a thread of their own, the
//! courier, hands them to their system, oldest first, as often as it takes.
//!
//! ```text
//! accept ─▶ rows of this epoch ─ prepare ─▶ the desk: every epoch not yet known to be safe there ─▶ checkpoint
//!                                               ╰─ commit ─▶ courier ─▶ destination: rows and epoch in one transaction
//! ```
//!
//! A system that is away stops nobody but its courier; its rows pile up on the desk, and in each checkpoint, up to a limit, and then
//! `state` says `full`. After a crash the desk comes back out of the checkpoint, the destination tells the last epoch that it holds,
//! and what it holds already is not handed over again. Knows no system and no rows.

mod clock;
mod courier;
mod desk;
#[cfg(test)]
pub(crate) mod stepped;
#[cfg(test)]
mod tests;

use super::{Claim, Prepared, Resume, Sink, SinkError, SinkState};
use crate::telemetry;
use arrow_schema::ArrowError;
use clock::{Clock, Machine};
use courier::Courier;
use desk::Desk;
use std::sync::Arc;
use std::time::Duration;
use weir_core::results::Closed;

/// Undelivered rows that an outbox holds by default before the pipeline has to wait.
pub const BACKLOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long a start waits for a system that is away.
const START_WAIT: Duration = Duration::from_secs(30);

/// Turns closed windows into bytes for [`Destination::apply`]; on the pipeline's side of the desk.
pub trait Render: Send {
    /// Appends the windows to what the epoch has so far.
    fn render(&mut self, out: &mut Vec<u8>, closed: &Closed) -> Result<(), ArrowError>;
}

/// An outside system that takes the rows of an epoch, and the epoch's number with them, in one transaction.
///
/// # Contract
/// * `open` connects and takes the system over: runs of the same lineage and a lower generation, and runs of another lineage, can
///   apply nothing from then on. It tells the last epoch of this lineage that the system holds durably, `None` where it holds none.
///   A system that belongs to a higher generation of the lineage, or (where `again`) to another lineage, is `Fenced`.
/// * `apply` is all or nothing. Rows of a window replace those of a lower or the same revision, whole; rows of a lower revision than
///   the system has change nothing. An epoch at or below the one that the system holds changes nothing.
/// * After `Passing` trouble the connection is given up (`close`), and `open` comes next: it must find out whether the last
///   `apply` took place.
/// * Calls take bounded time: connecting and waiting for answers have timeouts.
/// * No text that it gives names a secret.
pub trait Destination: Send {
    /// Connects, changes nothing, shuts nobody out, and lets go again.
    fn reach(&mut self) -> Result<(), Trouble>;
    /// Connects, makes what is missing, takes over.
    fn open(&mut self, opening: &Opening) -> Result<Option<u64>, Trouble>;
    /// Hands over an epoch's rows.
    fn apply(&mut self, epoch: u64, rows: &[u8]) -> Result<(), Trouble>;
    /// Lets go of the connection, if there is one.
    fn close(&mut self);
    /// How long after `apply` the system may still lose what it took; so long the rows stay in the checkpoints, and then until
    /// `confirm` says that they are still there.
    fn keep_for(&self) -> Duration {
        Duration::ZERO
    }
    /// The last epoch that the system holds now; asked only where `keep_for` is above zero.
    fn confirm(&mut self) -> Result<Option<u64>, Trouble> {
        Ok(None)
    }
    /// Where the rows are, for people.
    fn place(&self) -> String;
}

/// Who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The run.
    pub claim: Claim,
    /// The epoch of the checkpoint that the run goes on from. The system may hold a later one, of a run whose checkpoint was lost;
    /// its windows then come again in epochs of other numbers.
    pub resumed_epoch: u64,
    /// Windows that start before this, microseconds, do not come again.
    pub open_from_us: i64,
    /// Not the first time in this run.
    pub again: bool,
}

/// Why a destination did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Away, overloaded, a lost answer: try again.
    Passing(String),
    /// A newer run has taken over.
    Fenced(String),
    /// Trying again won't help: a wrong password, a missing right, a table of another shape.
    Final(String),
}

/// A sink over a destination.
pub struct Outbox {
    render: Box<dyn Render>,
    /// Until `recover` gives it to the courier.
    destination: Option<Box<dyn Destination>>,
    place: String,
    backlog_bytes_max: u64,
    /// Rows since the last `prepare`.
    rows: Vec<u8>,
    /// What `prepare` gives holds the whole desk, and not only what came new.
    whole: bool,
    desk: Arc<Desk>,
    clock: Arc<dyn Clock>,
    hire: Hire,
}

/// Sets a courier to work.
type Hire = Box<dyn Fn(Courier) + Send>;

impl Outbox {
    /// Touches nothing outside (`recover` does).
    pub fn new(render: Box<dyn Render>, destination: Box<dyn Destination>, backlog_bytes_max: u64) -> Self {
        Self::with(render, destination, backlog_bytes_max, Arc::new(Machine), Box::new(Courier::start))
    }

    fn with(
        render: Box<dyn Render>,
        destination: Box<dyn Destination>,
        backlog_bytes_max: u64,
        clock: Arc<dyn Clock>,
        hire: Hire,
    ) -> Self {
        let desk = Arc::new(Desk::new(destination.keep_for(), Arc::clone(&clock)));
        let place = destination.place();
        Self {
            render,
            destination: Some(destination),
            place,
            backlog_bytes_max,
            rows: Vec::new(),
            whole: true,
            desk,
            clock,
            hire,
        }
    }

    fn failed(&self, trouble: Trouble) -> SinkError {
        let place = self.place.clone();
        match trouble {
            Trouble::Fenced(reason) => SinkError::Fenced { place, reason },
            Trouble::Passing(reason) | Trouble::Final(reason) => SinkError::Refused { place, reason },
        }
    }

    fn at_start<T>(
        &self,
        destination: &mut dyn Destination,
        stopped: &dyn Fn() -> bool,
        call: impl FnMut(&mut dyn Destination) -> Result<T, Trouble>,
    ) -> Result<T, SinkError> {
        let (until, clock) = (self.clock.now() + START_WAIT, self.clock.as_ref());
        let over = || stopped() || clock.now() >= until;
        courier::at_start(destination, &over, clock, call).map_err(|trouble| self.failed(trouble))
    }

    fn check(&self) -> Result<(), SinkError> {
        self.desk.failure().map_or(Ok(()), |trouble| Err(self.failed(trouble)))
    }
}

impl Sink for Outbox {
    fn recover(&mut self, from: &Resume<'_>) -> Result<Option<u64>, SinkError> {
        if let Some(bytes) = from.prepared {
            let restored = self.desk.restore(bytes, from.epoch);
            restored.map_err(|reason| SinkError::Recover { place: self.place.clone(), reason })?;
        }
        let Some(mut destination) = self.destination.take() else { return Ok(None) };
        let mut opening = Opening {
            claim: from.claim.clone(),
            resumed_epoch: from.epoch,
            open_from_us: from.open_from_us,
            again: false,
        };
        let held = self.at_start(destination.as_mut(), &|| false, |destination| destination.open(&opening))?;
        telemetry::failpoint!("outbox-opened");
        self.desk.opened(held);
        self.check()?;
        opening.again = true;
        (self.hire)(Courier::new(destination, opening, Arc::clone(&self.desk)));
        Ok(held)
    }

    fn reach(&mut self, stopped: &dyn Fn() -> bool) -> Result<(), SinkError> {
        let Some(mut destination) = self.destination.take() else { return Ok(()) };
        let reached = self.at_start(destination.as_mut(), stopped, |destination| destination.reach());
        self.destination = Some(destination);
        reached
    }

    fn accept(&mut self, closed: &Closed) -> Result<(), SinkError> {
        let rendered = self.render.render(&mut self.rows, closed);
        rendered.map_err(|source| SinkError::Rows { kpi: self.place.as_str().into(), source })
    }

    fn settle(&mut self, _before_us: i64) {}

    fn join(&self, parts: &[Vec<u8>]) -> Result<Vec<u8>, SinkError> {
        desk::join(parts).map_err(|reason| SinkError::Recover { place: self.place.clone(), reason })
    }

    fn begin_chain(&mut self, whole: bool) {
        self.whole = whole;
    }

    fn prepare(&mut self, epoch: u64) -> Result<Prepared, SinkError> {
        self.check()?;
        telemetry::failpoint!("outbox-before-prepare");
        Ok(self.desk.prepare(epoch, std::mem::take(&mut self.rows), self.whole))
    }

    fn commit(&mut self, epoch: u64, _prepared: &[u8]) -> Result<(), SinkError> {
        // Before, not after: what comes of this epoch is then told by the next call, however fast its system is.
        self.check()?;
        self.desk.commit(epoch);
        Ok(())
    }

    fn state(&self) -> SinkState {
        self.desk.state(self.backlog_bytes_max)
    }

    fn finish(&mut self, wait: Duration) -> Result<bool, SinkError> {
        let done = self.desk.wait_until_empty(wait);
        self.check()?;
        Ok(done)
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.desk.stop();
    }
}
