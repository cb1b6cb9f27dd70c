//! A run: claims, recovers, and delivers the history as `delivery` does, until it is through or fails.

use super::chance::Chance;
use super::facts::{CHECKPOINTS, Facts, record, taken_apart};
use super::history::{History, sink};
use crate::checkpoint::folder::FolderStore;
use crate::checkpoint::{CheckpointError, Store};
use crate::sink::json_files::JsonFiles;
use crate::sink::{Claim, Resume, Sink, SinkError};
use crate::storage::forgetful::Forgetful;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use thiserror::Error;

/// Looks at the sink at the end, each after the time for its next try has come.
const LOOKS_MAX: usize = 4;

/// Why a run ends early.
#[derive(Debug, Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Sink(#[from] SinkError),
    #[error("not everything is published at the end")]
    Behind,
}

impl Ended {
    pub fn is_fenced(&self) -> bool {
        matches!(self, Self::Checkpoint(CheckpointError::Fenced { .. }) | Self::Sink(SinkError::Fenced { .. }))
    }
}

/// What the runs of a case share.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub history: Arc<History>,
    pub facts: Arc<Mutex<Facts>>,
}

impl World {
    pub fn new(chance: &mut Chance) -> Self {
        Self { history: Arc::new(History::new(chance)), facts: Arc::default() }
    }

    /// The same up to now; what happens then is this one's own.
    pub fn fork(&self) -> Self {
        let facts = self.facts.lock().unwrap().clone();
        Self { history: Arc::clone(&self.history), facts: Arc::new(Mutex::new(facts)) }
    }

    /// The newest that was claimed.
    pub fn generation(&self) -> u64 {
        self.facts.lock().unwrap().generation
    }

    pub fn check(&self, disk: &Forgetful) {
        self.facts.lock().unwrap().check(disk, &self.history);
    }

    pub fn check_end(&self, disk: &Forgetful) {
        self.facts.lock().unwrap().check_committed(self.history.steps.len(), disk, &self.history);
    }
}

/// A run that has recovered.
pub(super) struct Run {
    world: World,
    disk: Forgetful,
    store: FolderStore,
    sink: JsonFiles,
    chance: Chance,
    position: usize,
    epoch: u64,
    last_record: Option<u64>,
}

impl Run {
    pub fn open(world: &World, disk: &Forgetful, chance: Chance) -> Result<Self, Ended> {
        // In its own thread, for there it is asked.
        JsonFiles::one_at_a_time();
        let mut store = FolderStore::open(Arc::new(disk.clone()), Path::new(CHECKPOINTS), 0)?;
        {
            let mut facts = world.facts.lock().unwrap();
            assert!(store.generation() > facts.generation, "generation {} was claimed before", store.generation());
            facts.generation = store.generation();
        }
        let saved = store.latest()?;
        let (position, prepared) = saved.as_ref().map(taken_apart).unzip();
        let (position, last_record) = (position.unwrap_or(0), saved.as_ref().map(|saved| saved.epoch));
        {
            let mut facts = world.facts.lock().unwrap();
            facts.check_latest(position);
            facts.recorded = position;
        }
        let claim = Claim {
            pipeline: "retail".to_owned(),
            lineage: store.lineage().to_owned(),
            generation: store.generation(),
        };
        let mut sink = sink(disk);
        sink.recover(&Resume { claim, epoch: last_record.unwrap_or(0), prepared, open_from_us: i64::MIN })?;
        let epoch = last_record.unwrap_or(0).max(store.highest());
        let mut run =
            Self { world: world.clone(), disk: disk.clone(), store, sink, chance, position, epoch, last_record };
        run.look()?;
        Ok(run)
    }

    pub fn generation(&self) -> u64 {
        self.store.generation()
    }

    /// Goes on to the end of the history.
    pub fn run_to_end(&mut self) -> Result<(), Ended> {
        while let Some(step) = self.world.history.steps.get(self.position).cloned() {
            for closed in &step.closed {
                self.sink.accept(closed)?;
            }
            self.sink.settle(step.settled_us);
            self.position += 1;
            if self.chance.one_in(2) {
                self.make_epoch()?;
            }
        }
        self.make_epoch()?;
        for _ in 0..LOOKS_MAX {
            self.sink.try_now();
            if self.look()? {
                return Ok(());
            }
        }
        Err(Ended::Behind)
    }

    /// As `Delivery::make_epoch`.
    fn make_epoch(&mut self) -> Result<(), Ended> {
        let epoch = self.epoch + 1;
        self.store.check()?;
        let prepared = self.sink.prepare(epoch)?;
        let builds_on = self.last_record.filter(|_| !self.chance.one_in(3));
        self.world.facts.lock().unwrap().begun.insert(self.position);
        self.store.write(epoch, builds_on, &record(self.position, &prepared.bytes))?;
        (self.epoch, self.last_record) = (epoch, Some(epoch));
        {
            // One that was held up on its way out may hear of it late.
            let mut facts = self.world.facts.lock().unwrap();
            facts.recorded = facts.recorded.max(self.position);
        }
        self.sink.commit(epoch, &prepared.bytes)?;
        if self.chance.one_in(2) {
            self.sink.try_now();
        }
        self.look().map(drop)
    }

    /// As `Delivery::look`; whether everything up to the checkpoint is published.
    fn look(&mut self) -> Result<bool, Ended> {
        let done = self.sink.finish(Duration::ZERO)?;
        let mut facts = self.world.facts.lock().unwrap();
        // What one that was shut out had done before, and is told of now, may have been changed since.
        if done && facts.generation == self.store.generation() {
            facts.check_committed(self.position, &self.disk, &self.world.history);
        }
        Ok(done)
    }
}
