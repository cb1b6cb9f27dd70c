//! Writing to Kafka topics: transactions, and looking at what a topic holds.
//!
//! ```text
//! destination ─▶ rows        windows to messages: keys, values, headers
//!             ─▶ marker      which run owns the sink, and the last epoch that the topic holds
//!             ─▶ there       windows that are there already, when a run goes on from an older checkpoint
//! producer    one transaction at a time, with a name that fences whoever had it before
//! look        what read_committed readers see of a topic: its partitions, its ends, headers of its messages
//! client      settings, log lines, waits; an end that can't hang
//! ```
//!
//! librdkafka lacks KIP-890: after a transaction whose end is unclear its producer is dropped. A new one under the same name makes
//! the cluster end the old transaction, one way or the other, and then a look says which. Letters that are fed again use the last three.

mod client;
pub mod destination;
pub mod look;
mod marker;
pub mod producer;
pub mod rows;
mod there;

use crate::sink::outbox::Trouble;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// How long to try for a first answer of the cluster.
pub const CONNECT_WAIT: Duration = Duration::from_secs(20);

/// A topic to write to.
#[derive(Clone)]
pub struct KafkaTopic {
    /// `host:port,…`, any of the cluster's brokers.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// librdkafka properties, as typed; secrets may be among them.
    pub properties: BTreeMap<String, String>,
}

/// Names of properties only: their values may be secrets.
impl fmt::Debug for KafkaTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.properties.keys().collect();
        let mut shown = f.debug_struct("KafkaTopic");
        shown.field("brokers", &self.brokers).field("topic", &self.topic).field("properties", &names).finish()
    }
}

impl KafkaTopic {
    /// Where it is, for people.
    pub fn place(&self) -> String {
        format!("topic {} at {}", self.topic, self.brokers)
    }
}

/// Why a topic can't be written or looked at.
#[derive(Debug, Error)]
pub enum KafkaFailure {
    /// The settings don't fit what is there: the operator.
    #[error("{0}")]
    Setting(String),
    /// There is no such topic; the message says how to make it.
    #[error("{0}")]
    Missing(String),
    /// Somebody else has taken the name of the transactions: this instance must end.
    #[error("{0}")]
    Fenced(String),
    /// Nothing of the transaction can be seen by readers; trying again may help.
    #[error("{0}")]
    Outside(String),
    /// The transaction may have been committed or not: a new producer under the same name, then a look.
    #[error("{0}")]
    Unclear(String),
}

impl KafkaFailure {
    /// As an outbox takes it. Whether somebody else has taken over, the marker says, not the client: a producer whose transaction took
    /// too long is told the same.
    fn trouble(self) -> Trouble {
        match self {
            Self::Setting(reason) | Self::Missing(reason) => Trouble::Final(reason),
            Self::Fenced(reason) | Self::Outside(reason) | Self::Unclear(reason) => Trouble::Passing(reason),
        }
    }
}
