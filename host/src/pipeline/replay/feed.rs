//! Feeds records into a topic, in one transaction, and finds out later whether that happened.
//!
//! Each record carries its letter's name, and the call that fed it. The transaction has a name of its own, which stands in the intent: who
//! finds out takes that name over, so that a transaction that still hangs is ended before anybody looks.

use super::gather::{Gathered, Record};
use super::{Destination, Fed, Intent, ReplayError};
use crate::sink::kafka::look::{Look, Offsets};
use crate::sink::kafka::producer::{Outgoing, Producer};
use crate::sink::kafka::{KafkaFailure, KafkaTopic};
use std::collections::BTreeSet;

/// Header: `topic/partition/offset` of the record that this one repeats.
const OF: &str = "weir-replay-of";
/// Header: the call.
const CALL: &str = "weir-replay-call";
/// Header: SHA-256 of the record that was set aside.
const SHA256: &str = "weir-replay-sha256";

/// How feeding broke off.
pub(super) enum Broken {
    /// Nobody will see any of it.
    Nothing(KafkaFailure),
    /// To be found out.
    Unknown(KafkaFailure),
}

/// A topic that is ready to be fed.
pub(super) struct Feeding<'a> {
    topic: &'a KafkaTopic,
    call: String,
    cluster: String,
    partitions: Vec<i32>,
    from: Offsets,
}

impl<'a> Feeding<'a> {
    /// Looks at the topic.
    pub fn open(topic: &'a KafkaTopic, call: &str) -> Result<Self, KafkaFailure> {
        let look = Look::open(topic)?;
        let partitions = look.partitions()?;
        let from = look.ends(&partitions)?;
        Ok(Self { topic, call: call.to_owned(), cluster: look.cluster()?, partitions, from })
    }

    /// For the intent.
    pub fn destination(&self) -> Destination {
        Destination::Topic {
            topic: self.topic.topic.clone(),
            cluster: self.cluster.clone(),
            transactional_id: transactional_id(&self.call),
            from: self.from.clone(),
        }
    }

    /// Feeds all records, or none.
    pub fn run(&self, gathered: &Gathered) -> Result<(), Broken> {
        let producer = Producer::open(self.topic, &transactional_id(&self.call)).map_err(Broken::Nothing)?;
        let headers: Vec<_> = gathered.records.iter().map(|record| self.headers(record)).collect();
        let messages = gathered.records.iter().zip(&headers).map(|(record, headers)| Outgoing {
            topic: None,
            partition: Some(self.partition(record)),
            key: None,
            value: &record.value,
            headers,
        });
        match producer.transact(messages) {
            Ok(()) => Ok(()),
            Err(failure @ (KafkaFailure::Outside(_) | KafkaFailure::Setting(_))) => Err(Broken::Nothing(failure)),
            Err(failure) => {
                drop(producer);
                self.look_again(failure)
            }
        }
    }

    /// After an unclear end: what is there?
    fn look_again(&self, failure: KafkaFailure) -> Result<(), Broken> {
        match seen(self.topic, &transactional_id(&self.call), &self.call, &self.from) {
            Ok(fed) if fed.is_empty() => Err(Broken::Nothing(failure)),
            Ok(_) => Ok(()),
            Err(second) => Err(Broken::Unknown(KafkaFailure::Unclear(format!("{failure}; {second}")))),
        }
    }

    fn headers<'r>(&'r self, record: &'r Record) -> [(&'r str, &'r [u8]); 3] {
        [(OF, record.fed.letter.as_bytes()), (CALL, self.call.as_bytes()), (SHA256, record.fed.sha256.as_bytes())]
    }

    /// The partition of the same number, because lateness is judged by a record's own partition; in a topic with fewer, one of those.
    fn partition(&self, record: &Record) -> i32 {
        let count = self.partitions.len().max(1);
        self.partitions.get(record.partition as usize % count).copied().unwrap_or_default()
    }
}

fn transactional_id(call: &str) -> String {
    format!("weir-replay-{call}")
}

/// What a call that broke off has fed.
pub(super) fn find_out(topic: &KafkaTopic, intent: &Intent, journal: &str) -> Result<BTreeSet<Fed>, ReplayError> {
    let Destination::Topic { cluster, transactional_id, from, .. } = &intent.to else { return Ok(BTreeSet::new()) };
    let look = Look::open(topic)?;
    let (call, place) = (&intent.call, topic.place());
    if look.cluster()? != *cluster {
        return Err(ReplayError::Usage(format!(
            "the earlier call {call} (see {journal}) broke off while it fed another cluster than {}: call with that one's brokers first",
            topic.brokers
        )));
    }
    let ids: Vec<i32> = from.iter().map(|(id, _)| *id).collect();
    let begins = look.begins(&ids)?;
    if let Some(((id, low), (_, from))) = begins.iter().zip(from).find(|((_, low), (_, from))| low > from) {
        return Err(ReplayError::Usage(format!(
            "the earlier call {call} broke off, and what it may have fed can't be looked for: {place}, partition {id}, keeps nothing before \
             offset {low}, and it began at {from}. If you know that nothing was fed, remove the line with \"{call}\" from {journal}; else \
             move the letters away"
        )));
    }
    Ok(seen(topic, transactional_id, call, from)?)
}

/// Ends what a call has begun, and looks for its records.
fn seen(topic: &KafkaTopic, transactional_id: &str, call: &str, from: &Offsets) -> Result<BTreeSet<Fed>, KafkaFailure> {
    drop(Producer::open(topic, transactional_id)?);
    let mut fed = BTreeSet::new();
    Look::open(topic)?.scan(from, |message| {
        if let (Some(of), Some(_)) = (message.header(OF), message.header(CALL).filter(|found| *found == call)) {
            let sha256 = message.header(SHA256).unwrap_or_default().to_owned();
            fed.insert(Fed { letter: of.to_owned(), sha256 });
        }
    })?;
    Ok(fed)
}
