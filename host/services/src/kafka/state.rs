//! A broker that is left running between commands: `up`, `status`, `down`. A small file beside its data says which it is.

use super::{Kafka, KafkaOptions};
use crate::process::{is_ours, stop_left};
use crate::{ServiceError, cache_folder};
use std::path::{Path, PathBuf};

/// A broker that was left running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its process.
    pub pid: u32,
    /// `host:port`.
    pub bootstrap: String,
    /// Its folder; data, settings and `kafka.log`.
    pub folder: PathBuf,
}

impl Left {
    /// What only its own command line holds.
    fn mark(&self) -> String {
        self.folder.join("server.properties").display().to_string()
    }
}

fn state_file() -> PathBuf {
    cache_folder().join("kafka.state")
}

/// Starts a broker and leaves it running; the one that runs already, if there is one.
///
/// # Errors
/// As [`Kafka::start`].
pub fn up() -> Result<Left, ServiceError> {
    if let Some(left) = status() {
        return Ok(left);
    }
    let folder =
        std::path::absolute(cache_folder().join("kafka-data")).map_err(ServiceError::io("no working folder"))?;
    // Each `up` begins empty: a broker's storage is bound to the identity it was made with.
    let _ = std::fs::remove_dir_all(&folder);
    let mut kafka = Kafka::start(&folder, KafkaOptions::default())?;
    let bootstrap = kafka.bootstrap();
    let Some(process) = kafka.daemon.take() else {
        return Err(ServiceError::Failed("the broker ended".to_owned()));
    };
    let left = Left { pid: process.id(), bootstrap, folder };
    write(&state_file(), &left)?;
    process.leave();
    Ok(left)
}

/// The broker that was left running, if it still does.
pub fn status() -> Option<Left> {
    read(&state_file()).filter(|left| is_ours(left.pid, &left.mark()))
}

/// Stops the broker that was left running; false if there is none. Its log stays until the next `up`.
///
/// # Errors
/// `Io` when the state file can't be removed.
pub fn down() -> Result<bool, ServiceError> {
    let Some(left) = status() else {
        return Ok(false);
    };
    stop_left(left.pid, &left.mark());
    std::fs::remove_file(state_file()).map_err(ServiceError::io("the state file can't be removed"))?;
    Ok(true)
}

fn write(path: &Path, left: &Left) -> Result<(), ServiceError> {
    let text = format!("{}\n{}\n{}\n", left.pid, left.bootstrap, left.folder.display());
    std::fs::write(path, text).map_err(ServiceError::io("the state file can't be written"))
}

fn read(path: &Path) -> Option<Left> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    Some(Left { pid: lines.next()?.parse().ok()?, bootstrap: lines.next()?.to_owned(), folder: lines.next()?.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let left = Left { pid: 7, bootstrap: "127.0.0.1:1".to_owned(), folder: "/a b".into() };
        let path = folder.path().join("state");
        write(&path, &left).unwrap();
        assert_eq!(read(&path), Some(left));
        assert_eq!(read(&folder.path().join("none")), None);
    }
}
