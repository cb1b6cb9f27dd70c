//! Where rows and checkpoints go.

use super::{Place, Properties};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// `[[sink]]`.
#[derive(Debug, Clone)]
pub struct SinkPlan {
    /// What checkpoints and markers know it by; unique in the file.
    pub name: String,
    /// Names of the KPIs it takes, in the order of the file's KPIs.
    pub kpis: Vec<String>,
    /// Where the rows go.
    pub kind: SinkKind,
    /// Where the section's type stands, for messages.
    pub place: Place,
}

/// The types of sinks.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkKind {
    /// `type = "json-files"`.
    JsonFiles {
        /// The folder, made absolute to the pipeline file's.
        path: PathBuf,
        /// Event time a file.
        interval_us: i64,
    },
    /// `type = "hdfs"`: the same files there.
    Hdfs {
        /// `hdfs://host:port` or `hdfs://nameservice`.
        url: String,
        /// The folder there, absolute.
        path: String,
        /// Event time a file.
        interval_us: i64,
        /// Settings of the client, as in hdfs-site.xml.
        properties: BTreeMap<String, String>,
    },
    /// `type = "kafka"`.
    Kafka {
        /// `host:port,…`.
        brokers: String,
        /// The topic; must exist.
        topic: String,
        /// The topic of the markers; must exist.
        epochs_topic: String,
        /// librdkafka properties.
        properties: Properties,
        /// Where each property stands, for messages.
        property_places: BTreeMap<String, Place>,
        /// Undelivered rows that may wait.
        backlog_bytes_max: u64,
    },
    /// `type = "postgres"`.
    Postgres {
        /// `postgresql://user:password@host:port/database`.
        url: Secret,
        /// The schema of the tables; must exist.
        schema: String,
        /// Undelivered rows that may wait.
        backlog_bytes_max: u64,
    },
    /// `type = "redis"`.
    Redis {
        /// `redis://:password@host:port/0`, `rediss://` for TLS.
        url: Secret,
        /// What every key begins with.
        prefix: String,
        /// Windows that a history keeps at the most.
        history_windows_max: u64,
        /// Undelivered rows that may wait.
        backlog_bytes_max: u64,
    },
}

/// A text that may hold a password. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// `[checkpoint]`.
#[derive(Debug, Clone)]
pub struct CheckpointPlan {
    /// Where.
    pub folder: FolderPlan,
    /// Time between epochs.
    pub interval: Duration,
}

/// A folder on this machine or elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderPlan {
    /// Made absolute to the pipeline file's.
    Local(PathBuf),
    /// `hdfs://host:port/path`.
    Hdfs {
        /// `hdfs://host:port` or `hdfs://nameservice`.
        url: String,
        /// The folder there, absolute.
        path: String,
        /// Settings of the client, as in hdfs-site.xml.
        properties: BTreeMap<String, String>,
    },
}

impl fmt::Display for FolderPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Hdfs { url, path, .. } => write!(f, "{url}{path}"),
        }
    }
}
