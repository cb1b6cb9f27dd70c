//! Claims a checkpoint folder: its generation's folder gets a higher number, which only one claimant can give it.

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
    /// The folder's number: at least the time of the claim in milliseconds, and above all before.
    pub generation: u64,
}

/// Makes the folder if it is not there, and claims it.
pub(super) fn claim(storage: &dyn Storage, path: &Path, floor: u64) -> Result<Claim, CheckpointError> {
    let failed = |source: io::Error| CheckpointError::Io { place: storage.place(path), source };
    storage.create_folders(path).map_err(failed)?;
    let lineage = lineage(storage, path).map_err(failed)?;
    for _ in 0..RACES_MAX {
        let found = Generations::list(storage, path)?;
        let generation = (found.highest().unwrap_or(0) + 1).max(floor);
        let folder = path.join(name(generation));
        let before = found.current();
        let claimed = match before {
            Some(before) => storage.rename_new(&path.join(name(before)), &folder),
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
        if shut_out_others(storage, path, generation, before.is_none())? {
            return Ok(Claim { path: path.to_owned(), folder, lineage, generation });
        }
    }
    Err(failed(io::Error::new(ErrorKind::ResourceBusy, "other runs claim it all the time")))
}

/// Leaves only this generation's folder. False: it was given up for another one.
///
/// First claimants that begin at once make folders of different numbers, and each looks only after making its own: so at least one sees
/// the other's, gives its own empty one up, and takes the other's over by renaming it, with what is in it by then. One that died
/// between leaves an empty folder. A folder that holds something is never removed.
fn shut_out_others(storage: &dyn Storage, path: &Path, generation: u64, made: bool) -> Result<bool, CheckpointError> {
    let failed = |source: io::Error| CheckpointError::Io { place: storage.place(path), source };
    let now = Generations::list(storage, path)?;
    let others = || now.0.iter().filter(|(other, _)| *other != generation);
    let give_up = || match storage.remove_empty_folder(&path.join(name(generation))) {
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Err(two(storage, path, &now)),
        given_up => given_up.map(|()| false).map_err(failed),
    };
    if made && others().next().is_some() {
        return give_up();
    }
    if others().any(|(other, _)| *other > generation && now.current() == Some(*other)) {
        return Err(CheckpointError::Fenced { place: storage.place(path), generation });
    }
    for (other, _) in others() {
        match storage.remove_empty_folder(&path.join(name(*other))) {
            // Somebody has written there: its maker, which goes on until its folder is renamed.
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => return give_up(),
            removed => removed.map_err(failed)?,
        }
    }
    Ok(true)
}

/// The claim as it stands; `None` where nobody ever made one.
pub(super) fn look(storage: &dyn Storage, path: &Path) -> Result<Option<Claim>, CheckpointError> {
    let failed = |source: io::Error| CheckpointError::Io { place: storage.place(path), source };
    let generation = match Generations::list(storage, path) {
        Ok(found) => found.current(),
        Err(CheckpointError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(generation) = generation else { return Ok(None) };
    let (file, folder) = (path.join("lineage"), path.join(name(generation)));
    let lineage = match storage.read(&file) {
        // Claimants died before either name was durable, and the power was cut: the next one names it anew.
        Err(error) if error.kind() == ErrorKind::NotFound && storage.list(&folder).map_err(failed)?.is_empty() => {
            return Ok(None);
        }
        read => read.map_err(|source| CheckpointError::Io { place: storage.place(&file), source })?,
    };
    let lineage = String::from_utf8_lossy(&lineage).into_owned();
    Ok(Some(Claim { path: path.to_owned(), folder, lineage, generation }))
}

fn name(generation: u64) -> String {
    format!("{FOLDER}{generation}")
}

fn two(storage: &dyn Storage, path: &Path, found: &Generations) -> CheckpointError {
    let used = found.0.iter().filter(|(_, used)| *used);
    let folders = used.map(|(generation, _)| name(*generation)).collect::<Vec<_>>().join(" and ");
    CheckpointError::TwoGenerations { place: storage.place(path), folders }
}

/// The generations' folders that are there, and whether each holds something.
struct Generations(Vec<(u64, bool)>);

impl Generations {
    fn list(storage: &dyn Storage, path: &Path) -> Result<Self, CheckpointError> {
        let failed = |source: io::Error| CheckpointError::Io { place: storage.place(path), source };
        let numbers = generations(storage, path)?;
        if numbers.len() < 2 {
            return Ok(Self(numbers.into_iter().map(|number| (number, true)).collect()));
        }
        let mut found = Vec::with_capacity(numbers.len());
        for number in numbers {
            match storage.list(&path.join(name(number))) {
                Ok(entries) => found.push((number, !entries.is_empty())),
                // Renamed or given up since.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => return Err(failed(source)),
            }
        }
        let found = Self(found);
        if found.0.iter().filter(|(_, used)| *used).count() > 1 { Err(two(storage, path, &found)) } else { Ok(found) }
    }

    fn highest(&self) -> Option<u64> {
        self.0.iter().map(|(number, _)| *number).max()
    }

    /// The one that counts: that which holds something, or the highest.
    fn current(&self) -> Option<u64> {
        self.0.iter().max_by_key(|(number, used)| (*used, *number)).map(|(number, _)| *number)
    }
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
