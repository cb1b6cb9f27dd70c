//! Checkpoints as files of a folder.
//!
//! ```text
//! <folder>/lineage                        who these checkpoints belong to: a random name, made once
//! <folder>/generation-<g>/epoch-<n>.ckpt  the records; g rises with each claim, and is at least the time of it
//!
//! record: magic and version (8) │ epoch (8) │ epoch it builds on, 0 none (8) │ length (8) │ SHA-256 of all else (32) │ bytes
//! ```
//! Numbers are little-endian. A record is written aside, renamed, and its folder synced.
//!
//! **Fencing.** Opening renames `generation-<g>` to a higher number, which one of several claimants can do. A run that had claimed
//! it before finds its folder gone: nothing of `Storage` makes folders on its way, so it can neither write nor rename there, whatever
//! it was doing, on this machine or another. What it had renamed into place before is found by the newer run, and is a valid record.

mod claim;
mod record;
#[cfg(test)]
mod tests;

use super::{CheckpointError, Saved, Store};
use crate::storage::Storage;
use crate::telemetry::failpoint;
pub use claim::Claim;
use record::Record;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SUFFIX: &str = ".ckpt";
const ASIDE_SUFFIX: &str = ".ckpt.aside";

/// Checkpoints in a folder.
#[derive(Debug)]
pub struct FolderStore {
    storage: Arc<dyn Storage>,
    claim: Claim,
    /// Epochs of bases from the second last on, rising.
    bases: Vec<u64>,
    highest: u64,
    /// Whether `latest` has said on what a record may build.
    looked: bool,
}

impl FolderStore {
    /// Claims the folder, makes it if it is not there, and removes what a crash left aside. The generation is above the one before, and
    /// at least `floor`: with the time as floor a folder that was restored from a backup is not taken for an older run's by whoever has
    /// met the runs since.
    pub fn open(storage: Arc<dyn Storage>, path: &Path, floor: u64) -> Result<Self, CheckpointError> {
        let claim = claim::claim(storage.as_ref(), path, floor)?;
        failpoint!("checkpoint-claimed");
        let mut store = Self { storage, claim, bases: Vec::new(), highest: 0, looked: false };
        for name in store.names()?.iter().filter(|name| name.ends_with(ASIDE_SUFFIX)) {
            store.remove(name)?;
        }
        // The run before may have died between renaming a record and syncing: what `latest` gives is built upon, and has to stay.
        store.sync()?;
        store.highest = store.epochs()?.last().copied().unwrap_or(0);
        Ok(store)
    }

    /// What a folder holds, for people: claims nothing and changes nothing. `None`: no checkpoint was ever there.
    pub fn look(storage: &Arc<dyn Storage>, path: &Path) -> Result<Option<(Claim, Option<Saved>)>, CheckpointError> {
        let Some(claim) = claim::look(storage.as_ref(), path)? else { return Ok(None) };
        let storage = Arc::clone(storage);
        let mut store = Self { storage, claim: claim.clone(), bases: Vec::new(), highest: 0, looked: false };
        Ok(Some((claim, store.latest()?)))
    }

    fn replace(&self, epoch: u64, bytes: &[u8]) -> Result<(), CheckpointError> {
        let (path, aside) = (self.path(&name(epoch)), self.path(&format!("epoch-{epoch}{ASIDE_SUFFIX}")));
        failpoint!("checkpoint-before-write");
        self.storage.write(&aside, bytes).map_err(|source| self.failed(&aside, source))?;
        failpoint!("checkpoint-before-rename");
        self.storage.replace(&aside, &path).map_err(|source| self.failed(&path, source))?;
        failpoint!("checkpoint-before-sync");
        self.sync()?;
        failpoint!("checkpoint-written");
        Ok(())
    }

    /// Makes names that changed in the generation's folder durable.
    fn sync(&self) -> Result<(), CheckpointError> {
        let folder = &self.claim.folder;
        self.storage.sync_folder(folder).map_err(|source| self.failed(folder, source))
    }

    /// Keeps the two last chains. What can't be removed is only in the way.
    fn tidy(&self) {
        let [first, ..] = self.bases.as_slice() else { return };
        for old in self.epochs().unwrap_or_default().into_iter().filter(|old| old < first) {
            if let Err(error) = self.remove(&name(old)) {
                tracing::warn!(%error, "an old checkpoint can't be removed");
                return;
            }
        }
    }

