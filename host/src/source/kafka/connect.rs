//! The first look at the cluster: is it there, is the topic, which partitions, where do they begin and end.
//!
//! Everything here is a round trip before the start; nothing is read yet.

use super::client::{Client, Ear};
use super::trouble::{not_allowed, passes};
use super::{KafkaSettings, KafkaStart, SourceError};
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
/// How alike a name must be to be offered, from 0 to 1.
const SIMILAR: f64 = 0.8;

/// A partition as it was when we looked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Its id.
    pub(super) id: i32,
    /// The oldest offset that is kept.
    pub(super) low: i64,
    /// The offset that the next readable record was to get.
    pub(super) high: i64,
    /// Where to begin without a checkpoint.
    pub(super) start: i64,
}

/// Looks at the topic.
pub(super) fn look(config: &ClientConfig, settings: &KafkaSettings) -> Result<Vec<Found>, SourceError> {
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
    Ok(found)
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
                return Err(SourceError::Outside(format!("{} can't be asked: {error}", self.at())));
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

    fn at(&self) -> String {
        format!("the Kafka cluster at {}", self.settings.brokers)
    }

    /// A login or a certificate that was refused does not get better by trying.
    fn refused(&self) -> Result<(), SourceError> {
        let what = match self.client.context().last_error() {
            Some((Code::Authentication | Code::SaslAuthenticationFailed, reason)) => {
                format!(
                    "refuses the login: {reason}; check sasl.mechanism, sasl.username and sasl.password in `properties`"
                )
            }
            Some((Code::SSL, reason)) => {
                format!(
                    "can't be spoken to over TLS: {reason}; check security.protocol and ssl.ca.location in `properties`"
                )
            }
            _ => return Ok(()),
        };
        Err(SourceError::Setting(format!("{} {what}", self.at())))
    }

    fn unreachable(&self, error: &KafkaError) -> SourceError {
        let reason = self.client.context().last_error().map_or_else(|| error.to_string(), |(_, reason)| reason);
        SourceError::Outside(format!(
            "{} does not answer within {} s: {reason}; check `brokers`, that a broker runs there, the address that it advertises \
             (advertised.listeners), and security.protocol in `properties`",
            self.at(),
            self.settings.connect_wait.as_secs()
        ))
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
                    return Err(not_allowed(topic));
                }
                (_, Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION)) => {
                    return Err(SourceError::Setting(format!("{topic:?} can't be the name of a topic; check `topic`")));
                }
                _ if Instant::now() > missing_until => return Err(self.missing()),
                _ => std::thread::sleep(PAUSE),
            }
        }
    }

    /// The topic is not there; perhaps another name was meant.
    fn missing(&self) -> SourceError {
        let topic = self.settings.topic.as_str();
        let all = self.again(|wait| self.client.fetch_metadata(None, wait));
        let names: Vec<String> =
            all.map(|all| all.topics().iter().map(|found| found.name().to_owned()).collect()).unwrap_or_default();
        let hint = match similar(topic, &names).as_slice() {
            [] => "check `topic`, or create it first".to_owned(),
            names => format!("did you mean {}? Else create it first", names.join(" or ")),
        };
        SourceError::Setting(format!("{} has no topic {topic}; {hint}", self.at()))
    }

    /// Sets the starts to the first records at or after a time; where there is none, to the end.
    fn start_at(&self, from_us: i64, found: &mut [Found]) -> Result<(), SourceError> {
        // Kafka's timestamps are whole milliseconds: the first at or after the microsecond.
        let from_ms = from_us.div_euclid(1000) + i64::from(from_us.rem_euclid(1000) > 0);
        let topic = self.settings.topic.as_str();
        let answer = self.again(|wait| {
            let mut wanted = TopicPartitionList::with_capacity(found.len());
            for part in found.iter() {
                wanted.add_partition_offset(topic, part.id, Offset::Offset(from_ms.max(0)))?;
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

/// The three names most like the wanted one, Kafka's own topics left out.
fn similar(wanted: &str, names: &[String]) -> Vec<String> {
    let mut rated: Vec<(f64, &String)> = names
        .iter()
        .filter(|name| !name.starts_with("__"))
        .map(|name| (strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= SIMILAR)
        .collect();
    rated.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(right.1)));
    rated.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn similar_names_are_offered() {
        let names = ["invoices", "Invoice", "orders", "__consumer_offsets"].map(str::to_owned);
        assert_eq!(similar("invoces", &names), ["invoices", "Invoice"]);
        assert!(similar("consumer_offsets", &names).is_empty());
        assert!(similar("zzz", &names).is_empty());
    }
}
