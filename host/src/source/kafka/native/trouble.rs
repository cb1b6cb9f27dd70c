//! What an error code of a partition means, and log lines about troubles that last. It knows codes and when they were met.

use super::connection::ConnectionError;
use super::part::Part;
use super::wire::Malformed;
use kafka_protocol::error::ResponseError as Code;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The same broker's trouble is told again only after this.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// The broker itself says that a batch is corrupt.
pub(super) const CORRUPT: Malformed = Malformed("the broker finds a record batch corrupt");

/// What to do about a code.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    /// A leader moves, or the broker is not ready: ask again, with a new picture.
    Passes,
    Broken,
    OutOfRange,
    NotAllowed,
    /// Stop with these words.
    Final(String),
}

/// Judges a partition's error code.
///
/// A list of what passes and not of what does not: an error that nobody thought of must stop the pipeline, not hide.
pub(super) fn judge(code: i16) -> Verdict {
    let Some(error) = Code::try_from_code(code) else { return Verdict::Fine };
    match error {
        Code::NotLeaderOrFollower
        | Code::LeaderNotAvailable
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::UnknownTopicOrPartition
        | Code::UnknownTopicId
        | Code::InconsistentTopicId
        | Code::ReplicaNotAvailable
        | Code::BrokerNotAvailable
        | Code::KafkaStorageError
        | Code::OffsetNotAvailable
        | Code::RequestTimedOut
        | Code::NetworkException
        | Code::UnknownServerError => Verdict::Passes,
        Code::CorruptMessage => Verdict::Broken,
        Code::OffsetOutOfRange => Verdict::OutOfRange,
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => Verdict::NotAllowed,
        error => Verdict::Final(error.to_string()),
    }
}

/// Judges the error of a whole answer. Sessions, which were not asked for, pass.
pub(super) fn judge_whole(code: i16) -> Verdict {
    match Code::try_from_code(code) {
        Some(Code::FetchSessionIdNotFound | Code::InvalidFetchSessionEpoch | Code::FetchSessionTopicIdError) => {
            Verdict::Passes
        }
        _ => judge(code),
    }
}

/// A code in words.
pub(super) fn told(code: i16) -> String {
    Code::try_from_code(code).map_or_else(|| "its leader is asked for".to_owned(), |error| error.to_string())
}

/// A partition brings nothing but troubles: said after a while, and from time to time.
pub(super) fn still_held(topic: &str, part: &mut Part, reason: &str) {
    let now = Instant::now();
    let since = *part.held_since.get_or_insert(now);
    let last = *part.held_told.get_or_insert(since);
    if now.duration_since(last) >= LOG_PAUSE {
        part.held_told = Some(now);
        let seconds = now.duration_since(since).as_secs();
        tracing::warn!("topic {topic}, partition {}: {reason}, for {seconds} s; it is tried again", part.place.id);
    }
}

/// Says that a broker can't be reached; not the same every time it is tried.
pub(super) fn log(topic: &str, broker: i32, error: &ConnectionError) {
    static TOLD: Mutex<BTreeMap<(String, i32), Instant>> = Mutex::new(BTreeMap::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (topic.to_owned(), broker);
    if told.get(&key).is_some_and(|when| when.elapsed() < LOG_PAUSE) {
        tracing::debug!("topic {topic}: broker {broker} can't be reached: {error}");
        return;
    }
    told.insert(key, Instant::now());
    tracing::warn!("topic {topic}: broker {broker} can't be reached: {error}; it is tried again");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_thought_of_is_final() {
        assert_eq!(judge(0), Verdict::Fine);
        assert_eq!(judge(6), Verdict::Passes);
        assert_eq!(judge(1), Verdict::OutOfRange);
        assert!(matches!(judge(35), Verdict::Final(_)) && matches!(judge(12_345), Verdict::Final(_)));
    }
}
