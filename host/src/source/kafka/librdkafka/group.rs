//! Writes a group's offsets through a client of its own, which joins nothing: explicit offsets, told as a consumer that is no member.
//!
//! A client of its own, because the readers' have another group and end with their workers. It runs on the thread of `groups`.

use super::client::{Client, Ear};
use super::trouble::passes;
use crate::source::kafka::groups::{Writer, Written, judge};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Instant;

/// Writes one group's offsets of one topic.
pub(super) struct GroupWriter {
    group: String,
    topic: String,
    config: ClientConfig,
    client: Option<Client>,
}

impl GroupWriter {
    pub(super) fn new(group: &str, topic: &str, config: &ClientConfig) -> Self {
        let mut config = config.clone();
        config.set("group.id", group);
        Self { group: group.to_owned(), topic: topic.to_owned(), config, client: None }
    }

    fn judge(&self, error: &KafkaError) -> Written {
        match error.rdkafka_error_code() {
            // The client's own codes are negative; the broker's are Kafka's.
            Some(code) if (code as i32) < 0 && passes(code) => Written::Passes(error.to_string()),
            Some(code) if code as i32 > 0 => judge(&self.group, i16::try_from(code as i32).unwrap_or(-1)),
            _ => Written::Refused(error.to_string()),
        }
    }
}

impl Writer for GroupWriter {
    /// The client has its own idea of how long to try (`socket.timeout.ms`).
    fn write(&mut self, offsets: &BTreeMap<i32, i64>, _: Instant) -> Written {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (id, next) in offsets {
            if let Err(error) = list.add_partition_offset(&self.topic, *id, Offset::Offset(*next)) {
                return Written::Refused(error.to_string());
            }
        }
        let client = match &self.client {
            Some(client) => client,
            // What it hears is told as what became of the writing.
            None => match Client::start_with(&self.config, Ear::silent()) {
                Ok(client) => self.client.insert(client.without_goodbye()),
                Err(error) => return Written::Refused(error.to_string()),
            },
        };
        match client.commit(&list, CommitMode::Sync) {
            Ok(()) => Written::Done,
            Err(error) => self.judge(&error),
        }
    }
}
