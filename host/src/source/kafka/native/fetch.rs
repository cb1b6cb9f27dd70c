//! The Fetch request and its answer: what is asked of one broker, and where in the answer each partition's batches lie.
//!
//! Versions 11 to 16 (KIP-320's epochs come with 9, topic ids with 13). Fetch sessions are not used: the partitions of a reader are few, and
//! without them a lost answer needs no bookkeeping. Source: Kafka's protocol guide, "Fetch API".

use super::wire::{Fields, Malformed};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::ops::Range;

/// The first version that names topics by their ids.
const IDS_SINCE: i16 = 13;
/// The last version that names them by their names.
pub(super) const NAMES_UNTIL: i16 = 12;
/// The first flexible version.
const FLEXIBLE_SINCE: i16 = 12;

/// What one answer may bring, and how long the broker may wait for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// The broker waits this long for `bytes_min`, milliseconds.
    pub(super) wait_max_ms: i32,
    pub(super) bytes_min: i32,
    /// Bytes of an answer; its first batch comes whole even if it is larger.
    pub(super) bytes_max: i32,
    pub(super) partition_bytes_max: i32,
}

/// The topic as it is asked for.
#[derive(Debug, Clone)]
pub(super) struct Topic {
    pub(super) name: String,
    /// Zeros where the broker is too old to know ids.
    pub(super) id: [u8; 16],
}

/// A partition as it is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) id: i32,
    pub(super) offset: i64,
    /// The leader's epoch as we know it; -1 where we don't.
    pub(super) leader_epoch: i32,
    /// The epoch of the last batch before `offset`; -1 where we don't know. The broker tells where its log parts from that.
    pub(super) last_epoch: i32,
}

/// What the broker says of one partition.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) id: i32,
    pub(super) error: i16,
    /// The end of what is replicated.
    pub(super) high: i64,
    /// The end of what no open transaction is in front of.
    pub(super) stable: i64,
    /// Producers' aborted transactions in what was sent: (producer, first offset).
    pub(super) aborted: Vec<(i64, i64)>,
    /// Where the broker's log parts from ours, if it does: (epoch, offset).
    pub(super) diverging: Option<(i32, i64)>,
    /// The batches, as a range of the answer.
    pub(super) batches: Range<usize>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    /// How long the broker wants no request, milliseconds.
    pub(super) throttle_ms: i32,
    pub(super) error: i16,
    pub(super) partitions: Vec<Answer>,
}

/// The request for these partitions, in this order: the broker fills the answer in it.
pub(super) fn request(
    version: i16,
    topic: &Topic,
    wanted: &[Wanted],
    sizes: Sizes,
    committed_only: bool,
) -> FetchRequest {
    let partitions = wanted.iter().map(|wanted| {
        FetchPartition::default()
            .with_partition(wanted.id)
            .with_current_leader_epoch(wanted.leader_epoch)
            .with_fetch_offset(wanted.offset)
            .with_last_fetched_epoch(if version >= FLEXIBLE_SINCE { wanted.last_epoch } else { -1 })
            .with_log_start_offset(-1)
            .with_partition_max_bytes(sizes.partition_bytes_max)
    });
    let asked = FetchTopic::default().with_partitions(partitions.collect());
    let asked = if version >= IDS_SINCE {
        asked.with_topic_id(uuid::Uuid::from_bytes(topic.id))
    } else {
        asked.with_topic(TopicName(StrBytes::from_string(topic.name.clone())))
    };
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(sizes.wait_max_ms)
        .with_min_bytes(sizes.bytes_min)
        .with_max_bytes(sizes.bytes_max)
        .with_isolation_level(i8::from(committed_only))
        .with_session_epoch(-1)
        .with_topics(vec![asked])
}

/// Reads an answer's body. Its ranges count from the begin of the frame.
pub(super) fn answers(mut fields: Fields<'_>, version: i16) -> Result<Answers, Malformed> {
    fields = fields.flexible(version >= FLEXIBLE_SINCE);
    let mut answers = Answers { throttle_ms: fields.int32()?, error: fields.int16()?, partitions: Vec::new() };
    fields.int32()?; // the session, which we don't use
    fields.list(|fields| {
        if version >= IDS_SINCE {
            fields.uuid()?;
        } else {
            fields.text()?;
        }
        fields.list(|fields| {
            answers.partitions.push(answer(fields)?);
            Ok(())
        })?;
        fields.no_tags()
    })?;
    fields.no_tags()?;
    Ok(answers)
}

fn answer(fields: &mut Fields<'_>) -> Result<Answer, Malformed> {
    let (id, error, high, stable) = (fields.int32()?, fields.int16()?, fields.int64()?, fields.int64()?);
    fields.int64()?; // where the log begins
    let mut aborted = Vec::new();
    fields.list(|fields| {
        aborted.push((fields.int64()?, fields.int64()?));
        fields.no_tags()
    })?;
    fields.int32()?; // the replica to read from instead, for clients that say in which rack they are
    let len = fields.bytes()?.len();
    let batches = fields.at() - len..fields.at();
    let mut diverging = None;
    fields.tags(|tag, mut tagged| {
        if tag == 0 {
            diverging = Some((tagged.int32()?, tagged.int64()?));
        }
        Ok(())
    })?;
    Ok(Answer { id, error, high, stable, aborted, diverging, batches })
}
