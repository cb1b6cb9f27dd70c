//! One transaction at a time, all of it or nothing.
//!
//! The name of the transactions is a fence: opening a producer makes the cluster end whatever a former one under the same name had
//! begun, and refuse what that one still sends. It knows bytes, keys and headers, and neither rows nor letters.

use super::client::{Ear, close, config, not_started, passes, refused, unreachable};
use super::{CONNECT_WAIT, KafkaFailure, KafkaTopic};
use crate::telemetry::failpoint;
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use std::time::{Duration, Instant};

/// How long the messages of a transaction may take to arrive, and its end.
const COMMIT_WAIT: Duration = Duration::from_secs(60);
const TRY_WAIT: Duration = Duration::from_secs(10);

/// Defaults that `properties` may override, each under any of its names. A record of the source may be as long as its schema allows: the topic's own limit
/// judges, not the client's. Beside a pipeline the client's queue of 1 GiB would be felt.
const DEFAULTS: [(&[&str], &str); 5] = [
    (&["message.max.bytes"], "300000000"),
    (&["queue.buffering.max.kbytes"], "65536"),
    (&["linger.ms", "queue.buffering.max.ms"], "20"),
    (&["compression.type", "compression.codec"], "zstd"),
    // As Java's producers do, so that joins over topics of both find the same partitions.
    (&["partitioner"], "murmur2_random"),
];

/// What transactions rest on.
const FIXED: [(&str, &str); 2] = [("enable.idempotence", "true"), ("acks", "all")];

/// A message to write.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its topic; `None`: the producer's.
    pub topic: Option<&'a str>,
    /// Its partition; `None`: by its key.
    pub partition: Option<i32>,
    /// Its key, if any.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: &'a [u8],
    /// Its headers, in order.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// A producer whose messages are seen by committed transactions only.
pub struct Producer {
    topic: KafkaTopic,
    name: String,
    /// Taken out by drop alone.
    client: Option<BaseProducer<Ear>>,
}

impl Producer {
    /// Opens a producer and fences those who had the name before: when this returns, each transaction of theirs has ended and what was
    /// committed can be seen.
    ///
    /// # Errors
    /// `Setting` for wrong properties or a refused login, `Fenced` when somebody newer came meanwhile, `Outside` when nobody answers.
    pub fn open(topic: &KafkaTopic, name: &str) -> Result<Self, KafkaFailure> {
        let mut settings = defaults(topic);
        settings.set("transactional.id", name);
        let client = BaseProducer::from_config_and_context(&settings, Ear::default())
            .map_err(|error| not_started(topic, error))?;
        let producer = Self { topic: topic.clone(), name: name.to_owned(), client: Some(client) };
        producer.fence()?;
        Ok(producer)
    }

    /// Checks the properties without a cluster: what is wrong, by the name of the property, where it is one's fault.
    pub fn check(topic: &KafkaTopic) -> Vec<(Option<String>, String)> {
        let mut wrong = Vec::new();
        for (name, value) in &topic.properties {
            let alone = ClientConfig::new().set(name, value).create_native_config();
            wrong.extend(alone.err().map(|error| (Some(name.clone()), not_started(topic, error).to_string())));
        }
        if wrong.is_empty() {
            let mut settings = defaults(topic);
            settings.set("transactional.id", "weir-check");
            // Creating it is what checks that properties fit each other; the address is one that nobody answers.
            settings.set("bootstrap.servers", "127.0.0.1:1").set("log_level", "0");
            match BaseProducer::from_config_and_context(&settings, Ear::default()) {
                Ok(client) => close(client),
                Err(error) => wrong.push((None, not_started(topic, error).to_string())),
            }
        }
        wrong
    }

