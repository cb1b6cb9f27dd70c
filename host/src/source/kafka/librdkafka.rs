//! The topic through librdkafka: for the properties and mechanisms that the native client does not know.
//!
//! It knows the client; only this folder says `rdkafka` for reading.

mod client;
mod connect;
mod group;
mod identity;
mod parts;
mod probe;
mod reader;
mod trouble;
mod watch;

use self::group::GroupWriter;
use self::reader::KafkaReader;
use self::watch::Watch;
use super::groups::Confirmed;
use super::lost::Loss;
use super::places::{self, Found, Place};
use super::{
    Assignment, Clock, Isolation, KafkaSettings, KafkaStart, LostOffsets, Partition, Reader, Source, SourceError, words,
};
use rdkafka::ClientConfig;

/// A topic whose partitions and their ends are known.
pub(super) struct LibrdkafkaSource {
    config: ClientConfig,
    settings: KafkaSettings,
    found: Vec<Found>,
    partitions: Vec<Partition>,
    topic_id: [u8; 16],
    /// Tells the group's offsets, where that is wanted.
    group: Option<Confirmed>,
}

impl LibrdkafkaSource {
    /// See [`super::connect`].
    pub(super) fn connect(settings: &KafkaSettings) -> Result<Self, SourceError> {
        let config = client::config(settings)?;
        let (found, topic_id) = connect::look(&config, settings)?;
        let partitions = places::partitions(settings, &found, topic_id);
        let group = settings
            .group
            .as_ref()
            .map(|group| Confirmed::start(group, Box::new(GroupWriter::new(group, &settings.topic, &config))));
        Ok(Self { config, settings: settings.clone(), partitions, found, topic_id, group })
    }
}

impl Source for LibrdkafkaSource {
    fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    fn grows(&self) -> bool {
        true
    }

    fn confirm(&self, offsets: &[(u32, i64)]) {
        if let Some(group) = &self.group {
            group.confirm(places::by_id(&self.found, offsets));
        }
    }

    fn open(&self, assigned: &[Assignment]) -> Result<Box<dyn Reader>, SourceError> {
        let settings = &self.settings;
        let places = places::places(settings, &self.found, assigned)?;
        let is_asking = places.iter().any(|place| place.partition == 0);
        let count = (!settings.bounded).then_some(self.found.len());
        let watch = Watch::new(self.topic_id, count, settings.metadata_interval, is_asking);
        Ok(Box::new(KafkaReader::open(self.config.clone(), settings, &places, watch)?))
    }
}
