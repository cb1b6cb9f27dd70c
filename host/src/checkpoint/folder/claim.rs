//! Claims a checkpoint folder: its generation's folder gets the next number, which only one claimant can give it.

use super::super::CheckpointError;
use crate::storage::{Storage, random_name};
use crate::telemetry::failpoint;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Claimants that were faster, before this one gives up: more than that is a fault, not a race.
const RACES_MAX: usize = 100;

const FOLDER: &str = "generation-";

/// Who a folder of checkpoints belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The folder.
    pub path: PathBuf,
    /// The generation's folder in it.
    pub folder: PathBuf,
    /// The random name that was made with the folder.
    pub lineage: String,
    /// How often it was claimed.
    pub generation: u64,
}

/// Makes the folder if it is not there, and claims it.
pub(super) fn claim(storage: &dyn Storage, path: &Path, floor: u64) -> Result<Claim, CheckpointError> {
    let failed = |source: io::Error| CheckpointError::Io { place: storage.place(path), source };
    storage.create_folders(path).map_err(failed)?;
    let lineage = lineage(storage, path).map_err(failed)?;
    for _ in 0..RACES_MAX {
        let before = generations(storage, path)?.into_iter().max();
        let generation = (before.unwrap_or(0) + 1).max(floor);
        let folder = path.join(format!("{FOLDER}{generation}"));
        let claimed = match before {
            Some(before) => storage.rename_new(&path.join(format!("{FOLDER}{before}")), &folder),
            None => storage.create_folder(&folder),
        };
        match claimed {
            Ok(()) => {}
            // Another claimant was faster.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => continue,
            Err(source) => return Err(failed(source)),
        }
        failpoint!("claim-renamed");
        storage.sync_folder(path).map_err(failed)?;
        // First claimants that begin at once make folders of different numbers, and each looks only after making its own: so at least
        // one sees the other's, gives its own empty one up, and takes the other's over by renaming it, with what is in it by then.
        let now = generations(storage, path)?;
        if before.is_none() && now.len() > 1 {
            storage.remove_folder(&folder).map_err(failed)?;
            continue;
        }
        if now.iter().any(|other| *other > generation) {
            return Err(CheckpointError::Fenced { place: storage.place(path), generation });
        }
        for older in now.into_iter().filter(|other| *other < generation) {
            storage.remove_folder(&path.join(format!("{FOLDER}{older}"))).map_err(failed)?;
        }
        return Ok(Claim { path: path.to_owned(), folder, lineage, generation });
    }
    Err(failed(io::Error::new(ErrorKind::ResourceBusy, "other runs claim it all the time")))
}

/// The claim as it stands; `None` where nobody ever made one.
pub(super) fn look(storage: &dyn Storage, path: &Path) -> Result<Option<Claim>, CheckpointError> {
    let failed = |source: io::Error| CheckpointError::Io { place: storage.place(path), source };
    let generation = match generations(storage, path) {
        Ok(generations) => generations.into_iter().max(),
        Err(CheckpointError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(generation) = generation else { return Ok(None) };
    let lineage = storage.read(&path.join("lineage")).map_err(failed)?;
    Ok(Some(Claim {
        path: path.to_owned(),
        folder: path.join(format!("{FOLDER}{generation}")),
        lineage: String::from_utf8_lossy(&lineage).into_owned(),
        generation,
    }))
}

fn generations(storage: &dyn Storage, path: &Path) -> Result<Vec<u64>, CheckpointError> {
    let place = || storage.place(path);
    let entries = storage.list(path).map_err(|source| CheckpointError::Io { place: place(), source })?;
    if entries.iter().any(|entry| !entry.folder && super::epoch_of(&entry.name).is_some()) {
        return Err(CheckpointError::OldLayout { place: place() });
    }
    let number = |name: &str| name.strip_prefix(FOLDER)?.parse().ok();
    Ok(entries.iter().filter(|entry| entry.folder).filter_map(|entry| number(&entry.name)).collect())
}

/// The folder's lineage; made if it has none.
fn lineage(storage: &dyn Storage, path: &Path) -> io::Result<String> {
    let file = path.join("lineage");
    match storage.read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(bytes) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
    let name = random_name()?;
    let aside = path.join(format!("lineage.{name}.aside"));
    storage.write(&aside, name.as_bytes())?;
    failpoint!("lineage-before-rename");
    let made = storage.rename_new(&aside, &file);
    storage.sync_folder(path)?;
    match made {
        Ok(()) => Ok(name),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            storage.remove(&aside)?;
            Ok(String::from_utf8_lossy(&storage.read(&file)?).into_owned())
        }
        Err(error) => Err(error),
    }
}
