//! The topic through librdkafka: for the properties and mechanisms that the native client does not know.
//!
//! It knows the client; only this folder says `rdkafka` for reading.

mod client;
mod connect;
mod growth;
mod parts;
mod probe;
mod reader;
mod trouble;

use self::growth::Growth;
use self::reader::KafkaReader;
use super::places::{self, Found, Place};
use super::{Assignment, Clock, Isolation, KafkaSettings, KafkaStart, Partition, Reader, Source, SourceError, words};
use rdkafka::ClientConfig;

/// A topic whose partitions and their ends are known.
pub(super) struct LibrdkafkaSource {
    config: ClientConfig,
    settings: KafkaSettings,
    found: Vec<Found>,
    partitions: Vec<Partition>,
}

impl LibrdkafkaSource {
    /// See [`super::connect`].
    pub(super) fn connect(settings: &KafkaSettings) -> Result<Self, SourceError> {
        let config = client::config(settings)?;
        let found = connect::look(&config, settings)?;
        let partitions = places::partitions(settings, &found, [0; 16]);
        Ok(Self { config, settings: settings.clone(), partitions, found })
    }
}

impl Source for LibrdkafkaSource {
    fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    fn grows(&self) -> bool {
        true
    }

    fn open(&self, assigned: &[Assignment]) -> Result<Box<dyn Reader>, SourceError> {
        let settings = &self.settings;
        let places = places::places(settings, &self.found, assigned)?;
        let is_asking = places::looks_for_growth(settings, &places);
        let growth = is_asking.then(|| Growth::new(&settings.topic, self.found.len(), settings.metadata_interval));
        Ok(Box::new(KafkaReader::open(self.config.clone(), &settings.topic, &places, growth, settings.clock)?))
    }
}
