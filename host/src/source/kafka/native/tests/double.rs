//! Faults that no real broker produces on demand, by a double that speaks for one: a log that was cut back, answers that are broken,
//! a broker that wants to be left alone. What a real broker does is tested with a real one.

use super::batches::batch;
use crate::source::kafka::{
    CONNECT_WAIT, Isolation, KafkaClient, KafkaSettings, KafkaStart, METADATA_INTERVAL, connect,
};
use crate::source::{Assignment, ReadEvent, Reader, SourceError};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::fetch_response::{EpochEndOffset, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiVersionsResponse, BrokerId, FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse,
    MetadataResponse, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes, decode_request_header_from_buffer};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const ID: [u8; 16] = [3; 16];
const TOPIC: TopicName = TopicName(StrBytes::from_static_str("t"));
const END: i64 = 100;

/// What the double says to a fetch.
enum Say {
    Partition(PartitionData),
    Throttled(i32),
    /// These bytes in place of an answer, and then the line is closed.
    Noise(Vec<u8>),
    /// The right answer under another number.
    AnotherNumber,
}

type Script = dyn Fn(usize, &FetchRequest) -> Say + Send + Sync;

struct Double {
    port: u16,
    script: Box<Script>,
    fetches: AtomicUsize,
    epoch: AtomicI32,
    when: Mutex<Vec<Instant>>,
}

