//! What has to hold of a disk, whenever and however often it crashed.
//!
//! * The latest checkpoint is one that was written, and not older than any whose writing returned, or that a run went on from.
//! * Each published file is, byte for byte, what it was at a checkpoint: none older than the last commit that returned, none newer than
//!   the latest checkpoint. So nothing is seen before its checkpoint, no window in part, and nothing committed is ever gone.
//! * After `recover`, and after a commit, the files are those of the checkpoint, if the disk is not away.

use super::history::{Files, History, published};
use crate::checkpoint::Saved;
use crate::checkpoint::folder::FolderStore;
use crate::storage::Storage;
use crate::storage::forgetful::Forgetful;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

pub(super) const CHECKPOINTS: &str = "ckpt";

/// What is known of a disk, whichever run did it. Positions are numbers of steps.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Of all checkpoints that somebody began to write.
    pub begun: BTreeSet<usize>,
    /// The latest checkpoint is at least this one's.
    pub recorded: usize,
    /// All up to here is published.
    pub committed: usize,
    /// The newest that was claimed.
    pub generation: u64,
}

/// What a run puts into a checkpoint: how far it came in the history, and what its sink has prepared.
pub(super) fn record(position: usize, prepared: &[u8]) -> Vec<u8> {
    [&(position as u64).to_le_bytes(), prepared].concat()
}

/// The last record of a chain.
pub(super) fn taken_apart(saved: &Saved) -> (usize, &[u8]) {
    let (position, prepared) = saved.records.last().unwrap().split_at(8);
    (u64::from_le_bytes(position.try_into().unwrap()) as usize, prepared)
}

impl Facts {
    /// Of the checkpoint that a run was told.
    pub fn check_latest(&self, position: usize) {
        assert!(position >= self.recorded, "the latest checkpoint is of step {position}, not {}", self.recorded);
        assert!(position == 0 || self.begun.contains(&position), "nobody wrote a checkpoint at step {position}");
    }

    /// Of a disk that no run is at work on.
    pub fn check(&self, disk: &Forgetful, history: &History) {
        let storage: Arc<dyn Storage> = Arc::new(disk.process());
        let looked = FolderStore::look(&storage, Path::new(CHECKPOINTS)).expect("the checkpoints can be read");
        let latest = looked.and_then(|(_, saved)| saved).map_or(0, |saved| taken_apart(&saved).0);
        self.check_latest(latest);
        assert!(self.committed <= latest, "step {} is published, the checkpoint is of step {latest}", self.committed);
        let between = self.begun.range(self.committed..=latest).chain([&self.committed]);
        let at: Vec<&Files> = between.map(|position| &history.files[*position]).collect();
        let files = published(disk);
        for name in files.keys().chain(at.iter().flat_map(|files| files.keys())) {
            let (is, steps) = (files.get(name), self.committed..=latest);
            assert!(
                at.iter().any(|files| files.get(name) == is),
                "{name} is of no checkpoint of {steps:?}: {}",
                text(is)
            );
        }
    }

    /// Of a disk whose runs have published everything up to this step.
    pub fn check_committed(&mut self, position: usize, disk: &Forgetful, history: &History) {
        let shown =
            |files: &Files| files.iter().map(|(name, bytes)| format!("{name}:\n{}", text(Some(bytes)))).collect();
        let (is, then): (String, String) = (shown(&published(disk)), shown(&history.files[position]));
        assert!(is == then, "the files are not those of step {position}; there is\n{is}\nand was to be\n{then}");
        self.committed = self.committed.max(position);
    }
}

fn text(bytes: Option<&Vec<u8>>) -> String {
    bytes.map_or_else(|| "not there".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}
