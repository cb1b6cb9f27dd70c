//! Fetches records whole that their letters hold in part, from the topic, by partition and offset; length and SHA-256 have to fit.

use super::gather::{Gathered, Record};
use super::{ReplayError, Target};
use crate::sink::dead_letters::read::sha256_text;
use crate::source::kafka::{self, KafkaSettings};
use crate::source::{Assignment, ReadEvent, Source, SourceError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one record may take.
const FETCH_WAIT: Duration = Duration::from_secs(60);

/// Completes the records; those that can't be are refused.
pub(super) fn fetch(gathered: &mut Gathered, target: &Target) -> Result<(), ReplayError> {
    let Some(settings) = &target.whole else { return Ok(()) };
    let mut sources: BTreeMap<String, Arc<dyn Source>> = BTreeMap::new();
    let mut whole = Vec::with_capacity(gathered.records.len());
    for mut record in std::mem::take(&mut gathered.records) {
        if record.cut.is_some() {
            let source = match sources.get(&record.topic) {
                Some(source) => Arc::clone(source),
                None => {
                    let settings = KafkaSettings { topic: record.topic.clone(), ..settings.clone() };
                    let source = kafka::connect(&settings)?;
                    sources.insert(record.topic.clone(), Arc::clone(&source));
                    source
                }
            };
            match fetch_one(&*source, &record) {
                Ok(value) => record.value = value,
                Err(SourceError::Outside(reason)) => return Err(SourceError::Outside(reason).into()),
                Err(error) => {
                    gathered.refuse(&record.fed.letter, format!("its letter holds only the beginning: {error}"));
                    continue;
                }
            }
        }
        whole.push(record);
    }
    gathered.records = whole;
    Ok(())
}

fn fetch_one(source: &dyn Source, record: &Record) -> Result<Vec<u8>, SourceError> {
    let (topic, offset) = (&record.topic, record.offset);
    let gone = || SourceError::Lost(format!("topic {topic} no longer has that record"));
    let known = source.partitions().iter().position(|known| i64::from(known.id) == i64::from(record.partition));
    let partition = known.and_then(|place| u32::try_from(place).ok()).ok_or_else(gone)?;
    let mut reader = source.open(&[Assignment { partition, offset: Some(offset), epoch: None }])?;
    let until = Instant::now() + FETCH_WAIT;
    while Instant::now() < until {
        match reader.next(1, Duration::from_secs(1))? {
            ReadEvent::Block(block) if block.records.first().is_some_and(|found| found.offset == offset) => {
                let value = block.value(0);
                if Some(value.len() as u64) == record.cut && sha256_text(value) == record.fed.sha256 {
                    return Ok(value.to_vec());
                }
                return Err(SourceError::Lost(format!("topic {topic} has another record at that offset now")));
            }
            ReadEvent::Block(_) | ReadEvent::Ended { .. } | ReadEvent::Lost { .. } => return Err(gone()),
            ReadEvent::CaughtUp { .. } | ReadEvent::Nothing => {}
        }
    }
    Err(SourceError::Outside(format!("topic {topic} does not bring {} within a minute", record.fed.letter)))
}
