//! The real services that a torture needs: one of each for all cases.

use crate::sinks::Kind;
use crate::sinks::kafka::make_epochs;
use std::path::Path;
use weir_services::hdfs::Hdfs;
use weir_services::kafka::{Kafka, KafkaOptions};
use weir_services::postgres::Postgres;
use weir_services::redis::Redis;

/// Services that run.
#[derive(Debug)]
pub struct Services {
    kafka: Kafka,
    bootstrap: String,
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    hdfs: Option<Hdfs>,
}

impl Services {
    /// Starts a broker, what these sinks write to, and HDFS if checkpoints are to be there.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn start(folder: &Path, sinks: &[Kind], checkpoints: bool) -> Result<Self, String> {
        let told = |error: weir_services::ServiceError| error.to_string();
        let has = |kind| sinks.contains(&kind);
        let kafka = Kafka::start(&folder.join("kafka"), KafkaOptions::default()).map_err(told)?;
        if has(Kind::Kafka) {
            make_epochs(&kafka.bootstrap())?;
        }
        Ok(Self {
            bootstrap: kafka.bootstrap(),
            kafka,
            postgres: has(Kind::Postgres)
                .then(|| Postgres::start(&folder.join("postgres")))
                .transpose()
                .map_err(told)?,
            redis: has(Kind::Redis).then(|| Redis::start(&folder.join("redis"))).transpose().map_err(told)?,
            hdfs: (checkpoints || has(Kind::Hdfs))
                .then(|| Hdfs::start(&folder.join("hdfs")))
                .transpose()
                .map_err(told)?,
        })
    }

    /// `host:port` of the broker.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(crate) fn postgres(&self) -> Result<&Postgres, String> {
        self.postgres.as_ref().ok_or_else(|| "PostgreSQL was not started".to_owned())
    }

    pub(crate) fn redis(&self) -> Result<&Redis, String> {
        self.redis.as_ref().ok_or_else(|| "Redis was not started".to_owned())
    }

    pub(crate) fn hdfs(&self) -> Result<&Hdfs, String> {
        self.hdfs.as_ref().ok_or_else(|| "HDFS was not started".to_owned())
    }

    /// Halts what a sink writes to.
    pub fn pause(&self, sink: Kind) -> Result<(), String> {
        let done = match sink {
            Kind::Postgres => self.postgres()?.pause(),
            Kind::Redis => self.redis()?.pause(),
            Kind::Hdfs => self.hdfs()?.pause(),
            Kind::Kafka | Kind::JsonFiles => return Err(format!("{} can't be paused", sink.name())),
        };
        done.map_err(|error| error.to_string())
    }

    /// Lets it go on.
    pub fn resume(&self, sink: Kind) -> Result<(), String> {
        let done = match sink {
            Kind::Postgres => self.postgres()?.resume(),
            Kind::Redis => self.redis()?.resume(),
            Kind::Hdfs => self.hdfs()?.resume(),
            Kind::Kafka | Kind::JsonFiles => Ok(()),
        };
        done.map_err(|error| error.to_string())
    }

    /// Kills it as kill -9 does; of HDFS the NameNode, without which nothing is written.
    pub fn kill(&mut self, sink: Kind) {
        match sink {
            Kind::Postgres => self.postgres.iter_mut().for_each(Postgres::kill),
            Kind::Redis => self.redis.iter_mut().for_each(Redis::kill),
            Kind::Hdfs => self.hdfs.iter_mut().for_each(Hdfs::kill_name_node),
            Kind::Kafka => self.kafka.kill(),
            Kind::JsonFiles => {}
        }
    }

    /// Starts it again on its data, after it was killed.
    pub fn restart(&mut self, sink: Kind) -> Result<(), String> {
        let done = match sink {
            Kind::Postgres => self.postgres.iter_mut().try_for_each(Postgres::restart),
            Kind::Redis => self.redis.iter_mut().try_for_each(Redis::restart),
            Kind::Hdfs => self.hdfs.iter_mut().try_for_each(Hdfs::restart_name_node),
            Kind::Kafka => self.kafka.resume(),
            Kind::JsonFiles => Ok(()),
        };
        done.map_err(|error| error.to_string())
    }
}
