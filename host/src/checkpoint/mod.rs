//! Checkpoints: bytes by epoch, written so that they are there whole or not at all. Knows no meanings.
//!
//! `columns` turns Arrow columns into such bytes and back, for states; what stands beside them is the pipeline's.

pub mod columns;
pub mod folder;

use std::io;
use thiserror::Error;

/// What was saved last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its epoch.
    pub epoch: u64,
    /// Its bytes, as they were written.
    pub bytes: Vec<u8>,
}

/// A place for checkpoints.
///
/// # Contract
/// * Epochs rise: one that is not above the last is refused, because it would not be found again.
/// * When `write` returns, the bytes are durable; when it fails or the machine does, the checkpoint before is still there.
/// * `latest` gives back the bytes of the highest epoch that are whole. None at all is `Ok(None)`; some, but none whole,
///   is an error, because a silent start from the beginning would count everything twice.
/// * One process at a time.
pub trait Store: Send {
    /// Saves the bytes of an epoch.
    fn write(&self, epoch: u64, bytes: &[u8]) -> Result<(), CheckpointError>;
    /// The latest whole checkpoint.
    fn latest(&self) -> Result<Option<Saved>, CheckpointError>;
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
    /// Another process writes here.
    #[error("checkpoints in {place} are in use by {holder}: stop it, or give this run another `[checkpoint] path`")]
    InUse {
        /// The folder.
        place: String,
        /// `process 123`, or `another process`.
        holder: String,
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
