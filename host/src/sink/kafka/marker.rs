//! Which run owns the sink, and the last epoch that the topic holds: a message in a topic of its own, in the same transaction as the rows.
//!
//! The topic of markers has one partition and is compacted; the key is `pipeline/sink`, and the last message of a key counts. Refused:
//!
//! * The epoch as an offset of a consumer group, committed with the transaction. It needs no topic, but it expires: the broker forgets it
//!   seven days (`offsets.retention.minutes`) after the last commit, so a pipeline that rests over a holiday, or whose KPI has nothing to
//!   say for a week, would no longer know what it has written.
//! * A message among the rows: every consumer would have to pass over it, and retention, which is for the rows' owner to choose, deletes it.
//! * The rows' own headers alone: the last epoch would have to be looked for in all of the topic, at every start.
//!
//! A compacted topic never deletes the last message of a key. One that is not compacted is refused, because its retention would.

use super::look::{Look, Offsets};
use super::{KafkaFailure, KafkaTopic, client};
use crate::sink::outbox::Opening;
use serde::{Deserialize, Serialize};

/// Who owns the sink, and how far the topic is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    pub lineage: String,
    pub generation: u64,
    /// The run's own id: two runs may claim the same generation where nobody keeps count.
    pub run: String,
    /// The last epoch of the lineage; `None`: it has written nothing yet.
    pub epoch: Option<u64>,
    /// Windows of epochs after this one may come again, although the checkpoint may have passed them: rows of bounded input's end are in
    /// no checkpoint, and a run that goes on from before them makes checkpoints of higher epochs, with these windows still open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_after: Option<u64>,
}

/// The markers of one sink.
pub(super) struct Markers {
    topic: KafkaTopic,
    key: String,
    /// Where the next look begins.
    next: Option<i64>,
    pub last: Option<Marker>,
}

impl Markers {
    pub fn new(topic: KafkaTopic, key: String) -> Self {
        Self { topic, key, next: None, last: None }
    }

    /// Looks for newer markers. `to_the_end`: waits for transactions that are open, else what they would say is left for the next look.
    pub fn look(&mut self, to_the_end: bool) -> Result<(), KafkaFailure> {
        let look = Look::open(&self.topic)?;
        let ids = look.partitions().map_err(|failure| self.missing(failure))?;
        let begins = look.begins(&ids[..1])?;
        if self.next.is_none() {
            self.check_compacted()?;
        }
        let from: Offsets = begins.iter().map(|(id, low)| (*id, self.next.unwrap_or(*low).max(*low))).collect();
        let (mut found, mut broken) = (None, None);
        let show = |seen: &super::look::Seen<'_>| {
            if seen.key() == self.key.as_bytes() {
                match serde_json::from_slice::<Marker>(seen.value()) {
                    Ok(marker) => found = Some(marker),
                    Err(error) => broken = Some((seen.offset(), error.to_string())),
                }
            }
        };
        if to_the_end {
            look.scan(&from, show)?;
        } else {
            let ends = look.scan_seen(&from, show)?;
            self.next = ends.first().map(|(_, end)| *end);
        }
        if let Some((offset, error)) = broken {
            let place = self.topic.place();
            return Err(KafkaFailure::Setting(format!(
                "{place} has no marker of Weir under the key {} at offset {offset} ({error}): let nobody else write there",
                self.key
            )));
        }
        self.last = found.or(self.last.take());
        Ok(())
    }

    /// Its topic, which is made differently from that of the rows.
    fn missing(&self, failure: KafkaFailure) -> KafkaFailure {
        let KafkaTopic { brokers, topic, .. } = &self.topic;
        match failure {
            KafkaFailure::Missing(_) => KafkaFailure::Missing(format!(
                "there is no topic {topic} at {brokers}, which keeps the last epoch of each sink (`epochs_topic`); make it:\n  \
                 kafka-topics.sh --bootstrap-server {brokers} --create --topic {topic} --partitions 1 --replication-factor 3 --config \
                 cleanup.policy=compact --config segment.ms=3600000"
            )),
            failure => failure,
        }
    }

    /// What can't be asked, because a right is lacking, is taken to be so.
    fn check_compacted(&self) -> Result<(), KafkaFailure> {
        let KafkaTopic { brokers, topic, .. } = &self.topic;
        match client::setting_of_topic(&self.topic, "cleanup.policy") {
            Some(policy) if policy != "compact" => Err(KafkaFailure::Setting(format!(
                "topic {topic} at {brokers} (`epochs_topic`) has cleanup.policy={policy}: retention would delete what tells which epochs \
                 were written; change it:\n  kafka-configs.sh --bootstrap-server {brokers} --alter --entity-type topics --entity-name \
                 {topic} --add-config cleanup.policy=compact"
            ))),
            _ => Ok(()),
        }
    }

    /// Why this run may not write, if so.
    pub fn refusal(&self, opening: &Opening, run: &str) -> Option<String> {
        let (last, claim) = (self.last.as_ref()?, &opening.claim);
        let Marker { lineage, generation, run: owner, .. } = last;
        let newer = *lineage == claim.lineage && *generation > claim.generation;
        // At a start another lineage is taken over: somebody began anew. Later on, it is somebody who has begun after us.
        let other = opening.again && (*lineage != claim.lineage || owner != run);
        (newer || other).then(|| format!("its marker is of run {owner}, generation {generation} of lineage {lineage}"))
    }

    /// After which epoch windows are to be looked for that may come again.
    pub fn again_after(&self, opening: &Opening) -> Option<u64> {
        let last = self.last.as_ref().filter(|last| last.lineage == opening.claim.lineage)?;
        let ahead = last.epoch.filter(|held| *held > opening.resumed_epoch).map(|_| opening.resumed_epoch);
        last.again_after.into_iter().chain(ahead).min()
    }

    /// The last epoch of this lineage.
    pub fn held(&self, lineage: &str) -> Option<u64> {
        self.last.as_ref().filter(|last| last.lineage == lineage)?.epoch
    }
}
