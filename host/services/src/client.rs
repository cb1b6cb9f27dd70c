//! What tests and the demo need of a Kafka client: make a topic, fill it, delete its head. Each call waits until it is done.

use crate::ServiceError;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(60);

/// A record to produce.
#[derive(Debug, Clone, Default)]
pub struct Produced<'a> {
    /// Its partition.
    pub partition: i32,
    /// Its key, if any.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is null.
    pub value: Option<&'a [u8]>,
    /// Milliseconds since the epoch; now, if left out.
    pub timestamp_ms: Option<i64>,
}

fn failed(what: &str) -> impl Fn(KafkaError) -> ServiceError {
    move |error| ServiceError::Failed(format!("{what}: {error}"))
}

fn admin(bootstrap: &str) -> Result<AdminClient<DefaultClientContext>, ServiceError> {
    ClientConfig::new().set("bootstrap.servers", bootstrap).create().map_err(failed("no admin client"))
}

/// Makes a topic with settings such as `("retention.ms", "-1")`.
///
/// # Errors
/// `Failed` when the broker refuses, for instance because the topic is there.
pub fn create_topic(
    bootstrap: &str,
    topic: &str,
    partitions: i32,
    settings: &[(&str, &str)],
) -> Result<(), ServiceError> {
    create_replicated_topic(bootstrap, topic, (partitions, 1), settings)
}

/// Makes a topic of so many partitions and copies of each.
///
/// # Errors
/// As [`create_topic`].
pub fn create_replicated_topic(
    bootstrap: &str,
    topic: &str,
    (partitions, copies): (i32, i32),
    settings: &[(&str, &str)],
) -> Result<(), ServiceError> {
    let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(copies));
    for (name, value) in settings {
        new = new.set(name, value);
    }
    let done = block_on(admin(bootstrap)?.create_topics([&new], &options())).map_err(failed("no topic"))?;
    done.into_iter().try_for_each(|result| {
        result.map(drop).map_err(|(topic, code)| ServiceError::Failed(format!("topic {topic} can't be made: {code}")))
    })
}

/// Deletes a topic.
///
/// # Errors
/// `Failed` when the broker refuses.
pub fn delete_topic(bootstrap: &str, topic: &str) -> Result<(), ServiceError> {
    let done = block_on(admin(bootstrap)?.delete_topics(&[topic], &options())).map_err(failed("no topic"))?;
    done.into_iter().try_for_each(|result| {
        result
            .map(drop)
            .map_err(|(topic, code)| ServiceError::Failed(format!("topic {topic} can't be deleted: {code}")))
    })
}

/// Deletes all records of a partition before an offset.
///
/// # Errors
/// `Failed` when the broker refuses.
pub fn delete_records(bootstrap: &str, topic: &str, partition: i32, before: i64) -> Result<(), ServiceError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(before)).map_err(failed("no offset"))?;
    let done =
        block_on(admin(bootstrap)?.delete_records(&list, &options())).map_err(failed("records can't be deleted"))?;
    done.elements().iter().try_for_each(|part| part.error()).map_err(failed("records can't be deleted"))
}

/// Produces records, in order within each partition, and waits until the broker has all of them.
///
/// # Errors
/// `Failed` when one was not taken.
pub fn produce<'a>(
    bootstrap: &str,
    topic: &str,
    records: impl IntoIterator<Item = Produced<'a>>,
) -> Result<(), ServiceError> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("linger.ms", "20")
        .set("batch.size", "1000000");
    // Beside the broker on a small machine its default of 1 GiB would be felt.
    config.set("queue.buffering.max.kbytes", "65536");
    let producer: BaseProducer<Deliveries> =
        BaseProducer::from_config_and_context(&config, Deliveries::default()).map_err(failed("no producer"))?;
    for record in records {
        send(&producer, topic, &record)?;
    }
    producer.flush(WAIT).map_err(failed("not all records arrived"))?;
    let lost = producer.context().lost.lock().unwrap_or_else(PoisonError::into_inner).take();
    lost.map_or(Ok(()), |error| Err(ServiceError::Failed(format!("a record was not taken: {error}"))))
}

