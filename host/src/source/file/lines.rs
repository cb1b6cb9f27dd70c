//! Lines of one file as blocks: big pieces are read, and records are ranges in them, without a copy a record.
//!
//! Only the piece's last, unfinished line is copied, to the front of the next piece. It knows bytes and line numbers.

use super::unpack::Unpacked;
use super::{Clock, SourceError};
use crate::source::Assignment;
use crate::source::turns::Part;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_core::block::{Block, NO_TIMESTAMP, Record};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How every file of a reader is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartSettings {
    /// Read at a time.
    pub(super) buffer_bytes: usize,
    /// A longer line is cut.
    pub(super) line_bytes_max: usize,
    /// The arrival time.
    pub(super) clock: Clock,
}

/// A file being read.
pub(super) struct FilePart {
    path: PathBuf,
    partition: u32,
    file: Unpacked,
    settings: PartSettings,
    /// The piece at hand; blocks share it.
    piece: Arc<Vec<u8>>,
    /// Where the next line begins in it.
    at: usize,
    /// The next line's number.
    line: i64,
    /// The first line to hand over.
    begin: i64,
    /// Nothing more can be read: the end, or the error to tell once all whole lines are handed over.
    end: Option<Result<(), SourceError>>,
}

/// A line found in the piece.
struct Line {
    /// Where it begins and ends, without its `\n`.
    range: std::ops::Range<usize>,
    /// Where the next one begins.
    next: usize,
}

impl FilePart {
    /// Opens the file at the assignment's line, or its first.
    pub(super) fn open(path: &Path, assignment: Assignment, settings: PartSettings) -> Result<FilePart, SourceError> {
        let mut part = FilePart {
            path: path.to_owned(),
            partition: assignment.partition,
            file: Unpacked::open(path)?,
            settings,
            piece: Arc::default(),
            at: 0,
            line: 0,
            begin: assignment.offset.unwrap_or(0),
            end: None,
        };
        part.read_piece();
        if part.piece.starts_with(BYTE_ORDER_MARK) {
            part.at = BYTE_ORDER_MARK.len();
        }
        Ok(part)
    }

    /// Moves the unfinished line to the front of a new piece and reads on behind it.
    fn read_piece(&mut self) {
        let tail = &self.piece[self.at..];
        // As much again as the tail, so that a long line is copied and searched about twice and not once a buffer.
        let wanted = self.settings.buffer_bytes.max(tail.len());
        let mut piece = Vec::with_capacity(tail.len() + wanted);
        piece.extend_from_slice(tail);
        match self.file.append(&mut piece, wanted) {
            Ok(read) if read < wanted => self.end = Some(Ok(())),
            Ok(_) => {}
            Err(error) => self.end = Some(Err(error)),
        }
        self.piece = Arc::new(piece);
        self.at = 0;
    }

    /// The next whole line of the piece at hand.
    fn line_at_hand(&self) -> Option<Line> {
        let rest = &self.piece[self.at..];
        if let Some(len) = memchr::memchr(b'\n', rest) {
            let text = &rest[..len];
            let kept = text.strip_suffix(b"\r").unwrap_or(text).len();
            return Some(Line { range: self.at..self.at + kept, next: self.at + len + 1 });
        }
        // The last line needs no end of its own; but of a file that broke off, half a line is no line.
        let is_last = matches!(self.end, Some(Ok(()))) && !rest.is_empty();
        is_last.then(|| Line { range: self.at..self.piece.len(), next: self.piece.len() })
    }

    /// Reads until a whole line is at hand, or the rest is longer than a line may be. False at the end.
    fn fill(&mut self) -> bool {
        loop {
            if self.line_at_hand().is_some() || self.piece.len() - self.at > self.settings.line_bytes_max {
                return true;
            }
            if self.end.is_some() {
                return false;
            }
            self.read_piece();
        }
    }

    /// The records of the piece at hand, at most `records_max`, from the wanted line on.
    fn cut(&mut self, records_max: usize) -> Vec<Record> {
        let arrival_us = (self.settings.clock)();
        let mut records = Vec::new();
        while records.len() < records_max {
            let Some(line) = self.line_at_hand().filter(|line| line.range.len() <= self.settings.line_bytes_max) else {
                break;
            };
            if self.line >= self.begin && !is_blank(&self.piece[line.range.clone()]) {
                records.push(self.record(&line.range, arrival_us));
            }
            self.at = line.next;
            self.line += 1;
        }
        records
    }

    /// A line longer than the bound: its first part is the record, its rest is read and dropped.
    fn cut_long(&mut self) -> Vec<Record> {
        let range = self.at..self.at + self.settings.line_bytes_max + 1;
        let record = self.record(&range, (self.settings.clock)());
        let wanted = self.line >= self.begin;
        self.line += 1;
        wanted.then_some(record).into_iter().collect()
    }

    /// Reads and drops the rest of a line that was cut.
    fn skip_line(&mut self) {
        loop {
            if let Some(line) = self.line_at_hand() {
                self.at = line.next;
                return;
            }
            self.at = self.piece.len();
            if self.end.is_some() {
                return;
            }
            self.read_piece();
        }
    }

    fn record(&self, range: &std::ops::Range<usize>, arrival_us: i64) -> Record {
        // A piece is at most twice the longest line and a buffer, below 4 GiB.
        debug_assert!(u32::try_from(range.end).is_ok());
        Record {
            start: range.start as u32,
            len: range.len() as u32,
            offset: self.line,
            arrival_us,
            timestamp_ms: NO_TIMESTAMP,
        }
    }

    /// The end of the file: fine, an error that was put off, or a checkpoint that lies behind it.
    fn finish(&mut self) -> Result<Option<Block>, SourceError> {
        self.end.replace(Ok(())).unwrap_or(Ok(()))?;
        if self.line < self.begin {
            return Err(SourceError::Lost(format!(
                "{} has {} lines, but the checkpoint has read {}; put the longer file back, or begin anew without the checkpoint",
                self.path.display(),
                self.line,
                self.begin
            )));
        }
        Ok(None)
    }
}

impl Part for FilePart {
    fn partition(&self) -> u32 {
        self.partition
    }

    fn next_block(&mut self, records_max: usize) -> Result<Option<Block>, SourceError> {
        while self.fill() {
            let is_long = self.line_at_hand().is_none_or(|line| line.range.len() > self.settings.line_bytes_max);
            let bytes = self.piece.clone();
            let records = if is_long { self.cut_long() } else { self.cut(records_max) };
            if is_long {
                self.skip_line();
            }
            if !records.is_empty() {
                return Ok(Some(Block { partition: self.partition, bytes, records }));
            }
        }
        self.finish()
    }

    fn bytes_read(&self) -> u64 {
        self.file.packed_read()
    }
}

/// Nothing but spaces, tabs and carriage returns.
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}
