//! The librdkafka client as this source needs it: its settings, its log lines, and an end that can't hang.
//!
//! It knows properties and the client's life; not topics, offsets or records.

use super::{Isolation, KafkaSettings, SourceError, words};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::ops::Deref;
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// Defaults that `properties` may override.
///
/// Prefetch is bounded for the whole process: a queue of 8 MiB a worker holds about twice that with the client's own 300 bytes a
/// record. The queue is emptied in some milliseconds, so the client may not sleep its default second after it was full.
const DEFAULTS: [(&str, &str); 9] = [
    ("group.id", "weir"),
    ("client.id", "weir"),
    ("check.crcs", "true"),
    ("queued.min.messages", "20000"),
    ("queued.max.messages.kbytes", "8192"),
    ("fetch.queue.backoff.ms", "5"),
    ("fetch.message.max.bytes", "1048576"),
    ("fetch.max.bytes", "8388608"),
    ("reconnect.backoff.max.ms", "2000"),
];

/// The same log line comes again only after this.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// How long an ended reader waits for its client to close; the rest happens behind its back.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// The client's settings: ours, with the user's properties on top.
pub(super) fn config(settings: &KafkaSettings) -> Result<ClientConfig, SourceError> {
    let mut config = ClientConfig::new();
    for (name, value) in DEFAULTS {
        config.set(name, value);
    }
    let isolation = match settings.isolation {
        Isolation::ReadCommitted => "read_committed",
        Isolation::ReadUncommitted => "read_uncommitted",
    };
    config.set("isolation.level", isolation);
    words::check_ours(&settings.properties)?;
    for (name, value) in &settings.properties {
        config.set(name, value);
    }
    for (name, value, _) in words::FIXED {
        config.set(name, value);
    }
    config.set("bootstrap.servers", &settings.brokers);
    Ok(config)
}

/// What the client tells beside records: log lines and errors.
#[derive(Default)]
pub(super) struct Ear {
    told: Mutex<Option<Told>>,
    is_silent: bool,
}

struct Told {
    code: Option<RDKafkaErrorCode>,
    reason: String,
    when: Instant,
}

impl Ear {
    /// Logs no errors: whoever asks tells them.
    pub(super) fn silent() -> Ear {
        Ear { is_silent: true, ..Ear::default() }
    }

    /// The last error, with the client's own words.
    pub(super) fn last_error(&self) -> Option<(RDKafkaErrorCode, String)> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.as_ref().and_then(|told| Some((told.code?, told.reason.clone())))
    }
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Debug => tracing::debug!("kafka client: {fac}: {message}"),
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Notice => {
                tracing::info!("kafka client: {fac}: {message}")
            }
            // What the client calls an error it retries; what is final reaches the reader and stops the pipeline.
            _ => tracing::debug!("kafka client: {fac}: {message}"),
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        tracing::info!("kafka client statistics: {}", String::from_utf8_lossy(statistics));
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        if self.is_silent || code == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down follows from what was told before, which says why.
        let is_known = told.as_ref().is_some_and(|told| {
            let is_same = told.reason == reason && told.when.elapsed() < LOG_PAUSE;
            is_same || code == Some(RDKafkaErrorCode::AllBrokersDown)
        });
        if !is_known {
            tracing::warn!("kafka client: {reason}");
            let reason = reason.to_owned();
            *told = Some(Told { code, reason, when: Instant::now() });
        }
    }
}

impl ConsumerContext for Ear {}

/// A consumer that is closed on a thread of its own: closing waits for the group's coordinator and so, with no broker, for ever
/// (librdkafka #3740).
pub(super) struct Client {
    consumer: Option<BaseConsumer<Ear>>,
    close_wait: Duration,
}

impl Client {
    /// Starts a client; it connects behind our back.
    pub(super) fn start(config: &ClientConfig) -> Result<Client, SourceError> {
        Client::start_with(config, Ear::default())
    }

    /// The same, heard by this ear.
    pub(super) fn start_with(config: &ClientConfig, ear: Ear) -> Result<Client, SourceError> {
        let consumer = BaseConsumer::from_config_and_context(config, ear);
        consumer.map(|consumer| Client { consumer: Some(consumer), close_wait: CLOSE_WAIT }).map_err(
            |error| match error {
                KafkaError::ClientConfig(_, reason, name, value) => {
                    SourceError::Setting(format!("the Kafka property {name} = {value:?} is refused: {reason}"))
                }
                KafkaError::ClientCreation(reason) => {
                    SourceError::Setting(format!("the Kafka properties do not fit: {reason}"))
                }
                error => SourceError::Setting(format!("the Kafka client does not start: {error}")),
            },
        )
    }

    /// Whoever drops it does not wait for it to close.
    pub(super) fn without_goodbye(mut self) -> Client {
        self.close_wait = Duration::ZERO;
        self
    }
}

impl Deref for Client {
    type Target = BaseConsumer<Ear>;

    #[expect(clippy::expect_used, reason = "the consumer is only taken out by drop, after which nobody can ask")]
    fn deref(&self) -> &BaseConsumer<Ear> {
        self.consumer.as_ref().expect("a live client")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let Some(consumer) = self.consumer.take() else {
            return;
        };
        let (closed, wait) = mpsc::channel();
        let closing = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(move || {
            drop(consumer);
            let _ = closed.send(());
        });
        if closing.is_ok() && wait.recv_timeout(self.close_wait).is_err() {
            tracing::debug!("the Kafka client takes long to close; it is left to itself");
        }
    }
}
