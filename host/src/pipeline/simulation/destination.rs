//! The destination doubles: a store that keeps the newest revision of each window (and may lose what it took in its last second), and
//! a topic that keeps every row, and so looks before it appends. Both keep a marker: who owns them, and the last epoch.

use super::check;
use super::process::{Process, Verdict};
use super::world::World;
use crate::sink::outbox::{Destination, Opening, Render, Trouble};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_schema::ArrowError;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use weir_core::results::{Closed, ClosedWindow, WindowContent};

/// The store loses no more than its last second, so that rows it has had for longer are safe.
pub const LOSES: Duration = Duration::from_secs(1);
const KEEP_FOR: Duration = Duration::from_millis(1_100);

/// KPI and start.
pub type Name = (usize, i64);

/// Whose it is: lineage, generation, session.
type Owner = (String, u64, u64);

/// What a system keeps.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    owner: Option<Owner>,
    epoch: Option<u64>,
    /// Revision and rows of each window that can be read now.
    pub windows: BTreeMap<Name, (u64, String)>,
}

/// An outside system.
#[derive(Debug, Default)]
pub struct System {
    pub kept: Kept,
    /// Every window that a topic has, in order.
    pub appended: Vec<(Name, u64, String)>,
    /// What it was before each change of late.
    before: Vec<(Instant, Kept)>,
    /// Its own starts: a connection of an earlier one is gone.
    life: u64,
    sessions: u64,
}

/// What kind of system it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Store,
    Topic,
}

/// A process's way to a system.
pub struct Way {
    pub kind: Kind,
    pub process: Arc<Process>,
    pub world: Arc<World>,
    pub system: Arc<Mutex<System>>,
    /// The system's life, and whose the connection is.
    pub connection: Option<(u64, Owner)>,
}

impl System {
    /// It stops and starts again, and has lost what it took since some moment within its last second.
    pub fn lose(&mut self, now: Instant, nth: usize) {
        self.life += 1;
        let lost: Vec<Kept> =
            self.before.drain(..).filter(|(at, _)| now.duration_since(*at) < LOSES).map(|(_, kept)| kept).collect();
        if let Some(kept) = lost.into_iter().nth(nth) {
            self.kept = kept;
        }
    }

    fn remember(&mut self, now: Instant) {
        self.before.retain(|(at, _)| now.duration_since(*at) < LOSES);
        self.before.push((now, self.kept.clone()));
    }
}

impl Way {
    fn call(&self, what: &str) -> Result<bool, Trouble> {
        let passing = |reason: &str| Err(Trouble::Passing(reason.to_owned()));
        match self.process.call(what, &self.world.odds().destination) {
            Verdict::Go => Ok(true),
            Verdict::LostAnswer => Ok(false),
            // A call that was sent may arrive after its process is gone.
            Verdict::Dies if self.world.chance().one_in(2) => Ok(false),
            Verdict::Dies | Verdict::Dead => passing("the process is gone"),
            Verdict::NotDone => passing("connection refused"),
        }
    }

    /// A start waits for a system that is away, but not for ever.
    fn start_waits(&self, called: &Result<bool, Trouble>) {
        if *called != Ok(true) {
            self.process.gives_up();
        }
    }

    fn answer<T>(arrives: bool, answer: T) -> Result<T, Trouble> {
        if arrives { Ok(answer) } else { Err(Trouble::Passing("the answer was lost".into())) }
    }

    fn system(&self) -> std::sync::MutexGuard<'_, System> {
        self.system.lock().unwrap()
    }
}

impl Destination for Way {
    fn reach(&mut self) -> Result<(), Trouble> {
        let called = self.call("reach");
        self.start_waits(&called);
        Self::answer(called?, ())
    }

    fn open(&mut self, opening: &Opening) -> Result<Option<u64>, Trouble> {
        let called = self.call("open");
        if !opening.again {
            self.start_waits(&called);
        }
        let arrives = called?;
        let mut system = self.system.lock().unwrap();
        let claim = &opening.claim;
        if let Some((lineage, generation, _)) = &system.kept.owner {
            let newer = *lineage == claim.lineage && *generation > claim.generation;
            if newer || (opening.again && *lineage != claim.lineage) {
                return Err(Trouble::Fenced(format!("generation {generation}")));
            }
        }
        system.remember(self.world.now());
        system.sessions += 1;
        let owner = (claim.lineage.clone(), claim.generation, system.sessions);
        system.kept.owner = Some(owner.clone());
        self.connection = Some((system.life, owner));
        Self::answer(arrives, system.kept.epoch)
    }

