//! What readers of committed records see of a topic: its partitions, where they end, and the headers of its messages.
//!
//! A look goes up to the ends as they were when it began, uncommitted messages counted: where an open transaction of somebody hides
//! what comes after it, the look waits for it rather than call something missing that is only not seen yet.

use super::client::{Ear, again, close, config, not_started, passes};
use super::{CONNECT_WAIT, KafkaFailure, KafkaTopic};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long an open transaction of another producer is waited for: the default of `transaction.timeout.ms`, and some.
const HIDDEN_WAIT: Duration = Duration::from_secs(75);
/// How long nothing may come from a partition that has something.
const QUIET_WAIT: Duration = Duration::from_secs(60);
/// A topic made a moment ago may be unknown to the broker that we ask.
const MISSING_WAIT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// A message that a look met.
pub struct Seen<'a> {
    message: &'a BorrowedMessage<'a>,
}

impl Seen<'_> {
    /// Its partition.
    pub fn partition(&self) -> i32 {
        self.message.partition()
    }

    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.message.offset()
    }

    /// Its key; empty where it has none.
    pub fn key(&self) -> &[u8] {
        self.message.key().unwrap_or_default()
    }

    /// Its value; empty where it is null.
    pub fn value(&self) -> &[u8] {
        self.message.payload().unwrap_or_default()
    }

    /// The first header of this name, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.message.headers()?;
        let value = headers.iter().find(|header| header.key == name)?.value?;
        std::str::from_utf8(value).ok()
    }
}

/// Looks at one topic.
pub struct Look {
    topic: KafkaTopic,
    /// Taken out by drop alone.
    consumer: Option<BaseConsumer<Ear>>,
}

/// A partition, its oldest offset and its end.
type Range = (i32, (i64, i64));

/// Offsets by partition.
pub type Offsets = Vec<(i32, i64)>;

impl Look {
    /// Starts a client; it connects behind our back.
    ///
    /// # Errors
    /// `Setting` for wrong properties.
    pub fn open(topic: &KafkaTopic) -> Result<Self, KafkaFailure> {
        Self::isolated(topic, "read_committed")
    }

    fn isolated(topic: &KafkaTopic, isolation: &str) -> Result<Self, KafkaFailure> {
        let mut settings = config(topic);
        settings.set("isolation.level", isolation);
        // Without a group the client has no coordinator to part from; offsets are given by hand.
        for (name, value) in [
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("allow.auto.create.topics", "false"),
            ("fetch.wait.max.ms", "50"),
        ] {
            settings.set(name, value);
        }
        if !topic.properties.contains_key("group.id") {
            settings.set("group.id", "weir");
        }
        let consumer = BaseConsumer::from_config_and_context(&settings, Ear::default())
            .map_err(|error| not_started(topic, error))?;
        Ok(Self { topic: topic.clone(), consumer: Some(consumer) })
    }

    /// The cluster's id; empty where it has none.
    ///
    /// # Errors
    /// `Setting` for a refused login, `Outside` when nobody answers.
    pub fn cluster(&self) -> Result<String, KafkaFailure> {
        self.ask(|consumer, wait| Ok(consumer.client().fetch_cluster_id(wait).unwrap_or_default()))
    }

