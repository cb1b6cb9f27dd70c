//! Seeded synthetic invoices, for demos and load: Zipf-like countries, one to four items, one in sixteen a return.
//!
//! A record is a function of the seed and its number alone, so that neither the order in which partitions are read nor a resume
//! shows. Record `n` goes to partition `n` modulo the partitions, and `n` is its offset. It knows no schema beyond its own text.

mod broken;
mod invoice;
mod random;
#[cfg(test)]
mod tests;

pub use self::broken::{BROKEN_KINDS, broken_record};

use self::invoice::Invoices;
use super::pace::Pace;
use super::turns::{Part, Turns};
use super::{Assignment, Clock, Partition, Reader, Source, SourceError};
use std::sync::Arc;
use weir_core::block::{Block, NO_TIMESTAMP, Record};

/// A block is closed when it holds this much, however few records that are.
const BLOCK_BYTES: usize = 4 << 20;

/// What to make.
#[derive(Debug, Clone)]
pub struct GeneratorSettings {
    /// The same seed gives the same records.
    pub seed: u64,
    /// Partitions, at least one.
    pub partitions: u32,
    /// Records in all; `None`: without end.
    pub records: Option<u64>,
    /// Records a second over all partitions; `None`: as fast as they can be made.
    pub rate: Option<f64>,
    /// Event time of the first record, microseconds since the epoch; written in whole seconds, rounded down.
    pub start_us: i64,
    /// Records in a minute of event time, at least one.
    pub records_per_minute: u32,
    /// Records are up to this far behind the newest, microseconds.
    pub disorder_us: i64,
    /// Share (0 to 1) of records that are an hour behind.
    pub late_share: f64,
    /// Share (0 to 1) of records that are broken in one of the [`BROKEN_KINDS`].
    pub broken_share: f64,
    /// The arrival time of a record.
    pub clock: Clock,
}

/// A generator whose settings are sound.
#[derive(Debug)]
pub struct GeneratorSource {
    invoices: Arc<Invoices>,
    partitions: Vec<Partition>,
    records: u64,
    pace: Arc<Pace>,
    clock: Clock,
}

impl GeneratorSource {
    /// Draws the tables that all records share.
    ///
    /// # Errors
    /// `Setting` for a number that makes no sense.
    pub fn open(settings: &GeneratorSettings) -> Result<GeneratorSource, SourceError> {
        check(settings)?;
        // Without end is an end that no run reaches: at 10 million a second, 29,000 years.
        let records = settings.records.unwrap_or(u64::MAX).min(i64::MAX as u64);
        let partitions = (0..settings.partitions).map(|place| Partition {
            name: "generator".to_owned(),
            id: i32::try_from(place).unwrap_or(i32::MAX),
            records: settings.records.map(|_| share(records, place.into(), settings.partitions.into())),
            begin: None,
            end: None,
            bytes: None,
            identity: None,
        });
        Ok(GeneratorSource {
            invoices: Arc::new(Invoices::new(settings)),
            partitions: partitions.collect(),
            records,
            pace: Arc::new(Pace::new(settings.rate)?),
            clock: settings.clock,
        })
    }
}

/// How many of the first `records` numbers are `place` modulo `partitions`.
fn share(records: u64, place: u64, partitions: u64) -> u64 {
    records / partitions + u64::from(records % partitions > place)
}

fn check(settings: &GeneratorSettings) -> Result<(), SourceError> {
    let fail = |text: String| Err(SourceError::Setting(text));
    if settings.partitions == 0 {
        return fail("the generator has 0 partitions; give at least 1".to_owned());
    }
    if settings.records_per_minute == 0 {
        return fail("the generator makes 0 records a minute of event time; give at least 1".to_owned());
    }
    if settings.disorder_us < 0 {
        return fail(format!("the generator's disorder is {} microseconds; give 0 or more", settings.disorder_us));
    }
    for (name, share) in [("late", settings.late_share), ("broken", settings.broken_share)] {
        if !(0.0..=1.0).contains(&share) {
            return fail(format!("the generator's share of {name} records is {share}; give a number from 0 to 1"));
        }
    }
    Ok(())
}

impl Source for GeneratorSource {
    fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    fn open(&self, assigned: &[Assignment]) -> Result<Box<dyn Reader>, SourceError> {
        let count = self.partitions.len() as u64;
        let mut parts = Vec::new();
        for assignment in assigned {
            let place = u64::from(assignment.partition);
            if place >= count {
                return Err(SourceError::Setting(format!("there is no partition {place}; the generator has {count}")));
            }
            let begin = u64::try_from(assignment.offset.unwrap_or(0)).unwrap_or(0);
            parts.push(GeneratorPart {
                invoices: self.invoices.clone(),
                partition: assignment.partition,
                // The first number of this partition at or after the offset.
                number: begin.saturating_add((place + count - begin % count) % count),
                step: count,
                records: self.records,
                clock: self.clock,
            });
        }
        Ok(Box::new(Turns::new(parts, self.pace.clone())))
    }
}

/// One partition: every `step`th number.
struct GeneratorPart {
    invoices: Arc<Invoices>,
    partition: u32,
    number: u64,
    step: u64,
    records: u64,
    clock: Clock,
}

impl Part for GeneratorPart {
    fn partition(&self) -> u32 {
        self.partition
    }

    fn next_block(&mut self, records_max: usize) -> Result<Option<Block>, SourceError> {
        let arrival_us = (self.clock)();
        let left = usize::try_from(share_left(self.records, self.number, self.step)).unwrap_or(usize::MAX);
        let wanted = records_max.min(left);
        let mut bytes = Vec::with_capacity(wanted.min(BLOCK_BYTES / 400) * 400);
        let mut records = Vec::with_capacity(wanted.min(BLOCK_BYTES / 400));
        while records.len() < wanted && bytes.len() < BLOCK_BYTES {
            let start = bytes.len();
            self.invoices.write(self.number, &mut bytes);
            records.push(Record {
                start: start as u32,
                len: (bytes.len() - start) as u32,
                offset: self.number as i64,
                arrival_us,
                timestamp_ms: NO_TIMESTAMP,
            });
            self.number += self.step;
        }
        Ok((!records.is_empty()).then(|| Block { partition: self.partition, bytes: Arc::new(bytes), records }))
    }
}

/// How many numbers from `number` on, every `step`th, are below `records`.
fn share_left(records: u64, number: u64, step: u64) -> u64 {
    records.saturating_sub(number).div_ceil(step)
}