    /// Epochs that the folder has files of, rising.
    fn epochs(&self) -> Result<Vec<u64>, CheckpointError> {
        let mut epochs: Vec<u64> = self.names()?.iter().filter_map(|name| epoch_of(name)).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    fn names(&self) -> Result<Vec<String>, CheckpointError> {
        let entries =
            self.storage.list(&self.claim.folder).map_err(|source| self.failed(&self.claim.folder, source))?;
        Ok(entries.into_iter().filter(|entry| !entry.folder).map(|entry| entry.name).collect())
    }

    fn remove(&self, name: &str) -> Result<(), CheckpointError> {
        let path = self.path(name);
        self.storage.remove(&path).map_err(|source| self.failed(&path, source))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.claim.folder.join(name)
    }

    /// A folder that is gone is another run's.
    fn failed(&self, path: &Path, source: io::Error) -> CheckpointError {
        if source.kind() == ErrorKind::NotFound && matches!(self.check(), Err(CheckpointError::Fenced { .. })) {
            return self.fenced();
        }
        CheckpointError::Io { place: self.storage.place(path), source }
    }

    fn fenced(&self) -> CheckpointError {
        CheckpointError::Fenced { place: self.storage.place(&self.claim.path), generation: self.claim.generation }
    }

    /// The records of the chain that ends at this epoch, last first; or what is wrong, and with which.
    fn chain(&self, epoch: u64, known: &mut Records) -> Result<Result<Vec<u64>, String>, CheckpointError> {
        let mut chain = Vec::new();
        let mut next = Some(epoch);
        while let Some(epoch) = next {
            let record = match known.entry(epoch) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(free) => free.insert(self.read(epoch)?),
            };
            match record {
                Ok(record) => {
                    chain.push(epoch);
                    next = record.builds_on;
                }
                Err(reason) => return Ok(Err(format!("{}: {reason}", name(epoch)))),
            }
        }
        Ok(Ok(chain))
    }

    fn read(&self, epoch: u64) -> Result<Result<Record, &'static str>, CheckpointError> {
        let path = self.path(&name(epoch));
        match self.storage.read(&path) {
            Ok(file) => Ok(Record::decode(epoch, file)),
            // A record is missing, or a newer run has taken all of them: the one is for people to mend, the other is not.
            Err(source) if source.kind() == ErrorKind::NotFound => self.check().map(|()| Err("it is not there")),
            Err(source) => Err(self.failed(&path, source)),
        }
    }
}

/// Records that were read, by epoch.
type Records = BTreeMap<u64, Result<Record, &'static str>>;

impl Store for FolderStore {
    fn write(&mut self, epoch: u64, builds_on: Option<u64>, bytes: &[u8]) -> Result<(), CheckpointError> {
        if !self.looked {
            self.latest()?;
        }
        if epoch <= self.highest {
            let place = self.storage.place(&self.claim.path);
            return Err(CheckpointError::NotRising { place, epoch, last: self.highest });
        }
        self.replace(epoch, &record::encode(epoch, builds_on, bytes))?;
        self.highest = epoch;
        if builds_on.is_none() {
            self.bases.push(epoch);
            let past = self.bases.len().saturating_sub(2);
            self.bases.drain(..past);
            failpoint!("checkpoint-before-tidy");
            self.tidy();
        }
        Ok(())
    }

    fn latest(&mut self) -> Result<Option<Saved>, CheckpointError> {
        let (epochs, mut known) = (self.epochs()?, Records::new());
        let mut reasons = Vec::new();
        for epoch in epochs.iter().rev() {
            match self.chain(*epoch, &mut known)? {
                Ok(chain) => {
                    self.bases = chain.last().copied().into_iter().collect();
                    self.looked = true;
                    let mut record = |epoch: &u64| known.remove(epoch).and_then(Result::ok).map(|record| record.bytes);
                    let records = chain.iter().rev().filter_map(&mut record).collect();
                    return Ok(Some(Saved { epoch: *epoch, records }));
                }
                Err(reason) => {
                    let place = self.storage.place(&self.claim.folder);
                    tracing::warn!(place, epoch, reason, "a checkpoint can't be read; taking the one before");
                    reasons.push(reason);
                }
            }
        }
        if reasons.is_empty() {
            self.looked = true;
            return Ok(None);
        }
        reasons.dedup();
        Err(CheckpointError::NoneWhole { place: self.storage.place(&self.claim.folder), reasons: reasons.join("; ") })
    }

    fn highest(&self) -> u64 {
        self.highest
    }

    fn check(&self) -> Result<(), CheckpointError> {
        match self.storage.list(&self.claim.folder) {
            Err(source) if source.kind() == ErrorKind::NotFound => Err(self.fenced()),
            // Away is not fenced; writing will tell.
            _ => Ok(()),
        }
    }

    fn lineage(&self) -> &str {
        &self.claim.lineage
    }

    fn generation(&self) -> u64 {
        self.claim.generation
    }
}

fn name(epoch: u64) -> String {
    format!("epoch-{epoch}{SUFFIX}")
}

fn epoch_of(file_name: &str) -> Option<u64> {
    let epoch = file_name.strip_prefix("epoch-")?.strip_suffix(SUFFIX)?.parse().ok()?;
    // `epoch-007.ckpt` is none of ours.
    (name(epoch) == file_name).then_some(epoch)
}
