//! Folders made and synced so that they outlast a power cut; shared by the sinks that write files.

use super::SinkError;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Makes the folder and those above it that are not there, each durable in the one above it.
pub(super) fn create(path: &Path) -> Result<(), SinkError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent(path);
    create(parent)?;
    match fs::create_dir(path) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists || !path.is_dir() => Err(failed(path, source)),
        _ => sync(parent),
    }
}

/// Makes names that changed in the folder durable.
pub(super) fn sync(path: &Path) -> Result<(), SinkError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|source| failed(path, source))
}

/// The folder that a path is in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        // Of a root there is none to make, and of a lone name it is where we are.
        Some(_) => Path::new("."),
        None => path,
    }
}

pub(super) fn failed(path: &Path, source: io::Error) -> SinkError {
    SinkError::Io { place: path.display().to_string(), source }
}
