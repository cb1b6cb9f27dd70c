//! A Kafka topic through librdkafka; each of its partitions is a partition.
//!
//! Offsets are ours: partitions are assigned with explicit offsets, there is no group membership, nothing is committed. An offset
//! that is out of range stops the pipeline instead of jumping. It knows the client; only this folder says `rdkafka` for reading.

mod client;
mod connect;
mod growth;
mod parts;
mod probe;
mod reader;
mod trouble;

use self::connect::Found;
use self::growth::Growth;
use self::reader::KafkaReader;
use super::{Assignment, Clock, OLDEST, Partition, Reader, Source, SourceError};
use rdkafka::ClientConfig;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long to try for a first answer of the cluster, unless set otherwise.
pub const CONNECT_WAIT: Duration = Duration::from_secs(20);

/// How often to ask whether the topic has got partitions, unless set otherwise.
pub const METADATA_INTERVAL: Duration = Duration::from_secs(30);

/// What to read.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// `host:port,…`, any of the cluster's brokers.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// Where to begin without a checkpoint.
    pub start: KafkaStart,
    /// Stop at the offsets that were the ends at connecting.
    pub bounded: bool,
    /// librdkafka properties, as typed. Not those that the source rests on, such as `enable.auto.commit`.
    pub properties: BTreeMap<String, String>,
    /// How long to try for a first answer; see [`CONNECT_WAIT`].
    pub connect_wait: Duration,
    /// How often to ask whether the topic has got partitions, which ends a run without end; see [`METADATA_INTERVAL`].
    pub metadata_interval: Duration,
    /// The arrival time of records whose topic does not record their append time.
    pub clock: Clock,
}

/// Where to begin without a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaStart {
    /// The oldest record that is kept.
    Earliest,
    /// Records that arrive after connecting.
    Latest,
    /// The first record whose Kafka timestamp is at or after this, microseconds; where there is none, as `Latest`.
    Timestamp(i64),
}

/// A topic whose partitions and their ends are known.
pub struct KafkaSource {
    config: ClientConfig,
    topic: String,
    start: KafkaStart,
    bounded: bool,
    metadata_interval: Duration,
    clock: Clock,
    found: Vec<Found>,
    partitions: Vec<Partition>,
}

impl KafkaSource {
    /// Asks the cluster for the topic's partitions, where they begin and end, and where to start.
    ///
    /// # Errors
    /// `Setting` for a wrong property, a missing topic or a refused login; `Outside` when no broker answers in time.
    pub fn connect(settings: &KafkaSettings) -> Result<KafkaSource, SourceError> {
        let config = client::config(settings)?;
        let found = connect::look(&config, settings)?;
        let partitions = found.iter().map(|found| Partition {
            name: settings.topic.clone(),
            id: found.id,
            records: settings.bounded.then(|| u64::try_from(found.high - found.start).unwrap_or(0)),
            begin: (settings.start != KafkaStart::Earliest).then_some(found.start),
            bytes: None,
        });
        Ok(KafkaSource {
            config,
            topic: settings.topic.clone(),
            start: settings.start,
            bounded: settings.bounded,
            metadata_interval: settings.metadata_interval,
            clock: settings.clock,
            partitions: partitions.collect(),
            found,
        })
    }
}

impl Source for KafkaSource {
    fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    fn grows(&self) -> bool {
        true
    }

    fn open(&self, assigned: &[Assignment]) -> Result<Box<dyn Reader>, SourceError> {
        let mut places = Vec::new();
        for assignment in assigned {
            let found = self.found.get(assignment.partition as usize).ok_or_else(|| {
                let (place, count) = (assignment.partition, self.found.len());
                SourceError::Setting(format!("there is no partition {place}; topic {} has {count}", self.topic))
            })?;
            let offset = assignment.offset.filter(|offset| *offset != OLDEST);
            let oldest = assignment.offset == Some(OLDEST);
            if let Some(offset) = offset {
                // Without a bound the end has moved since; the broker judges when the first fetch comes.
                let high = if self.bounded { found.high } else { i64::MAX };
                trouble::check_range(&self.topic, found.id, offset, (found.low, high))?;
            }
            places.push(parts::Place {
                partition: assignment.partition,
                id: found.id,
                begin: offset.unwrap_or(if oldest { found.low } else { found.start }),
                is_oldest: oldest || (assignment.offset.is_none() && self.start == KafkaStart::Earliest),
                end: self.bounded.then_some(found.high),
            });
        }
        // One reader asks for all: the one that has the first partition.
        let is_asking = !self.bounded && places.iter().any(|place| place.partition == 0);
        let growth = is_asking.then(|| Growth::new(&self.topic, self.found.len(), self.metadata_interval));
        Ok(Box::new(KafkaReader::open(self.config.clone(), &self.topic, &places, growth, self.clock)?))
    }
}
