//! The folder in which one run sets files of one KPI aside, and how a newer run shuts an older one out.
//!
//! ```text
//! out/sales/.aside-retail.<lineage>.7/   of the run of generation 7: 7-12.2020-09-18T10-50-00Z.json, …
//! out/sales/.gone-retail.<lineage>.6/    of an older run, shut out; to be removed
//! ```
//!
//! # Why an older run can publish nothing
//! 1. All that a run changes of the published files is a rename out of its folder or into it: a file is set aside there, and publishing
//!    renames it from there; a file that is to go is first renamed into it. Each of these finds nothing once the folder has another
//!    name, because no write and no rename makes folders.
//! 2. A run makes its folder (or gives the one before its own name) only when it begins, looks for newer runs only after that, and then
//!    ends if there is one. A newer run renames folders of older ones away only once its own stands. So of two runs that begin at once
//!    either the newer finds the older one's folder, or the older finds the newer one's and ends; and nobody makes the folder again.
//! 3. A newer run reads published files only after this. What it reads is then changed by itself alone.
//!
//! What an older run still has in the air is whole before, or finds nothing after. Bytes that it still writes into a file that it had
//! open end in a file whose name has its generation, that no checkpoint names, and that is removed as a leftover. Generations compare
//! within a lineage. A folder of another lineage is of an earlier life of the pipeline, or of a run that began anew, if it has the
//! pipeline's name, and is shut out as well; one of another pipeline is let be.

use super::super::folders::failed;
use super::super::{Claim, SinkError};
use crate::storage::Storage;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Other runs that may be faster in taking over, one after the other, before this one gives up.
const RACES_MAX: usize = 100;

const ASIDE: &str = ".aside-";
const GONE: &str = ".gone-";

/// The folder of a run.
#[derive(Debug)]
pub(super) struct Asides {
    storage: Arc<dyn Storage>,
    /// The KPI's folder.
    home: PathBuf,
    run: Claim,
}

/// What the runs that are to be shut out have in common with this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// The lineage: they are older.
    Older,
    /// The pipeline's name.
    OfPipeline,
}

impl Asides {
    /// Touches nothing.
    pub(super) fn new(storage: Arc<dyn Storage>, home: PathBuf, run: Claim) -> Result<Self, SinkError> {
        if name_of(ASIDE, &run).is_some_and(|name| parse(ASIDE, &name).as_ref() == Some(&run)) {
            return Ok(Self { storage, home, run });
        }
        let reason = format!("pipeline `{}`, lineage `{}` can't be the name of a folder", run.pipeline, run.lineage);
        Err(failed(&home, io::Error::new(ErrorKind::InvalidInput, reason)))
    }

    /// Whether older runs of the lineage have a folder.
    pub(super) fn has_older(&self) -> Result<bool, SinkError> {
        Ok(self.runs()?.iter().any(|run| self.is_older(run)))
    }

    /// Makes the folder, or takes over that of the run before with all that is in it, and shuts the others out.
    pub(super) fn take_over(&self, others: Others) -> Result<(), SinkError> {
        self.make_own()?;
        // Only now: see the header.
        let runs = self.runs()?;
        self.check_newest(&runs)?;
        for run in runs.iter().filter(|run| **run != self.run && run.pipeline == self.run.pipeline) {
            if self.is_older(run) || others == Others::OfPipeline {
                self.shut_out(run)?;
            }
        }
        if let Some(other) = runs.iter().find(|run| run.pipeline != self.run.pipeline) {
            tracing::warn!(
                folder = self.storage.place(&self.home),
                pipeline = other.pipeline,
                "another pipeline has set files aside here"
            );
        }
        Ok(())
    }

    /// Tells whether the folder is still there.
    pub(super) fn check(&self) -> Result<(), SinkError> {
        match self.storage.list(&self.path()) {
            Ok(_) => Ok(()),
            Err(source) => Err(self.lost(&self.path(), source)),
        }
    }

    /// What an error in using the folder means: where something is not there, why.
    pub(super) fn lost(&self, path: &Path, source: io::Error) -> SinkError {
        if source.kind() != ErrorKind::NotFound {
            return self.failed(path, source);
        }
        match self.runs() {
            Err(SinkError::Io { source: look, .. }) if look.kind() == ErrorKind::NotFound => self.failed(path, source),
            Err(error) => error,
            Ok(runs) if runs.contains(&self.run) => self.failed(path, source),
            Ok(runs) => match runs.iter().find(|run| run.pipeline == self.run.pipeline) {
                Some(other) => self.fenced(other),
                None => self.shut_out_by_one_that_is_gone(),
            },
        }
    }

    /// Removes everything in the folder: what attempts that did not reach a checkpoint left behind.
    pub(super) fn remove_leftovers(&self) -> Result<(), SinkError> {
        let path = self.path();
        for entry in self.storage.list(&path).map_err(|source| self.lost(&path, source))? {
            let leftover = path.join(&entry.name);
            let removed =
                if entry.folder { self.storage.remove_folder(&leftover) } else { self.storage.remove(&leftover) };
            removed.map_err(|source| self.failed(&leftover, source))?;
        }
        // What the run before removed from the published files may have come here without a sync.
        self.sync()
    }

