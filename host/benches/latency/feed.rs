//! Sends invoices at a pace, each dated by the second in which it is sent, dealt to the partitions in turn; and learns from the delivery
//! reports when the first record of each second arrived in each partition.

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message, Timestamp};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use weir::source::generator::{GeneratorSettings, GeneratorSource};
use weir::source::{Assignment, ReadEvent, Source};

const PARTITIONS: usize = super::PARTITIONS as usize;
/// Different invoices; they come again in turn.
const TEMPLATES: usize = 4_096;
const STAMP_BYTES: usize = 19;
/// Sent under one look at the clock.
const CHUNK: u64 = 512;
const PAUSE: Duration = Duration::from_millis(1);
const FLUSH: Duration = Duration::from_secs(60);

/// What to send.
pub struct Feed<'a> {
    pub brokers: &'a str,
    pub topic: &'a str,
    /// Invoices a second; `None`: as fast as they are taken.
    pub rate: Option<u64>,
    pub events: u64,
}

/// What was sent.
pub struct Fed {
    pub sent: u64,
    pub seconds: f64,
    /// By second: when its first record arrived in each partition, milliseconds since the epoch.
    pub arrivals: BTreeMap<i64, [Option<i64>; PARTITIONS]>,
}

impl Fed {
    /// When the window of this second could close: when the last partition had brought a record of the next second.
    pub fn ended_ms(&self, second: i64) -> Option<i64> {
        let arrivals = self.arrivals.get(&(second + 1))?;
        arrivals.iter().copied().collect::<Option<Vec<i64>>>()?.into_iter().max()
    }
}

impl Feed<'_> {
    /// Sends all of them and waits until the broker has them.
    pub fn run(&self) -> Fed {
        let mut invoices = templates();
        let producer = self.producer();
        let began = Instant::now();
        let (mut sent, mut dated, mut to_mark) = (0, i64::MIN, 0);
        while sent < self.events {
            let due = self.due(began.elapsed());
            if sent >= due {
                producer.poll(Duration::ZERO);
                std::thread::sleep(PAUSE);
                continue;
            }
            let second = now_second();
            if second > dated {
                dated = second;
                invoices.date(dated);
                // Records in a row go to partitions in a row.
                to_mark = PARTITIONS;
            }
            let upto = due.min(sent + CHUNK);
            for number in sent..upto {
                let mark = if to_mark > 0 { dated as usize } else { 0 };
                to_mark = to_mark.saturating_sub(1);
                send(&producer, self.topic, number, invoices.get(number), mark);
            }
            sent = upto;
            producer.poll(Duration::ZERO);
        }
        producer.flush(FLUSH).expect("the broker takes all");
        let seconds = began.elapsed().as_secs_f64();
        let arrivals = std::mem::take(&mut *producer.context().0.lock().unwrap_or_else(PoisonError::into_inner));
        Fed { sent, seconds, arrivals }
    }

    fn due(&self, elapsed: Duration) -> u64 {
        let due = self.rate.map(|rate| (rate as f64 * elapsed.as_secs_f64()) as u64);
        due.unwrap_or(u64::MAX).min(self.events)
    }

    fn producer(&self) -> BaseProducer<Arrivals> {
        let mut config = ClientConfig::new();
        for (key, value) in [
            ("bootstrap.servers", self.brokers),
            ("enable.idempotence", "true"),
            ("linger.ms", "5"),
            ("batch.size", "1000000"),
            ("queue.buffering.max.kbytes", "65536"),
        ] {
            config.set(key, value);
        }
        BaseProducer::from_config_and_context(&config, Arrivals::default()).expect("a producer")
    }
}

/// `mark` is the second whose first record in its partition this is, or 0.
fn send(producer: &BaseProducer<Arrivals>, topic: &str, number: u64, invoice: &[u8], mark: usize) {
    let partition = (number % PARTITIONS as u64) as i32;
    let mut record: BaseRecord<'_, [u8], [u8], usize> =
        BaseRecord::with_opaque_to(topic, mark).partition(partition).payload(invoice);
    while let Err((error, again)) = producer.send(record) {
        let is_full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
        assert!(is_full, "an invoice was not taken: {error}");
        producer.poll(PAUSE);
        record = again;
    }
}

/// Arrival times of the marked records.
#[derive(Default)]
struct Arrivals(Mutex<BTreeMap<i64, [Option<i64>; PARTITIONS]>>);

impl ClientContext for Arrivals {}

impl ProducerContext for Arrivals {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, mark: usize) {
        let message = result.as_ref().unwrap_or_else(|(error, _)| panic!("an invoice did not arrive: {error}"));
        if mark == 0 {
            return;
        }
        let Timestamp::LogAppendTime(arrived) = message.timestamp() else { panic!("the topic dates its records") };
        let mut arrivals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.entry(mark as i64).or_default()[message.partition() as usize] = Some(arrived);
    }
}

/// Invoices with a place for the date.
struct Templates(Vec<(Vec<u8>, usize)>);

impl Templates {
    fn date(&mut self, second: i64) {
        let stamp = jiff::Timestamp::from_second(second).expect("today").strftime("%Y-%m-%d %H:%M:%S").to_string();
        for (invoice, at) in &mut self.0 {
            invoice[*at..*at + STAMP_BYTES].copy_from_slice(stamp.as_bytes());
        }
    }

    fn get(&self, number: u64) -> &[u8] {
        &self.0[number as usize % TEMPLATES].0
    }
}

fn templates() -> Templates {
    let settings = GeneratorSettings {
        seed: 7,
        partitions: 1,
        records: Some(TEMPLATES as u64),
        rate: None,
        start_us: 0,
        records_per_minute: 20_000,
        disorder_us: 0,
        late_share: 0.0,
        broken_share: 0.0,
        clock: || 0,
    };
    let source = GeneratorSource::open(&settings).expect("sound settings");
    let mut reader = source.open(&[Assignment { partition: 0, offset: None, epoch: None }]).expect("a reader");
    let mut invoices = Vec::new();
    while let ReadEvent::Block(block) = reader.next(TEMPLATES, Duration::ZERO).expect("records") {
        invoices.extend((0..block.records.len()).map(|index| block.value(index).to_vec()));
    }
    let place = |invoice: Vec<u8>| {
        const BEFORE: &[u8] = b"\"timestamp\": \"";
        let at = memchr::memmem::find(&invoice, BEFORE).expect("an invoice has a timestamp") + BEFORE.len();
        (invoice, at)
    };
    Templates(invoices.into_iter().map(place).collect())
}

fn now_second() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs() as i64
}
