//! Where records come from.

use super::{Place, Properties};
use std::collections::BTreeMap;

/// `[source]`.
#[derive(Debug, Clone)]
pub enum SourcePlan {
    /// `type = "kafka"`.
    Kafka(KafkaPlan),
    /// `type = "file"`: each file that a path or pattern names is a partition.
    File {
        /// Paths and patterns (`glob`'s), relative ones made absolute to the pipeline file's folder, with their places. Where the folder's
        /// own name holds `*`, `?` or `[`, it is escaped, and the text is to be taken as a pattern.
        files: Vec<(String, Place)>,
        /// Records a second over all files, to replay at a pace; `None`: as fast as they can be read.
        rate: Option<f64>,
    },
    /// `type = "generator"`: seeded synthetic invoices.
    Generator(GeneratorPlan),
}

/// A topic.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaPlan {
    /// `host:port,…`.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// Where to begin without a checkpoint.
    pub start: StartPlan,
    /// What of transactions is read.
    pub isolation: IsolationPlan,
    /// The consumer group that is told what is counted.
    pub group: GroupPlan,
    /// What to do where offsets to be read are gone.
    pub on_lost_offsets: LostOffsetsPlan,
    /// Who reads.
    pub client: ClientPlan,
    /// librdkafka properties, environment variables replaced.
    pub properties: Properties,
    /// Where each property stands, for messages.
    pub property_places: BTreeMap<String, Place>,
    /// Where `topic` stands, for messages.
    pub topic_place: Place,
    /// Where `start` stands, for messages; without it where `topic` stands.
    pub start_place: Place,
}

/// `[source] group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupPlan {
    /// `weir-` and the pipeline's name.
    OfPipeline,
    /// This one.
    Named(String),
    /// `group = "off"`: none.
    Off,
}

/// `[source] on_lost_offsets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostOffsetsPlan {
    /// Stop, and say which.
    Stop,
    /// Say which, and go on with what is there.
    Continue,
}

/// `[source] client`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPlan {
    /// Our own.
    Native,
    /// librdkafka.
    Librdkafka,
}

/// `[source] isolation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationPlan {
    /// Nothing of aborted or open transactions.
    ReadCommitted,
    /// Everything.
    ReadUncommitted,
}

/// `[source] start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartPlan {
    /// The oldest record that is kept.
    Earliest,
    /// Records that arrive from now on.
    Latest,
    /// The first record whose timestamp is at or after this, microseconds.
    Timestamp(i64),
    /// Where a checkpoint says; without one the run is refused.
    Checkpoint,
}

/// A generator of synthetic invoices.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratorPlan {
    /// The same seed gives the same records.
    pub seed: u64,
    /// Partitions.
    pub partitions: u32,
    /// Records in all; `None`: without end.
    pub records: Option<u64>,
    /// Records a second over all partitions; `None`: as fast as they can be made.
    pub rate: Option<f64>,
    /// Event time of the first record, microseconds.
    pub start_us: i64,
    /// Records in a minute of event time.
    pub records_per_minute: u32,
    /// Records are up to this far behind the newest, microseconds.
    pub disorder_us: i64,
    /// Share (0 to 1) of records that are an hour behind.
    pub late_share: f64,
    /// Share (0 to 1) of records that are broken in one of twenty ways.
    pub broken_share: f64,
}
