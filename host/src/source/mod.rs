//! Sources: where records come from. One file per outside system; this page holds the contract.
//!
//! ```text
//! Source ── partitions() ──▶ the pipeline spreads them over workers ── open(assigned) ──▶ one Reader a worker
//! Reader ── next(max_records, wait) ──▶ Block | CaughtUp | Ended | Nothing
//! ```
//!
//! A source knows bytes, offsets and arrival times; it knows no schema and no event time.

pub mod file;
pub mod generator;
pub mod kafka;
mod pace;
mod turns;

use std::time::Duration;
use thiserror::Error;
use weir_core::block::Block;

/// The host's clock: microseconds since the Unix epoch. Given to a source, so that tests can fix it.
pub type Clock = fn() -> i64;

/// A source that has looked at its system: it knows its partitions.
pub trait Source: Send + Sync {
    /// The partitions, in an order that is the same over restarts while the source is the same. A partition's `u32` elsewhere
    /// is its place here.
    fn partitions(&self) -> &[Partition];

    /// Whether a partition that has ended may bring more in a later run: a topic does, a file is what it is.
    fn grows(&self) -> bool {
        false
    }

    /// An epoch is complete: everything before these offsets (the partition's place, the next offset) is counted for good. A source may tell
    /// its system, for people who look there; nobody reads it back. Does not wait, and never fails: what can't be told is logged.
    fn confirm(&self, _offsets: &[(u32, i64)]) {}

    /// Opens a reader for some partitions, to be used by one thread.
    fn open(&self, assigned: &[Assignment]) -> Result<Box<dyn Reader>, SourceError>;
}

/// A partition as people know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Kafka: the topic. Files: the path. Generator: `generator`.
    pub name: String,
    /// Kafka: the partition's id. Others: the place in the list.
    pub id: i32,
    /// How many records lie before the end, where the source can say so cheaply at start (bounded Kafka runs); for progress.
    pub records: Option<u64>,
    /// The offset at which a first run begins, as resolved now (`latest`, a timestamp); `None`: the oldest record. A checkpoint
    /// keeps it for a partition that has brought nothing yet, so that what comes while we are away is not skipped.
    pub begin: Option<i64>,
    /// The end at connecting: the offset of the next record that will come, where the source can say so.
    pub end: Option<i64>,
    /// How many bytes lie before the end, where the source can say so (files); for progress.
    pub bytes: Option<u64>,
    /// What its system calls that which now bears its name, where names are given anew (Kafka: the topic's id). Offsets of another one mean
    /// other records.
    pub identity: Option<String>,
}

/// A partition and where to begin in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// Its place in `Source::partitions`.
    pub partition: u32,
    /// The offset to begin at, from a checkpoint ([`OLDEST`]: the oldest record that is kept); `None`: the configured start.
    pub offset: Option<i64>,
    /// What [`Reader::epoch`] said when the checkpoint was made.
    pub epoch: Option<i32>,
}

/// Begin at the oldest record that is kept, wherever that is now: for a partition that a checkpoint does not know yet.
pub const OLDEST: i64 = i64::MIN;

/// Reads some partitions for one worker.
///
/// # Contract
/// * A block holds records of one partition, offsets rising over all blocks of that partition; nothing is left out or comes twice, unless
///   [`ReadEvent::Lost`] tells so.
/// * `next` fills a block with what is there, up to `max_records`, and waits at most `wait` when there is nothing; it never
///   waits for a block to become full.
/// * Partitions get turns: a full one does not starve the others.
/// * Memory is bounded by a setting, not by the stream.
/// * Passing troubles (a broker away, a leader moved) are retried inside, with a log line; `Err` is final.
pub trait Reader: Send {
    /// The next thing that happened.
    fn next(&mut self, max_records: usize, wait: Duration) -> Result<ReadEvent, SourceError>;

    /// Whether the partition is, as its system says now, read to its end. Asked before a partition is called idle; may take a
    /// round trip. False where the system can't be reached: a partition that can't be reached is not idle.
    fn confirm_caught_up(&mut self, partition: u32) -> bool;

    /// Under which leader the last record that was handed over was written (Kafka's leader epoch), where the source knows: by it a later run
    /// sees whether the log was cut back behind what was read.
    fn epoch(&self, _partition: u32) -> Option<i32> {
        None
    }

    /// Progress in bytes of a partition, where `Partition::bytes` was given.
    fn bytes_read(&self, _partition: u32) -> u64 {
        0
    }
}

/// What a reader brings.
#[derive(Debug)]
pub enum ReadEvent {
    /// Records of one partition.
    Block(Block),
    /// The partition has been read to its end, for now.
    CaughtUp {
        /// Its place in `Source::partitions`.
        partition: u32,
    },
    /// Offsets that were to be read are gone, and the settings say to go on: to be told. It comes before the first block from `next` on,
    /// which may lie before what was brought last, where the log was cut back and new records get the offsets of those that are gone.
    Lost {
        /// Its place in `Source::partitions`.
        partition: u32,
        /// The first offset that is gone.
        from: i64,
        /// The offset after the last one that is gone.
        until: i64,
        /// The offset to go on at.
        next: i64,
    },
    /// The partition is bounded and has brought its last record; said once.
    Ended {
        /// Its place in `Source::partitions`.
        partition: u32,
    },
    /// Nothing within the wait. When every partition has ended, at once.
    Nothing,
}

/// Why a source can't go on.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The settings don't fit what is there: the operator.
    #[error("{0}")]
    Setting(String),
    /// The outside system failed for good; trying again later may help.
    #[error("{0}")]
    Outside(String),
    /// Data that was to be read is gone or broken: the operator decides.
    #[error("{0}")]
    Lost(String),
}
