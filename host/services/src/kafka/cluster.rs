//! Several brokers that are one cluster, for tests of leaders that move. Each is a voter of the quorum, so one of three may be away.

use super::{Kafka, KafkaOptions, config, jars, take_ports};
use crate::ServiceError;
use std::path::Path;

/// Running brokers, by id from 1; dropped, they are stopped.
#[derive(Debug)]
pub struct Cluster {
    brokers: Vec<Kafka>,
}

impl Cluster {
    /// Starts `count` brokers on folders below `folder` and waits until each answers.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn start(folder: &Path, count: usize) -> Result<Self, ServiceError> {
        let jars = jars::JARS.fetch()?;
        let ports = (0..count).map(|_| take_ports()).collect::<Result<Vec<_>, _>>()?;
        let (voters, cluster) = (config::voters(&ports), config::cluster_id()?);
        let mut brokers = Vec::with_capacity(count);
        for (place, ports) in ports.into_iter().enumerate() {
            let folder = folder.join(format!("broker-{}", place + 1));
            std::fs::create_dir_all(&folder)
                .map_err(ServiceError::io(format!("{} can't be made", folder.display())))?;
            let member = config::Member { id: place + 1, voters: voters.clone() };
            brokers.push(Kafka::format(&folder, &jars, ports, &member, cluster.clone(), KafkaOptions::default())?);
        }
        // All at once: none answers before most of them run.
        brokers.iter_mut().try_for_each(Kafka::spawn)?;
        brokers.iter_mut().try_for_each(Kafka::wait)?;
        Ok(Self { brokers })
    }

    /// `host:port,…` of all.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.brokers.iter().map(Kafka::bootstrap).collect::<Vec<_>>().join(",")
    }

    /// The broker of this id.
    pub fn broker(&mut self, id: usize) -> Option<&mut Kafka> {
        self.brokers.get_mut(id.checked_sub(1)?)
    }
}
