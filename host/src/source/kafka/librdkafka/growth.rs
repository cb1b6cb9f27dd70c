//! Whether the topic has got partitions during the run: they would be read by nobody, and nobody would know.
//!
//! It knows the count at connecting and asks for the count now; not what is in the partitions.

use super::client::Ear;
use super::{SourceError, words};
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::{Duration, Instant};

/// How long the answer may take; records wait for it.
const ASK_WAIT: Duration = Duration::from_secs(1);

/// Looks at the number of partitions from time to time.
pub(super) struct Growth {
    topic: String,
    count: usize,
    interval: Duration,
    due: Instant,
}

impl Growth {
    /// `count` partitions were found.
    pub(super) fn new(topic: &str, count: usize, interval: Duration) -> Growth {
        Growth { topic: topic.to_owned(), count, interval, due: Instant::now() + interval }
    }

    /// The cluster is in trouble and is not to be asked for a while.
    pub(super) fn put_off(&mut self) {
        self.due = Instant::now() + self.interval;
    }

    /// Asks, when it is time.
    ///
    /// # Errors
    /// `Setting`, when there are more partitions than were found.
    pub(super) fn check(&mut self, client: &BaseConsumer<Ear>) -> Result<(), SourceError> {
        if Instant::now() < self.due {
            return Ok(());
        }
        let asked = client.fetch_metadata(Some(&self.topic), ASK_WAIT);
        self.put_off();
        let metadata = match asked {
            Ok(metadata) => metadata,
            Err(error) => {
                tracing::debug!("the partitions of topic {} can't be asked for now: {error}", self.topic);
                return Ok(());
            }
        };
        // A topic that is gone, or was made anew with fewer, is told by the reading itself.
        let found = metadata.topics().iter().find(|found| found.name() == self.topic);
        match found.map_or(0, |found| found.partitions().len()) {
            now if now > self.count => Err(words::grown(&self.topic, self.count, now)),
            _ => Ok(()),
        }
    }
}
