//! Sinks: where rows go. One file per outside system; this page holds the contract.
//!
//! ```text
//! start:   recover(what the checkpoint holds for it, or nothing)
//! flow:    accept(closed windows)*
//! epoch:   prepare(n) ─▶ bytes into the checkpoint ─▶ commit(n), which may be repeated and then changes nothing
//! ```
//!
//! Two kinds keep that contract. Files are written aside and renamed. Databases and topics are a [`outbox::Destination`] behind an
//! [`outbox::Outbox`]: an epoch's rows travel in the checkpoint until their system has taken them with the epoch's number in one
//! transaction, so a system that is away holds up nothing but its own rows.

mod cells;
pub mod dead_letters;
mod folders;
mod instant;
pub mod json_files;
pub mod kafka;
pub mod outbox;
pub mod postgres;
pub mod redis;
pub mod row;
#[cfg(test)]
mod test_rows;
mod wire;

use arrow_schema::ArrowError;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use weir_core::plugin::Output;
use weir_core::results::Closed;
use weir_core::types::Field;

/// A moment (microseconds since the epoch) as rows have it: `2020-09-18T10:55:00.000Z`.
pub fn timestamp_text(us: i64) -> String {
    let mut text = Vec::new();
    instant::push_micros(&mut text, us);
    String::from_utf8_lossy(&text).into_owned()
}

/// What a sink knows of a KPI whose rows it takes.
#[derive(Debug, Clone)]
pub struct KpiSchema {
    /// The KPI's name in the pipeline file.
    pub name: String,
    /// Its place in the pipeline file: `Closed::kpi`.
    pub kpi: usize,
    /// The group key's columns, in order.
    pub keys: Vec<Field>,
    /// The outputs to write, in order, each with its place in `ResultTable::columns`.
    pub outputs: Vec<(usize, Output)>,
}

/// Whose rows these are: what tells a run from another one of the same pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The pipeline's name.
    pub pipeline: String,
    /// Where the pipeline's life began: made with its checkpoint folder, or by each run that keeps no checkpoint. Generations and
    /// epochs of different lineages can't be compared.
    pub lineage: String,
    /// Rises with each run of a lineage; a run of a higher generation has fenced those of lower ones.
    pub generation: u64,
}

/// What a sink goes on from.
#[derive(Debug, Clone)]
pub struct Resume<'a> {
    /// Who goes on.
    pub claim: Claim,
    /// The checkpoint's epoch; 0 on a first start.
    pub epoch: u64,
    /// What the sink had put into the checkpoint; `None` where it has nothing of this sink.
    pub prepared: Option<&'a [u8]>,
    /// Windows that start before this, microseconds, do not come again; `i64::MIN` where that is not known.
    pub open_from_us: i64,
}

/// What a sink puts into a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prepared {
    /// For its own `commit` and `recover`.
    pub bytes: Vec<u8>,
    /// Bytes of rows in it that nobody may see yet and that are nowhere else: the sink can't be left out of the next run.
    pub undelivered: u64,
}

/// How a sink is, for people and for whoever feeds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SinkState {
    /// Why its system does not take rows now, if so.
    pub waiting: Option<String>,
    /// Bytes of rows that wait for it.
    pub undelivered_bytes: u64,
    /// Bytes of rows that its system has taken, and may still lose.
    pub at_risk_bytes: u64,
    /// It holds as much as it may: what comes next has to wait.
    pub full: bool,
    /// The last epoch that its system is known to hold.
    pub epoch: Option<u64>,
}

