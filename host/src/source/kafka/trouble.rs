//! What a Kafka error means for the pipeline: passing, the operator's, or data that is gone. It knows error codes and offsets.

use super::SourceError;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Whether the client gets over it by itself.
///
/// A list of what passes and not of what does not: an error that nobody thought of must stop the pipeline, not hide.
pub(super) fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::TimedOutQueue
            | Code::Retry
            | Code::RequestTimedOut
            | Code::NetworkException
            | Code::SSL
            | Code::Authentication
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::PreferredLeaderNotAvailable
            | Code::ReplicaNotAvailable
            | Code::BrokerNotAvailable
            | Code::KafkaStorageError
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            // The coordinator's troubles: there is no group to coordinate.
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::NotCoordinator
            | Code::GroupAuthorizationFailed
            | Code::PollExceeded
    )
}

/// Whether an error says that an offset is not there.
pub(super) fn is_out_of_range(code: Option<Code>) -> bool {
    matches!(code, Some(Code::AutoOffsetReset | Code::OffsetOutOfRange))
}

/// A final error in words; `reason` is what the client said beside it.
pub(super) fn explain(topic: &str, error: &KafkaError, reason: Option<&str>) -> SourceError {
    let told = reason.map_or_else(|| error.to_string(), str::to_owned);
    match error.rdkafka_error_code() {
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition | Code::UnknownTopicId) => {
            SourceError::Lost(format!("topic {topic} or one of its partitions is no longer there: {told}"))
        }
        Some(Code::TopicAuthorizationFailed) => not_allowed(topic),
        Some(Code::BadMessage | Code::InvalidMessage | Code::InvalidMessageSize | Code::BadCompression) => {
            SourceError::Lost(format!("a record batch of topic {topic} is damaged: {told}"))
        }
        _ if is_out_of_range(error.rdkafka_error_code()) => {
            SourceError::Lost(format!("an offset of topic {topic} is out of range: {told}; {MEND}"))
        }
        _ => SourceError::Outside(format!("topic {topic} can't be read on: {told}")),
    }
}

/// The user has no right to the topic.
pub(super) fn not_allowed(topic: &str) -> SourceError {
    SourceError::Setting(format!(
        "this user may not read topic {topic}; allow it READ and DESCRIBE, or check the login in `properties`"
    ))
}

const MEND: &str = "to begin anew, remove the checkpoint and set `start` to \"earliest\", \"latest\" or a timestamp";

/// Refuses an offset that the partition, which holds `range.0` to just below `range.1`, does not have.
pub(super) fn check_range(topic: &str, id: i32, offset: i64, range: (i64, i64)) -> Result<(), SourceError> {
    let (low, high) = range;
    if offset < low {
        return Err(SourceError::Lost(format!(
            "offsets {offset} to {} of topic {topic}, partition {id}, are gone: it now begins at {low}, so they were deleted (by \
             retention, or by hand) before they were read; {MEND}, and let the topic keep records for longer than a stop lasts",
            low - 1
        )));
    }
    if offset > high {
        return Err(SourceError::Lost(format!(
            "offset {offset} of topic {topic}, partition {id}, is beyond its end at {high}: the topic was deleted and made anew, or \
             lost records that were read before; {MEND}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_checked_on_both_sides() {
        let text = |offset| check_range("t", 3, offset, (10, 20)).unwrap_err().to_string();
        assert!(text(7).starts_with("offsets 7 to 9 of topic t, partition 3, are gone: it now begins at 10"));
        assert!(text(21).starts_with("offset 21 of topic t, partition 3, is beyond its end at 20"));
        assert!(check_range("t", 3, 10, (10, 20)).is_ok() && check_range("t", 3, 20, (10, 20)).is_ok());
    }

    #[test]
    fn what_nobody_thought_of_is_final() {
        assert!(passes(Code::AllBrokersDown));
        assert!(!passes(Code::AutoOffsetReset) && !passes(Code::UnsupportedVersion) && !passes(Code::BadMessage));
    }
}
