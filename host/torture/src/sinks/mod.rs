//! The sinks under torture: for each, the section of the pipeline file, a fresh place for every case, and what the place holds in the end
//! as rows that can be compared. Places are named by the case; what they hold is told without that name.

pub mod files;
mod hdfs;
pub mod kafka;
mod postgres;
mod redis;

use crate::services::Services;
use std::collections::BTreeMap;
use std::path::Path;

/// A type of sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `type = "json-files"`.
    JsonFiles,
    /// `type = "hdfs"`.
    Hdfs,
    /// `type = "kafka"`.
    Kafka,
    /// `type = "postgres"`.
    Postgres,
    /// `type = "redis"`.
    Redis,
}

/// All types, in the order of the tables.
pub const ALL: [Kind; 5] = [Kind::JsonFiles, Kind::Hdfs, Kind::Kafka, Kind::Postgres, Kind::Redis];

/// What a place holds: a file, table or key → its rows or fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// By name; a name without rows is told too, because an empty file is not none.
    pub rows: BTreeMap<String, Vec<Vec<u8>>>,
    /// Rows that came again although nothing about them was new, where the place keeps all that ever came.
    pub again: u64,
}

impl Kind {
    /// As the pipeline file names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::JsonFiles => "json-files",
            Self::Hdfs => "hdfs",
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    /// The type of this name.
    ///
    /// # Errors
    /// Names those that there are.
    pub fn named(name: &str) -> Result<Self, String> {
        let names = || ALL.map(Self::name).join(", ");
        ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| format!("no sink `{name}`: {}", names()))
    }

    /// How long a run is held up at each block, milliseconds, so that some epochs fit into it: HDFS takes its time for each.
    pub fn pace_ms(self) -> u64 {
        if self == Self::Hdfs { 25 } else { 4 }
    }

    /// Its section, for this case.
    pub fn section(self, services: &Services, case: &str) -> Result<String, String> {
        match self {
            Self::JsonFiles => Ok(files::section()),
            Self::Hdfs => hdfs::section(services, case),
            Self::Kafka => Ok(kafka::section(services, case)),
            Self::Postgres => postgres::section(services, case),
            Self::Redis => redis::section(services, case),
        }
    }

    /// Makes what has to be there before a run.
    pub fn make(self, services: &Services, case: &str) -> Result<(), String> {
        match self {
            Self::Kafka => kafka::make(services, case),
            Self::Postgres => postgres::make(services, case),
            Self::JsonFiles | Self::Hdfs | Self::Redis => Ok(()),
        }
    }

    /// What it holds; `folder` is the case's.
    pub fn held(self, services: &Services, case: &str, folder: &Path) -> Result<Held, String> {
        match self {
            Self::JsonFiles => files::held(&folder.join("out")),
            Self::Hdfs => hdfs::held(services, case),
            Self::Kafka => kafka::held(services, case),
            Self::Postgres => postgres::held(services, case),
            Self::Redis => redis::held(services, case),
        }
    }

    /// Takes away what the case left there; a place that can't be is only in the way.
    pub fn clear(self, services: &Services, case: &str) {
        match self {
            Self::Kafka => kafka::clear(services, case),
            Self::Postgres => postgres::clear(services, case),
            Self::Redis => redis::clear(services, case),
            Self::JsonFiles | Self::Hdfs => {}
        }
    }
}

/// The lines of a file, ends left out.
pub fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}
