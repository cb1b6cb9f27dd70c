//! Makes dead letters: a record that is not counted, with where it came from, its bytes and the reason.

use super::run::RunError;
use super::shared::Shared;
use crate::sink::SinkError;
use crate::sink::dead_letters::{DeadLetter, DeadLetterFile, LetterKind};
use std::path::Path;
use weir_core::block::{Block, NO_TIMESTAMP};

/// A dead letter on its way to the keeper; owns its bytes, since its block is gone by then.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub kind: LetterKind,
    pub partition: u32,
    pub offset: i64,
    pub timestamp_ms: Option<i64>,
    pub arrival_us: i64,
    pub event_us: Option<i64>,
    pub reason: String,
    /// Places of the KPIs that refused it; late records only.
    pub kpis: Vec<usize>,
    pub value: Vec<u8>,
}

impl Letter {
    /// About record `index` of `block`.
    pub fn new(block: &Block, index: u32, kind: LetterKind, reason: String) -> Self {
        let record = &block.records[index as usize];
        Self {
            kind,
            partition: block.partition,
            offset: record.offset,
            timestamp_ms: (record.timestamp_ms != NO_TIMESTAMP).then_some(record.timestamp_ms),
            arrival_us: record.arrival_us,
            event_us: None,
            reason,
            kpis: Vec::new(),
            value: block.value(index as usize).to_vec(),
        }
    }

    /// With the event time that the record gave.
    pub fn at(mut self, event_us: i64) -> Self {
        self.event_us = Some(event_us);
        self
    }

    /// As the sink writes it.
    pub fn as_dead_letter<'a>(&'a self, source: &'a str, id: i32, kpis: &'a [&'a str]) -> DeadLetter<'a> {
        DeadLetter {
            source,
            partition: id,
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            kind: self.kind,
            reason: &self.reason,
            event_time_us: self.event_us,
            arrival_us: (self.kind == LetterKind::FutureDated).then_some(self.arrival_us),
            kpis,
            value: &self.value,
        }
    }
}

/// The dead-letter file and the late file.
pub(super) struct LetterFiles {
    dead: DeadLetterFile,
    late: DeadLetterFile,
}

impl LetterFiles {
    /// Opens both; after a checkpoint they go on where it left them.
    pub fn open(dead: &Path, late: &Path, lengths: Option<[u64; 2]>) -> Result<Self, SinkError> {
        Ok(Self {
            dead: DeadLetterFile::open(dead, lengths.map(|lengths| lengths[0]))?,
            late: DeadLetterFile::open(late, lengths.map(|lengths| lengths[1]))?,
        })
    }

    /// Writes letters, each to its file.
    pub fn write(&mut self, letters: &[Letter], shared: &Shared) -> Result<(), RunError> {
        for letter in letters {
            let partition = &shared.partitions[letter.partition as usize];
            let kpis: Vec<&str> = letter.kpis.iter().map(|&kpi| shared.kpi_names[kpi].as_str()).collect();
            let file = if letter.kind == LetterKind::Late { &mut self.late } else { &mut self.dead };
            file.write(&letter.as_dead_letter(&partition.name, partition.id, &kpis))?;
        }
        Ok(())
    }

    /// Lets readers of the files see what was written.
    pub fn flush(&mut self) -> Result<(), RunError> {
        self.dead.flush()?;
        self.late.flush()?;
        Ok(())
    }

    /// Makes both durable; their lengths.
    pub fn sync(&mut self) -> Result<[u64; 2], RunError> {
        Ok([self.dead.sync()?, self.late.sync()?])
    }
}
