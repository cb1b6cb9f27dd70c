//! What was fed again, beside the letters: `FILE.replayed`, JSON lines, appended and synced.
//!
//! ```text
//! {"intent":{"call":…}}   before anything is fed: whither, and from which offsets on it would be found
//! {"fed":{"letter":…}}    one a letter, when it is known that the call was fed
//! {"ended":{"call":…}}    nothing more to find out about it
//! ```
//!
//! An intent that has not ended belongs to a call that did not get to say what came of it: the next one finds out before it does anything
//! else. A letter is known by its name and its record's SHA-256, so that a file of another day that has the same name is not taken for it.

use crate::sink::SinkError;
use crate::sink::folders::{self, failed};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// A call that is about to feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What it is known by.
    pub call: String,
    /// When it began, for people.
    pub at: String,
    /// Letters of all files of the call.
    pub letters: u64,
    /// Whither.
    pub to: Destination,
}

/// Whither a call feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// A topic.
    Topic {
        /// Its name.
        topic: String,
        /// The cluster's id.
        cluster: String,
        /// The name of the transaction.
        transactional_id: String,
        /// By partition, the offset that its next message would have had: what the call has fed is from there on.
        from: Vec<(i32, i64)>,
    },
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// Where it was written before it got its name: still there means that it did not.
        aside: PathBuf,
        /// What it holds: lines carry no names of letters.
        letters: Vec<Fed>,
    },
}

impl Destination {
    /// In words.
    pub fn place(&self) -> String {
        match self {
            Self::Topic { topic, .. } => format!("topic {topic}"),
            Self::File { path, .. } => path.display().to_string(),
        }
    }
}

/// A letter that was fed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fed {
    /// `topic/partition/offset`.
    pub letter: String,
    /// SHA-256 of the record as the letter tells it.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Intent(Intent),
    Fed {
        call: String,
        to: String,
        #[serde(flatten)]
        fed: Fed,
    },
    Ended {
        call: String,
        fed: u64,
    },
}

/// The journal of one file of letters.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// `None`: only looked at.
    file: Option<File>,
    fed: BTreeSet<Fed>,
    open: Option<Intent>,
}

impl Journal {
    /// Opens the journal of this file of letters for a call, and keeps others out until it is dropped.
    ///
    /// # Errors
    /// The system's; or another call is at it.
    pub fn open(letters: &Path) -> Result<Self, SinkError> {
        let path = path_of(letters);
        let mut options = OpenOptions::new();
        let opened = options.read(true).append(true).create(true).open(&path);
        let mut file = opened.map_err(|source| failed(&path, source))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(rustix::io::Errno::WOULDBLOCK) {
            let reason = "another replay of these letters runs: let it end first";
            return Err(failed(&path, io::Error::new(ErrorKind::ResourceBusy, reason)));
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|source| failed(&path, source))?;
        // Half a line at the end was being written when its call ended: nothing rests on it.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64).map_err(|source| failed(&path, source))?;
        folders::sync(folders::parent(&path))?;
        let mut journal = Self { path, file: Some(file), fed: BTreeSet::new(), open: None };
        journal.read(&text[..whole])?;
        Ok(journal)
    }

    /// Looks at the journal, and makes none.
    ///
    /// # Errors
    /// The system's, or lines that can't be read.
    pub fn look(letters: &Path) -> Result<Self, SinkError> {
        let path = path_of(letters);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|source| failed(&path, source))?,
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut journal = Self { path, file: None, fed: BTreeSet::new(), open: None };
        journal.read(&text[..whole])?;
        Ok(journal)
    }

    fn read(&mut self, text: &[u8]) -> Result<(), SinkError> {
        for (place, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Line::Intent(intent)) => self.open = Some(intent),
                Ok(Line::Fed { fed, .. }) => drop(self.fed.insert(fed)),
                Ok(Line::Ended { call, .. }) => self.open = self.open.take().filter(|intent| intent.call != call),
                Err(error) => {
                    let reason = format!("line {} can't be read, so nobody knows what was fed: {error}", place + 1);
                    return Err(failed(&self.path, io::Error::new(ErrorKind::InvalidData, reason)));
                }
            }
        }
        Ok(())
    }

    /// Whether this letter was fed.
    pub fn has(&self, fed: &Fed) -> bool {
        self.fed.contains(fed)
    }

    /// A call that has not told what came of it.
    pub fn open_intent(&self) -> Option<&Intent> {
        self.open.as_ref()
    }

    /// Notes what is about to be done; durable when this returns.
    ///
    /// # Errors
    /// The system's.
    pub fn begin(&mut self, intent: &Intent) -> Result<(), SinkError> {
        self.append([Line::Intent(intent.clone())])?;
        self.open = Some(intent.clone());
        Ok(())
    }

    /// Notes what came of the open intent: these letters were fed, or none.
    ///
    /// # Errors
    /// The system's.
    pub fn end(&mut self, fed: &BTreeSet<Fed>) -> Result<(), SinkError> {
        let Some(Intent { call, to, .. }) = self.open.take() else { return Ok(()) };
        let line = |fed: &Fed| Line::Fed { call: call.clone(), to: to.place(), fed: fed.clone() };
        let ended = Line::Ended { call: call.clone(), fed: fed.len() as u64 };
        self.append(fed.iter().map(line).chain([ended]))?;
        self.fed.extend(fed.iter().cloned());
        Ok(())
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn append(&mut self, lines: impl IntoIterator<Item = Line>) -> Result<(), SinkError> {
        let mut text = Vec::new();
        for line in lines {
            let written = serde_json::to_writer(&mut text, &line);
            written.map_err(|error| failed(&self.path, error.into()))?;
            text.push(b'\n');
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.write_all(&text).and_then(|()| file.sync_data());
        written.map_err(|source| failed(&self.path, source))
    }
}

fn path_of(letters: &Path) -> PathBuf {
    let mut name = OsString::from(letters);
    name.push(".replayed");
    name.into()
}

#[cfg(test)]
mod tests;
