//! The librdkafka client as writing needs it: settings, log lines, waits, and an end that can't hang.
//!
//! It knows properties and error codes; not what messages mean.

use super::{KafkaFailure, KafkaTopic};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// One try of a question; several fit into the whole wait.
const TRY_WAIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
/// How long an ended client is waited for; the rest happens behind its back (librdkafka #3740: with no broker, for ever).
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// Defaults that `properties` may override.
const DEFAULTS: [(&str, &str); 2] = [("client.id", "weir"), ("reconnect.backoff.max.ms", "2000")];

/// The user's properties on our defaults, and the brokers.
pub(super) fn config(topic: &KafkaTopic) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in DEFAULTS {
        config.set(name, value);
    }
    for (name, value) in &topic.properties {
        config.set(name, value);
    }
    config.set("bootstrap.servers", &topic.brokers);
    config
}

/// Why a client does not start; no value of a property is told, because it may be a secret.
pub(super) fn not_started(topic: &KafkaTopic, error: KafkaError) -> KafkaFailure {
    let mut reason = match error {
        KafkaError::ClientConfig(_, reason, name, value) if value.is_empty() => {
            format!("the Kafka property {name} is refused: {reason}")
        }
        KafkaError::ClientConfig(_, reason, name, value) => {
            format!("the Kafka property {name} is refused: {}", reason.replace(&value, "…"))
        }
        KafkaError::ClientCreation(reason) => format!("the Kafka properties do not fit: {reason}"),
        error => format!("the Kafka client does not start: {error}"),
    };
    for (_, value) in topic.properties.iter().filter(|(name, value)| name.contains("password") && !value.is_empty()) {
        reason = reason.replace(value, "…");
    }
    KafkaFailure::Setting(reason)
}

/// What the client tells beside results.
#[derive(Default)]
pub(super) struct Ear {
    told: Mutex<Option<(Code, String)>>,
    undelivered: Mutex<Option<KafkaError>>,
}

impl Ear {
    /// The last trouble, in the client's own words.
    pub(super) fn last(&self) -> Option<(Code, String)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first message since the last call that was not delivered.
    pub(super) fn take_undelivered(&self) -> Option<KafkaError> {
        self.undelivered.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Ear {
    fn log(&self, _: RDKafkaLogLevel, fac: &str, message: &str) {
        // Properties of the other kind of client come as warnings; what is final reaches the caller.
        tracing::debug!("kafka client: {fac}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        tracing::debug!("kafka client: {reason}");
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down follows from what was told before, which says why.
        if code != Code::AllBrokersDown || told.is_none() {
            *told = Some((code, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Ear {}

impl ProducerContext for Ear {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut undelivered = self.undelivered.lock().unwrap_or_else(PoisonError::into_inner);
            undelivered.get_or_insert_with(|| error.clone());
        }
    }
}

/// Asks until there is an answer, the wait is over or asking is of no use. `serve` lets the client tell its troubles.
pub(super) fn again<T>(
    topic: &KafkaTopic,
    wait: Duration,
    ear: &Ear,
    serve: impl Fn(Duration),
    mut ask: impl FnMut(Duration) -> Result<T, KafkaError>,
) -> Result<T, KafkaFailure> {
    let until = Instant::now() + wait;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let error = match ask(left.clamp(PAUSE, TRY_WAIT)) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        serve(PAUSE);
        refused(topic, ear)?;
        if !error.rdkafka_error_code().is_some_and(passes) {
            return Err(KafkaFailure::Outside(format!("the Kafka cluster at {} says: {error}", topic.brokers)));
        }
        if left <= PAUSE {
            return Err(unreachable(topic, ear, &error, wait));
        }
    }
}

/// A login or a certificate that was refused does not get better by trying.
pub(super) fn refused(topic: &KafkaTopic, ear: &Ear) -> Result<(), KafkaFailure> {
    let brokers = &topic.brokers;
    match ear.last() {
        Some((Code::Authentication | Code::SaslAuthenticationFailed, reason)) => Err(KafkaFailure::Setting(format!(
            "the Kafka cluster at {brokers} refuses the login: {reason}; check sasl.mechanism, sasl.username and sasl.password in \
             `properties`"
        ))),
        Some((Code::SSL, reason)) => Err(KafkaFailure::Setting(format!(
            "the Kafka cluster at {brokers} can't be spoken to over TLS: {reason}; check security.protocol and ssl.ca.location in \
             `properties`"
        ))),
        _ => Ok(()),
    }
}

/// Nobody has answered.
pub(super) fn unreachable(topic: &KafkaTopic, ear: &Ear, error: &KafkaError, wait: Duration) -> KafkaFailure {
    let reason = ear.last().map_or_else(|| error.to_string(), |(_, reason)| reason);
    KafkaFailure::Outside(format!(
        "the Kafka cluster at {} does not answer within {} s: {reason}; check `brokers`, that a broker runs there, and \
         security.protocol in `properties`",
        topic.brokers,
        wait.as_secs()
    ))
}

/// Whether asking again may help.
pub(super) fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::Retry
            | Code::RequestTimedOut
            | Code::NetworkException
            | Code::SSL
            | Code::Authentication
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::ReplicaNotAvailable
            | Code::BrokerNotAvailable
            | Code::KafkaStorageError
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::NotCoordinator
            | Code::ConcurrentTransactions
    )
}

/// Drops a client on a thread of its own, and waits a moment for it.
pub(super) fn close<T: Send + 'static>(client: T) {
    let (closed, wait) = mpsc::channel();
    let closing = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(move || {
        drop(client);
        let _ = closed.send(());
    });
    if closing.is_ok() && wait.recv_timeout(CLOSE_WAIT).is_err() {
        tracing::debug!("the Kafka client takes long to close; it is left to itself");
    }
}

/// A setting of a topic; `None` where it can't be asked.
pub(super) fn setting_of_topic(topic: &KafkaTopic, setting: &str) -> Option<String> {
    let admin: AdminClient<DefaultClientContext> = config(topic).create().ok()?;
    let options = AdminOptions::new().request_timeout(Some(TRY_WAIT));
    let asked = block_on(admin.describe_configs([&ResourceSpecifier::Topic(&topic.topic)], &options)).ok()?;
    let value = asked.into_iter().next()?.ok()?.get(setting).and_then(|entry| entry.value.clone());
    close(admin);
    value
}

/// Waits for a future on this thread. The admin client has only futures; a runtime for one call would be too much.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}