    fn fence(&self) -> Result<(), KafkaFailure> {
        let client = self.client()?;
        let until = Instant::now() + CONNECT_WAIT;
        loop {
            let Err(error) = client.init_transactions(TRY_WAIT) else { return Ok(()) };
            client.poll(Duration::ZERO);
            refused(&self.topic, client.context())?;
            if is_fenced(&error) {
                return Err(self.fenced());
            }
            // After a timeout the same call goes on with what it has begun.
            let retriable = matches!(&error, KafkaError::Transaction(told) if told.is_retriable());
            if !retriable && !error.rdkafka_error_code().is_some_and(passes) {
                return Err(self.not_allowed(&error));
            }
            if Instant::now() >= until {
                return Err(unreachable(&self.topic, client.context(), &error, CONNECT_WAIT));
            }
        }
    }

    /// Writes messages in one transaction.
    ///
    /// # Errors
    /// `Outside`: nothing of it will be seen, and the producer may be used again. `Setting`: the same, and the same messages will be
    /// refused again. `Fenced`: nothing of it will be seen. `Unclear`: drop
    /// this producer, open a new one of the same name, and look.
    pub fn transact<'a>(&self, messages: impl IntoIterator<Item = Outgoing<'a>>) -> Result<(), KafkaFailure> {
        self.begin()?;
        self.send_all(messages)?;
        self.commit()
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// As [`Producer::transact`].
    pub fn begin(&self) -> Result<(), KafkaFailure> {
        let client = self.client()?;
        client.context().take_undelivered();
        client.begin_transaction().map_err(|error| self.failed(&error, "can't be begun"))
    }

    /// Sends messages in the transaction that was begun; after an error it is over.
    ///
    /// # Errors
    /// As [`Producer::transact`].
    pub fn send_all<'a>(&self, messages: impl IntoIterator<Item = Outgoing<'a>>) -> Result<(), KafkaFailure> {
        for message in messages {
            if let Err(error) = self.send(&message) {
                return Err(self.abort(&error));
            }
        }
        Ok(())
    }

    /// Waits until all messages have arrived. The transaction stays open, unless this fails.
    ///
    /// # Errors
    /// As [`Producer::transact`].
    pub fn flush(&self) -> Result<(), KafkaFailure> {
        let client = self.client()?;
        if let Err(error) = client.flush(COMMIT_WAIT) {
            return Err(self.abort(&error));
        }
        client.context().take_undelivered().map_or(Ok(()), |error| Err(self.abort(&error)))
    }

    /// Waits until all messages have arrived and ends the transaction.
    ///
    /// # Errors
    /// As [`Producer::transact`].
    pub fn commit(&self) -> Result<(), KafkaFailure> {
        // Flushed apart from the end: what fails here was surely not committed.
        self.flush()?;
        let client = self.client()?;
        failpoint!("kafka-before-commit");
        match client.commit_transaction(COMMIT_WAIT) {
            Ok(()) => {
                failpoint!("kafka-after-commit");
                Ok(())
            }
            Err(error) if is_fenced(&error) => Err(self.fenced()),
            Err(KafkaError::Transaction(told)) if told.txn_requires_abort() => {
                Err(self.abort(&KafkaError::Transaction(told)))
            }
            Err(error) => Err(KafkaFailure::Unclear(self.told(&error, "may have been committed or not"))),
        }
    }

    fn send(&self, message: &Outgoing<'_>) -> Result<(), KafkaError> {
        let Some(client) = &self.client else { return Err(KafkaError::Canceled) };
        let mut next: BaseRecord<'_, [u8], [u8]> =
            BaseRecord::to(message.topic.unwrap_or(&self.topic.topic)).payload(message.value);
        next.partition = message.partition;
        next.key = message.key;
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in message.headers {
            headers = headers.insert(Header { key, value: Some(*value) });
        }
        next.headers = Some(headers);
        let until = Instant::now() + COMMIT_WAIT;
        while let Err((error, back)) = client.send(next) {
            let full = matches!(error, KafkaError::MessageProduction(Code::QueueFull));
            if !full || Instant::now() >= until {
                return Err(error);
            }
            client.poll(Duration::from_millis(20));
            next = back;
        }
        client.poll(Duration::ZERO);
        Ok(())
    }

    /// Ends the transaction without effect, because of this.
    fn abort(&self, error: &KafkaError) -> KafkaFailure {
        let undelivered = self.client.as_ref().and_then(|client| client.context().take_undelivered());
        let cause = undelivered.as_ref().unwrap_or(error);
        if is_fenced(cause) || is_fenced(error) {
            return self.fenced();
        }
        match self.client.as_ref().map(|client| client.abort_transaction(COMMIT_WAIT)) {
            Some(Err(second)) if is_fenced(&second) => self.fenced(),
            // Not committed, so in the end it is aborted; but this producer is of no more use, so it counts as unclear.
            Some(Err(second)) => {
                let first = self.told(cause, "failed");
                KafkaFailure::Unclear(format!("{first}, and could not be ended: {second}"))
            }
            _ if is_final(cause) => KafkaFailure::Setting(self.told(cause, "is refused")),
            _ => KafkaFailure::Outside(self.told(cause, "was not committed")),
        }
    }

    fn failed(&self, error: &KafkaError, what: &str) -> KafkaFailure {
        if is_fenced(error) { self.fenced() } else { KafkaFailure::Unclear(self.told(error, what)) }
    }

    fn told(&self, error: &KafkaError, what: &str) -> String {
        let last = self.client.as_ref().and_then(|client| client.context().last());
        let reason = last.filter(|(code, _)| Some(*code) == error.rdkafka_error_code());
        let reason = reason.map_or_else(|| words(error), |(_, reason)| reason);
        format!("a transaction into {} {what}: {reason}", self.topic.place())
    }

    fn fenced(&self) -> KafkaFailure {
        KafkaFailure::Fenced(format!(
            "another instance has taken over the transactional id {} for {}: this one is fenced off, and its transaction was \
             not committed; let only one run, or give each pipeline its own name (a transaction that outlives transaction.timeout.ms looks the \
             same)",
            self.name,
            self.topic.place()
        ))
    }

    fn not_allowed(&self, error: &KafkaError) -> KafkaFailure {
        let (name, place) = (&self.name, self.topic.place());
        let help = match error.rdkafka_error_code() {
            Some(Code::TransactionalIdAuthorizationFailed) => {
                "; allow this user WRITE and DESCRIBE on that transactional id (ACL, a prefix will do)"
            }
            Some(Code::InvalidTransactionTimeout) => {
                "; the broker's transaction.max.timeout.ms is below transaction.timeout.ms in `properties`"
            }
            _ => "",
        };
        let reason = words(error);
        KafkaFailure::Setting(format!("transactions as {name} into {place} are refused: {reason}{help}"))
    }

    fn client(&self) -> Result<&BaseProducer<Ear>, KafkaFailure> {
        self.client.as_ref().ok_or_else(|| KafkaFailure::Outside("the producer is closed".to_owned()))
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            close(client);
        }
    }
}

fn defaults(topic: &KafkaTopic) -> ClientConfig {
    let mut settings = config(topic);
    for (names, value) in DEFAULTS {
        if !names.iter().any(|name| topic.properties.contains_key(*name)) {
            settings.set(names[0], value);
        }
    }
    for (name, value) in FIXED {
        settings.set(name, value);
    }
    settings
}

/// What the client says of an error, without its own frame around it.
fn words(error: &KafkaError) -> String {
    match error {
        KafkaError::Transaction(told) => told.string(),
        KafkaError::MessageProduction(code) => code.to_string(),
        error => error.to_string(),
    }
}

/// Whether the same messages will be refused again.
fn is_final(error: &KafkaError) -> bool {
    let is_final = |code| {
        matches!(
            code,
            Code::MessageSizeTooLarge
                | Code::InvalidMessage
                | Code::InvalidRecord
                | Code::PolicyViolation
                | Code::TopicAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::InvalidTopic
        )
    };
    error.rdkafka_error_code().is_some_and(is_final)
}

/// Whether an error says that somebody newer has the name.
fn is_fenced(error: &KafkaError) -> bool {
    let fenced = |code| matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch);
    error.rdkafka_error_code().is_some_and(fenced)
}