impl Double {
    fn start(script: impl Fn(usize, &FetchRequest) -> Say + Send + Sync + 'static) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let double = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            script: Box::new(script),
            fetches: AtomicUsize::new(0),
            epoch: AtomicI32::new(4),
            when: Mutex::new(Vec::new()),
        });
        let served = Arc::clone(&double);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                thread::spawn(move || served.serve(stream));
            }
        });
        double
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        loop {
            let mut len = [0; 4];
            stream.read_exact(&mut len).ok()?;
            let mut request = vec![0; u32::from_be_bytes(len) as usize];
            stream.read_exact(&mut request).ok()?;
            let mut request = Bytes::from(request);
            let header = decode_request_header_from_buffer(&mut request).ok()?;
            let version = header.request_api_version;
            let answer = match header.request_api_key {
                18 => framed(&header, 0, &self.versions()),
                3 => framed(&header, version, &self.metadata()),
                2 => framed(&header, version, &offsets(&ListOffsetsRequest::decode(&mut request, version).ok()?)),
                _ => self.fetch(&header, &FetchRequest::decode(&mut request, version).ok()?)?,
            };
            stream.write_all(&answer).ok()?;
            if u32::from_be_bytes(*answer.first_chunk()?) as usize + 4 != answer.len() {
                return None; // noise
            }
        }
    }

    fn versions(&self) -> ApiVersionsResponse {
        let version = |key, max| ApiVersion::default().with_api_key(key).with_min_version(0).with_max_version(max);
        ApiVersionsResponse::default().with_api_keys(vec![
            version(1, 16),
            version(2, 7),
            version(3, 12),
            version(18, 3),
        ])
    }

    fn metadata(&self) -> MetadataResponse {
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(1))
            .with_host(StrBytes::from_static_str("127.0.0.1"))
            .with_port(self.port.into());
        let partition = MetadataResponsePartition::default()
            .with_leader_id(BrokerId(1))
            .with_leader_epoch(self.epoch.load(Ordering::Relaxed));
        let topic = MetadataResponseTopic::default()
            .with_name(Some(TOPIC))
            .with_topic_id(uuid::Uuid::from_bytes(ID))
            .with_partitions(vec![partition]);
        MetadataResponse::default().with_brokers(vec![broker]).with_topics(vec![topic])
    }

    fn fetch(&self, header: &RequestHeader, request: &FetchRequest) -> Option<Vec<u8>> {
        self.when.lock().unwrap().push(Instant::now());
        let number = self.fetches.fetch_add(1, Ordering::Relaxed);
        let topic = |partition: PartitionData| {
            FetchableTopicResponse::default()
                .with_topic_id(uuid::Uuid::from_bytes(ID))
                .with_partitions(vec![partition.with_high_watermark(END).with_last_stable_offset(END)])
        };
        let answer = |partition| FetchResponse::default().with_responses(vec![topic(partition)]);
        Some(match (self.script)(number, request) {
            Say::Partition(partition) => framed(header, header.request_api_version, &answer(partition)),
            Say::Throttled(ms) => {
                framed(header, header.request_api_version, &answer(PartitionData::default()).with_throttle_time_ms(ms))
            }
            Say::Noise(noise) => noise,
            Say::AnotherNumber => {
                let other = header.clone().with_correlation_id(header.correlation_id + 1);
                framed(&other, header.request_api_version, &answer(all()))
            }
        })
    }

    fn reader(&self) -> Box<dyn Reader> {
        let settings = KafkaSettings {
            client: KafkaClient::Native,
            brokers: format!("127.0.0.1:{}", self.port),
            topic: "t".into(),
            start: KafkaStart::Earliest,
            isolation: Isolation::ReadCommitted,
            bounded: false,
            properties: [("reconnect.backoff.ms".to_owned(), "1".to_owned())].into(),
            connect_wait: CONNECT_WAIT,
            metadata_interval: METADATA_INTERVAL,
            clock: || 0,
        };
        let source = connect(&settings).unwrap_or_else(|error| panic!("{error}"));
        source.open(&[Assignment { partition: 0, offset: None }]).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn framed<M: Encodable + HeaderVersion>(header: &RequestHeader, version: i16, message: &M) -> Vec<u8> {
    let mut bytes = BytesMut::zeroed(4);
    let answered = ResponseHeader::default().with_correlation_id(header.correlation_id);
    answered.encode(&mut bytes, M::header_version(version)).unwrap();
    message.encode(&mut bytes, version).unwrap();
    let len = (bytes.len() - 4) as u32;
    bytes[..4].copy_from_slice(&len.to_be_bytes());
    bytes.to_vec()
}

/// The log reaches from 0 to `END`; the answers may say otherwise.
fn offsets(request: &ListOffsetsRequest) -> ListOffsetsResponse {
    let asked = request.topics[0].partitions[0].timestamp;
    let offset = if asked == -2 { 0 } else { END };
    let partition = ListOffsetsPartitionResponse::default().with_offset(offset);
    let topic = ListOffsetsTopicResponse::default().with_name(TOPIC).with_partitions(vec![partition]);
    ListOffsetsResponse::default().with_topics(vec![topic])
}

fn of(bytes: Vec<u8>) -> PartitionData {
    PartitionData::default().with_records(Some(bytes.into()))
}

fn all() -> PartitionData {
    of(batch(0..END, |_| {}))
}

fn offset(request: &FetchRequest) -> i64 {
    request.topics[0].partitions[0].fetch_offset
}

/// What belongs at the offset that is asked for.
fn honest(request: &FetchRequest) -> Say {
    match offset(request) {
        END => Say::Partition(PartitionData::default()),
        from => Say::Partition(of(batch(from..END, |_| {}))),
    }
}

/// Reads until the whole log has come, or the reader stops.
fn read(double: &Double) -> Result<usize, SourceError> {
    let (mut reader, mut count, begun) = (double.reader(), 0, Instant::now());
    while count < END as usize {
        assert!(begun.elapsed() < Duration::from_secs(60), "{count} records only");
        if let ReadEvent::Block(block) = reader.next(7, Duration::from_millis(10))? {
            assert_eq!(block.records[0].offset, count as i64);
            count += block.records.len();
        }
    }
    Ok(count)
}

#[test]
fn a_log_cut_back_behind_what_was_read_stops_the_run() {
    let double = Double::start(|number, request| match number {
        0 => Say::Partition(of(batch(0..40, |_| {}))),
        _ => {
            // The broker is asked with the epoch of the last batch, and says where its log parts from it.
            assert_eq!(request.topics[0].partitions[0].last_fetched_epoch, 4);
            let parting = EpochEndOffset::default().with_epoch(3).with_end_offset(25);
            Say::Partition(PartitionData::default().with_diverging_epoch(parting))
        }
    });
    let told = read(&double).unwrap_err().to_string();
    assert!(told.contains("lost records that were read before, from offset 25 to 39"), "{told}");
}

#[test]
fn broken_answers_are_asked_for_again() {
    let mut half = vec![0, 0, 1, 0];
    half.extend([7; 100]);
    let double = Double::start(move |number, request| match number {
        0 => Say::Noise(half.clone()),
        1 => Say::AnotherNumber,
        2 => Say::Noise(vec![0, 0, 0, 9, 1]),
        3 => {
            let mut flipped = batch(offset(request)..END, |_| {});
            flipped[80] ^= 1;
            Say::Partition(of(flipped))
        }
        4 => Say::Partition(PartitionData::default().with_error_code(56)),
        _ => honest(request),
    });
    assert_eq!(read(&double).unwrap(), END as usize);
}

#[test]
fn a_batch_that_stays_broken_stops_the_run() {
    let double = Double::start(|_, _| {
        let mut flipped = batch(0..END, |_| {});
        flipped[80] ^= 1;
        Say::Partition(of(flipped))
    });
    let error = read(&double).unwrap_err();
    assert!(matches!(&error, SourceError::Lost(told) if told.contains("checksum")), "{error}");
}

#[test]
fn a_broker_that_throttles_is_left_alone() {
    let double = Double::start(|number, request| if number == 0 { Say::Throttled(300) } else { honest(request) });
    assert_eq!(read(&double).unwrap(), END as usize);
    let when = double.when.lock().unwrap();
    assert!(when[1] - when[0] >= Duration::from_millis(300), "{:?}", when[1] - when[0]);
}

#[test]
fn a_leader_of_a_new_epoch_is_asked_with_it() {
    let double = Double::start(|_, request| match request.topics[0].partitions[0].current_leader_epoch {
        5 => honest(request),
        _ => Say::Partition(PartitionData::default().with_error_code(74)),
    });
    let renewed = Arc::clone(&double);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        renewed.epoch.store(5, Ordering::Relaxed);
    });
    assert_eq!(read(&double).unwrap(), END as usize);
}

#[test]
fn an_error_that_nobody_thought_of_stops_the_run() {
    let double = Double::start(|_, _| Say::Partition(PartitionData::default().with_error_code(35)));
    assert!(matches!(read(&double), Err(SourceError::Outside(_))));
}
