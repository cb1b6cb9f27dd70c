//! Makes dead letters: a record that is not counted, with where it came from, its bytes and the reason.

use super::run::RunError;
use super::shared::Shared;
use crate::sink::SinkError;
use crate::sink::dead_letters::{Append, DeadLetter, DeadLetterKind, DeadLetters, RefusedBy};
use std::path::Path;
use weir_core::block::Block;

/// A dead letter on its way to the keeper; owns its bytes, since its block is gone by then.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub kind: DeadLetterKind,
    pub partition: u32,
    pub offset: i64,
    pub timestamp_ms: i64,
    pub arrival_us: i64,
    pub event_us: Option<i64>,
    pub reason: String,
    /// Who refused it; late records only.
    pub refused: Vec<Refused>,
    pub value: Vec<u8>,
}

impl Letter {
    /// About record `index` of `block`.
    pub fn new(block: &Block, index: u32, kind: DeadLetterKind, reason: String) -> Self {
        let record = &block.records[index as usize];
        Self {
            kind,
            partition: block.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            arrival_us: record.arrival_us,
            event_us: None,
            reason,
            refused: Vec::new(),
            value: block.value(index as usize).to_vec(),
        }
    }

    /// With the event time that the record gave.
    pub fn at(mut self, event_us: i64) -> Self {
        self.event_us = Some(event_us);
        self
    }

    fn write_to(&self, file: &mut dyn Append, shared: &Shared) -> Result<(), SinkError> {
        let partition = &shared.partitions[self.partition as usize];
        let refused_by: Vec<RefusedBy<'_>> =
            self.refused.iter().map(|refused| refused.named(&shared.kpi_names)).collect();
        file.write(&DeadLetter {
            source_name: &partition.name,
            partition: u32::try_from(partition.id).unwrap_or_default(),
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            kind: self.kind,
            reason: &self.reason,
            event_time_us: self.event_us,
            arrival_us: (self.kind == DeadLetterKind::FutureDated).then_some(self.arrival_us),
            refused_by: &refused_by,
            value: &self.value,
        })
    }
}

/// A KPI, by place, that refused a late record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    pub kpi: usize,
    pub windows_refused: u32,
    pub windows_taken: u32,
}

impl Refused {
    fn named(self, kpi_names: &[String]) -> RefusedBy<'_> {
        let Self { kpi, windows_refused, windows_taken } = self;
        RefusedBy { kpi: &kpi_names[kpi], windows_refused, windows_taken }
    }
}

/// The dead-letter file and the late file.
pub(super) struct LetterFiles {
    pub dead: Box<dyn Append>,
    pub late: Box<dyn Append>,
}

impl LetterFiles {
    /// Opens both; after a checkpoint they go on where it left them. `check` fails where a newer run may have written here: it is asked
    /// when no other can come in between, since a run that is outdated would cut off what the newer one's checkpoint counts on.
    pub fn open(
        dead: &Path,
        late: &Path,
        lengths: Option<[u64; 2]>,
        check: &dyn Fn() -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        let (dead, late) = (DeadLetters::lock(dead.to_path_buf())?, DeadLetters::lock(late.to_path_buf())?);
        check()?;
        Ok(Self {
            dead: Box::new(dead.begin(lengths.map(|lengths| lengths[0]))?),
            late: Box::new(late.begin(lengths.map(|lengths| lengths[1]))?),
        })
    }

    /// Writes letters, each to its file.
    pub fn write(&mut self, letters: &[Letter], shared: &Shared) -> Result<(), RunError> {
        for letter in letters {
            let file = if letter.kind == DeadLetterKind::Late { &mut self.late } else { &mut self.dead };
            letter.write_to(file.as_mut(), shared)?;
        }
        Ok(())
    }

    /// Makes both durable; their lengths.
    pub fn sync(&mut self) -> Result<[u64; 2], RunError> {
        Ok([self.dead.sync()?, self.late.sync()?])
    }
}
