//! Files of JSON lines, plain, gzip or zstd; each file is a partition.
//!
//! A record is a line. Its offset is the line's number from 0, with blank lines counted but not handed over: a blank line is
//! one of nothing but spaces, tabs and carriage returns. A byte order mark is skipped at the very start of a file, `\r\n` ends a
//! line too, and so does the end of the file. It knows lines and bytes; what a line means is for `decode`.

mod lines;
mod paths;
#[cfg(test)]
mod tests;
mod unpack;

use self::lines::{FilePart, PartSettings};
use super::pace::Pace;
use super::turns::Turns;
use super::{Assignment, Clock, Partition, Reader, Source, SourceError};
use std::path::PathBuf;
use std::sync::Arc;

/// The longest line that is handed over whole, unless set otherwise: 16 MiB, far above the 1 MiB at which a record is too long.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// What a reader's files may hold in buffers together; a file's own is between the two bounds below.
const READER_BUFFER_BYTES: usize = 32 << 20;
const BUFFER_BYTES_MIN: usize = 64 << 10;
const BUFFER_BYTES_MAX: usize = 1 << 20;

/// What to read.
#[derive(Debug, Clone)]
pub struct FileSettings {
    /// Absolute paths or patterns (`*`, `?`, `[…]`, `**`), in order; what a pattern matches is sorted by path.
    pub files: Vec<String>,
    /// Records a second over all files, to replay at a pace; `None`: as fast as they can be read.
    pub rate: Option<f64>,
    /// A longer line is handed over cut to one byte more than this, as one record, so that it never has to fit in memory. Must
    /// be at least the longest record that decoding allows, or a cut one could pass for a whole; see [`LINE_BYTES_MAX`].
    pub line_bytes_max: usize,
    /// The arrival time of a record.
    pub clock: Clock,
}

/// Files that exist and are each named once.
#[derive(Debug)]
pub struct FileSource {
    paths: Vec<PathBuf>,
    partitions: Vec<Partition>,
    pace: Arc<Pace>,
    line_bytes_max: usize,
    clock: Clock,
}

impl FileSource {
    /// Finds the files.
    ///
    /// # Errors
    /// `Setting` for a file that is missing, is no file, is named twice, or a pattern that is wrong or matches nothing.
    pub fn open(settings: FileSettings) -> Result<FileSource, SourceError> {
        let found = paths::find(&settings.files)?;
        let partitions = found.iter().enumerate().map(|(place, file)| Partition {
            name: file.path.display().to_string(),
            id: i32::try_from(place).unwrap_or(i32::MAX),
            records: None,
            begin: None,
            end: None,
            bytes: Some(file.bytes),
            identity: None,
        });
        Ok(FileSource {
            partitions: partitions.collect(),
            paths: found.into_iter().map(|file| file.path).collect(),
            pace: Arc::new(Pace::new(settings.rate)?),
            // A record's place in its buffer is 32 bits wide.
            line_bytes_max: settings.line_bytes_max.clamp(1, 1 << 30),
            clock: settings.clock,
        })
    }
}

impl Source for FileSource {
    fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    fn open(&self, assigned: &[Assignment]) -> Result<Box<dyn Reader>, SourceError> {
        let buffer_bytes = (READER_BUFFER_BYTES / assigned.len().max(1)).clamp(BUFFER_BYTES_MIN, BUFFER_BYTES_MAX);
        let settings = PartSettings { buffer_bytes, line_bytes_max: self.line_bytes_max, clock: self.clock };
        let parts: Result<Vec<FilePart>, SourceError> = assigned
            .iter()
            .map(|assignment| {
                let path = self.paths.get(assignment.partition as usize).ok_or_else(|| {
                    SourceError::Setting(format!(
                        "there is no file {} among {}",
                        assignment.partition,
                        self.paths.len()
                    ))
                })?;
                FilePart::open(path, *assignment, settings)
            })
            .collect();
        Ok(Box::new(Turns::new(parts?, self.pace.clone())))
    }
}
