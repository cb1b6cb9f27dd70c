//! Files of records that no window counts: undecodable, future-dated and rejected ones, and the late ones in a file of
//! their own. JSON lines, appended.
//!
//! A letter keeps the first 64 KiB of the record, its whole length and its SHA-256. Letters of several workers stand in
//! the order in which they came to the writer. A checkpoint keeps the durable length, and going on from it cuts the file
//! there, so that no letter stands twice; a start without a checkpoint begins the file anew, as the other outputs do.
//! Knows nothing of why a record was set aside.
//!
//! Beside the writing: `read` (also while it is written), `select` (filters), `journal` (what was fed again).

pub mod journal;
pub mod read;
pub mod select;

use super::cells::{push_int, push_text};
use super::folders::{self, failed};
use super::{SinkError, instant};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use weir_core::block::NO_TIMESTAMP;

/// Bytes of a record that a letter keeps: enough to see what is wrong with it; the whole is still where it came from.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Why a record was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterKind {
    /// It can't be read as the schema says.
    Undecodable,
    /// It is dated too far ahead of its arrival.
    FutureDated,
    /// A preprocessor refused it.
    Rejected,
    /// Windows that it belongs to were final.
    Late,
}

/// A KPI that refused a late record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedBy<'a> {
    /// The KPI's name.
    pub kpi: &'a str,
    /// Windows that refused the record.
    pub windows_refused: u32,
    /// Windows that still took it; above 0 only where windows overlap.
    pub windows_taken: u32,
}

/// A record that was set aside.
#[derive(Debug, Clone, Copy)]
pub struct DeadLetter<'a> {
    /// The topic, or the file's name.
    pub source_name: &'a str,
    /// The partition there.
    pub partition: u32,
    /// The record's offset (`Record::offset`).
    pub offset: i64,
    /// The source's timestamp, milliseconds; `NO_TIMESTAMP` where it keeps none, which is written as `null`.
    pub timestamp_ms: i64,
    /// Why it was set aside.
    pub kind: DeadLetterKind,
    /// The same in words.
    pub reason: &'a str,
    /// Its event time, microseconds; left out where it is not known.
    pub event_time_us: Option<i64>,
    /// Its arrival, microseconds, by which it was judged; left out where that does not matter.
    pub arrival_us: Option<i64>,
    /// Who refused it, for late records; left out where it is empty.
    pub refused_by: &'a [RefusedBy<'a>],
    /// The record's bytes.
    pub value: &'a [u8],
}

/// Where letters are appended.
pub trait Append: Send {
    /// Appends a letter; it is durable only after the next `sync`.
    fn write(&mut self, letter: &DeadLetter<'_>) -> Result<(), SinkError>;
    /// Makes all letters durable; how long they are by now, for the checkpoint.
    fn sync(&mut self) -> Result<u64, SinkError>;
}

impl Append for DeadLetters {
    fn write(&mut self, letter: &DeadLetter<'_>) -> Result<(), SinkError> {
        Self::write(self, letter)
    }

    fn sync(&mut self) -> Result<u64, SinkError> {
        Self::sync(self)
    }
}

/// A file of dead letters.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
    writer: BufWriter<File>,
    length: u64,
    /// False for a pipe or device such as `/dev/stderr`, which has no length and can't be synced.
    regular: bool,
    /// The letter being written; kept for its memory.
    line: Vec<u8>,
}

impl DeadLetters {
    /// Opens the file, and makes it and its folder if they are not there. `durable_length` is what `sync` gave for the
    /// checkpoint that the run goes on from; without one the file begins anew. A file that is shorter was moved away or
    /// cut by somebody: that is a warning, and letters go on at its end.
    pub fn open(path: PathBuf, durable_length: Option<u64>) -> Result<Self, SinkError> {
        Self::lock(path)?.begin(durable_length)
    }

    /// Takes the file for this run, and leaves it as it is.
    pub fn lock(path: PathBuf) -> Result<Locked, SinkError> {
        let folder = folders::parent(&path);
        folders::create(folder)?;
        let mut options = OpenOptions::new();
        let file =
            options.write(true).create(true).truncate(false).open(&path).map_err(|source| failed(&path, source))?;
        let regular = file.metadata().map_err(|source| failed(&path, source))?.is_file();
        if regular {
            lock(&file, &path)?;
        }
        Ok(Locked { path, file, regular })
    }
    /// Appends a letter; it is durable only after the next `sync`. After an error the file may end in half a letter, which
    /// the next start from a checkpoint cuts off.
    pub fn write(&mut self, letter: &DeadLetter<'_>) -> Result<(), SinkError> {
        self.line.clear();
        push_letter(&mut self.line, letter);
        self.writer.write_all(&self.line).map_err(|source| failed(&self.path, source))?;
        self.length += self.line.len() as u64;
        Ok(())
    }

