//! Reads letters back, also while they are being written: half a letter at the end is not there yet.
//!
//! Files may have been mended by hand or damaged: a line that can't be read is told with its number, and the next one is read.

use super::{DeadLetterKind, VALUE_BYTES_MAX};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Bytes of a line at the most. A letter has its 64 KiB six times over if all of it is escaped; a mended record may be as long as the
/// longest that a schema allows (256 MiB).
const LINE_BYTES_MAX: u64 = 512 << 20;

/// A letter as it stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLetter {
    /// The topic, or the file's name.
    pub topic: String,
    /// The partition there.
    pub partition: u32,
    /// The record's offset.
    pub offset: i64,
    /// The source's timestamp as text, where it keeps one.
    pub timestamp: Option<String>,
    /// Why it was set aside.
    pub kind: DeadLetterKind,
    /// The same in words.
    pub reason: String,
    /// Its event time as text, where it is known.
    pub event_time: Option<String>,
    /// KPIs that refused it, and whether windows of that KPI still took it.
    pub refused_by: Vec<StoredRefusal>,
    /// The record's length, bytes.
    pub length: u64,
    /// SHA-256 of the whole record, hex digits.
    pub sha256: String,
    /// What the letter holds of the record.
    pub value: Vec<u8>,
}

/// A KPI that refused a late record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoredRefusal {
    /// The KPI's name.
    pub kpi: String,
    /// Windows that still took it.
    #[serde(default)]
    pub windows_taken: u32,
}

impl StoredLetter {
    /// `topic/partition/offset`: what it is called in messages, headers and journals.
    pub fn name(&self) -> String {
        record_name(&self.topic, self.partition, self.offset)
    }

    /// Whether the record was longer than what the letter holds.
    pub fn is_cut(&self) -> bool {
        self.length > self.value.len() as u64
    }
}

/// `topic/partition/offset`.
pub fn record_name(topic: &str, partition: u32, offset: i64) -> String {
    format!("{topic}/{partition}/{offset}")
}

/// A record's SHA-256 as letters have it.
pub fn sha256_text(value: &[u8]) -> String {
    Sha256::digest(value).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A line that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// A letter and its line as it stands in the file, or what is wrong with the line.
pub type LetterOrNot<'a> = Result<(StoredLetter, &'a [u8]), Unreadable>;

/// The letters of a file, in its order.
pub struct StoredLetters {
    lines: Lines,
}

impl StoredLetters {
    /// Opens a file.
    ///
    /// # Errors
    /// The system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { lines: Lines::open(path)? })
    }

    /// The next letter; `None` at the end.
    ///
    /// # Errors
    /// The system's.
    pub fn next_letter(&mut self) -> io::Result<Option<LetterOrNot<'_>>> {
        let Some(is_whole) = self.lines.advance()? else { return Ok(None) };
        match letter(&self.lines.line) {
            Ok(letter) => Ok(Some(Ok((letter, &self.lines.line)))),
            // It is being written. (What is whole without a line end was mended in an editor: half an object is never a whole one.)
            Err(_) if !is_whole => Ok(None),
            Err(reason) => Ok(Some(Err(Unreadable { line: self.lines.number, reason }))),
        }
    }
}

/// A record that somebody has mended, for the letter of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// Its line, from 1.
    pub line: u64,
    /// `topic/partition/offset`.
    pub name: String,
    /// The record's bytes.
    pub value: Vec<u8>,
    /// The line tells of a longer record than it holds: a copy of a cut letter.
    pub is_cut: bool,
}

/// The mended records of a file, all of them or what is wrong with lines.
///
/// # Errors
/// The system's.
pub fn mended(path: &Path) -> io::Result<Result<Vec<Mended>, Vec<Unreadable>>> {
    let mut lines = Lines::open(path)?;
    let (mut records, mut wrong) = (Vec::new(), Vec::new());
    while lines.advance()?.is_some() {
        if lines.line.trim_ascii().is_empty() {
            continue;
        }
        match mended_record(&lines.line, lines.number) {
            Ok(record) => records.push(record),
            Err(reason) => wrong.push(Unreadable { line: lines.number, reason }),
        }
    }
    Ok(if wrong.is_empty() { Ok(records) } else { Err(wrong) })
}

#[derive(Deserialize)]
struct MendedLine<'a> {
    topic: String,
    partition: u32,
    offset: i64,
    length: Option<u64>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    value_base64: Option<String>,
}

fn mended_record(line: &[u8], number: u64) -> Result<Mended, String> {
    let line: MendedLine<'_> = serde_json::from_slice(line).map_err(|error| shown(&error))?;
    let value = match (line.value, line.value_base64) {
        // Text is the record; an object is the record as JSON, for whoever mends by hand.
        (Some(raw), None) if raw.get().starts_with('"') => {
            serde_json::from_str::<String>(raw.get()).map_err(|error| shown(&error))?.into_bytes()
        }
        (Some(raw), None) => raw.get().as_bytes().to_vec(),
        (None, Some(text)) => STANDARD.decode(text).map_err(|error| format!("`value_base64`: {error}"))?,
        _ => return Err("it needs `value` or `value_base64`, one of them".to_owned()),
    };
    let was_cut = line.length.is_some_and(|length| length > VALUE_BYTES_MAX as u64);
    Ok(Mended {
        line: number,
        name: record_name(&line.topic, line.partition, line.offset),
        is_cut: was_cut && value.len() <= VALUE_BYTES_MAX,
        value,
    })
}

#[derive(Deserialize)]
struct LetterLine {
    topic: String,
    partition: u32,
    offset: i64,
    timestamp: Option<String>,
    kind: String,
    reason: String,
    event_time: Option<String>,
    #[serde(default)]
    refused_by: Vec<StoredRefusal>,
    length: u64,
    sha256: String,
    value: Option<String>,
    value_base64: Option<String>,
}

fn letter(line: &[u8]) -> Result<StoredLetter, String> {
    if line.len() as u64 > LINE_BYTES_MAX {
        return Err("it is longer than any letter".to_owned());
    }
    let line: LetterLine = serde_json::from_slice(line).map_err(|error| shown(&error))?;
    let value = match (line.value, line.value_base64) {
        (Some(text), None) => text.into_bytes(),
        (None, Some(text)) => STANDARD.decode(text).map_err(|error| format!("`value_base64`: {error}"))?,
        _ => return Err("it needs `value` or `value_base64`, one of them".to_owned()),
    };
    Ok(StoredLetter {
        topic: line.topic,
        partition: line.partition,
        offset: line.offset,
        timestamp: line.timestamp,
        kind: line.kind.parse()?,
        reason: line.reason,
        event_time: line.event_time,
        refused_by: line.refused_by,
        length: line.length,
        sha256: line.sha256,
        value,
    })
}

/// What serde_json says, without the line number, which is always 1 here.
fn shown(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at byte ")
}

/// Lines of a file, each of bounded length.
struct Lines {
    reader: BufReader<File>,
    /// The line without its end; a byte more than allowed where it is too long.
    line: Vec<u8>,
    /// Its number, from 1.
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::with_capacity(1 << 16, File::open(path)?), line: Vec::new(), number: 0 })
    }

    /// Goes to the next line, and tells whether it has its end; `None` when there is none.
    fn advance(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        let read = (&mut self.reader).take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            return Ok(Some(true));
        }
        if read as u64 > LINE_BYTES_MAX {
            self.reader.skip_until(b'\n')?;
            return Ok(Some(true));
        }
        Ok(Some(false))
    }
}

#[cfg(test)]
mod tests;
