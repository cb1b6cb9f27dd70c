//! The source double: partitions of records that never change, read in blocks of any size, now and then nothing. Where it grows, a run
//! sees it as long as it is by then, takes that for its end, and a later run reads on.

use super::chance::Chance;
use super::process::Process;
use super::world::World;
use crate::source::{Assignment, Partition, ReadEvent, Reader, Source, SourceError};
use std::sync::Arc;
use std::time::Duration;
use weir_core::block::{Block, NO_TIMESTAMP, Record};

/// 2020-09-18T10:50:00Z.
const T0_US: i64 = 1_600_426_200_000_000;
pub const SECOND_US: i64 = 1_000_000;

/// Runs that the log may grow between, and one.
const STAGES_MAX: usize = 4;

/// A record, and its bytes.
#[derive(Debug, Clone)]
pub struct Rec {
    /// Of all records of the log.
    pub id: i64,
    /// `None`: its bytes are not what the schema says.
    pub event_us: Option<i64>,
    pub arrival_us: i64,
    pub key: &'static str,
    pub text: String,
}

/// By partition, by offset.
#[derive(Debug)]
pub struct Log {
    pub partitions: Vec<Vec<Rec>>,
    /// How long each partition is by and by, up to all of it.
    pub stages: Vec<Vec<usize>>,
}

impl Log {
    /// Time goes on by some seconds a record, with disorder on every margin, and now and then a wrong clock.
    pub fn new(chance: &mut Chance, grows: bool) -> Self {
        let (count, records) = (1 + chance.below(4), 40 + chance.below(160));
        let pace = chance.between(2, 20);
        let mut ids = 0..;
        let mut partition = || {
            let mut now_us = T0_US + chance.between(0, 90) * SECOND_US;
            let records = records / 2 + chance.below(records);
            let record = |id| {
                now_us += chance.between(0, pace * SECOND_US);
                record(id, now_us, chance)
            };
            ids.by_ref().take(records).map(record).collect()
        };
        let partitions: Vec<Vec<Rec>> = (0..count).map(|_| partition()).collect();
        let mut stages: Vec<Vec<usize>> = vec![partitions.iter().map(Vec::len).collect()];
        while grows && stages.len() < STAGES_MAX && !chance.one_in(3) {
            let shorter = stages[0].iter().map(|length| length - chance.below(length / 2 + 1)).collect();
            stages.insert(0, shorter);
        }
        Self { partitions, stages }
    }
}

fn record(id: i64, now_us: i64, chance: &mut Chance) -> Rec {
    let off_s = match chance.below(40) {
        0..2 => -chance.between(60, 900),
        2..12 => -chance.between(0, 60),
        12 => chance.between(600, 7_200),
        13 => 90_000,
        _ => 0,
    };
    let (key, event_us) = (chance.pick(&["de", "fr", "uk"]), now_us + off_s * SECOND_US);
    let whole = !chance.one_in(30);
    let text =
        if whole { format!(r#"{{"id":{id},"key":"{key}","at":{event_us}}}"#) } else { format!(r#"{{"id":{id}"#) };
    Rec { id, event_us: whole.then_some(event_us), arrival_us: now_us + 5 * SECOND_US, key, text }
}

/// The log as a run sees it.
pub struct LogSource {
    world: Arc<World>,
    process: Arc<Process>,
    partitions: Vec<Partition>,
}

impl LogSource {
    pub fn new(world: Arc<World>, process: Arc<Process>) -> Self {
        let partition = |id: usize| Partition {
            end: None,
            name: "log".into(),
            id: id as i32,
            records: None,
            begin: None,
            bytes: None,
            identity: Some("a".into()),
        };
        let partitions = (0..world.log.partitions.len()).map(partition).collect();
        Self { world, process, partitions }
    }
}

impl Source for LogSource {
    fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    fn grows(&self) -> bool {
        self.world.script.grows
    }

    fn confirm(&self, offsets: &[(u32, i64)]) {
        self.world.confirmed(offsets);
    }

    fn open(&self, assigned: &[Assignment]) -> Result<Box<dyn Reader>, SourceError> {
        let part = |assigned: &Assignment| Part {
            partition: assigned.partition,
            next: assigned.offset.unwrap_or(0).max(0) as usize,
            ended: false,
        };
        let (world, stage) = (Arc::clone(&self.world), self.process.stage());
        Ok(Box::new(LogReader { world, stage, parts: assigned.iter().map(part).collect() }))
    }
}

struct Part {
    partition: u32,
    next: usize,
    ended: bool,
}

struct LogReader {
    world: Arc<World>,
    stage: usize,
    parts: Vec<Part>,
}

impl Reader for LogReader {
    fn next(&mut self, max_records: usize, _wait: Duration) -> Result<ReadEvent, SourceError> {
        let mut chance = self.world.chance();
        let mut live: Vec<&mut Part> = self.parts.iter_mut().filter(|part| !part.ended).collect();
        if live.is_empty() || chance.one_in(6) {
            return Ok(ReadEvent::Nothing);
        }
        let place = chance.below(live.len());
        let part = &mut live[place];
        let (log, partition) = (&self.world.log, part.partition as usize);
        let records = log.partitions[partition].get(part.next..log.stages[self.stage][partition]).unwrap_or_default();
        if records.is_empty() {
            part.ended = true;
            return Ok(ReadEvent::Ended { partition: part.partition });
        }
        let count = (1 + chance.below(12)).min(records.len()).min(max_records);
        let block = block(part.partition, part.next, &records[..count]);
        part.next += count;
        Ok(ReadEvent::Block(block))
    }

    fn confirm_caught_up(&mut self, _partition: u32) -> bool {
        false
    }
}

fn block(partition: u32, first: usize, records: &[Rec]) -> Block {
    let mut bytes = Vec::new();
    let mut places = Vec::new();
    for (place, record) in records.iter().enumerate() {
        places.push(Record {
            start: bytes.len() as u32,
            len: record.text.len() as u32,
            offset: (first + place) as i64,
            arrival_us: record.arrival_us,
            timestamp_ms: NO_TIMESTAMP,
        });
        bytes.extend_from_slice(record.text.as_bytes());
    }
    Block { partition, bytes: Arc::new(bytes), records: places }
}
