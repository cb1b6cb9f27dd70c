//! A process of the simulation, as the outside sees it: every call that it makes may fail, may be its last, or may come just after
//! another instance was started.

use super::chance::Chance;
use super::world::World;
use crate::storage::forgetful::Forgetful;
use crate::storage::{Entry, Storage};
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Go,
    /// An error, and it was not done.
    NotDone,
    /// An error, and it was done.
    LostAnswer,
    /// The process dies amid it.
    Dies,
    /// The process is dead: nothing is done any more.
    Dead,
}

/// A process.
pub struct Process {
    /// Rises with each start.
    pub serial: u64,
    world: Arc<World>,
    disk: Forgetful,
    dead: AtomicBool,
    /// It was told an error that it can't bear.
    failed: AtomicBool,
    /// The number of its claim; 0: it has none yet.
    generation: AtomicU64,
    /// The highest claim when it began.
    claimed_before: u64,
    /// The epoch that it publishes without a record, at the end of the log; 0: none yet.
    unrecorded: AtomicU64,
    /// How far the log had grown when it first read.
    stage: OnceLock<usize>,
}

/// How often calls go wrong: once in so many, 0 never.
#[derive(Debug, Clone, Copy, Default)]
pub struct Odds {
    pub die: usize,
    pub not_done: usize,
    pub lost_answer: usize,
    pub takeover: usize,
}

impl Odds {
    fn judge(&self, chance: &mut Chance) -> Verdict {
        match () {
            () if chance.one_in(self.die) => Verdict::Dies,
            () if chance.one_in(self.not_done) => Verdict::NotDone,
            () if chance.one_in(self.lost_answer) => Verdict::LostAnswer,
            () => Verdict::Go,
        }
    }
}

impl Process {
    pub fn new(world: &Arc<World>, serial: u64) -> Arc<Self> {
        Arc::new(Self {
            serial,
            disk: world.disk().process(),
            dead: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            claimed_before: world.claimed(),
            unrecorded: AtomicU64::new(0),
            stage: OnceLock::new(),
            world: Arc::clone(world),
        })
    }

    /// A call is about to be made.
    pub fn call(&self, what: &str, odds: &Odds) -> Verdict {
        if self.is_dead() {
            return Verdict::Dead;
        }
        if self.world.chance().one_in(odds.takeover) {
            World::take_over(&self.world, self.serial);
        }
        // A power cut within that took this one along.
        if self.is_dead() {
            return Verdict::Dead;
        }
        let verdict = odds.judge(&mut self.world.chance());
        if verdict != Verdict::Go {
            self.world.trace(|| format!("process {}: {what}: {verdict:?}", self.serial));
        }
        match verdict {
            Verdict::Dies => self.kill(),
            Verdict::NotDone => self.world.counts().errors += 1,
            Verdict::LostAnswer => self.world.counts().lost_answers += 1,
            Verdict::Go | Verdict::Dead => {}
        }
        verdict
    }

    pub fn kill(&self) {
        if !self.dead.swap(true, Ordering::SeqCst) {
            self.world.counts().crashes += 1;
        }
    }

    /// It has ended by itself.
    pub fn end(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    pub fn claims(&self, generation: u64) {
        self.generation.store(generation, Ordering::SeqCst);
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Whether another has claimed the checkpoints since.
    pub fn is_outdated(&self) -> bool {
        let own = self.generation().max(self.claimed_before);
        self.world.claimed() > own
    }

    /// The log's stage that it sees: that of when it first asks.
    pub fn stage(&self) -> usize {
        *self.stage.get_or_init(|| self.world.stage())
    }

    /// Rows that the end of the log closed are published after the last record, as this epoch.
    pub fn commits_unrecorded(&self, epoch: u64) {
        self.unrecorded.store(epoch, Ordering::SeqCst);
    }

    /// Whether what it publishes as this epoch has to be in a record.
    pub fn has_to_record(&self, epoch: u64) -> bool {
        self.unrecorded.load(Ordering::SeqCst) != epoch
    }

    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// It may give up.
    pub fn gives_up(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }

    /// Whether it may end with an error.
    pub fn may_fail(&self) -> bool {
        self.failed.load(Ordering::SeqCst) || self.is_dead() || self.is_outdated()
    }

    fn run<T>(&self, what: &str, path: &Path, done: impl FnOnce(&Forgetful) -> io::Result<T>) -> io::Result<T> {
        match self.call(what, &self.world.odds().storage) {
            Verdict::Go => done(&self.disk),
            Verdict::Dead => Err(io::Error::other("the process is gone")),
            Verdict::Dies => {
                self.disk.stop_at(1);
                done(&self.disk)
            }
            Verdict::NotDone | Verdict::LostAnswer => {
                self.gives_up();
                Err(io::Error::new(ErrorKind::PermissionDenied, format!("{what} of {} failed", path.display())))
            }
        }
    }
}

/// The disk, as a process reaches it.
#[derive(Clone)]
pub struct Reach(pub Arc<Process>);

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.0.serial)
    }
}

impl Storage for Reach {
    fn create_folders(&self, path: &Path) -> io::Result<()> {
        self.0.run("create_folders", path, |disk| disk.create_folders(path))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.0.run("create_folder", path, |disk| disk.create_folder(path))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.run("write", path, |disk| disk.write(path, bytes))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.run("read", path, |disk| disk.read(path))
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        self.0.run("length", path, |disk| disk.length(path))
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.run("replace", to, |disk| disk.replace(from, to))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.run("rename_new", to, |disk| disk.rename_new(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.run("remove", path, |disk| disk.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.0.run("remove_folder", path, |disk| disk.remove_folder(path))
    }

    fn remove_empty_folder(&self, path: &Path) -> io::Result<()> {
        self.0.run("remove_empty_folder", path, |disk| disk.remove_empty_folder(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.0.run("list", path, |disk| disk.list(path))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.0.run("sync_folder", path, |disk| disk.sync_folder(path))
    }

    fn calls_at_once(&self) -> usize {
        1
    }

    fn place(&self, path: &Path) -> String {
        path.display().to_string()
    }
}
