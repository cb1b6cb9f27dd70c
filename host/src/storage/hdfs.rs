//! HDFS, by `hdfs-native`: no Java. The NameNode's edit log makes every answered change of names durable, so syncing a folder is nothing.
//!
//! * **Writing** makes a file under a name of its own beside the wanted one, syncs it to the disks of its DataNodes (`hsync`; not where the
//!   folder is erasure-coded, which HDFS can't: there closing is what there is), closes it, and renames it into place. So no name is ever
//!   removed to be written again, which a call that arrives late could do to the new file, and what a dead writer left open is in nobody's
//!   way.
//! * **An unclear answer** (a connection that broke, no answer in time) is found out by looking. A rename took place if its source is gone
//!   and its destination is what the source was. Everything else here can be done twice.
//! * **A system that is away** (no connection, a NameNode in safe mode, no DataNode) is tried again for a minute, then the error is one that
//!   `is_away` knows, and until it is back each call tries only once.
//! * **A file that a dead writer left open** is closed (`recoverLease`) before it is read.
//!
//! Who connects: `HADOOP_USER_NAME`, or the user of the process; with `hadoop.security.authentication = kerberos` the ticket in the
//! credential cache, through the system's libgssapi, which is loaded only then. `HADOOP_CONF_DIR` is read for settings that the pipeline
//! file does not hold. Knows neither rows nor states.

mod line;
mod trouble;

use super::{Entry, Storage, parent};
use bytes::Bytes;
use hdfs_native::client::FileStatus;
use hdfs_native::{Client, HdfsError, WriteOptions};
use line::Line;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use trouble::Trouble;

/// Of folders that are made.
const FOLDER_PERMISSION: u32 = 0o755;

/// How long bytes may take before and beside their number.
const DATA_WAIT: Duration = Duration::from_secs(30);

/// Bytes that are expected to go over in a second at the least.
const DATA_BYTES_PER_SECOND: u64 = 1024 * 1024;

/// A file system there.
#[derive(Debug)]
pub struct Hdfs {
    url: String,
    line: Line,
}

impl Hdfs {
    /// Connects only when it is used. `url` is `hdfs://host:port` or `hdfs://nameservice`; `properties` are the client's, as in
    /// hdfs-site.xml.
    pub fn new(url: &str, properties: &BTreeMap<String, String>) -> io::Result<Self> {
        Ok(Self { url: url.to_owned(), line: Line::new(url, properties)? })
    }

    /// Tries for so long what a system that is away does not answer; a minute unless said.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.line.patience = patience;
        self
    }

    /// What stands under a name; `None` where nothing does.
    fn look(&self, client: &Client, path: &str) -> Result<Option<FileStatus>, Trouble> {
        match self.line.wait(client.get_file_info(path)) {
            Ok(status) => Ok(Some(status)),
            Err(Trouble::Final(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Writes a new file, closed and durable.
    fn put(&self, client: &Client, path: &str, bytes: &Bytes) -> Result<FileStatus, Trouble> {
        let options = WriteOptions::default().overwrite(false).create_parent(false);
        let mut writer = self.line.wait(client.create(path, options))?;
        let written = self.line.wait_for(data_wait(bytes.len()), async {
            if !bytes.is_empty() {
                writer.write_bytes(bytes.clone()).await?;
                match writer.hsync().await {
                    Err(HdfsError::OperationFailed(reason)) if reason.contains("erasure-coded") => {}
                    synced => synced?,
                }
            }
            writer.close().await
        });
        let checked = written.and_then(|()| match self.look(client, path)? {
            Some(status) if status.length == bytes.len() => Ok(status),
            _ => Err(Trouble::Passing("the file is not as it was written".to_owned())),
        });
        if checked.is_err() {
            // Nobody will look at it again; that it stays is no harm.
            let _ = self.line.wait(client.delete(path, false));
        }
        checked
    }

    /// Renames, and finds out whether a call without a clear answer did. `source`: what is to be renamed, if that is known.
    fn rename(&self, from: &str, to: &str, overwrite: bool, source: Option<FileStatus>) -> io::Result<()> {
        let (mut source, mut unclear) = (source, false);
        self.line.until_clear(|client| {
            let there = match &source {
                Some(source) => source,
                None => source.insert(self.look(client, from)?.ok_or_else(|| Trouble::not_found(from))?),
            };
            let renamed = self.line.wait(client.rename(from, to, overwrite));
            let was_unclear = unclear;
            unclear |= matches!(renamed, Err(Trouble::Passing(_)));
            match renamed {
                // What this call was refused for may be what the one before it did.
                Err(Trouble::Final(_)) if was_unclear && self.is_renamed(client, there, from, to)? => Ok(()),
                renamed => renamed,
            }
        })
    }

    fn is_renamed(&self, client: &Client, source: &FileStatus, from: &str, to: &str) -> Result<bool, Trouble> {
        if self.look(client, from)?.is_some() {
            return Ok(false);
        }
        let same = |found: &FileStatus| {
            let times = found.isdir || found.modification_time == source.modification_time;
            found.isdir == source.isdir && found.length == source.length && times
        };
        Ok(self.look(client, to)?.as_ref().is_some_and(same))
    }

    /// A name beside this one that nobody else has.
    fn beside(&self, path: &Path) -> io::Result<PathBuf> {
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| no_path(path))?;
        Ok(parent(path).join(format!(".{name}.{}.part", self.line.unique())))
    }

    fn delete(&self, path: &Path, recursive: bool) -> io::Result<()> {
        let path = text(path)?;
        self.line
            .until_clear(|client| self.line.wait(client.delete(path, recursive)).map(drop))
            .or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }

    fn read_closed(&self, client: &Client, path: &str) -> Result<Vec<u8>, Trouble> {
        // True at once of a file that is closed.
        match self.line.wait(client.recover_lease(path)) {
            Ok(true) => {}
            Err(Trouble::Final(error)) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Trouble::Final(error));
            }
            Err(Trouble::Passing(reason)) => return Err(Trouble::Passing(reason)),
            _ => return Err(Trouble::Passing("a dead writer's file is being closed".to_owned())),
        }
        let status = self.look(client, path)?.ok_or_else(|| Trouble::not_found(path))?;
        let mut reader = self.line.wait(client.read(path))?;
        let bytes = self.line.wait_for(data_wait(status.length), reader.read_bytes(status.length))?;
        if bytes.len() != status.length || reader.file_length() != status.length {
            return Err(Trouble::Passing(format!("{} bytes of a file of {}", bytes.len(), status.length)));
        }
        Ok(bytes.into())
    }
}