    /// The run ends: removes the folder if nothing is in it. What can't be removed is only in the way.
    pub(super) fn leave(&self) {
        let path = self.path();
        let is_empty = self.storage.list(&path).is_ok_and(|entries| entries.is_empty());
        // Where a run failed amid publishing, a power cut may undo its renames: without the folder to go back to, the file would be nowhere.
        if is_empty && self.sync_home().is_ok() {
            let _ = self.storage.remove_folder(&path);
        }
    }

    /// Makes names that changed in the folder durable.
    pub(super) fn sync(&self) -> Result<(), SinkError> {
        self.storage.sync_folder(&self.path()).map_err(|source| self.lost(&self.path(), source))
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder(ASIDE, &self.run)
    }

    fn make_own(&self) -> Result<(), SinkError> {
        let own = self.path();
        for _ in 0..RACES_MAX {
            let runs = self.runs()?;
            self.check_newest(&runs)?;
            if runs.contains(&self.run) {
                return Ok(());
            }
            let before = runs.iter().filter(|run| self.is_older(run)).max_by_key(|run| run.generation);
            let Some(before) = before else {
                return self.storage.create_folders(&own).map_err(|source| self.failed(&own, source));
            };
            match self.storage.rename_new(&self.folder(ASIDE, before), &own) {
                Ok(()) => return self.sync_home(),
                // Another run was faster.
                Err(source) if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {}
                Err(source) => return Err(self.failed(&own, source)),
            }
        }
        Err(self.failed(&own, io::Error::other("too many runs take over at once")))
    }

    /// Renames the folder away before it is removed: removing takes many steps, the run's end but one.
    fn shut_out(&self, run: &Claim) -> Result<(), SinkError> {
        let (from, gone) = (self.folder(ASIDE, run), self.folder(GONE, run));
        let mut renamed = self.storage.rename_new(&from, &gone);
        if matches!(&renamed, Err(source) if source.kind() == ErrorKind::AlreadyExists) {
            self.storage.remove_folder(&gone).map_err(|source| self.failed(&gone, source))?;
            renamed = self.storage.rename_new(&from, &gone);
        }
        match renamed {
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(self.failed(&from, source)),
            _ => self.sync_home()?,
        }
        self.storage.remove_folder(&gone).map_err(|source| self.failed(&gone, source))
    }

    /// The runs that have a folder here. What earlier ones could not remove to the end goes on the way.
    fn runs(&self) -> Result<Vec<Claim>, SinkError> {
        let entries = self.storage.list(&self.home).map_err(|source| self.failed(&self.home, source))?;
        let folders: Vec<_> = entries.into_iter().filter(|entry| entry.folder).collect();
        for gone in folders.iter().filter_map(|entry| parse(GONE, &entry.name)) {
            if gone.pipeline == self.run.pipeline {
                let path = self.folder(GONE, &gone);
                self.storage.remove_folder(&path).map_err(|source| self.failed(&path, source))?;
            }
        }
        Ok(folders.iter().filter_map(|entry| parse(ASIDE, &entry.name)).collect())
    }

    fn check_newest(&self, runs: &[Claim]) -> Result<(), SinkError> {
        let newer = |run: &&Claim| self.is_of_lineage(run) && run.generation > self.run.generation;
        runs.iter().find(newer).map_or(Ok(()), |run| Err(self.fenced(run)))
    }

    fn is_older(&self, run: &Claim) -> bool {
        self.is_of_lineage(run) && run.generation < self.run.generation
    }

    fn is_of_lineage(&self, run: &Claim) -> bool {
        run.pipeline == self.run.pipeline && run.lineage == self.run.lineage
    }

    fn fenced(&self, other: &Claim) -> SinkError {
        let reason = if self.is_of_lineage(other) {
            format!("this run is of generation {}, that one of {}", self.run.generation, other.generation)
        } else {
            "that one began anew, without this one's checkpoint".to_owned()
        };
        SinkError::Fenced { place: self.storage.place(&self.home), reason }
    }

    /// Nobody else takes a run's folder away, and one that has ended leaves none behind to tell of it.
    fn shut_out_by_one_that_is_gone(&self) -> SinkError {
        let reason = format!(
            "the folder of this run, of generation {}, is gone, and so is whoever took it",
            self.run.generation
        );
        SinkError::Fenced { place: self.storage.place(&self.home), reason }
    }

    fn sync_home(&self) -> Result<(), SinkError> {
        self.storage.sync_folder(&self.home).map_err(|source| self.failed(&self.home, source))
    }

    fn folder(&self, kind: &str, run: &Claim) -> PathBuf {
        self.home.join(name_of(kind, run).unwrap_or_default())
    }

    fn failed(&self, path: &Path, source: io::Error) -> SinkError {
        SinkError::Io { place: self.storage.place(path), source }
    }
}

fn name_of(kind: &str, run: &Claim) -> Option<String> {
    let fits = |text: &str| !text.contains(['/', '\0']);
    (fits(&run.pipeline) && fits(&run.lineage))
        .then(|| format!("{kind}{}.{}.{}", run.pipeline, run.lineage, run.generation))
}

fn parse(kind: &str, name: &str) -> Option<Claim> {
    let (rest, generation) = name.strip_prefix(kind)?.rsplit_once('.')?;
    let (pipeline, lineage) = rest.rsplit_once('.')?;
    let generation = generation.parse().ok()?;
    Some(Claim { pipeline: pipeline.to_owned(), lineage: lineage.to_owned(), generation })
}

#[cfg(test)]
mod tests;
