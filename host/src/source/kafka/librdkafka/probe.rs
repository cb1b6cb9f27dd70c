//! Whether offsets hold no record: asked of a second client, because the first may be behind for reasons that it does not tell.
//!
//! It knows offsets and a client of its own; not the reader's partitions and blocks.

use super::client::Client;
use super::reader::assign;
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset};
use std::time::{Duration, Instant};

/// Over a slow line one question takes several tries. After this it is given up, so that another partition gets its turn.
const GIVE_UP: Duration = Duration::from_secs(10);
/// Little is fetched, and an end is told at once instead of after the usual half a second.
const SHORT: [(&str, &str); 3] =
    [("fetch.wait.max.ms", "50"), ("queued.min.messages", "1"), ("queued.max.messages.kbytes", "64")];

/// Looks behind the last record, one partition at a time.
pub(super) struct Probes {
    config: ClientConfig,
    topic: String,
    running: Option<Probe>,
}

struct Probe {
    client: Client,
    id: i32,
    next: i64,
    /// The partition's end before this began: an end that it meets is not before it.
    high: i64,
    begun: Instant,
}

impl Probes {
    /// Nothing is asked yet.
    pub(super) fn new(config: ClientConfig, topic: &str) -> Probes {
        Probes { config, topic: topic.to_owned(), running: None }
    }

    /// The offset up to which, from `next`, partition `id` holds no record; `None`: it holds one, or that is not known yet.
    ///
    /// `high` is its end now. What is not known at `until` goes on with the next call.
    pub(super) fn quiet_until(&mut self, id: i32, next: i64, high: i64, until: Instant) -> Option<i64> {
        let is_over = |probe: &mut Probe| (probe.id == id && probe.next != next) || probe.begun.elapsed() >= GIVE_UP;
        self.running.take_if(is_over);
        if self.running.is_none() {
            self.running = self.start(id, next, high);
        }
        let probe = self.running.as_ref().filter(|probe| probe.id == id)?;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let found = match probe.client.poll(left) {
                Some(Err(KafkaError::PartitionEOF(_))) => Some(probe.high),
                Some(Ok(_)) => None,
                _ => continue,
            };
            self.running = None;
            return found;
        }
        None
    }

    fn start(&self, id: i32, next: i64, high: i64) -> Option<Probe> {
        let mut config = self.config.clone();
        for (name, value) in SHORT {
            config.set(name, value);
        }
        let client = Client::start(&config).ok()?.without_goodbye();
        assign(&client, &self.topic, std::iter::once((id, Offset::Offset(next)))).ok()?;
        Some(Probe { client, id, next, high, begun: Instant::now() })
    }
}
