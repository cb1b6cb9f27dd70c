//! What a Kafka error means for the pipeline: passing, the operator's, or data that is gone. It knows error codes and offsets.

use super::{SourceError, words};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Whether the client gets over it by itself.
///
/// A list of what passes and not of what does not: an error that nobody thought of must stop the pipeline, not hide.
pub(super) fn passes(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            // The one that was asked left the cluster's list meanwhile.
            | Code::DestroyBroker
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
    matches!(code, Some(Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation))
}

/// A final error in words; `reason` is what the client said beside it.
pub(super) fn explain(topic: &str, error: &KafkaError, reason: Option<&str>) -> SourceError {
    let told = reason.map_or_else(|| error.to_string(), str::to_owned);
    match error.rdkafka_error_code() {
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition | Code::UnknownTopicId) => {
            words::gone(topic, &told)
        }
        Some(Code::TopicAuthorizationFailed) => words::not_allowed(topic),
        Some(Code::BadMessage | Code::InvalidMessage | Code::InvalidMessageSize | Code::BadCompression) => {
            words::damaged(topic, &told)
        }
        _ if is_out_of_range(error.rdkafka_error_code()) => words::out_of_range(topic, &told),
        _ => SourceError::Outside(format!("topic {topic} can't be read on: {told}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_thought_of_is_final() {
        assert!(passes(Code::AllBrokersDown));
        assert!(!passes(Code::AutoOffsetReset) && !passes(Code::UnsupportedVersion) && !passes(Code::BadMessage));
    }
}
