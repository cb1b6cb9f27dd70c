//! Faults that no real broker produces on demand, by a double that speaks for one: a log that was cut back, answers that are broken,
//! a broker that wants to be left alone. What a real broker does is tested with a real one.

use super::batches::{batch, signed};
use crate::source::kafka::{
    CONNECT_WAIT, Isolation, KafkaClient, KafkaSettings, KafkaStart, METADATA_INTERVAL, connect,
};
use crate::source::{Assignment, ReadEvent, Reader, SourceError};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, PartitionData,
};
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    ApiVersionsResponse, BrokerId, FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse,
    MetadataResponse, ProducerId, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes, decode_request_header_from_buffer};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering};
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
    /// Nothing but an error of the whole.
    Error(i16),
}

type Script = dyn Fn(usize, &FetchRequest) -> Say + Send + Sync;

struct Double {
    port: u16,
    script: Box<Script>,
    fetches: AtomicUsize,
    epoch: AtomicI32,
    /// The oldest offset that is kept.
    low: AtomicI64,
    /// The topic's id; zeros where there is none.
    id: [u8; 16],
    when: Mutex<Vec<Instant>>,
}

impl Double {
    fn start(script: impl Fn(usize, &FetchRequest) -> Say + Send + Sync + 'static) -> Arc<Self> {
        Self::with_id(ID, script)
    }

    fn with_id(id: [u8; 16], script: impl Fn(usize, &FetchRequest) -> Say + Send + Sync + 'static) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let double = Arc::new(Self {
            port: listener.local_addr().unwrap().port(),
            script: Box::new(script),
            fetches: AtomicUsize::new(0),
            epoch: AtomicI32::new(4),
            low: AtomicI64::new(0),
            id,
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
                2 => {
                    let asked = ListOffsetsRequest::decode(&mut request, version).ok()?;
                    framed(&header, version, &offsets(&asked, self.low.load(Ordering::Relaxed)))
                }
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
            .with_topic_id(uuid::Uuid::from_bytes(self.id))
            .with_partitions(vec![partition]);
        MetadataResponse::default().with_brokers(vec![broker]).with_topics(vec![topic])
    }

    fn fetch(&self, header: &RequestHeader, request: &FetchRequest) -> Option<Vec<u8>> {
        self.when.lock().unwrap().push(Instant::now());
        let number = self.fetches.fetch_add(1, Ordering::Relaxed);
        let topic = |partition: PartitionData| {
            let end = if partition.high_watermark == 0 { END } else { partition.high_watermark };
            let partition = partition.with_high_watermark(end).with_last_stable_offset(end);
            let topic = FetchableTopicResponse::default().with_partitions(vec![partition]);
            match header.request_api_version {
                ..13 => topic.with_topic(TOPIC),
                _ => topic.with_topic_id(uuid::Uuid::from_bytes(self.id)),
            }
        };
        let answer = |partition| FetchResponse::default().with_responses(vec![topic(partition)]);
        Some(match (self.script)(number, request) {
            Say::Partition(partition) => framed(header, header.request_api_version, &answer(partition)),
            Say::Throttled(ms) => {
                framed(header, header.request_api_version, &answer(PartitionData::default()).with_throttle_time_ms(ms))
            }
            Say::Error(code) => {
                framed(header, header.request_api_version, &FetchResponse::default().with_error_code(code))
            }
            Say::Noise(noise) => noise,
            Say::AnotherNumber => {
                let other = header.clone().with_correlation_id(header.correlation_id + 1);
                framed(&other, header.request_api_version, &answer(all()))
            }
        })
    }

    fn reader(&self) -> Box<dyn Reader> {
        let source = connect(&self.settings()).unwrap_or_else(|error| panic!("{error}"));
        source.open(&[Assignment { partition: 0, offset: None }]).unwrap_or_else(|error| panic!("{error}"))
    }

