//! What `prepare` puts into a checkpoint: the files set aside, and how to find the rows that may still change. These stand in the
//! published files, so a checkpoint grows with what changed and not with what is open; rows are in it only while the file system
//! is away.
//!
//! ```text
//! magic and version │ sequence, settled, interval │ KPIs: name, changes, longest, dropped, open, silent, carried
//! ```
//! Numbers are little-endian; texts and lists have their length before them. Bytes from a disk are not trusted: reading fails, and
//! never panics or reserves memory ahead.

use super::super::wire::{Reader, push_bytes, push_i64, push_len, push_u64};
use super::kept::{Saved, Window};
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"weirJF\x00\x02";

/// What one `prepare` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) sequence: u64,
    pub(super) settled_us: i64,
    pub(super) interval_us: i64,
    pub(super) kpis: Vec<KpiFiles>,
}

/// One KPI's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KpiFiles {
    pub(super) name: String,
    /// Those of this epoch, and those of earlier ones that could not be published yet.
    pub(super) changes: Vec<Change>,
    pub(super) saved: Saved,
}

/// A change of a published file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// The start of the file's interval.
    pub(super) interval_us: i64,
    /// Who set it aside.
    pub(super) attempt: Attempt,
    /// What was set aside; `None`: there are no rows any more, and the file goes.
    pub(super) file: Option<Mark>,
}

/// A `prepare` of a run; later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    pub(super) generation: u64,
    pub(super) sequence: u64,
}

/// What tells a file's bytes from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) length: u64,
    pub(super) sha256: [u8; 32],
}

impl Mark {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
    }
}

impl Prepared {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(MAGIC);
        push_u64(&mut out, self.sequence);
        push_i64(&mut out, self.settled_us);
        push_i64(&mut out, self.interval_us);
        push_len(&mut out, self.kpis.len());
        self.kpis.iter().for_each(|kpi| kpi.encode(&mut out));
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(
                "it is not of this version of the json-files sink: resume with the version that wrote it".to_owned()
            );
        }
        let (sequence, settled_us, interval_us) = (reader.u64()?, reader.i64()?, reader.i64()?);
        let kpis = reader.list(KpiFiles::decode)?;
        reader.end()?;
        Ok(Self { sequence, settled_us, interval_us, kpis })
    }
}

impl KpiFiles {
    fn encode(&self, out: &mut Vec<u8>) {
        push_bytes(out, self.name.as_bytes());
        push_len(out, self.changes.len());
        self.changes.iter().for_each(|change| change.encode(out));
        push_i64(out, self.saved.longest_us);
        push_i64(out, self.saved.dropped_us);
        push_len(out, self.saved.open.len());
        self.saved.open.iter().for_each(|start_us| push_i64(out, *start_us));
        for windows in [&self.saved.silent, &self.saved.carried] {
            push_len(out, windows.len());
            windows.iter().for_each(|window| window.encode(out));
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, String> {
        let (name, changes) = (reader.text()?.to_owned(), reader.list(Change::decode)?);
        let saved = Saved {
            longest_us: reader.i64()?,
            dropped_us: reader.i64()?,
            open: reader.list(Reader::i64)?,
            silent: reader.list(Window::decode)?,
            carried: reader.list(Window::decode)?,
        };
        Ok(Self { name, changes, saved })
    }
}

impl Change {
    fn encode(&self, out: &mut Vec<u8>) {
        push_i64(out, self.interval_us);
        push_u64(out, self.attempt.generation);
        push_u64(out, self.attempt.sequence);
        match &self.file {
            None => out.push(0),
            Some(mark) => {
                out.push(1);
                push_u64(out, mark.length);
                out.extend_from_slice(&mark.sha256);
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, String> {
        let interval_us = reader.i64()?;
        let attempt = Attempt { generation: reader.u64()?, sequence: reader.u64()? };
        let file = match reader.take(1)? {
            [0] => None,
            [1] => {
                let length = reader.u64()?;
                let sha256 = reader.take(32)?.try_into().map_err(|_| "it ends too early".to_owned())?;
                Some(Mark { length, sha256 })
            }
            _ => return Err("a change is of no known kind".to_owned()),
        };
        Ok(Self { interval_us, attempt, file })
    }
}

impl Window {
    fn encode(&self, out: &mut Vec<u8>) {
        push_i64(out, self.start_us);
        push_i64(out, self.end_us);
        push_u64(out, self.revision);
        push_bytes(out, &self.text);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, String> {
        let (start_us, end_us, revision) = (reader.i64()?, reader.i64()?, reader.u64()?);
        Ok(Self { start_us, end_us, revision, text: reader.bytes()?.into() })
    }
}

#[cfg(test)]
mod tests;