    /// The topic's partitions, sorted.
    ///
    /// # Errors
    /// `Missing` where there is no such topic, with the command that makes it; else as [`Look::cluster`].
    pub fn partitions(&self) -> Result<Vec<i32>, KafkaFailure> {
        let until = Instant::now() + MISSING_WAIT;
        let name = self.topic.topic.as_str();
        loop {
            let metadata = self.ask(|consumer, wait| consumer.fetch_metadata(Some(name), wait))?;
            let found = metadata.topics().iter().find(|found| found.name() == name);
            match found.map(|found| (found.partitions(), found.error())) {
                Some((partitions, None)) if !partitions.is_empty() => {
                    let mut ids: Vec<i32> = partitions.iter().map(|partition| partition.id()).collect();
                    ids.sort_unstable();
                    return Ok(ids);
                }
                Some((_, Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED))) => {
                    return Err(KafkaFailure::Setting(format!(
                        "this user may not see topic {name}; allow it DESCRIBE, READ and WRITE, or check the login in `properties`"
                    )));
                }
                _ if Instant::now() >= until => return Err(self.missing()),
                _ => std::thread::sleep(PAUSE),
            }
        }
    }

    fn missing(&self) -> KafkaFailure {
        let KafkaTopic { brokers, topic, .. } = &self.topic;
        KafkaFailure::Missing(format!(
            "there is no topic {topic} at {brokers}; it is not made by itself, because its partitions and copies are for you to \
             choose:\n  kafka-topics.sh --bootstrap-server {brokers} --create --topic {topic} --partitions 4 --replication-factor 3"
        ))
    }

    /// The oldest offset that each partition keeps.
    ///
    /// # Errors
    /// As [`Look::cluster`].
    pub fn begins(&self, partitions: &[i32]) -> Result<Offsets, KafkaFailure> {
        Ok(self.watermarks(partitions)?.into_iter().map(|(id, (low, _))| (id, low)).collect())
    }

    /// The offset that the next message of each partition gets, open transactions counted.
    ///
    /// # Errors
    /// As [`Look::cluster`].
    pub fn ends(&self, partitions: &[i32]) -> Result<Offsets, KafkaFailure> {
        let all = Self::isolated(&self.topic, "read_uncommitted")?;
        Ok(all.watermarks(partitions)?.into_iter().map(|(id, (_, high))| (id, high)).collect())
    }

    fn watermarks(&self, partitions: &[i32]) -> Result<Vec<Range>, KafkaFailure> {
        let name = self.topic.topic.as_str();
        let of = |&id: &i32| Ok((id, self.ask(|consumer, wait| consumer.fetch_watermarks(name, id, wait))?));
        partitions.iter().map(of).collect()
    }

    /// Shows every committed message from these offsets on, up to the ends of now.
    ///
    /// # Errors
    /// `Outside` when it can't be seen to the ends: nobody answers, or somebody's open transaction hides them.
    pub fn scan(&self, from: &Offsets, show: impl FnMut(&Seen<'_>)) -> Result<(), KafkaFailure> {
        let ids: Vec<i32> = from.iter().map(|(id, _)| *id).collect();
        let ends = self.ends(&ids)?;
        self.wait_until_seen(&ids, &ends)?;
        self.scan_to(from, &ends, show)
    }

    /// The same, but only up to the first open transaction; where it ended.
    ///
    /// # Errors
    /// `Outside` when nobody answers.
    pub fn scan_seen(&self, from: &Offsets, show: impl FnMut(&Seen<'_>)) -> Result<Offsets, KafkaFailure> {
        let ids: Vec<i32> = from.iter().map(|(id, _)| *id).collect();
        let ends: Offsets = self.watermarks(&ids)?.into_iter().map(|(id, (_, high))| (id, high)).collect();
        self.scan_to(from, &ends, show)?;
        Ok(ends)
    }

    fn scan_to(&self, from: &Offsets, ends: &Offsets, mut show: impl FnMut(&Seen<'_>)) -> Result<(), KafkaFailure> {
        let behind = from.iter().zip(ends).filter(|((_, from), (_, end))| from < end);
        let mut left: BTreeSet<i32> = behind.clone().map(|((id, _), _)| *id).collect();
        if left.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for ((id, from), _) in behind {
            list.add_partition_offset(&self.topic.topic, *id, Offset::Offset(*from))
                .map_err(|error| self.failed(&error))?;
        }
        let consumer = self.consumer()?;
        consumer.assign(&list).map_err(|error| self.failed(&error))?;
        let end_of = |id: i32| ends.iter().find(|(known, _)| *known == id).map_or(0, |(_, end)| *end);
        let mut heard = Instant::now();
        while !left.is_empty() {
            match consumer.poll(PAUSE) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    let (id, offset) = (message.partition(), message.offset());
                    if offset < end_of(id) {
                        show(&Seen { message: &message });
                    }
                    if offset + 1 >= end_of(id) {
                        left.remove(&id);
                    }
                }
                // It comes at the end of what is committed, which was found to be at or behind the ends.
                Some(Err(KafkaError::PartitionEOF(id))) => {
                    heard = Instant::now();
                    left.remove(&id);
                }
                Some(Err(error)) if !error.rdkafka_error_code().is_some_and(passes) => return Err(self.failed(&error)),
                _ if heard.elapsed() > QUIET_WAIT => {
                    let place = self.topic.place();
                    return Err(KafkaFailure::Outside(format!("{place} can't be read: nothing came for a minute")));
                }
                _ => {}
            }
        }
        consumer.unassign().map_err(|error| self.failed(&error))
    }

    /// Waits until no open transaction hides anything before the ends.
    fn wait_until_seen(&self, ids: &[i32], ends: &Offsets) -> Result<(), KafkaFailure> {
        let until = Instant::now() + HIDDEN_WAIT;
        loop {
            let seen = self.watermarks(ids)?;
            let hidden = seen.iter().zip(ends).find(|((_, (_, seen)), (_, end))| seen < end);
            let Some(((id, (_, seen)), _)) = hidden else { return Ok(()) };
            if Instant::now() >= until {
                let place = self.topic.place();
                return Err(KafkaFailure::Outside(format!(
                    "{place}, partition {id}, can't be seen beyond offset {seen}: some producer has a transaction open there; try again \
                     when it has ended (kafka-transactions.sh find-hanging tells of one that does not)"
                )));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn ask<T>(&self, ask: impl Fn(&BaseConsumer<Ear>, Duration) -> Result<T, KafkaError>) -> Result<T, KafkaFailure> {
        let consumer = self.consumer()?;
        let serve = |wait| drop(consumer.poll(wait));
        again(&self.topic, CONNECT_WAIT, consumer.context(), serve, |wait| ask(consumer, wait))
    }

    fn failed(&self, error: &KafkaError) -> KafkaFailure {
        KafkaFailure::Outside(format!("{} can't be read: {error}", self.topic.place()))
    }

    fn consumer(&self) -> Result<&BaseConsumer<Ear>, KafkaFailure> {
        self.consumer.as_ref().ok_or_else(|| KafkaFailure::Outside("the client is closed".to_owned()))
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if let Some(consumer) = self.consumer.take() {
            close(consumer);
        }
    }
}
