//! A Kafka topic; each of its partitions is a partition. Two clients can read it: our own (`native`), and librdkafka for what that can't do.
//!
//! ```text
//! connect ──▶ native      one buffer an answer, records are ranges in it
//!         ╰─▶ librdkafka  a message at a time, every property and mechanism there is
//! places      where to begin and end, the same for both      words   what goes wrong, told the same by both
//! ```
//!
//! Offsets are ours: partitions are read from explicit offsets, and there is no group membership. What a checkpoint has confirmed is written
//! as a group's offsets (`groups`), for tools that show lag; nothing reads it back. An offset that is out of range stops the pipeline
//! instead of jumping, or is told (`lost`).

mod groups;
mod librdkafka;
mod lost;
pub mod native;
mod places;
mod words;

use self::librdkafka::LibrdkafkaSource;
use self::native::NativeSource;
use super::{Assignment, Clock, OLDEST, Partition, Reader, Source, SourceError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long to try for a first answer of the cluster, unless set otherwise.
pub const CONNECT_WAIT: Duration = Duration::from_secs(20);

/// How often to ask whether the topic has got partitions, unless set otherwise.
pub const METADATA_INTERVAL: Duration = Duration::from_secs(30);

/// What to read.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// Who reads.
    pub client: KafkaClient,
    /// `host:port,…`, any of the cluster's brokers.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// Where to begin without a checkpoint.
    pub start: KafkaStart,
    /// What of transactions is read; the property `isolation.level` wins.
    pub isolation: Isolation,
    /// Stop at the offsets that were the ends at connecting.
    pub bounded: bool,
    /// librdkafka properties, as typed. Not those that the source rests on, such as `enable.auto.commit`.
    pub properties: BTreeMap<String, String>,
    /// How long to try for a first answer; see [`CONNECT_WAIT`].
    pub connect_wait: Duration,
    /// The consumer group whose offsets [`Source::confirm`] writes, for lag tools; `None`: none.
    pub group: Option<String>,
    /// What to do where offsets that were to be read are not there any more.
    pub on_lost_offsets: LostOffsets,
    /// How often to ask whether the topic has got partitions, which ends a run without end; see [`METADATA_INTERVAL`].
    pub metadata_interval: Duration,
    /// The arrival time of records whose topic does not record their append time.
    pub clock: Clock,
}

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KafkaClient {
    /// Our own: several times as fast; the properties that it knows are in `native/settings.rs`.
    Native,
    /// librdkafka.
    Librdkafka,
}

/// What of transactions is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Nothing of aborted transactions, and nothing beyond the first open one.
    ReadCommitted,
    /// Everything.
    ReadUncommitted,
}

/// What to do where offsets that were to be read are not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostOffsets {
    /// Stop, and say which.
    Stop,
    /// Say which ([`super::ReadEvent::Lost`]), and go on with what is there.
    Continue,
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

/// Asks the cluster for the topic's partitions, where they begin and end, and where to start.
///
/// # Errors
/// `Setting` for a wrong property, a missing topic or a refused login; `Outside` when no broker answers in time.
pub fn connect(settings: &KafkaSettings) -> Result<Arc<dyn Source>, SourceError> {
    Ok(match settings.client {
        KafkaClient::Native => Arc::new(NativeSource::connect(settings)?),
        KafkaClient::Librdkafka => Arc::new(LibrdkafkaSource::connect(settings)?),
    })
}
