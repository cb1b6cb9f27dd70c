//! What can go wrong with a topic, in words: the same whichever client met it. It knows offsets and names, no client.

use super::{KafkaSettings, SourceError};
use base64::Engine;
use std::collections::BTreeMap;

/// What the source rests on: `properties` may not say otherwise. With the reason to tell.
pub(super) const FIXED: [(&str, &str, &str); 4] = [
    ("enable.auto.commit", "false", "offsets are kept in the checkpoint, not in the group"),
    ("enable.auto.offset.store", "false", "offsets are kept in the checkpoint, not in the group"),
    (
        "auto.offset.reset",
        "error",
        "a jump over lost records would give wrong numbers; use `start` to say where to begin",
    ),
    ("enable.partition.eof", "true", "idle partitions and the end of a bounded run are told by it"),
];

/// How alike a name must be to be offered, from 0 to 1.
const SIMILAR: f64 = 0.8;

/// How to begin anew.
pub(super) const ANEW: &str =
    "to begin anew, remove the checkpoint and set `start` to \"earliest\", \"latest\" or a timestamp";

/// Refuses properties that Weir sets itself.
pub(super) fn check_ours(properties: &BTreeMap<String, String>) -> Result<(), SourceError> {
    for (name, value) in properties {
        if matches!(name.as_str(), "bootstrap.servers" | "metadata.broker.list") {
            return Err(SourceError::Setting(format!(
                "the Kafka property {name} is set by `brokers`; write {value} there"
            )));
        }
        if let Some((_, fixed, reason)) = FIXED.iter().find(|fixed| fixed.0 == name && fixed.1 != value) {
            return Err(SourceError::Setting(format!(
                "the Kafka property {name} can't be {value}, only {fixed}: {reason}; leave it out"
            )));
        }
    }
    Ok(())
}

fn at(settings: &KafkaSettings) -> String {
    format!("the Kafka cluster at {}", settings.brokers)
}

/// The cluster was asked and can't answer.
pub(super) fn not_asked(settings: &KafkaSettings, error: impl std::fmt::Display) -> SourceError {
    SourceError::Outside(format!("{} can't be asked: {error}", at(settings)))
}

/// The login was refused.
pub(super) fn login_refused(settings: &KafkaSettings, reason: &str) -> SourceError {
    SourceError::Setting(format!(
        "{} refuses the login: {reason}; check sasl.mechanism, sasl.username and sasl.password in `properties`",
        at(settings)
    ))
}

/// TLS does not come about.
pub(super) fn no_tls(settings: &KafkaSettings, reason: &str) -> SourceError {
    SourceError::Setting(format!(
        "{} can't be spoken to over TLS: {reason}; check security.protocol and ssl.ca.location in `properties`",
        at(settings)
    ))
}

/// Nobody has answered.
pub(super) fn unreachable(settings: &KafkaSettings, reason: &str) -> SourceError {
    SourceError::Outside(format!(
        "{} does not answer within {} s: {reason}; check `brokers`, that a broker runs there, the address that it advertises \
         (advertised.listeners), and security.protocol in `properties`",
        at(settings),
        settings.connect_wait.as_secs()
    ))
}

/// The topic is not there; perhaps another name was meant.
pub(super) fn missing(settings: &KafkaSettings, names: &[String]) -> SourceError {
    let topic = settings.topic.as_str();
    let hint = match similar(topic, names).as_slice() {
        [] => "check `topic`, or create it first".to_owned(),
        names => format!("did you mean {}? Else create it first", names.join(" or ")),
    };
    SourceError::Setting(format!("{} has no topic {topic}; {hint}", at(settings)))
}

/// No topic can have this name.
pub(super) fn no_name(topic: &str) -> SourceError {
    SourceError::Setting(format!("{topic:?} can't be the name of a topic; check `topic`"))
}

/// The user has no right to the topic.
pub(super) fn not_allowed(topic: &str) -> SourceError {
    SourceError::Setting(format!(
        "this user may not read topic {topic}; allow it READ and DESCRIBE, or check the login in `properties`"
    ))
}

/// The topic was there and is not.
pub(super) fn gone(topic: &str, told: &str) -> SourceError {
    SourceError::Lost(format!("topic {topic} or one of its partitions is no longer there: {told}"))
}

/// What a broker sent can't be read.
pub(super) fn damaged(topic: &str, told: &str) -> SourceError {
    SourceError::Lost(format!("a record batch of topic {topic} is damaged: {told}"))
}

/// An offset is not there, and nobody can say where the partition begins and ends now.
pub(super) fn out_of_range(topic: &str, told: &str) -> SourceError {
    SourceError::Lost(format!("an offset of topic {topic} is out of range: {told}; {ANEW}"))
}

/// The topic has more partitions than this run reads.
pub(super) fn grown(topic: &str, from: usize, to: usize) -> SourceError {
    SourceError::Setting(format!(
        "topic {topic} has grown from {from} to {to} partitions, and this run does not read the new ones; restart to read them \
         (with [checkpoint] the run goes on where it stood, and the new partitions are read from their oldest record)",
    ))
}

/// The topic of this name is another one than that which was read.
pub(super) fn recreated(topic: &str, then: [u8; 16], now: [u8; 16]) -> SourceError {
    let (then, now) = (topic_id(then), topic_id(now));
    SourceError::Lost(format!(
        "topic {topic} was deleted and made anew while it was read (id {then} then, {now} now): its offsets mean other records, and what \
         was counted so far is not in it; to count the new topic, give the pipeline another [checkpoint] path"
    ))
}

/// A topic's id as Kafka's own tools write it.
pub(super) fn topic_id(id: [u8; 16]) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id)
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
    use super::*;

    #[test]
    fn similar_names_are_offered() {
        let names = ["invoices", "Invoice", "orders", "__consumer_offsets"].map(str::to_owned);
        assert_eq!(similar("invoces", &names), ["invoices", "Invoice"]);
        assert!(similar("consumer_offsets", &names).is_empty());
        assert!(similar("zzz", &names).is_empty());
    }
}
