//! Checkpoints alone: random chains of records, one claimant after the other or one amid the other.

use super::chance::Chance;
use crate::checkpoint::folder::FolderStore;
use crate::checkpoint::{CheckpointError, Saved, Store};
use crate::storage::forgetful::Forgetful;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

const FOLDER: &str = "ckpt";
const WRITES_MAX: u64 = 8;
const CRASHES_MAX: u64 = 4;

/// A record that somebody tried to write.
type Attempt = (Option<u64>, Vec<u8>);

/// What is known of a place, whoever did it.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    attempts: BTreeMap<u64, Vec<Attempt>>,
    /// The highest epoch that a write has returned for, or that a claimant was told: none may go back behind it.
    epoch: u64,
    /// Generations that were claimed.
    claimed: Vec<u64>,
}

type Shared = Arc<Mutex<Known>>;

impl Known {
    fn check_latest(&mut self, latest: Option<&Saved>) {
        let epoch = latest.map_or(0, |saved| saved.epoch);
        assert!(epoch >= self.epoch, "epoch {epoch} is the latest, and {} was written", self.epoch);
        self.epoch = epoch;
        let Some(saved) = latest else { return };
        let mut next = Some(saved.epoch);
        for bytes in saved.records.iter().rev() {
            let epoch = next.expect("a record before the base");
            let attempts = self.attempts.get(&epoch).into_iter().flatten();
            let written = attempts.clone().find(|(_, written)| written == bytes);
            next = written.unwrap_or_else(|| panic!("epoch {epoch}: bytes that nobody wrote")).0;
        }
        assert_eq!(next, None, "the chain has no base");
    }

    fn check_claim(&mut self, generation: u64) {
        let newest = self.claimed.last().copied().unwrap_or(0);
        assert!(generation > newest, "generation {generation} claimed after {newest}");
        self.claimed.push(generation);
    }
}

/// Claims, looks and writes, until it is through or fails.
fn claimant(disk: &Forgetful, known: &Shared, chance: &mut Chance) -> Result<FolderStore, CheckpointError> {
    let mut store = FolderStore::open(Arc::new(disk.clone()), Path::new(FOLDER), 0)?;
    known.lock().unwrap().check_claim(store.generation());
    let latest = store.latest()?;
    known.lock().unwrap().check_latest(latest.as_ref());
    let mut last = latest.map(|saved| saved.epoch);
    for _ in 0..chance.below(WRITES_MAX + 1) {
        let epoch = store.highest() + chance.nth(2);
        let builds_on = last.filter(|_| !chance.one_in(3));
        let bytes: Vec<u8> = (0..8 + chance.below(40)).map(|_| chance.next() as u8).collect();
        known.lock().unwrap().attempts.entry(epoch).or_default().push((builds_on, bytes.clone()));
        store.write(epoch, builds_on, &bytes)?;
        let mut known = known.lock().unwrap();
        // One that claimed meanwhile has seen it, or it could not have been written.
        assert!(known.claimed.last() == Some(&store.generation()) || known.epoch >= epoch, "a zombie wrote {epoch}");
        known.epoch = known.epoch.max(epoch);
        last = Some(epoch);
    }
    Ok(store)
}

/// Runs a claimant; others come in between.
fn claimants(disk: &Forgetful, known: &Shared, chance: &mut Chance, others: u64) {
    let mut mine = chance.split();
    if others > 0 {
        let (known, mut theirs) = (Arc::clone(known), chance.split());
        disk.before(chance.nth(60), move |disk| claimants(disk, &known, &mut theirs, others - 1));
    }
    let ended = claimant(disk, known, &mut mine);
    let newest = |store: &FolderStore| known.lock().unwrap().claimed.last() == Some(&store.generation());
    match ended {
        Ok(store) => assert!(newest(&store) || disk.stopped() || store.check().is_err(), "two have the claim"),
        Err(CheckpointError::Fenced { .. }) if others > 0 => {}
        Err(error) => assert!(disk.stopped(), "{error}"),
    }
}

/// How many crash states one seed came to.
pub(super) fn case(seed: u64) -> usize {
    let mut chance = Chance::new(seed, "store");
    let others = if chance.one_in(2) { 0 } else { chance.nth(2) };
    crashes(&Forgetful::new(), &Shared::default(), &mut chance, CRASHES_MAX, others)
}

fn crashes(disk: &Forgetful, known: &Shared, chance: &mut Chance, left: u64, others: u64) -> usize {
    // A run of this test has some 15 to 60 operations.
    disk.stop_at(chance.nth(60));
    claimants(disk, known, chance, others);
    // It may be the process alone that died, and the disk knows all that it did.
    let states = match chance.below(6) {
        0 => vec![disk.process()],
        _ => disk.crashes(if left == CRASHES_MAX { 8 } else { 2 }),
    };
    let mut count = states.len();
    for state in &states {
        let known: Shared = Arc::new(Mutex::new(known.lock().unwrap().clone()));
        if left > 0 && chance.one_in(2) {
            count += crashes(state, &known, chance, left - 1, others);
        } else {
            let store = claimant(state, &known, &mut chance.split()).expect("nothing is in its way");
            store.check().expect("it has the claim");
        }
    }
    count
}
