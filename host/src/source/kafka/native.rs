//! Our own client: a few requests, one buffer an answer, records as ranges in it.
//!
//! ```text
//! settings ─▶ look ─▶ directory: who leads what, a thread of its own
//!                 ╰─▶ reader ── link a broker ── fetch ─▶ chunk: batch, unpack, records ─▶ blocks
//! ```
//!
//! `wire`, `asks`, `fetch`, `batch`, `records`, `unpack` read bytes that may be broken and say so; `stream`, `connection`, `link` move them;
//! `part` and `reader` know offsets. There is no consumer group to be a member of; `group` writes one's offsets for lag tools. Protocol: <https://kafka.apache.org/protocol>, Kafka 2.4 and later.

mod asks;
mod batch;
mod chunk;
mod connection;
mod directory;
mod fetch;
mod group;
mod intake;
mod link;
mod look;
mod part;
mod reader;
mod records;
mod scram;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod trouble;
mod unpack;
mod waiting;
mod wire;

pub use settings::{Unfit, unfit};

use self::connection::Connection;
use self::directory::Directory;
use self::fetch::Topic;
use self::group::GroupWriter;
use self::reader::{NativeReader, Parts};
use self::settings::Settings;
use super::groups::Confirmed;
use super::places::{self, Found};
use super::{Assignment, KafkaSettings, Partition, Reader, Source, SourceError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Reads bytes as a broker's answer and as record batches, and forgets what came of it: for the fuzz target alone.
#[doc(hidden)]
pub fn read_anything(bytes: &[u8]) {
    for version in 11..=16 {
        let _ = fetch::answers(wire::Fields::new(bytes, false), version);
    }
    let _ = asks::metadata(wire::Fields::new(bytes, true), 12);
    let _ = asks::offsets(wire::Fields::new(bytes, true), 7);
    let _ = batch::reach(bytes, 0..bytes.len(), 0, -1);
    let mut chunk = chunk::Chunk::new(Arc::new(bytes.to_vec()), 0..bytes.len(), Some(Vec::new()), 0);
    let mut from = 0;
    while let Ok(Some(taken)) = chunk.take((from, i64::MAX), 100) {
        let Some(next) = taken.next else { break };
        from = next;
    }
}

/// A topic whose partitions, leaders and ends are known.
pub(super) struct NativeSource {
    settings: KafkaSettings,
    own: Settings,
    topic: Topic,
    directory: Arc<Directory>,
    found: Vec<Found>,
    partitions: Vec<Partition>,
    /// Connections from the first look, for the first reader.
    connections: Mutex<BTreeMap<i32, Connection>>,
    /// Tells the group's offsets, where that is wanted.
    group: Option<Confirmed>,
}

impl NativeSource {
    /// See [`super::connect`].
    pub(super) fn connect(settings: &KafkaSettings) -> Result<Self, SourceError> {
        let own = Settings::read(settings)?;
        let seen = look::look(settings, &own)?;
        let interval = settings.metadata_interval;
        let directory = Directory::start(&settings.topic, &own, &seen.metadata, interval, seen.first);
        let topic = Topic { name: settings.topic.clone(), id: directory.picture().topic_id };
        let partitions = places::partitions(settings, &seen.found, topic.id);
        let group = settings.group.as_ref().map(|group| {
            let writer = GroupWriter::new(group, &settings.topic, &own, &directory);
            Confirmed::start(group, Box::new(writer))
        });
        Ok(Self {
            settings: settings.clone(),
            own,
            topic,
            directory,
            found: seen.found,
            partitions,
            connections: Mutex::new(seen.connections),
            group,
        })
    }
}

impl Source for NativeSource {
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
        let places = places::places(&self.settings, &self.found, assigned)?;
        let connections = std::mem::take(&mut *self.connections.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Box::new(NativeReader::new(Parts {
            topic: self.topic.clone(),
            settings: self.own.clone(),
            directory: Arc::clone(&self.directory),
            grown_from: places::looks_for_growth(&self.settings, &places).then_some(self.found.len()),
            places: &places,
            connections,
            clock: self.settings.clock,
        })))
    }
}
