//! A file system in memory that forgets what was not synced: for tests of code that has to survive a crash.
//!
//! ```text
//! let disk = Forgetful::new();            // a process on a disk; clones are the same process
//! disk.stop_at(7);                        // its 7th operation is where it dies: begun, and perhaps not finished
//! disk.fail_at(3, Fault::Done, kind);     // the 3rd is done, and an error of this kind is answered
//! disk.before(5, |disk| …);               // another process comes in between
//! let other = disk.process();             // another process on the same disk, with counts of its own
//! let after = disk.crash(seed);           // a disk as it may be after the power went; the old one is untouched
//! let all = disk.crashes(1_000);          // the same, each that there can be, up to a number
//! ```
//!
//! What a crash may do. Bytes that `write` returned for are there; of a `write` that was under way, nothing, a part or all, over what the
//! file held before. Names that changed (made, renamed, removed) since their folder was synced may have changed or not, each for
//! itself and in any order, but: a change that rests on another one has it along (what was made under a name before it is renamed, the
//! name that was left before it is taken again), so that a rename is atomic and never loses a file. A rename between folders is kept
//! by a sync of the folder that it goes to. A folder that was not synced into the one above is gone with all that was synced in it.

mod disk;
mod faults;
#[cfg(test)]
mod tests;
mod tree;

use super::{Entry, Storage};
use disk::Disk;
use faults::{Faults, Verdict};
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use faults::Fault;

/// A process on a disk.
#[derive(Clone)]
pub(crate) struct Forgetful {
    disk: Arc<Mutex<Disk>>,
    faults: Arc<Mutex<Faults>>,
}

/// An operation that a process asked for, in the order of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    /// The trait's name of it.
    pub operation: &'static str,
    /// What it is about.
    pub path: PathBuf,
    /// Where to, of renames.
    pub to: Option<PathBuf>,
    /// Why it failed.
    pub failed: Option<ErrorKind>,
}

impl Forgetful {
    /// An empty disk: the folders `/` and `.` are there.
    pub fn new() -> Self {
        Self::of(Disk::default())
    }

    fn of(disk: Disk) -> Self {
        Self { disk: Arc::new(Mutex::new(disk)), faults: Arc::default() }
    }

    /// Another process on this disk: it counts its own operations, and faults of this one are not its.
    pub fn process(&self) -> Self {
        Self { disk: Arc::clone(&self.disk), faults: Arc::default() }
    }

    /// This process dies at its `nth` operation from now, the first is 1: it is under way when the process stops, and all later ones
    /// fail and do nothing. The disk stays as it is, for other processes or for `crash`.
    pub fn stop_at(&self, nth: u64) {
        self.faults().stop_at(nth);
    }

    /// The `nth` operation from now fails with an error of this kind; `TimedOut` is one of a system that is away.
    pub fn fail_at(&self, nth: u64, fault: Fault, kind: ErrorKind) {
        self.faults().fail_at(nth, fault, kind);
    }

    /// Just before the `nth` operation from now this runs, as another process on the disk.
    pub fn before(&self, nth: u64, then: impl FnOnce(&Forgetful) + Send + 'static) {
        self.faults().before(nth, Box::new(then));
    }

    /// How many operations this process has asked for.
    pub fn operations(&self) -> u64 {
        self.faults().asked()
    }

    /// Whether it died at `stop_at`.
    pub fn stopped(&self) -> bool {
        self.faults().stopped()
    }

    /// What all processes of the disk asked for.
    pub fn log(&self) -> Vec<Logged> {
        self.disk().log.clone()
    }

    /// How many changes of names a crash now may undo.
    pub fn unsynced(&self) -> usize {
        self.disk().unsynced()
    }

    /// A disk as it may be after a crash now: the same for the same seed.
    pub fn crash(&self, seed: u64) -> Self {
        Self::of(self.disk().crash(&mut tree::Seed(seed)))
    }

    /// Disks as they may be after a crash now: every one if there are at most `max`, else `max` by chance.
    pub fn crashes(&self, max: usize) -> Vec<Self> {
        self.disk().crashes(max).into_iter().map(Self::of).collect()
    }

    /// Every file with its bytes, by path; folders end with a slash and have none. What it holds now, not after a crash.
    pub fn tree(&self) -> Vec<(String, Vec<u8>)> {
        self.disk().now.all()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does an operation as its faults have it; `torn` where the process dies amid it.
    fn run<T>(
        &self,
        operation: &'static str,
        (path, to): (&Path, Option<&Path>),
        done: impl Fn(&mut Disk) -> io::Result<T>,
        torn: impl Fn(&mut Disk) -> io::Result<()>,
    ) -> io::Result<T> {
        let (verdict, then) = self.faults().next();
        if let Some(then) = then {
            then(&self.process());
        }
        let mut disk = self.disk();
        let outcome = match verdict {
            Verdict::Dead => return Err(io::Error::other("the process is gone")),
            Verdict::Plain => done(&mut disk),
            Verdict::Dies => torn(&mut disk).and_then(|()| Err(io::Error::other("the process died here"))),
            Verdict::Fails(Fault::NotDone, kind) => Err(kind.into()),
            Verdict::Fails(Fault::Done, kind) => done(&mut disk).and_then(|_| Err(kind.into())),
        };
        let failed = outcome.as_ref().err().map(io::Error::kind);
        disk.log.push(Logged { operation, path: path.to_owned(), to: to.map(Path::to_owned), failed });
        outcome
    }

    /// One that changes nothing, or that a crash takes apart anyhow: it may be done when the process dies.
    fn change<T>(
        &self,
        operation: &'static str,
        path: &Path,
        done: impl Fn(&mut Disk) -> io::Result<T>,
    ) -> io::Result<T> {
        self.run(operation, (path, None), &done, |disk| done(disk).map(drop))
    }
}

impl fmt::Debug for Forgetful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forgetful").field("operations", &self.operations()).finish_non_exhaustive()
    }
}

impl Storage for Forgetful {
    fn create_folders(&self, path: &Path) -> io::Result<()> {
        let torn = |disk: &mut Disk| disk.create_folders(path).map(drop);
        let done = |disk: &mut Disk| {
            let made = disk.create_folders(path)?;
            disk.keep(made);
            disk.sync_folder(&super::parent(path))
        };
        self.run("create_folders", (path, None), done, torn)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.change("create_folder", path, |disk| disk.create_folder(path))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.run("write", (path, None), |disk| disk.write(path, bytes), |disk| disk.tear(path, bytes))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.change("read", path, |disk| disk.now.read(path))
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        self.change("length", path, |disk| disk.now.length(path))
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        let done = |disk: &mut Disk| disk.rename(from, to, true);
        self.run("replace", (from, Some(to)), done, done)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let done = |disk: &mut Disk| disk.rename(from, to, false);
        self.run("rename_new", (from, Some(to)), done, done)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change("remove", path, |disk| disk.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let done = |disk: &mut Disk| disk.remove_folder(path, false);
        self.run("remove_folder", (path, None), done, |disk| disk.remove_folder(path, true))
    }

    fn remove_empty_folder(&self, path: &Path) -> io::Result<()> {
        self.change("remove_empty_folder", path, |disk| disk.remove_empty_folder(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.change("list", path, |disk| disk.now.list(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let torn = |disk: &mut Disk| disk.now.folder(path).map(drop);
        self.run("sync_folder", (path, None), |disk| disk.sync_folder(path), torn)
    }

    fn place(&self, path: &Path) -> String {
        path.display().to_string()
    }
}