    fn apply(&mut self, epoch: u64, rows: &[u8]) -> Result<(), Trouble> {
        let arrives = self.call("apply")?;
        let mut system = self.system();
        let Some((life, owner)) = &self.connection else { return Err(Trouble::Passing("not connected".into())) };
        if *life != system.life {
            return Err(Trouble::Passing("connection reset".into()));
        }
        if system.kept.owner.as_ref() != Some(owner) {
            return Err(Trouble::Fenced(format!("{:?}", system.kept.owner)));
        }
        if system.kept.epoch.is_none_or(|held| held < epoch) {
            if self.process.has_to_record(epoch) {
                check::recorded(&self.world, epoch);
            }
            system.remember(self.world.now());
            system.kept.epoch = Some(epoch);
            let lines = std::str::from_utf8(rows).unwrap().lines();
            let taken: String = lines.map(|window| take(&mut system, &self.world, self.kind, window)).collect();
            self.world.trace(|| format!("{:?} takes epoch {epoch} of generation {}:{taken}", self.kind, owner.1));
        }
        Self::answer(arrives, ())
    }

    fn close(&mut self) {
        self.connection = None;
    }

    fn keep_for(&self) -> Duration {
        if self.kind == Kind::Store { KEEP_FOR } else { Duration::ZERO }
    }

    fn confirm(&mut self) -> Result<Option<u64>, Trouble> {
        let arrives = self.call("confirm")?;
        let system = self.system();
        match &self.connection {
            Some((life, owner)) if *life == system.life && system.kept.owner.as_ref() == Some(owner) => {
                Self::answer(arrives, system.kept.epoch)
            }
            _ => Err(Trouble::Passing("connection reset".into())),
        }
    }

    fn place(&self) -> String {
        format!("{:?}", self.kind)
    }
}

/// Takes a window, if it is news; for the trace.
fn take(system: &mut System, world: &World, kind: Kind, line: &str) -> String {
    let mut parts = line.splitn(4, ' ');
    let mut word = || parts.next().unwrap();
    let (kpi, start_us, revision) = (word().parse().unwrap(), word().parse().unwrap(), word().parse().unwrap());
    let (name, rows) = ((kpi, start_us), word().to_owned());
    check::window(world, name, revision, &rows);
    let held = system.kept.windows.get(&name);
    let news = match kind {
        Kind::Store => held.is_none_or(|(held, _)| *held <= revision),
        // The end of a log that grows closes windows that come again fuller, at the same revision.
        Kind::Topic => held.is_none_or(|(held, before)| *held < revision || (*held == revision && *before != rows)),
    };
    if news {
        if kind == Kind::Topic {
            system.appended.push((name, revision, rows.clone()));
        }
        system.kept.windows.insert(name, (revision, rows));
    }
    let sign = if news { "" } else { "!" };
    format!(" {sign}{}@{}.{revision}", name.0, name.1 / 60_000_000 % 1_000)
}

/// A window a line: KPI, start, revision, rows.
pub struct Lines;

impl Render for Lines {
    fn render(&mut self, out: &mut Vec<u8>, closed: &Closed) -> Result<(), ArrowError> {
        for window in &closed.windows {
            let line = format!("{} {} {} {}\n", closed.kpi, window.start_us, window.revision, rows(closed, window));
            out.extend_from_slice(line.as_bytes());
        }
        Ok(())
    }
}

fn rows(closed: &Closed, window: &ClosedWindow) -> String {
    let WindowContent::Rows(range) = &window.content else { return "unavailable".into() };
    let mut text = String::new();
    for row in range.clone() {
        let value = |place: usize| closed.table.columns[place].as_primitive::<Int64Type>().value(row);
        let _ = write!(text, "{}={}:{};", key(&closed.table.keys[row]), value(0), value(1));
    }
    text
}

fn key(key: &weir_core::group::GroupKey) -> String {
    match key.first() {
        Some(weir_core::group::KeyValue::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}
