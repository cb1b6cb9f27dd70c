//! A file system that is away, or refuses, when a test says so.

use super::*;
use crate::storage::Entry;
use std::io::{self, ErrorKind};
use std::sync::Mutex;

/// The local disk, or nothing.
#[derive(Debug, Default)]
pub(super) struct Flaky {
    /// What every call answers now.
    pub(super) error: Mutex<Option<ErrorKind>>,
    /// Renames of files that still go well before that.
    pub(super) renames: Mutex<Option<usize>>,
}

impl Flaky {
    pub(super) fn set(&self, error: Option<ErrorKind>) {
        *self.error.lock().unwrap() = error;
    }

    /// From the rename after so many on, the file system is away.
    pub(super) fn leave_after_renames(&self, renames: usize) {
        *self.renames.lock().unwrap() = Some(renames);
    }

    fn there(&self) -> io::Result<Local> {
        match *self.error.lock().unwrap() {
            Some(kind) => Err(io::Error::new(kind, "it is away")),
            None => Ok(Local),
        }
    }
}

impl Storage for Flaky {
    fn create_folders(&self, path: &Path) -> io::Result<()> {
        self.there()?.create_folders(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.there()?.create_folder(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.there()?.write(path, bytes)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.there()?.read(path)
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        self.there()?.length(path)
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        let left = self.renames.lock().unwrap().take();
        if left == Some(0) {
            self.set(Some(ErrorKind::TimedOut));
        }
        *self.renames.lock().unwrap() = left.and_then(|left| left.checked_sub(1));
        self.there()?.replace(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.there()?.rename_new(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.there()?.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.there()?.remove_folder(path)
    }

    fn remove_empty_folder(&self, path: &Path) -> io::Result<()> {
        self.there()?.remove_empty_folder(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.there()?.list(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.there()?.sync_folder(path)
    }

    fn place(&self, path: &Path) -> String {
        Local.place(path)
    }
}
