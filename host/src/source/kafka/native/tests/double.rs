//! Faults that no real broker produces on demand, by a double that speaks for one: a log that was cut back, answers that are broken,
//! a broker that wants to be left alone. What a real broker does is tested with a real one.

use super::batches::batch;
use crate::source::kafka::{
    CONNECT_WAIT, Isolation, KafkaClient, KafkaSettings, KafkaStart, LostOffsets, METADATA_INTERVAL, connect,
};
use crate::source::{Assignment, Reader};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
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
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

const ID: [u8; 16] = [3; 16];
pub(super) const TOPIC: TopicName = TopicName(StrBytes::from_static_str("t"));
pub(super) const END: i64 = 100;

/// What the double says to a fetch.
#[allow(clippy::large_enum_variant, reason = "a handful in a test")]
pub(super) enum Say {
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

pub(super) struct Double {
    port: u16,
    pub(super) script: Box<Script>,
    pub(super) fetches: AtomicUsize,
    pub(super) epoch: AtomicI32,
    /// The oldest offset that is kept.
    pub(super) low: AtomicI64,
    /// The topic's id; zeros where there is none.
    id: [u8; 16],
    pub(super) when: Mutex<Vec<Instant>>,
}

impl Double {
    pub(super) fn start(script: impl Fn(usize, &FetchRequest) -> Say + Send + Sync + 'static) -> Arc<Self> {
        Self::with_id(ID, script)
    }

    pub(super) fn with_id(
        id: [u8; 16],
        script: impl Fn(usize, &FetchRequest) -> Say + Send + Sync + 'static,
    ) -> Arc<Self> {
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
                framed(
                    &other,
                    header.request_api_version,
                    &answer(PartitionData::default().with_records(Some(batch(0..END, |_| {}).into()))),
                )
            }
        })
    }

    pub(super) fn reader(&self) -> Box<dyn Reader> {
        let source = connect(&self.settings()).unwrap_or_else(|error| panic!("{error}"));
        source.open(&[Assignment { partition: 0, offset: None, epoch: None }]).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn settings(&self) -> KafkaSettings {
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
            group: None,
            on_lost_offsets: LostOffsets::Stop,
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