    /// Makes all letters durable and gives the file's length, for the checkpoint.
    pub fn sync(&mut self) -> Result<u64, SinkError> {
        self.writer.flush().map_err(|source| failed(&self.path, source))?;
        if self.regular {
            self.writer.get_ref().sync_data().map_err(|source| failed(&self.path, source))?;
        }
        Ok(self.length)
    }

    /// Where the letters are, for people.
    pub fn place(&self) -> String {
        self.path.display().to_string()
    }
}

/// A file of letters that no other run writes to while this is held.
#[derive(Debug)]
pub struct Locked {
    path: PathBuf,
    file: File,
    regular: bool,
}

impl Locked {
    /// Cuts the file at the durable length, and goes on there.
    pub fn begin(self, durable_length: Option<u64>) -> Result<DeadLetters, SinkError> {
        let Self { path, mut file, regular } = self;
        let mut length = 0;
        if regular {
            let there = file.metadata().map_err(|source| failed(&path, source))?.len();
            length = durable_length.unwrap_or(0);
            if there < length {
                tracing::warn!(file = %path.display(), length = there, expected = length, "dead letters from before the checkpoint are gone");
                length = there;
            }
            let cut = file.set_len(length).and_then(|()| file.seek(SeekFrom::End(0)));
            cut.map_err(|source| failed(&path, source))?;
            folders::sync(folders::parent(&path))?;
        }
        let writer = BufWriter::with_capacity(VALUE_BYTES_MAX, file);
        Ok(DeadLetters { writer, path, length, regular, line: Vec::new() })
    }
}

impl DeadLetterKind {
    /// As letters name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::FutureDated => "future-dated",
            Self::Rejected => "rejected",
            Self::Late => "late",
        }
    }
}

fn lock(file: &File, path: &Path) -> Result<(), SinkError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let reason =
                "somebody else writes here: stop the other run, or give each file of dead or late records its own path";
            Err(failed(path, io::Error::new(ErrorKind::ResourceBusy, reason)))
        }
        // Some network file systems have no locks: two writers at once are then the operator's to avoid.
        _ => Ok(()),
    }
}

fn push_letter(out: &mut Vec<u8>, letter: &DeadLetter<'_>) {
    out.extend_from_slice(b"{\"topic\":");
    push_text(out, letter.source_name);
    push_name(out, "partition");
    push_int(out, letter.partition);
    push_name(out, "offset");
    push_int(out, letter.offset);
    push_name(out, "timestamp");
    match letter.timestamp_ms {
        NO_TIMESTAMP => out.extend_from_slice(b"null"),
        ms => push_quoted(out, |out| instant::push_millis(out, ms)),
    }
    push_name(out, "kind");
    push_text(out, letter.kind.as_str());
    push_name(out, "reason");
    push_text(out, letter.reason);
    for (name, us) in [("event_time", letter.event_time_us), ("arrival", letter.arrival_us)] {
        if let Some(us) = us {
            push_name(out, name);
            push_quoted(out, |out| instant::push_micros(out, us));
        }
    }
    push_refused_by(out, letter.refused_by);
    push_value(out, letter.value);
    out.extend_from_slice(b"}\n");
}

fn push_refused_by(out: &mut Vec<u8>, refused_by: &[RefusedBy<'_>]) {
    for (place, refused) in refused_by.iter().enumerate() {
        out.extend_from_slice(if place == 0 { b",\"refused_by\":[{\"kpi\":" } else { b",{\"kpi\":" });
        push_text(out, refused.kpi);
        push_name(out, "windows_refused");
        push_int(out, refused.windows_refused);
        push_name(out, "windows_taken");
        push_int(out, refused.windows_taken);
        out.push(b'}');
    }
    if !refused_by.is_empty() {
        out.push(b']');
    }
}

fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    push_name(out, "length");
    push_int(out, value.len());
    push_name(out, "sha256");
    push_quoted(out, |out| push_hex(out, &Sha256::digest(value)));
    match simdutf8::basic::from_utf8(value) {
        Ok(text) => {
            push_name(out, "value");
            push_text(out, &text[..text.floor_char_boundary(VALUE_BYTES_MAX)]);
        }
        Err(_) => {
            push_name(out, "value_base64");
            let head = &value[..value.len().min(VALUE_BYTES_MAX)];
            push_quoted(out, |out| out.extend_from_slice(STANDARD.encode(head).as_bytes()));
        }
    }
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

fn push_name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn push_quoted(out: &mut Vec<u8>, push: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    push(out);
    out.push(b'"');
}

#[cfg(test)]
mod tests;
