//! Whether the topic is still the one that was found: with as many partitions, for new ones would be read by nobody, and under the same id,
//! for librdkafka goes over to a topic that was made anew without a word.
//!
//! It knows what was found at connecting and asks for it now; not what is in the partitions.

use super::client::Ear;
use super::{SourceError, identity, words};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use std::time::{Duration, Instant};

/// How long an answer may take; records wait for it.
const ASK_WAIT: Duration = Duration::from_secs(1);

/// The topic as it was found, and when to look at it again.
pub(super) struct Watch {
    /// The topic's id; zeros where there is none.
    id: [u8; 16],
    /// How many partitions it had, where more of them are to end the run.
    count: Option<usize>,
    /// `None`: another reader looks from time to time.
    due: Option<Instant>,
    interval: Duration,
}

impl Watch {
    /// A topic of this id and so many partitions.
    pub(super) fn new(id: [u8; 16], count: Option<usize>, interval: Duration, is_asking: bool) -> Watch {
        Watch { id, count, due: is_asking.then(|| Instant::now() + interval), interval }
    }

    /// The cluster is in trouble and is not to be asked for a while.
    pub(super) fn put_off(&mut self) {
        self.due = self.due.map(|_| Instant::now() + self.interval);
    }

    /// Asks, when it is time.
    ///
    /// # Errors
    /// `Setting`, when there are more partitions than were found; `Lost`, when it is another topic.
    pub(super) fn check(&mut self, client: &BaseConsumer<Ear>, topic: &str) -> Result<(), SourceError> {
        if self.due.is_none_or(|due| Instant::now() < due) {
            return Ok(());
        }
        let asked = self.is_same(client, topic).and_then(|()| self.has_grown(client, topic));
        self.put_off();
        asked
    }

    /// Whether it is still the same topic, as far as the cluster can be asked.
    ///
    /// # Errors
    /// `Lost`, when it is another one.
    pub(super) fn is_same(&self, client: &BaseConsumer<Ear>, topic: &str) -> Result<(), SourceError> {
        if self.id == [0; 16] {
            return Ok(());
        }
        match identity::topic_id(client, topic, ASK_WAIT) {
            Ok(now) if now != self.id && now != [0; 16] => Err(words::recreated(topic, self.id, now)),
            Ok(_) => Ok(()),
            Err(error) => not_now(topic, &error),
        }
    }

    fn has_grown(&self, client: &BaseConsumer<Ear>, topic: &str) -> Result<(), SourceError> {
        let Some(count) = self.count else { return Ok(()) };
        let metadata = match client.fetch_metadata(Some(topic), ASK_WAIT) {
            Ok(metadata) => metadata,
            Err(error) => return not_now(topic, &error),
        };
        // A topic that is gone is told by the reading itself.
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        match found.map_or(0, |found| found.partitions().len()) {
            now if now > count => Err(words::grown(topic, count, now)),
            _ => Ok(()),
        }
    }
}

fn not_now(topic: &str, error: &KafkaError) -> Result<(), SourceError> {
    tracing::debug!("topic {topic} can't be asked for now: {error}");
    Ok(())
}
