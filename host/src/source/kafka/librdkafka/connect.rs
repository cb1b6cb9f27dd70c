//! The first look at the cluster: is it there, is the topic, which partitions, where do they begin and end.
//!
//! Everything here is a round trip before the start; nothing is read yet.

use super::client::{Client, Ear};
use super::trouble::passes;
use super::{Found, KafkaSettings, KafkaStart, SourceError, identity, places, words};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// One try; several fit into the whole wait.
const TRY_WAIT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);
/// A topic made a moment ago may be unknown to the broker that we ask.
const MISSING_WAIT: Duration = Duration::from_secs(1);

/// Looks at the topic: its partitions and its id, which is zeros where there is none.
pub(super) fn look(config: &ClientConfig, settings: &KafkaSettings) -> Result<(Vec<Found>, [u8; 16]), SourceError> {
    let mut config = config.clone();
    // Without a group the client has no coordinator to look for and to part from.
    config.remove("group.id");
    let client = Client::start(&config)?;
    let look = Look { client: &client, settings, until: Instant::now() + settings.connect_wait };
    let ids = look.partition_ids()?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let (low, high) = look.again(|wait| look.client.fetch_watermarks(&settings.topic, id, wait))?;
        let start = if settings.start == KafkaStart::Earliest { low } else { high };
        found.push(Found { id, low, high, start });
    }
    if let KafkaStart::Timestamp(from_us) = settings.start {
        look.start_at(from_us, &mut found)?;
    }
    let id = look.again(|wait| identity::topic_id(look.client, &settings.topic, wait))?;
    Ok((found, id))
}

struct Look<'a> {
    client: &'a BaseConsumer<Ear>,
    settings: &'a KafkaSettings,
    until: Instant,
}

impl Look<'_> {
    /// Tries until it works, the time is over or trying is of no use.
    fn again<T>(&self, mut ask: impl FnMut(Duration) -> Result<T, KafkaError>) -> Result<T, SourceError> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let error = match ask(left.clamp(PAUSE, TRY_WAIT)) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.listen();
            self.refused()?;
            if !error.rdkafka_error_code().is_some_and(passes) {
                return Err(words::not_asked(self.settings, error));
            }
            if left <= PAUSE {
                return Err(self.unreachable(&error));
            }
        }
    }

    /// Hears for a moment what the client has to tell, for the messages; it has nothing else to bring.
    fn listen(&self) {
        let end = Instant::now() + PAUSE;
        while Instant::now() < end {
            let _ = self.client.poll(Duration::from_millis(20));
        }
    }

    /// A login or a certificate that was refused does not get better by trying.
    fn refused(&self) -> Result<(), SourceError> {
        match self.client.context().last_error() {
            Some((Code::Authentication | Code::SaslAuthenticationFailed, reason)) => {
                Err(words::login_refused(self.settings, &reason))
            }
            Some((Code::SSL, reason)) => Err(words::no_tls(self.settings, &reason)),
            _ => Ok(()),
        }
    }

    fn unreachable(&self, error: &KafkaError) -> SourceError {
        let reason = self.client.context().last_error().map_or_else(|| error.to_string(), |(_, reason)| reason);
        words::unreachable(self.settings, &reason)
    }

    /// The topic's partitions, sorted.
    fn partition_ids(&self) -> Result<Vec<i32>, SourceError> {
        let topic = self.settings.topic.as_str();
        let missing_until = Instant::now() + MISSING_WAIT;
        loop {
            let metadata = self.again(|wait| self.client.fetch_metadata(Some(topic), wait))?;
            let found = metadata.topics().iter().find(|found| found.name() == topic);
            let error =
                found.map_or(Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART), |found| found.error());
            match (found, error) {
                (Some(found), None) if !found.partitions().is_empty() => {
                    let mut ids: Vec<i32> = found.partitions().iter().map(|part| part.id()).collect();
                    ids.sort_unstable();
                    return Ok(ids);
                }
                (_, Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)) => {
                    return Err(words::not_allowed(topic));
                }
                (_, Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)) => {
                    return Err(words::no_name(topic));
                }
                _ if Instant::now() > missing_until => return Err(self.missing()),
                _ => std::thread::sleep(PAUSE),
            }
        }
    }

    /// The topic is not there; perhaps another name was meant.
    fn missing(&self) -> SourceError {
        let all = self.again(|wait| self.client.fetch_metadata(None, wait));
        let names: Vec<String> =
            all.map(|all| all.topics().iter().map(|found| found.name().to_owned()).collect()).unwrap_or_default();
        words::missing(self.settings, &names)
    }

    /// Sets the starts to the first records at or after a time; where there is none, to the end.
    fn start_at(&self, from_us: i64, found: &mut [Found]) -> Result<(), SourceError> {
        let from_ms = places::ceil_ms(from_us);
        let topic = self.settings.topic.as_str();
        let answer = self.again(|wait| {
            let mut wanted = TopicPartitionList::with_capacity(found.len());
            for part in found.iter() {
                wanted.add_partition_offset(topic, part.id, Offset::Offset(from_ms))?;
            }
            let answer = self.client.offsets_for_times(wanted, wait)?;
            answer.elements().iter().try_for_each(|part| part.error())?;
            Ok(answer)
        })?;
        for part in found {
            if let Some(Offset::Offset(offset)) = answer.find_partition(topic, part.id).map(|answer| answer.offset()) {
                part.start = offset.clamp(part.low, part.high);
            }
        }
        Ok(())
    }
}
