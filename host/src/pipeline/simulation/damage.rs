//! Damages the newest record of the checkpoints, as a disk or a hand does, where another chain is there to fall back to.

use super::instance::CHECKPOINTS;
use super::world::World;
use crate::checkpoint::folder::FolderStore;
use crate::storage::Storage;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub fn newest_record(world: &World) {
    if world.is_calm() || !world.chance().one_in(world.script.damage) {
        return;
    }
    let disk = world.disk();
    let records = disk.tree().into_iter().filter_map(|(path, bytes)| Some((epoch(&path)?, path, bytes)));
    let Some((epoch, path, bytes)) = records.max() else { return };
    let path = PathBuf::from(path);
    match harm(world, &bytes) {
        Some(harmed) => disk.write(&path, &harmed).unwrap(),
        None => disk.remove(&path).unwrap(),
    }
    let storage: Arc<dyn Storage> = Arc::new(disk.process());
    match FolderStore::look(&storage, Path::new(CHECKPOINTS)) {
        Ok(Some((_, Some(_)))) => {
            world.counts().damaged += 1;
            world.trace(|| format!("the record of epoch {epoch} is damaged, or gone"));
            // What was told of offsets is ahead now, and can't be taken back.
            world.confirmed.lock().unwrap().fill(0);
        }
        // It is the operator's to bring a checkpoint back where none is whole.
        _ => disk.write(&path, &bytes).unwrap(),
    }
}

/// Which epoch's record it is.
pub fn epoch(path: &str) -> Option<u64> {
    path.strip_suffix(".ckpt")?.rsplit_once("epoch-")?.1.parse().ok()
}

/// Torn, with a bit that is another, or gone, as where an older copy of the folder was brought back: then sinks hold epochs that no
/// record's number tells of.
fn harm(world: &World, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut chance = world.chance();
    if chance.one_in(3) {
        return None;
    }
    let at = chance.below(bytes.len().max(1));
    if chance.one_in(2) || bytes.is_empty() {
        return Some(bytes[..at].to_vec());
    }
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << chance.below(8);
    Some(bytes)
}
