//! Answers as `kafka-protocol`, whose types are made from Kafka's own schemas, writes them, in every version that is spoken.

use crate::source::kafka::native::wire::{self, Fields};
use crate::source::kafka::native::{asks, fetch};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, PartitionData,
};
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FetchResponse, ListOffsetsResponse, MetadataResponse, ProducerId, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};

const TOPIC: TopicName = TopicName(StrBytes::from_static_str("t"));

fn encoded(message: &impl Encodable, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes, version).unwrap();
    bytes.freeze()
}

pub(super) fn fetch_answer(version: i16) -> FetchResponse {
    let aborted = [(7, 11), (8, 12)].map(|(producer, first)| {
        AbortedTransaction::default().with_producer_id(ProducerId(producer)).with_first_offset(first)
    });
    let first = PartitionData::default()
        .with_partition_index(3)
        .with_high_watermark(40)
        .with_last_stable_offset(39)
        .with_log_start_offset(1)
        .with_aborted_transactions(Some(aborted.to_vec()))
        .with_preferred_read_replica(BrokerId(-1))
        .with_records(Some(Bytes::from_static(b"records")));
    let mut second = PartitionData::default()
        .with_partition_index(4)
        .with_error_code(6)
        .with_aborted_transactions(None)
        .with_records(None);
    if version >= 12 {
        second = second.with_diverging_epoch(EpochEndOffset::default().with_epoch(5).with_end_offset(17));
    }
    let mut topic = FetchableTopicResponse::default().with_partitions(vec![first, second]);
    if version >= 13 {
        topic = topic.with_topic_id(uuid::Uuid::from_bytes([9; 16]));
    } else {
        topic = topic.with_topic(TOPIC);
    }
    FetchResponse::default().with_throttle_time_ms(12).with_error_code(0).with_responses(vec![topic])
}

#[test]
fn fetch_answers_of_every_version() {
    for version in 11..=16 {
        let bytes = encoded(&fetch_answer(version), version);
        let read = fetch::answers(Fields::new(&bytes, false), version).unwrap();
        assert_eq!((read.throttle_ms, read.error, read.partitions.len()), (12, 0, 2), "version {version}");
        let [first, second] = read.partitions.as_slice() else { panic!() };
        assert_eq!((first.id, first.error, first.high, first.stable), (3, 0, 40, 39));
        assert_eq!(first.aborted, [(7, 11), (8, 12)]);
        assert_eq!(&bytes[first.batches.clone()], b"records");
        assert_eq!((second.id, second.error, second.batches.len()), (4, 6, 0));
        assert_eq!(second.diverging, (version >= 12).then_some((5, 17)), "version {version}");
        for len in 0..bytes.len() {
            assert!(fetch::answers(Fields::new(&bytes[..len], false), version).is_err(), "cut at {len}");
        }
    }
}

#[test]
fn metadata_of_every_version() {
    for version in 9..=12 {
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(2))
            .with_host(StrBytes::from_static_str("h"))
            .with_port(9093)
            .with_rack(Some(StrBytes::from_static_str("r")));
        let partition = MetadataResponsePartition::default()
            .with_partition_index(1)
            .with_leader_id(BrokerId(2))
            .with_leader_epoch(6)
            .with_replica_nodes(vec![BrokerId(2), BrokerId(3)]);
        let mut topic = MetadataResponseTopic::default()
            .with_error_code(5)
            .with_name(Some(TOPIC))
            .with_partitions(vec![partition.clone(), partition.with_partition_index(0).with_leader_id(BrokerId(-1))]);
        if version >= 10 {
            topic = topic.with_topic_id(uuid::Uuid::from_bytes([4; 16]));
        }
        let answer = MetadataResponse::default().with_brokers(vec![broker]).with_topics(vec![topic]);
        let bytes = encoded(&answer, version);
        let read = asks::metadata(Fields::new(&bytes, true), version).unwrap();
        assert_eq!(read.brokers, [(2, asks::Address { host: "h".into(), port: 9093 })]);
        let [topic] = read.topics.as_slice() else { panic!() };
        assert_eq!((topic.error, topic.name.as_str()), (5, "t"));
        assert_eq!(topic.id, if version >= 10 { [4; 16] } else { [0; 16] });
        let led = |id, leader| asks::Led { id, leader, epoch: 6 };
        assert_eq!(topic.partitions, [led(1, 2), led(0, -1)]);
    }
}

#[test]
fn offsets_of_every_version() {
    for version in 4..=7 {
        let partition = ListOffsetsPartitionResponse::default()
            .with_partition_index(1)
            .with_timestamp(5)
            .with_offset(77)
            .with_leader_epoch(3);
        let topic = ListOffsetsTopicResponse::default()
            .with_name(TOPIC)
            .with_partitions(vec![partition.clone(), partition.with_partition_index(2).with_error_code(6)]);
        let bytes = encoded(&ListOffsetsResponse::default().with_topics(vec![topic]), version);
        let read = asks::offsets(Fields::new(&bytes, false), version).unwrap();
        assert_eq!(read, [(1, 0, 77), (2, 6, 77)], "version {version}");
    }
}

#[test]
fn an_answer_is_known_by_its_number() {
    let version = 12;
    let mut bytes = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(5);
    header.encode(&mut bytes, FetchResponse::header_version(version)).unwrap();
    fetch_answer(version).encode(&mut bytes, version).unwrap();
    let body = wire::body::<FetchRequest>(&bytes, version, 5).unwrap();
    assert_eq!(fetch::answers(body, version).unwrap().partitions.len(), 2);
    assert!(wire::body::<FetchRequest>(&bytes, version, 6).is_err());
}

#[test]
fn lengths_that_lie_reserve_nothing() {
    // Two billion brokers in a dozen bytes.
    let bytes = [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2, 3];
    assert!(asks::metadata(Fields::new(&bytes, true), 12).is_err());
    let bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 1, 2];
    assert!(fetch::answers(Fields::new(&bytes, false), 11).is_err());
}
