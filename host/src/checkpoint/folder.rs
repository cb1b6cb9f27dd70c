//! Checkpoints as files of a folder: `epoch-<n>.ckpt`, the last two of them.
//!
//! ```text
//! magic and version (8) │ epoch (8) │ length (8) │ SHA-256 of all else (32) │ bytes
//! ```
//! Numbers are little-endian. A file is written aside, synced, renamed, and the folder synced. Two are kept, because a
//! disk may lose what it said was durable; one that is torn or changed is found by its digest and told, and the one
//! before is taken.

use super::{CheckpointError, Saved, Store};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const MAGIC: &[u8; 8] = b"weirCK\x00\x01";
const HEADER_LEN: usize = 8 + 8 + 8 + 32;
const SUFFIX: &str = ".ckpt";
const ASIDE_SUFFIX: &str = ".ckpt.aside";

/// Checkpoints in a folder.
#[derive(Debug)]
pub struct FolderStore {
    path: PathBuf,
    newest: Mutex<Newest>,
    /// Held open for its lock.
    _lock: File,
}

/// The epoch of the newest checkpoint that is whole.
#[derive(Debug, Clone, Copy)]
enum Newest {
    /// Nobody has looked yet.
    Unread,
    Known(Option<u64>),
}

impl FolderStore {
    /// Opens the folder, makes it if it is not there, locks it, and removes what a crash left aside.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        create_folders(path)?;
        let lock = lock(path)?;
        let store = Self { path: path.to_owned(), newest: Mutex::new(Newest::Unread), _lock: lock };
        for name in store.names()?.iter().filter(|name| name.ends_with(ASIDE_SUFFIX)) {
            store.remove(name)?;
        }
        Ok(store)
    }

    fn newest(&self) -> Result<Option<u64>, CheckpointError> {
        match *self.newest.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            Newest::Known(epoch) => return Ok(epoch),
            Newest::Unread => {}
        }
        Ok(self.latest()?.map(|saved| saved.epoch))
    }

    fn set_newest(&self, epoch: Option<u64>) {
        *self.newest.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Newest::Known(epoch);
    }

    /// Epochs that the folder has files of, rising.
    fn epochs(&self) -> Result<Vec<u64>, CheckpointError> {
        let names = self.names()?;
        let mut epochs: Vec<u64> = names.iter().filter_map(|name| epoch_of(name)).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    fn names(&self) -> Result<Vec<String>, CheckpointError> {
        let entries = fs::read_dir(&self.path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let entries = entries.map_err(|source| failed(&self.path, source))?;
        Ok(entries.iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    fn remove(&self, name: &str) -> Result<(), CheckpointError> {
        let path = self.path.join(name);
        fs::remove_file(&path).map_err(|source| failed(&path, source))
    }

    fn replace(&self, epoch: u64, bytes: &[u8]) -> Result<(), CheckpointError> {
        let (path, aside) = (self.path.join(name(epoch)), self.path.join(format!("epoch-{epoch}{ASIDE_SUFFIX}")));
        let write = || {
            let mut file = File::create(&aside)?;
            file.write_all(&header(epoch, bytes))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|source| failed(&aside, source))?;
        fs::rename(&aside, &path).map_err(|source| failed(&path, source))?;
        sync_folder(&self.path)
    }
}

impl Store for FolderStore {
    fn write(&self, epoch: u64, bytes: &[u8]) -> Result<(), CheckpointError> {
        let last = self.newest()?;
        if let Some(last) = last.filter(|last| *last >= epoch) {
            return Err(CheckpointError::NotRising { place: self.path.display().to_string(), epoch, last });
        }
        self.replace(epoch, bytes)?;
        self.set_newest(Some(epoch));
        // Also broken ones of higher epochs, which `latest` passed over.
        for old in self.epochs()?.into_iter().filter(|old| *old != epoch && Some(*old) != last) {
            self.remove(&name(old))?;
        }
        Ok(())
    }

    fn latest(&self) -> Result<Option<Saved>, CheckpointError> {
        let mut reasons = Vec::new();
        for epoch in self.epochs()?.into_iter().rev() {
            let path = self.path.join(name(epoch));
            let reason = match fs::read(&path).map(|file| decode(epoch, file)) {
                Ok(Ok(bytes)) => {
                    self.set_newest(Some(epoch));
                    return Ok(Some(Saved { epoch, bytes }));
                }
                Ok(Err(reason)) => reason,
                Err(source) => return Err(failed(&path, source)),
            };
            tracing::warn!(file = %path.display(), reason, "a checkpoint can't be read; taking the one before");
            reasons.push(format!("{}: {reason}", name(epoch)));
        }
        if reasons.is_empty() {
            self.set_newest(None);
            return Ok(None);
        }
        Err(CheckpointError::NoneWhole { place: self.path.display().to_string(), reasons: reasons.join("; ") })
    }
}

fn name(epoch: u64) -> String {
    format!("epoch-{epoch}{SUFFIX}")
}

fn epoch_of(file_name: &str) -> Option<u64> {
    let epoch = file_name.strip_prefix("epoch-")?.strip_suffix(SUFFIX)?.parse().ok()?;
    // `epoch-007.ckpt` is none of ours.
    (name(epoch) == file_name).then_some(epoch)
}

fn header(epoch: u64, bytes: &[u8]) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&epoch.to_le_bytes());
    header[16..24].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    let digest = Sha256::new().chain_update(&header[..24]).chain_update(bytes).finalize();
    header[24..].copy_from_slice(&digest);
    header
}

/// The bytes of a checkpoint's file, if it is whole and of this epoch.
fn decode(epoch: u64, mut file: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    let Some((found, bytes)) = file.split_at_checked(HEADER_LEN) else {
        return Err("it is shorter than its header");
    };
    if found[..6] != MAGIC[..6] {
        return Err("it is no checkpoint");
    }
    if found[6..8] != MAGIC[6..] {
        return Err("it is of another version of the format: resume with the version of weir that wrote it");
    }
    if found != header(epoch, bytes) {
        return Err("its bytes are not those that were written");
    }
    file.drain(..HEADER_LEN);
    Ok(file)
}

fn lock(folder: &Path) -> Result<File, CheckpointError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    let open = options.read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = open.map_err(|source| failed(&path, source))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let place = folder.display().to_string();
            return Err(CheckpointError::InUse { place, holder: holder(&mut file) });
        }
        Err(source) => return Err(failed(&path, source.into())),
    }
    let name_us = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    name_us.map_err(|source| failed(&path, source))?;
    Ok(file)
}

/// Who holds the lock, as far as its file tells.
fn holder(file: &mut File) -> String {
    let mut pid = String::new();
    match file.take(20).read_to_string(&mut pid).map(|_| pid.parse::<u32>()) {
        Ok(Ok(pid)) => format!("process {pid}"),
        _ => "another process".to_owned(),
    }
}

/// Makes the folder and those above it that are not there, each durable in the one above it.
fn create_folders(path: &Path) -> Result<(), CheckpointError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_folders(parent)?;
    match fs::create_dir(path) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists || !path.is_dir() => Err(failed(path, source)),
        _ => sync_folder(parent),
    }
}

fn sync_folder(path: &Path) -> Result<(), CheckpointError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: io::Error) -> CheckpointError {
    CheckpointError::Io { place: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
