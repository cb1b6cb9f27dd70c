//! The files of one KPI: set aside, published, removed, synced. Knows nothing of rows but their bytes.
//!
//! A file is written whole under `.<name>.<sequence>.aside` in its own folder and synced; publishing renames it. The
//! sequence keeps attempts apart: after a crash the checkpoint's own file is found as it was, whatever came after it.

use super::super::SinkError;
use super::super::folders::{self, failed};
use super::super::instant::{self, Fraction};
use super::kept::Interval;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Threads that sync files: a backfill sets thousands aside at once, and a journal commits those that wait together.
/// 5,000 files on a virtual disk (ext4, shared with other work): 32 s with 1 writer, 3.7 to 5.7 s with 4, 8 or 16, and 1 s
/// with 8 while the disk was quiet. One `syncfs` for all of them took no less: making the files is then the cost.
const WRITERS_MAX: usize = 8;

/// A KPI's folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    fraction: Fraction,
    /// Held open for its lock: a second run in the same folder would take this one's files for leftovers.
    lock: Option<File>,
}

/// A file to set aside.
pub(super) struct Aside<'a> {
    pub(super) folder: &'a Folder,
    pub(super) interval_us: i64,
    pub(super) interval: &'a Interval,
}

/// What became of an `Aside`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It waits to be published.
    Written,
    /// The published file already holds these very bytes.
    Unchanged,
    /// There are no rows, so there is to be no file.
    Empty,
}

impl Folder {
    pub(super) fn new(path: PathBuf, interval_us: i64) -> Self {
        // By the interval and not by each start, so that names of one folder sort in the order of time.
        let fraction = match interval_us {
            us if us % 1_000_000 == 0 => Fraction::None,
            us if us % 1_000 == 0 => Fraction::Millis,
            _ => Fraction::Micros,
        };
        Self { path, fraction, lock: None }
    }

    /// Makes the folder if it is not there, durably, and locks it.
    pub(super) fn open(&mut self) -> Result<(), SinkError> {
        folders::create(&self.path)?;
        let folder = File::open(&self.path).map_err(|source| failed(&self.path, source))?;
        match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => self.lock = Some(folder),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let reason = "another run writes here: stop it, or give this one another `path`";
                return Err(failed(&self.path, io::Error::new(ErrorKind::ResourceBusy, reason)));
            }
            // Some network file systems have no locks: two runs at once are then the operator's to avoid.
            Err(source) => {
                tracing::warn!(folder = %self.path.display(), %source, "the folder can't be locked")
            }
        }
        Ok(())
    }

    /// Makes a file that was set aside visible. `again`: it may have been published before, by a run that crashed.
    pub(super) fn publish(&self, interval_us: i64, sequence: u64, again: bool) -> Result<(), SinkError> {
        let path = self.file(interval_us);
        match fs::rename(self.aside(interval_us, sequence), &path) {
            Ok(()) => Ok(()),
            Err(source) if source.kind() == ErrorKind::NotFound && path.exists() => Ok(()),
            Err(source) if source.kind() == ErrorKind::NotFound && again => {
                // It was renamed before the crash (nobody else does it), so somebody took the published file away.
                tracing::warn!(file = %path.display(), "a file that the checkpoint has published is gone");
                Ok(())
            }
            Err(source) => Err(failed(&path, source)),
        }
    }

    /// Removes the file of an interval that has no rows any more.
    pub(super) fn remove(&self, interval_us: i64) -> Result<(), SinkError> {
        remove_file(&self.file(interval_us))
    }

    /// Makes names that changed in the folder durable.
    pub(super) fn sync(&self) -> Result<(), SinkError> {
        folders::sync(&self.path)
    }

    /// Removes what attempts that did not reach a checkpoint left behind.
    pub(super) fn remove_asides(&self) -> Result<(), SinkError> {
        for entry in fs::read_dir(&self.path).map_err(|source| failed(&self.path, source))? {
            let entry = entry.map_err(|source| failed(&self.path, source))?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(".aside")) {
                remove_file(&entry.path())?;
            }
        }
        Ok(())
    }

    fn file(&self, interval_us: i64) -> PathBuf {
        self.path.join(self.name(interval_us))
    }

    fn aside(&self, interval_us: i64, sequence: u64) -> PathBuf {
        self.path.join(format!(".{}.{sequence}.aside", self.name(interval_us)))
    }

    fn name(&self, interval_us: i64) -> String {
        let mut name = Vec::with_capacity(32);
        instant::push_file_name(&mut name, interval_us, self.fraction);
        name.extend_from_slice(b".json");
        String::from_utf8_lossy(&name).into_owned()
    }
}

impl Aside<'_> {
    fn write(&self, sequence: u64) -> Result<Outcome, SinkError> {
        let content = self.interval.content();
        if content.is_empty() {
            return Ok(Outcome::Empty);
        }
        if holds(&self.folder.file(self.interval_us), &content) {
            return Ok(Outcome::Unchanged);
        }
        let path = self.folder.aside(self.interval_us, sequence);
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(&content)?;
            file.sync_all()
        };
        write().map_err(|source| failed(&path, source))?;
        Ok(Outcome::Written)
    }
}

/// Whether the file is there with these very bytes; that it can't be read is for the writing to tell.
fn holds(path: &Path, content: &[u8]) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == content.len() as u64)
        && fs::read(path).is_ok_and(|bytes| bytes == content)
}

/// Writes all of them and syncs each; the outcomes are in their order. Where one fails, those that were written stay, to
/// be written over by the next attempt or removed by `remove_asides`.
pub(super) fn write_asides(asides: &[Aside<'_>], sequence: u64) -> Result<Vec<Outcome>, SinkError> {
    if let [aside] = asides {
        return Ok(vec![aside.write(sequence)?]);
    }
    let (next, gave_up) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcomes = Mutex::new(Vec::with_capacity(asides.len()));
    let work = || {
        while let Some((place, aside)) = take_next(asides, &next, &gave_up) {
            let outcome = aside.write(sequence);
            gave_up.fetch_or(outcome.is_err(), Ordering::Relaxed);
            outcomes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((place, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WRITERS_MAX.min(asides.len()) {
            scope.spawn(work);
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    outcomes.sort_unstable_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn take_next<'a, 'b>(
    asides: &'a [Aside<'b>],
    next: &AtomicUsize,
    gave_up: &AtomicBool,
) -> Option<(usize, &'a Aside<'b>)> {
    if gave_up.load(Ordering::Relaxed) {
        return None;
    }
    let place = next.fetch_add(1, Ordering::Relaxed);
    asides.get(place).map(|aside| (place, aside))
}

fn remove_file(path: &Path) -> Result<(), SinkError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(failed(path, source)),
        _ => Ok(()),
    }
}