impl Storage for Hdfs {
    fn create_folders(&self, path: &Path) -> io::Result<()> {
        let path = text(path)?;
        self.line.until_clear(|client| self.line.wait(client.mkdirs(path, FOLDER_PERMISSION, true)))
    }

    /// Through a folder of another name, because HDFS is content with one that is there.
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let beside = self.beside(path)?;
        let name = text(&beside)?;
        self.line.until_clear(|client| self.line.wait(client.mkdirs(name, FOLDER_PERMISSION, false)))?;
        self.rename_new(&beside, path).inspect_err(|_| drop(self.remove_folder(&beside)))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let bytes = Bytes::copy_from_slice(bytes);
        let (mut beside, mut status) = (PathBuf::new(), None);
        self.line.until_clear(|client| {
            // Each attempt has a name of its own, so that none meets what another one left or still does.
            beside = self.beside(path).map_err(Trouble::Final)?;
            status = Some(self.put(client, text(&beside).map_err(Trouble::Final)?, &bytes)?);
            Ok(())
        })?;
        self.rename(text(&beside)?, text(path)?, true, status)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let path = text(path)?;
        self.line.until_clear(|client| self.read_closed(client, path))
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        let path = text(path)?;
        let status = self.line.until_clear(|client| self.look(client, path))?;
        Ok(status.filter(|status| !status.isdir).map(|status| status.length as u64))
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename(text(from)?, text(to)?, true, None)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename(text(from)?, text(to)?, false, None)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.delete(path, false)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.delete(path, true)
    }

    fn remove_empty_folder(&self, path: &Path) -> io::Result<()> {
        // The NameNode looks and removes under one lock; its refusal has no kind of its own.
        self.delete(path, false).map_err(|error| match self.list(path) {
            Ok(entries) if !entries.is_empty() => ErrorKind::DirectoryNotEmpty.into(),
            _ => error,
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let path = text(path)?;
        let found = self.line.until_clear(|client| self.line.wait(client.list_status(path, false)))?;
        let entry = |status: FileStatus| {
            let name = status.path.rsplit('/').next().unwrap_or_default().to_owned();
            Entry { name, folder: status.isdir }
        };
        Ok(found.into_iter().map(entry).collect())
    }

    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn place(&self, path: &Path) -> String {
        format!("{}{}", self.url, path.display())
    }
}

fn data_wait(bytes: usize) -> Duration {
    DATA_WAIT + Duration::from_secs(bytes as u64 / DATA_BYTES_PER_SECOND)
}

fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| no_path(path))
}

fn no_path(path: &Path) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("{} can't be a path in HDFS", path.display()))
}
