//! Checkpoints: records by epoch, written so that they are there whole or not at all. Knows no meanings.
//!
//! A record stands alone (a *base*) or builds on the one before it, so that it costs what changed; a base and what builds on it is a
//! *chain*. `columns` turns Arrow columns into bytes and back, for states; what stands beside them is the pipeline's.

pub mod columns;
pub mod folder;

use std::io;
use thiserror::Error;

/// What was saved last: the records of a chain, its base first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The epoch of the last record.
    pub epoch: u64,
    /// Each record's bytes, as they were written.
    pub records: Vec<Vec<u8>>,
}

/// A place for checkpoints, claimed by this run.
///
/// # Contract
/// * Epochs rise: one that is not above every epoch that was ever written is refused, because it would not be found again.
/// * When `write` returns, the record is durable; when it fails or the machine does, the records before are still there.
/// * `latest` gives back the chain of the highest epoch whose records are all whole; of a newer one that is not, it warns. None at
///   all is `Ok(None)`; some, but no whole chain, is an error, because a silent start from the beginning would count everything twice.
/// * The two last chains are kept.
/// * Opening a place claims it: from then on a run that had claimed it before can write nothing, and is told `Fenced`.
pub trait Store: Send {
    /// Saves the record of an epoch; `builds_on`: the epoch of the record before it, `None` for a base.
    fn write(&mut self, epoch: u64, builds_on: Option<u64>, bytes: &[u8]) -> Result<(), CheckpointError>;
    /// The latest whole chain.
    fn latest(&mut self) -> Result<Option<Saved>, CheckpointError>;
    /// The highest epoch that anything was written for, whole or not; 0: none.
    fn highest(&self) -> u64;
    /// Fails with `Fenced` once a newer run has claimed the place.
    fn check(&self) -> Result<(), CheckpointError>;
    /// The life that the place belongs to; made with it.
    fn lineage(&self) -> &str;
    /// The number of this claim; rises with each.
    fn generation(&self) -> u64;
}

/// Why a checkpoint can't be kept or read.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The outside system failed; the message names the place.
    #[error("{place}: {source}")]
    Io {
        /// The file or folder.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// A newer run has claimed the place.
    #[error(
        "a newer run of this pipeline has taken over the checkpoints in {place} (this one has generation {generation}): \
         this one stops, and publishes nothing more"
    )]
    Fenced {
        /// The folder.
        place: String,
        /// This run's.
        generation: u64,
    },
    /// Checkpoints of an earlier layout.
    #[error(
        "{place} holds checkpoints of an earlier version of weir: finish the run with that version, or set another [checkpoint] path"
    )]
    OldLayout {
        /// The folder.
        place: String,
    },
    /// Two claims hold records, which no run leaves: a backup was copied over.
    #[error(
        "{place} holds records in {folders}: a backup was copied into it. Keep the folder that is to count, and move the other away"
    )]
    TwoGenerations {
        /// The folder.
        place: String,
        /// Their names.
        folders: String,
    },
    /// There are checkpoints, but none is whole.
    #[error(
        "no checkpoint in {place} can be read ({reasons}): restore the folder from a backup, or move it away to begin from the start"
    )]
    NoneWhole {
        /// The folder.
        place: String,
        /// Each file and what is wrong with it.
        reasons: String,
    },
    /// An epoch that is not above the last: ours.
    #[error("epoch {epoch} is not above epoch {last}, the last that {place} holds")]
    NotRising {
        /// The folder.
        place: String,
        /// The epoch to write.
        epoch: u64,
        /// The last one.
        last: u64,
    },
    /// Columns can't be written or read.
    #[error("columns of a checkpoint: {reason}")]
    Columns {
        /// What is wrong with them.
        reason: String,
    },
}