    fn settings(&self) -> KafkaSettings {
        KafkaSettings {
            client: KafkaClient::Native,
            brokers: format!("127.0.0.1:{}", self.port),
            topic: "t".into(),
            start: KafkaStart::Earliest,
            isolation: Isolation::ReadCommitted,
            bounded: false,
            properties: ["reconnect.backoff.ms", "reconnect.backoff.max.ms"]
                .map(|name| (name.to_owned(), "0".to_owned()))
                .into(),
            connect_wait: CONNECT_WAIT,
            metadata_interval: METADATA_INTERVAL,
            clock: || 0,
        }
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
fn offsets(request: &ListOffsetsRequest, low: i64) -> ListOffsetsResponse {
    let asked = request.topics[0].partitions[0].timestamp;
    let offset = if asked == -2 { low } else { END };
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

/// The request behind a broken batch was on its way before the batch was looked at; its answer must not be taken for what follows.
#[test]
fn an_answer_on_its_way_behind_a_broken_batch_is_dropped() {
    for good in [0, 30, 49] {
        let double = Double::start(move |number, request| match number {
            0 => {
                let mut flipped = batch(good + 1..60, |_| {});
                flipped[80] ^= 1;
                Say::Partition(of([batch(0..good + 1, |_| {}), flipped].concat()))
            }
            _ => honest(request),
        });
        assert_eq!(read(&double).unwrap(), END as usize, "{good} good batches before the broken one");
    }
}

/// The epoch that was asked with is of what was read: a log that parts from it, wherever, does not have that.
#[test]
fn a_log_that_parts_beyond_what_was_read_stops_the_run_too() {
    let double = Double::start(|number, _| match number {
        0 => Say::Partition(of(batch(0..40, |_| {}))),
        _ => {
            let parting = EpochEndOffset::default().with_epoch(3).with_end_offset(55);
            Say::Partition(PartitionData::default().with_diverging_epoch(parting))
        }
    });
    assert!(matches!(read(&double), Err(SourceError::Lost(_))));
}

#[test]
fn an_offset_called_out_of_range_for_ever_stops_the_run() {
    let double = Double::start(|_, _| Say::Partition(PartitionData::default().with_error_code(1)));
    let error = read(&double).unwrap_err();
    assert!(matches!(&error, SourceError::Lost(told) if told.contains("out of range")), "{error}");
}

#[test]
fn a_topic_without_an_id_is_asked_for_by_its_name() {
    let double = Double::with_id([0; 16], |_, request| {
        assert_eq!(request.topics[0].topic, TOPIC);
        honest(request)
    });
    assert_eq!(read(&double).unwrap(), END as usize);
}

#[test]
fn an_error_of_the_whole_answer_is_heard() {
    let double = Double::start(|number, request| if number == 0 { Say::Error(70) } else { honest(request) });
    assert_eq!(read(&double).unwrap(), END as usize);
    let double = Double::start(|_, _| Say::Error(35));
    assert!(matches!(read(&double), Err(SourceError::Outside(_))));
}

#[test]
fn a_flood_without_a_record_for_us_does_not_hold_the_reader() {
    let double = Double::start(|_, request| {
        let from = offset(request);
        let aborted = AbortedTransaction::default().with_producer_id(ProducerId(7)).with_first_offset(0);
        let records = batch(from..from + 10, |record| {
            record.transactional = true;
            record.producer_id = 7;
            record.producer_epoch = 0;
        });
        Say::Partition(of(records).with_high_watermark(i64::MAX / 2).with_aborted_transactions(Some(vec![aborted])))
    });
    let mut reader = double.reader();
    let begun = Instant::now();
    while double.fetches.load(Ordering::Relaxed) < 100 {
        assert!(matches!(reader.next(10, Duration::from_millis(10)), Ok(ReadEvent::Nothing)));
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn a_bounded_run_whose_records_are_deleted_before_it_begins_ends() {
    let double = Double::start(|_, _| Say::Partition(PartitionData::default().with_error_code(1)));
    let source =
        connect(&KafkaSettings { bounded: true, ..double.settings() }).unwrap_or_else(|error| panic!("{error}"));
    let mut reader = source.open(&[Assignment { partition: 0, offset: None }]).unwrap();
    double.low.store(END, Ordering::Relaxed);
    let begun = Instant::now();
    while !matches!(reader.next(10, Duration::from_millis(10)), Ok(ReadEvent::Ended { partition: 0 })) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
    }
}

#[test]
fn a_record_whose_offset_is_not_its_batchs_is_refused() {
    // The last delta says five offsets, the records have ten.
    let mut lie = batch(0..10, |_| {});
    lie[23..27].copy_from_slice(&4_i32.to_be_bytes());
    let lie = signed(lie, 0, None);
    let double = Double::start(move |_, _| Say::Partition(of(lie.clone())));
    assert!(matches!(read(&double), Err(SourceError::Lost(told)) if told.contains("does not lie in its batch")));
}
