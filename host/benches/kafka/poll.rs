//! What librdkafka's usual way costs, and nothing else: polls a topic to its end, message by message, and drops each. Shared with
//! `examples/poll_and_drop.rs`.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(10);

/// As good as polling gets: large fetches, a bounded queue.
const SETTINGS: [(&str, &str); 7] = [
    ("group.id", "floor"),
    ("enable.auto.commit", "false"),
    ("fetch.message.max.bytes", "1048576"),
    ("fetch.max.bytes", "16777216"),
    ("queued.min.messages", "100000"),
    ("queued.max.messages.kbytes", "131072"),
    ("socket.receive.buffer.bytes", "1048576"),
];

/// Reads every partition from its beginning to the end that it has now; records, and bytes of values. `first` is called once, at the
/// first record.
pub fn read_and_drop(brokers: &str, topic: &str, first: impl FnOnce()) -> Result<(u64, u64), KafkaError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    for (key, value) in SETTINGS {
        config.set(key, value);
    }
    let consumer: BaseConsumer = config.create()?;
    let mut left = assign(&consumer, topic)?;
    let (mut records, mut bytes, mut first) = (0, 0, Some(first));
    while left > 0 {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let message = message?;
            if let Some(first) = first.take() {
                first();
            }
            records += 1;
            bytes += message.payload().map_or(0, <[u8]>::len) as u64;
            left -= 1;
        }
    }
    Ok((records, bytes))
}

/// Assigns every partition from its beginning; how many records there are.
fn assign(consumer: &BaseConsumer, topic: &str) -> Result<i64, KafkaError> {
    let metadata = consumer.fetch_metadata(Some(topic), WAIT)?;
    let mut list = TopicPartitionList::new();
    let mut records = 0;
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), WAIT)?;
        records += high - low;
        list.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    Ok(records)
}
