//! The files of one KPI: set aside, published, removed, read back. Knows nothing of rows but their bytes.
//!
//! A file is written whole into the run's folder (`aside`) under a name of its own for each attempt, `7-12.<name>`: generation, number
//! of the `prepare`, and the name it will have. So after a crash the checkpoint's own file is found as it was, whatever came after it.

use super::super::instant::{self, Fraction};
use super::super::{Claim, SinkError};
use super::aside::{Asides, Others};
use super::kept::Interval;
use super::lock::{self, Lock};
use super::prepared::{Attempt, Change, Mark, What};
use crate::storage::Storage;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How often a lock that an older run holds is tried.
const LOCK_EVERY: Duration = Duration::from_millis(50);

/// How long a lock without a folder may be that of a run that is just ending.
const ENDING_WAIT: Duration = Duration::from_secs(2);

/// A KPI's folder.
#[derive(Debug)]
pub(super) struct Folder {
    storage: Arc<dyn Storage>,
    path: PathBuf,
    fraction: Fraction,
    /// From `open` on.
    asides: Option<Asides>,
    /// Held open for its lock.
    lock: Option<File>,
}

/// A file to set aside.
pub(super) struct Aside<'a> {
    pub(super) folder: &'a Folder,
    pub(super) interval_us: i64,
    pub(super) interval: &'a Interval,
    /// Another change of this file is not published yet: what is published now says nothing of what will be.
    pub(super) pending: bool,
}

impl Folder {
    pub(super) fn new(storage: Arc<dyn Storage>, path: PathBuf, interval_us: i64) -> Self {
        // By the interval and not by each start, so that names of one folder sort in the order of time.
        let fraction = match interval_us {
            us if us % 1_000_000 == 0 => Fraction::None,
            us if us % 1_000 == 0 => Fraction::Millis,
            _ => Fraction::Micros,
        };
        Self { storage, path, fraction, asides: None, lock: None }
    }

    pub(super) fn calls_at_once(&self) -> usize {
        self.storage.calls_at_once()
    }

    /// Makes the folder if it is not there, durably, and shuts other runs out: an older one by its folder, and where
    /// `locks_until` says that the folder is on this machine, any other by a lock. That of a run that was shut out is waited for until then.
    pub(super) fn open(&mut self, run: &Claim, locks_until: Option<Instant>) -> Result<(), SinkError> {
        self.storage.create_folders(&self.path).map_err(|source| self.failed(&self.path, source))?;
        let asides = Asides::new(Arc::clone(&self.storage), self.path.clone(), run.clone())?;
        if let Some(until) = locks_until {
            self.lock = self.locked(&asides, until)?;
        }
        asides.take_over(Others::OfPipeline)?;
        self.asides = Some(asides);
        Ok(())
    }

    fn locked(&self, asides: &Asides, until: Instant) -> Result<Option<File>, SinkError> {
        let (mut fenced, ending) = (false, Instant::now() + ENDING_WAIT);
        loop {
            let holder = match lock::try_lock(&self.path).map_err(|source| self.failed(&self.path, source))? {
                Lock::Taken(holder) => holder,
                Lock::Ours(folder) => return Ok(Some(folder)),
                Lock::Impossible => return Ok(None),
            };
            if !fenced && asides.has_older()? {
                asides.take_over(Others::Older)?;
                fenced = true;
                let folder = self.storage.place(&self.path);
                tracing::info!(folder, holder, "taken over from an older run; waiting for it to notice and to end");
            }
            // One that ends has removed its folder a moment before its process lets go of the lock.
            if Instant::now() >= if fenced { until } else { ending.min(until) } {
                let (by, still) = (lock::shown(holder), if fenced { "an older" } else { "another" });
                let reason = format!("{still} run{by} writes here: stop it, or give this one another `path`");
                return Err(self.failed(&self.path, io::Error::new(ErrorKind::ResourceBusy, reason)));
            }
            thread::sleep(LOCK_EVERY);
        }
    }

    /// Makes a change visible. Where `again`, it may have been before, by a run that crashed; whether the file is as it was then.
    pub(super) fn publish(&self, change: &Change, again: bool) -> Result<bool, SinkError> {
        let (aside, path) = (self.aside(change.interval_us, change.attempt)?, self.file(change.interval_us));
        let mark = match &change.what {
            What::Written(mark) => mark,
            What::Removed(_) if !again => return self.unpublish(&aside, &path).map(|()| true),
            // Only what was there then: rows that came after this checkpoint may have brought a file back.
            What::Removed(Some(mark)) if self.holds(&path, mark)? => {
                return self.unpublish(&aside, &path).map(|()| true);
            }
            What::Removed(_) => return Ok(true),
        };
        match self.storage.replace(&aside, &path) {
            Ok(()) => return Ok(true),
            Err(source) if source.kind() != ErrorKind::NotFound => return Err(self.failed(&path, source)),
            // Nobody else renames it, so it was done before; or another run has shut this one out.
            Err(_) if self.holds(&path, mark)? => return Ok(true),
            Err(source) => self.asides()?.check().and(if again { Ok(()) } else { Err(self.failed(&aside, source)) })?,
        }
        Ok(false)
    }

