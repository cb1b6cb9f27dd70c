//! Writes a group's offsets as a consumer that is no member of it (generation -1): asks who coordinates the group, and tells that broker.
//!
//! Sources: Kafka's protocol guide, "FindCoordinator API" (versions 1 to 3) and "OffsetCommit API" (5 to 8). Everything here blocks, until a
//! deadline; it runs on the thread of `groups`.

use super::asks::Address;
use super::connection::{Connection, ConnectionError};
use super::directory::Directory;
use super::settings::Settings;
use super::wire::{Fields, Malformed};
use crate::source::kafka::groups::{Writer, Written, judge};
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{FindCoordinatorRequest, GroupId, OffsetCommitRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Writes one group's offsets of one topic.
pub(super) struct GroupWriter {
    group: String,
    topic: String,
    settings: Settings,
    directory: Arc<Directory>,
    /// The connection to the group's coordinator, once it is known.
    coordinator: Option<Connection>,
    /// Which broker to ask next for the coordinator.
    turn: usize,
}

impl GroupWriter {
    pub(super) fn new(group: &str, topic: &str, settings: &Settings, directory: &Arc<Directory>) -> Self {
        Self {
            group: group.to_owned(),
            topic: topic.to_owned(),
            settings: settings.clone(),
            directory: Arc::clone(directory),
            coordinator: None,
            turn: 0,
        }
    }

    /// Looks the coordinator up at one broker, another one each time, and connects to it.
    fn find(&mut self, until: Instant) -> Result<Written, ConnectionError> {
        let addresses = self.directory.addresses();
        let address = &addresses[self.turn % addresses.len()];
        self.turn += 1;
        let mut asked = Connection::open(address, &self.settings, until)?;
        let version = asked.versions.of::<FindCoordinatorRequest>(1, 3)?;
        let request = FindCoordinatorRequest::default().with_key(text(&self.group));
        let (error, found) = asked.ask(&request, version, until, coordinator)?;
        let verdict = judge(&self.group, error);
        if verdict == Written::Done {
            self.coordinator = Some(Connection::open(&found, &self.settings, until)?);
        }
        Ok(verdict)
    }

    fn commit(&mut self, offsets: &BTreeMap<i32, i64>, until: Instant) -> Result<Written, ConnectionError> {
        if self.coordinator.is_none() {
            let found = self.find(until)?;
            if found != Written::Done {
                return Ok(found);
            }
        }
        let Some(coordinator) = &mut self.coordinator else { return Ok(Written::Done) };
        let version = coordinator.versions.of::<OffsetCommitRequest>(5, 8)?;
        let errors = coordinator.ask(&commit_request(&self.group, &self.topic, offsets), version, until, errors)?;
        let verdict = errors.into_iter().map(|error| judge(&self.group, error)).find(|one| *one != Written::Done);
        Ok(verdict.unwrap_or(Written::Done))
    }
}

impl Writer for GroupWriter {
    fn write(&mut self, offsets: &BTreeMap<i32, i64>, until: Instant) -> Written {
        let written = match self.commit(offsets, until) {
            Ok(written) => written,
            Err(ConnectionError::Io(error)) => Written::Passes(error.to_string()),
            Err(error) => Written::Refused(error.to_string()),
        };
        if written != Written::Done {
            // It may have moved, and an answer may still be on its way.
            self.coordinator = None;
        }
        written
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Error, and the broker that coordinates.
fn coordinator(fields: Fields<'_>, version: i16) -> Result<(i16, Address), Malformed> {
    let mut fields = fields.flexible(version >= 3);
    fields.int32()?; // throttling
    let error = fields.int16()?;
    fields.text()?; // the error in words
    fields.int32()?; // the broker's id
    let host = fields.text()?.to_owned();
    // -1 beside an error.
    Ok((error, Address { host, port: u16::try_from(fields.int32()?).unwrap_or(0) }))
}

fn commit_request(group: &str, topic: &str, offsets: &BTreeMap<i32, i64>) -> OffsetCommitRequest {
    let partition = |(id, next): (&i32, &i64)| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(*id)
            .with_committed_offset(*next)
            .with_committed_metadata(Some(StrBytes::default()))
    };
    let topic = OffsetCommitRequestTopic::default()
        .with_name(TopicName(text(topic)))
        .with_partitions(offsets.iter().map(partition).collect());
    OffsetCommitRequest::default()
        .with_group_id(GroupId(text(group)))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic])
}

/// The error of each partition.
pub(super) fn errors(fields: Fields<'_>, version: i16) -> Result<Vec<i16>, Malformed> {
    let mut fields = fields.flexible(version >= 8);
    let mut errors = Vec::new();
    fields.int32()?; // throttling
    fields.list(|fields| {
        fields.text()?;
        fields.list(|fields| {
            fields.int32()?;
            errors.push(fields.int16()?);
            fields.no_tags()
        })?;
        fields.no_tags()
    })?;
    Ok(errors)
}
