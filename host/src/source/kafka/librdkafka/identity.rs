//! The topic's id (KIP-516), through librdkafka's own functions: the `rdkafka` crate wraps no DescribeTopics.
//!
//! All `unsafe` of this client. It knows a client and a name; not what an id means.

use rdkafka::bindings as c;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka::error::{IsError, KafkaError};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::ffi::CString;
use std::ptr::NonNull;
use std::time::Duration;

/// The topic's id; zeros where the broker is too old to know ids.
///
/// # Errors
/// `AdminOp`, with what the client or the broker says.
pub(super) fn topic_id<C>(client: &impl Consumer<C>, topic: &str, wait: Duration) -> Result<[u8; 16], KafkaError>
where
    C: ClientContext + ConsumerContext,
{
    let name = CString::new(topic).map_err(|_| KafkaError::AdminOp(Code::InvalidTopic))?;
    let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX).max(1);
    let rk = client.client().native_ptr();
    let event = described(rk, &name, wait_ms).ok_or(KafkaError::AdminOp(Code::OperationTimedOut))?;
    let mut count = 0;
    // SAFETY: `event` lives to the end of this function, and everything that is asked for here is a part of it. An event of another kind
    // gives a null result; the list has `count` elements, none of them null.
    unsafe {
        let error = c::rd_kafka_event_error(event.0.as_ptr());
        if error.is_error() {
            return Err(KafkaError::AdminOp(error.into()));
        }
        let result = c::rd_kafka_event_DescribeTopics_result(event.0.as_ptr());
        if result.is_null() {
            return Err(KafkaError::AdminOp(Code::Fail));
        }
        let topics = c::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return Err(KafkaError::AdminOp(Code::UnknownTopic));
        }
        let error = c::rd_kafka_error_code(c::rd_kafka_TopicDescription_error(*topics));
        if error.is_error() {
            return Err(KafkaError::AdminOp(error.into()));
        }
        let id = c::rd_kafka_TopicDescription_topic_id(*topics);
        let high = c::rd_kafka_Uuid_most_significant_bits(id) as u64;
        let low = c::rd_kafka_Uuid_least_significant_bits(id) as u64;
        Ok((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }
}

/// An answer, which is ours.
struct Event(NonNull<c::rd_kafka_event_t>);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: it came from `rd_kafka_queue_poll` and is destroyed once.
        unsafe { c::rd_kafka_event_destroy(self.0.as_ptr()) }
    }
}

/// Asks and waits for the answer; `None` where none came.
fn described(rk: *mut c::rd_kafka_t, name: &CString, wait_ms: i32) -> Option<Event> {
    let mut names = [name.as_ptr()];
    let mut told = [0; 128];
    // SAFETY: `rk` lives as long as the client that the caller holds. What is made here is destroyed here, each once; `name` outlives the
    // call that copies it, and `told` is as long as is said. The client gives up after `wait_ms` and then answers that; should the wait be
    // over before, the answer goes to a queue that is destroyed once it has come.
    unsafe {
        let options = c::rd_kafka_AdminOptions_new(rk, c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        c::rd_kafka_AdminOptions_set_request_timeout(options, wait_ms, told.as_mut_ptr(), told.len());
        let topics = c::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        let queue = c::rd_kafka_queue_new(rk);
        c::rd_kafka_DescribeTopics(rk, topics, options, queue);
        let event = NonNull::new(c::rd_kafka_queue_poll(queue, wait_ms.saturating_add(500)));
        c::rd_kafka_queue_destroy(queue);
        c::rd_kafka_TopicCollection_destroy(topics);
        c::rd_kafka_AdminOptions_destroy(options);
        event.map(Event)
    }
}