    /// Through the run's folder, as everything that changes what is published.
    fn unpublish(&self, aside: &Path, path: &Path) -> Result<(), SinkError> {
        let renamed = match self.storage.rename_new(path, aside) {
            Err(source) if source.kind() == ErrorKind::AlreadyExists => {
                self.storage.remove(aside).map_err(|source| self.failed(aside, source))?;
                self.storage.rename_new(path, aside)
            }
            renamed => renamed,
        };
        match renamed {
            Ok(()) => self.storage.remove(aside).map_err(|source| self.failed(aside, source)),
            Err(source) if source.kind() == ErrorKind::NotFound => self.asides()?.check(),
            Err(source) => Err(self.failed(path, source)),
        }
    }

    /// The bytes of an interval's published file; `None` where there is none.
    pub(super) fn read(&self, interval_us: i64) -> Result<Option<Vec<u8>>, SinkError> {
        let path = self.file(interval_us);
        match self.storage.read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.failed(&path, source)),
        }
    }

    /// Makes published changes durable. A file that went was renamed into the run's folder, and that it left here is kept for sure only
    /// by a sync of the folder that it went to: it would come back after a later checkpoint that knows nothing of it any more.
    pub(super) fn sync<'a>(&self, mut changes: impl Iterator<Item = &'a Change>) -> Result<(), SinkError> {
        if changes.any(|change| matches!(change.what, What::Removed(_))) {
            self.asides()?.sync()?;
        }
        self.storage.sync_folder(&self.path).map_err(|source| self.failed(&self.path, source))
    }

    /// The run's folder.
    pub(super) fn asides(&self) -> Result<&Asides, SinkError> {
        let missing = || self.failed(&self.path, io::Error::other("it is used before `recover`"));
        self.asides.as_ref().ok_or_else(missing)
    }

    /// An interval's file as people know it.
    pub(super) fn place(&self, interval_us: i64) -> String {
        self.storage.place(&self.file(interval_us))
    }

    /// Whether the file is there with these very bytes.
    fn holds(&self, path: &Path, mark: &Mark) -> Result<bool, SinkError> {
        let length = self.storage.length(path).map_err(|source| self.failed(path, source))?;
        if length != Some(mark.length) {
            return Ok(false);
        }
        // One that can't be read now is not another one: what has to go would stay.
        match self.storage.read(path) {
            // A newer run has taken it away since; whoever asks hears of that by its own folder.
            Err(source) if source.kind() == ErrorKind::NotFound => Ok(false),
            read => read.map(|bytes| Mark::of(&bytes) == *mark).map_err(|source| self.failed(path, source)),
        }
    }

    fn file(&self, interval_us: i64) -> PathBuf {
        self.path.join(self.name(interval_us))
    }

    fn aside(&self, interval_us: i64, attempt: Attempt) -> Result<PathBuf, SinkError> {
        let Attempt { generation, sequence } = attempt;
        Ok(self.asides()?.path().join(format!("{generation}-{sequence}.{}", self.name(interval_us))))
    }

    fn name(&self, interval_us: i64) -> String {
        let mut name = Vec::with_capacity(32);
        instant::push_file_name(&mut name, interval_us, self.fraction);
        name.extend_from_slice(b".json");
        String::from_utf8_lossy(&name).into_owned()
    }

    fn failed(&self, path: &Path, source: io::Error) -> SinkError {
        SinkError::Io { place: self.storage.place(path), source }
    }
}

impl Aside<'_> {
    /// Writes it and makes its bytes durable; `None` where what is published is as it should be. Where it fails, what was written stays,
    /// to be removed as a leftover.
    pub(super) fn write(&self, attempt: Attempt) -> Result<Option<What>, SinkError> {
        let (content, folder) = (self.interval.content(), self.folder);
        if content.is_empty() {
            let there = folder.read(self.interval_us)?.map(|bytes| Mark::of(&bytes));
            return Ok((there.is_some() || self.pending).then_some(What::Removed(there)));
        }
        let mark = Mark::of(&content);
        if !self.pending && folder.holds(&folder.file(self.interval_us), &mark)? {
            return Ok(None);
        }
        let path = folder.aside(self.interval_us, attempt)?;
        match folder.storage.write(&path, &content) {
            Ok(()) => Ok(Some(What::Written(mark))),
            Err(source) => Err(folder.asides()?.lost(&path, source)),
        }
    }
}
