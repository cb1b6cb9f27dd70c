//! File systems as what must survive a crash sees them: one trait, and a file a system. Knows neither rows nor states.
//!
//! Checkpoints and sinks of files are written against [`Storage`] alone, so the same code keeps its promises on a local disk, on
//! HDFS, and in tests on a file system that forgets whatever was not synced.

#[cfg(test)]
pub(crate) mod forgetful;
pub mod hdfs;
pub mod local;

use std::fmt::Debug;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A file system.
///
/// # Contract
/// * A file's bytes are durable when `write` returns; that it stands in its folder under this name is durable only after
///   `sync_folder`. The same holds of renames and removals.
/// * A rename is atomic: after a crash the file stands under one of its names.
/// * Nothing makes folders on its way but `create_folders`: whoever renames a folder away has shut out everybody who writes there
///   by its old name. Fencing rests on this.
/// * Errors are of the kinds `NotFound` and `AlreadyExists` where that is what is wrong, and name no secret.
/// * An answer that was lost on the way is found out by looking, inside: an operation that fails was not done.
/// * A system that can't be reached is given some time, inside; then the error is one that [`is_away`] knows, and trying again later
///   may help.
pub trait Storage: Debug + Send + Sync {
    /// Makes the folder and those above it that are not there, durably: also one that was there, whose maker may have died amid it.
    fn create_folders(&self, path: &Path) -> io::Result<()>;
    /// Makes this one folder; `AlreadyExists` where it is there, `NotFound` where the one above is not.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Writes a file whole, in place of the one that is there; `NotFound` where its folder is not.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// All bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// A file's length; `None` where there is no file.
    fn length(&self, path: &Path) -> io::Result<Option<u64>>;
    /// Moves a file, in place of the one that is there.
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Moves a folder, or a file, to a name that is free; else `AlreadyExists` (of a folder also where it is empty).
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; one that is not there is fine.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and all within; one that is not there is fine.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder that holds nothing, else `DirectoryNotEmpty`; one that is not there is fine.
    fn remove_empty_folder(&self, path: &Path) -> io::Result<()>;
    /// What is in a folder, in no order; `NotFound` where it is not there.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Makes names that changed in the folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// How many calls it serves at once to advantage.
    fn calls_at_once(&self) -> usize {
        8
    }
    /// A path as people know it there.
    fn place(&self, path: &Path) -> String;
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its last part.
    pub name: String,
    /// Whether it is a folder.
    pub folder: bool,
}

/// Whether this error says that the system can't be reached now.
pub fn is_away(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TimedOut
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    )
}

/// The folder that a path is in.
pub fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        // Of a root there is none to make, and of a lone name it is where we are.
        Some(_) => PathBuf::from("."),
        None => path.to_owned(),
    }
}

/// A name that nobody else has.
pub fn random_name() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
