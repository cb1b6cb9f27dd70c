//! What must hold of everything outside after each life, and at the end.

use super::damage;
use super::destination::{Kind, Name};
use super::instance::{CHECKPOINTS, FILES, KPIS};
use super::world::World;
use crate::checkpoint::folder::FolderStore;
use crate::pipeline::keeper::Kept;
use crate::pipeline::snapshot::{self, Snapshot};
use crate::storage::Storage;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// Windows as somebody outside reads them: revision and rows.
type Read = BTreeMap<Name, (u64, String)>;

/// The newest checkpoint says what the log says up to its offsets, and nothing that was told of offsets is beyond it.
pub fn checkpoint(world: &World) {
    let storage: Arc<dyn Storage> = Arc::new(world.disk().process());
    let Some((_, Some(saved))) = FolderStore::look(&storage, Path::new(CHECKPOINTS)).unwrap() else { return };
    let last: Snapshot = snapshot::decode(saved.records.last().unwrap()).unwrap();
    let offsets: Vec<usize> = last.partitions.iter().map(|saved| saved.next_offset.unwrap_or(0) as usize).collect();
    assert_eq!(last.ledger, world.oracle().ledger(&offsets), "the ledger of epoch {}", saved.epoch);
    let letters = world.oracle().letters(&offsets).map(|letters| letters.len() as u64);
    assert_eq!(last.letters, letters, "letters of epoch {}", saved.epoch);
    let confirmed = world.confirmed.lock().unwrap().clone();
    let ahead = confirmed.iter().zip(&offsets).any(|(told, saved)| *told > *saved as i64);
    assert!(!ahead, "offsets {confirmed:?} were told, and epoch {} has {offsets:?}", saved.epoch);
    files(world);
}

/// What is seen outside is in a checkpoint that a power cut leaves.
pub fn recorded(world: &World, epoch: u64) {
    let after = world.disk().crash(world.chance().next());
    let highest = after.tree().iter().filter_map(|(path, _)| damage::epoch(path)).max();
    assert!(highest >= Some(epoch), "epoch {epoch} is published, and the newest checkpoint is {highest:?}");
}

/// A window may be published like this, by a run that saw some stage of the log.
pub fn window(world: &World, name: Name, revision: u64, rows: &str) {
    let right = world.oracles.iter().any(|oracle| oracle.may_be(name, revision, rows));
    assert!(right, "window {name:?} at revision {revision} can't be {rows}: {}", world.oracle().told(name));
}

/// What a run that came to the end has counted.
pub fn books(world: &World, stage: usize, kept: &Kept) {
    let oracle = &world.oracles[stage];
    assert_eq!(kept.ledger.balance(), Ok(()));
    assert_eq!(kept.ledger, oracle.ledger(&oracle.ends()));
    let finals = oracle.finals();
    for (kpi, tally) in kept.tally.kpis.iter().enumerate() {
        let windows: Vec<_> = finals.iter().filter(|(name, _)| name.0 == kpi).collect();
        let revisions: u64 = windows.iter().map(|(_, (revision, _))| revision).sum();
        assert_eq!((tally.windows, tally.revisions), (windows.len() as u64, revisions), "the tally of KPI {kpi}");
    }
}

/// What the systems hold after a run that came to the end, and that nobody fenced.
pub fn systems(world: &World, stage: usize) {
    let finals = world.oracles[stage].finals();
    for kind in [Kind::Store, Kind::Topic] {
        let system = world.system(kind);
        same(&format!("{kind:?}"), &system.lock().unwrap().kept.windows, &finals);
    }
}

/// Everything is there, once.
pub fn end(world: &World) {
    let finals = world.oracle().finals();
    systems(world, world.oracles.len() - 1);
    // After a fall to an older checkpoint late records come in another order: a revision may then be A, B, and A again.
    if world.counts().damaged == 0 {
        let topic = world.system(Kind::Topic);
        let appended = topic.lock().unwrap().appended.clone();
        let once: BTreeSet<_> = appended.iter().collect();
        assert_eq!(once.len(), appended.len(), "the topic has a revision twice");
    }
    same("files", &files(world), &finals);
    let letters = world.oracle().letters(&world.oracle().ends());
    for (file, mut expected) in world.letters.iter().zip(letters) {
        let mut found = file.lock().unwrap().entries.clone();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "letters");
    }
}

fn same(what: &str, found: &Read, expected: &Read) {
    for (name, window) in expected {
        assert_eq!(found.get(name), Some(window), "{what}: window {name:?}");
    }
    assert_eq!(found.len(), expected.len(), "{what}: windows that nobody expects");
}

/// What the files hold now; each window in them is one that may be published.
fn files(world: &World) -> Read {
    let mut read = Read::new();
    for (path, bytes) in world.disk().tree() {
        let Some(rest) = path.strip_prefix(FILES).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let Some((kpi, file)) = rest.split_once('/') else { continue };
        let Some(kpi) = KPIS.iter().position(|name| *name == kpi) else { continue };
        // What is set aside lies in a folder of its own, or begins with a dot.
        if file.contains('/') || file.starts_with('.') || !file.ends_with(".json") {
            continue;
        }
        std::str::from_utf8(&bytes).unwrap().lines().for_each(|line| row(&mut read, kpi, line));
    }
    read.iter().for_each(|(name, (revision, rows))| window(world, *name, *revision, rows));
    read
}

fn row(read: &mut Read, kpi: usize, line: &str) {
    let row: serde_json::Value = serde_json::from_str(line).unwrap();
    let start: jiff::Timestamp = row["window"]["start"].as_str().unwrap().parse().unwrap();
    let revision = row["revision"].as_u64().unwrap_or(0);
    let window = read.entry((kpi, start.as_microsecond())).or_insert_with(|| (revision, String::new()));
    assert_eq!(window.0, revision, "a window of two revisions: {line}");
    let key = row["key"].as_str().unwrap_or_default();
    let _ = write!(window.1, "{key}={}:{};", row["count"], row["sum"]);
}
