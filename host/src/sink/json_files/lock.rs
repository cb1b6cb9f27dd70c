//! One run at a time in a folder of this machine: a lock on the folder itself, which goes with the process. It keeps apart runs that
//! can't fence each other, because neither is newer: two without a checkpoint, two pipelines. Knows nothing of rows.

use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What came of trying.
#[derive(Debug)]
pub(super) enum Lock {
    /// Ours as long as this is held open.
    Ours(File),
    /// Some network file systems have no locks: two runs at once are then the operator's to avoid.
    Impossible,
    /// Another process holds it; which one, if that can be found out.
    Taken(Option<u32>),
}

/// Tries once.
pub(super) fn try_lock(path: &Path) -> io::Result<Lock> {
    let folder = File::open(path)?;
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock::Ours(folder)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(Lock::Taken(holder(&folder))),
        Err(source) => {
            tracing::warn!(folder = %path.display(), %source, "the folder can't be locked");
            Ok(Lock::Impossible)
        }
    }
}

/// The kernel's list has a line for each lock: `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`, the last number the inode's. A process
/// of another container has no number there that means anything here.
fn holder(folder: &File) -> Option<u32> {
    let inode = format!(":{}", folder.metadata().ok()?.ino());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let of_folder =
        |words: &Vec<&str>| words.get(1) == Some(&"FLOCK") && words.get(5).is_some_and(|at| at.ends_with(&inode));
    let line = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(of_folder)?;
    line.get(4)?.parse().ok().filter(|pid| *pid > 0)
}

/// For a message: ` (process 4711)`.
pub(super) fn shown(holder: Option<u32>) -> String {
    holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}
