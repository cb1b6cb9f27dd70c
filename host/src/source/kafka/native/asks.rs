//! The questions beside fetching, each a request and what of its answer is wanted: which brokers and leaders, which offsets.
//!
//! Sources: Kafka's protocol guide, "Metadata API" (versions 9 to 12) and "ListOffsets API" (4 to 7). Knows no sockets.

use super::wire::{Fields, Malformed};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;

/// Asks for the oldest offset that is kept.
pub(super) const EARLIEST: i64 = -2;
/// Asks for the end: of what is committed, or of everything, by the isolation.
pub(super) const LATEST: i64 = -1;

/// A broker's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// A topic's partition in the cluster's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Led {
    pub(super) id: i32,
    /// The broker that leads it; -1 while none does.
    pub(super) leader: i32,
    pub(super) epoch: i32,
}

/// What the cluster says of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Metadata {
    pub(super) brokers: Vec<(i32, Address)>,
    pub(super) topics: Vec<TopicSeen>,
}

/// What the cluster says of a topic.
#[derive(Debug, Clone)]
pub(super) struct TopicSeen {
    pub(super) error: i16,
    pub(super) name: String,
    /// Zeros where the broker is too old to know ids.
    pub(super) id: [u8; 16],
    pub(super) partitions: Vec<Led>,
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// Asks for one topic, or for all.
pub(super) fn metadata_request(topic: Option<&str>) -> MetadataRequest {
    let asked = topic.map(|name| vec![MetadataRequestTopic::default().with_name(Some(topic_name(name)))]);
    MetadataRequest::default().with_topics(asked).with_allow_auto_topic_creation(false)
}

pub(super) fn metadata(fields: Fields<'_>, version: i16) -> Result<Metadata, Malformed> {
    let mut fields = fields.flexible(true);
    let mut metadata = Metadata::default();
    fields.int32()?; // throttling
    fields.list(|fields| {
        let id = fields.int32()?;
        let host = fields.text()?.to_owned();
        let port = u16::try_from(fields.int32()?);
        fields.text()?; // its rack
        // A broker on its way out may have none.
        metadata.brokers.extend(port.ok().map(|port| (id, Address { host, port })));
        fields.no_tags()
    })?;
    fields.text()?; // the cluster's id
    fields.int32()?; // the controller
    fields.list(|fields| {
        metadata.topics.push(topic_seen(fields, version)?);
        Ok(())
    })?;
    Ok(metadata)
}

fn topic_seen(fields: &mut Fields<'_>, version: i16) -> Result<TopicSeen, Malformed> {
    let (error, name) = (fields.int16()?, fields.text()?.to_owned());
    let id = if version >= 10 { fields.uuid()? } else { [0; 16] };
    fields.boolean()?; // internal
    let mut partitions = Vec::new();
    fields.list(|fields| {
        fields.int16()?; // that it has no leader is told by the leader itself
        partitions.push(Led { id: fields.int32()?, leader: fields.int32()?, epoch: fields.int32()? });
        for _ in 0..3 {
            fields.list(|fields| fields.int32().map(drop))?; // replicas: all, in sync, offline
        }
        fields.no_tags()
    })?;
    fields.int32()?; // authorised operations
    fields.no_tags()?;
    Ok(TopicSeen { error, name, id, partitions })
}

/// Asks a leader for offsets: `EARLIEST`, `LATEST`, or the first record at or after a timestamp in milliseconds.
pub(super) fn offsets_request(topic: &str, wanted: &[(Led, i64)], committed_only: bool) -> ListOffsetsRequest {
    let partitions = wanted.iter().map(|(part, at)| {
        ListOffsetsPartition::default()
            .with_partition_index(part.id)
            .with_current_leader_epoch(part.epoch)
            .with_timestamp(*at)
    });
    let asked = ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(partitions.collect());
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(i8::from(committed_only))
        .with_topics(vec![asked])
}

/// For each partition its error and offset; -1 where no record is that late.
pub(super) fn offsets(fields: Fields<'_>, version: i16) -> Result<Vec<(i32, i16, i64)>, Malformed> {
    let mut fields = fields.flexible(version >= 6);
    let mut found = Vec::new();
    fields.int32()?; // throttling
    fields.list(|fields| {
        fields.text()?;
        fields.list(|fields| {
            let (id, error) = (fields.int32()?, fields.int16()?);
            fields.int64()?; // the record's timestamp
            found.push((id, error, fields.int64()?));
            fields.int32()?; // its epoch
            fields.no_tags()
        })?;
        fields.no_tags()
    })?;
    Ok(found)
}