/// The offset that a consumer group has committed for a partition, as the broker tells it; `None`: none.
///
/// # Errors
/// `Failed` when the broker does not say.
pub fn committed(bootstrap: &str, group: &str, topic: &str, partition: i32) -> Result<Option<i64>, ServiceError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", group).set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().map_err(failed("no consumer"))?;
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, partition);
    let begun = Instant::now();
    let told = loop {
        match consumer.committed_offsets(asked.clone(), WAIT) {
            Ok(told) => break told,
            // A broker that has just come up makes its place for groups only now.
            Err(error) if is_on_its_way(&error) && begun.elapsed() < WAIT => thread::sleep(Duration::from_millis(100)),
            Err(error) => return Err(failed("no offsets of the group")(error)),
        }
    };
    Ok(told.elements().first().and_then(|part| match part.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }))
}

fn is_on_its_way(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
        )
    )
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumed {
    /// Its partition.
    pub partition: i32,
    /// Its key; empty, if it has none.
    pub key: Vec<u8>,
    /// Its value; empty, if it is null.
    pub value: Vec<u8>,
}

/// All records of a topic as consumers see them that read what was committed, in order within each partition: where a
/// transaction is open, up to its begin.
///
/// # Errors
/// `Failed` when the broker does not tell all of them in time.
pub fn read_committed(bootstrap: &str, topic: &str) -> Result<Vec<Consumed>, ServiceError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", "read-committed").set("enable.auto.commit", "false");
    config.set("isolation.level", "read_committed").set("enable.partition.eof", "true").set("fetch.wait.max.ms", "50");
    let consumer: BaseConsumer = config.create().map_err(failed("no consumer"))?;
    let metadata = consumer.fetch_metadata(Some(topic), WAIT).map_err(failed("no metadata"))?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions()).map(|partition| partition.id());
    let (mut unread, mut list) = (BTreeSet::new(), TopicPartitionList::new());
    for partition in partitions {
        unread.insert(partition);
        list.add_partition_offset(topic, partition, Offset::Beginning).map_err(failed("no offset"))?;
    }
    consumer.assign(&list).map_err(failed("no assignment"))?;
    let (mut records, until) = (Vec::new(), Instant::now() + WAIT);
    while !unread.is_empty() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => records.push(Consumed {
                partition: message.partition(),
                key: message.key().unwrap_or_default().to_vec(),
                value: message.payload().unwrap_or_default().to_vec(),
            }),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                unread.remove(&partition);
            }
            Some(Err(error)) => return Err(failed("records can't be read")(error)),
            None => {}
        }
        if Instant::now() >= until {
            return Err(ServiceError::Failed(format!("{topic}: not all records were told within {WAIT:?}")));
        }
    }
    Ok(records)
}

fn send(producer: &BaseProducer<Deliveries>, topic: &str, record: &Produced<'_>) -> Result<(), ServiceError> {
    let mut next: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(record.partition);
    next.key = record.key;
    next.payload = record.value;
    next.timestamp = record.timestamp_ms;
    loop {
        match producer.send(next) {
            Ok(()) => break,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                producer.poll(Duration::from_millis(20));
                next = again;
            }
            Err((error, _)) => return Err(failed("a record was not taken")(error)),
        }
    }
    producer.poll(Duration::ZERO);
    Ok(())
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(WAIT)).operation_timeout(Some(WAIT))
}

/// Keeps the first record that did not arrive.
#[derive(Default)]
struct Deliveries {
    lost: Mutex<Option<KafkaError>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.clone());
        }
    }
}

/// Waits for a future on this thread. The admin client has only futures; a runtime for two calls would be too much.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}