/// A sink.
///
/// # Contract
/// * `recover` comes first and once. It shuts out older runs of the pipeline, makes everything visible that the checkpoint had
///   prepared, and tells the highest epoch that its system knows. The run's epochs are above it, also where the checkpoint is older
///   (the newest was unreadable): what comes again then is the same windows with the same bytes, cut into other epochs.
/// * `accept` gets each published window whole; a window that comes again with a higher revision replaces the one before, one that
///   comes with a lower one changes nothing. KPIs that the sink does not take are not passed.
/// * `prepare` makes all that was accepted durable, aside, or puts it into the bytes: nobody sees it yet. They go into the checkpoint.
/// * `commit` makes it visible. It may be called again after a crash with the same bytes, and then changes nothing. It does not
///   wait for a system that is away: the sink goes on trying, tells so in `state`, and prepares the rows again with each epoch.
/// * Once a newer run has fenced this one, everything fails with `Fenced`, and nothing more becomes visible.
/// * Bytes and names depend on the rows alone, not on the attempt.
pub trait Sink: Send {
    /// Takes up where the checkpoint left off; the highest epoch that the sink's system knows of this lineage, if it keeps it.
    fn recover(&mut self, from: &Resume<'_>) -> Result<Option<u64>, SinkError>;
    /// Takes closed windows of one KPI.
    fn accept(&mut self, closed: &Closed) -> Result<(), SinkError>;
    /// Windows that end at or before this (microseconds) will not come again.
    fn settle(&mut self, before_us: i64);
    /// What `recover` is given, of what the sink put into the records of a chain, the base's first: the last, unless the sink tells in
    /// each what came new since the one before.
    fn join(&self, parts: &[Vec<u8>]) -> Result<Vec<u8>, SinkError> {
        Ok(parts.last().cloned().unwrap_or_default())
    }
    /// The next epoch is a base: what it puts into it must not rest on earlier records. Said before `prepare`; a sink that is never
    /// told makes every part whole.
    fn begin_chain(&mut self, _whole: bool) {}
    /// Makes everything accepted durable for this epoch.
    fn prepare(&mut self, epoch: u64) -> Result<Prepared, SinkError>;
    /// Makes visible what was prepared up to this epoch; `prepared` is what `prepare` gave for it.
    fn commit(&mut self, epoch: u64, prepared: &[u8]) -> Result<(), SinkError>;
    /// How it is.
    fn state(&self) -> SinkState {
        SinkState::default()
    }
    /// Waits at most this long until all that was committed is visible; whether it is.
    fn finish(&mut self, _wait: Duration) -> Result<bool, SinkError> {
        Ok(true)
    }
    /// Refuses what a checkpoint holds of it where that is of other settings. Asked before anybody is shut out; changes nothing.
    fn fits(&self, _prepared: &[u8]) -> Result<(), SinkError> {
        Ok(())
    }
    /// Reaches its system, which is given some time unless it is `stopped`, and refuses what can't go well: a wrong password, a topic that
    /// is not there. Asked before anybody is shut out; changes nothing.
    fn reach(&mut self, _stopped: &dyn Fn() -> bool) -> Result<(), SinkError> {
        Ok(())
    }
    /// Whether its state belongs to its place and not to its name: one that has got another name goes on there.
    fn known_by_place(&self) -> bool {
        false
    }
    /// The run ends, and everything is visible: nothing need stay behind that only this run has use for.
    fn leave(&mut self) {}
    /// Where the rows are, for people; names no secret.
    fn place(&self) -> String;
}

/// Why a sink can't go on.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The outside system failed; the message names the place.
    #[error("{place}: {source}")]
    Io {
        /// The file, table or key.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// What a checkpoint holds for this sink can't be read.
    #[error("the checkpoint's part for {place} can't be read: {reason}")]
    Recover {
        /// The sink.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer run of the pipeline has taken the sink over.
    #[error("{place}: a newer run of this pipeline has taken over ({reason}); nothing more is published by this one")]
    Fenced {
        /// The sink.
        place: String,
        /// How that shows.
        reason: String,
    },
    /// The outside system refuses, and trying again will not help; the message says what to do.
    #[error("{place}: {reason}")]
    Refused {
        /// The sink.
        place: String,
        /// What it said.
        reason: String,
    },
    /// Rows that can't be written: ours.
    #[error("rows of KPI `{kpi}` can't be written: {source}")]
    Rows {
        /// The KPI's name.
        kpi: Arc<str>,
        /// What Arrow said.
        source: ArrowError,
    },
}
