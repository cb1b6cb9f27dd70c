//! Where each partition begins and ends in this run: from what was found at connecting, the settings and the checkpoint.

use super::lost::Loss;
use super::{Assignment, KafkaSettings, KafkaStart, OLDEST, Partition, SourceError, lost, words};
use std::collections::BTreeMap;

/// A partition as it was at connecting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Its id.
    pub(super) id: i32,
    /// The oldest offset that is kept.
    pub(super) low: i64,
    /// The offset that the next readable record was to get.
    pub(super) high: i64,
    /// Where to begin without a checkpoint.
    pub(super) start: i64,
}

/// A partition to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Its place in `Source::partitions`.
    pub(super) partition: u32,
    /// Its id in the topic.
    pub(super) id: i32,
    /// The first offset to read.
    pub(super) begin: i64,
    /// Begin at the oldest record that is kept, also where retention has moved on since `begin` was looked up: nobody has asked
    /// for what is gone.
    pub(super) is_oldest: bool,
    /// The first offset not to read; `None`: without end.
    pub(super) end: Option<i64>,
    /// The leader's epoch of the last record before `begin`, from the checkpoint.
    pub(super) epoch: Option<i32>,
    /// What is gone before anything was read, to be told first.
    pub(super) lost: Option<Loss>,
}

/// The partitions as the pipeline knows them; `topic_id` is zeros where the broker is too old to know ids.
pub(super) fn partitions(settings: &KafkaSettings, found: &[Found], topic_id: [u8; 16]) -> Vec<Partition> {
    let partition = |found: &Found| Partition {
        name: settings.topic.clone(),
        id: found.id,
        records: settings.bounded.then(|| u64::try_from(found.high - found.start).unwrap_or(0)),
        begin: (settings.start != KafkaStart::Earliest).then_some(found.start),
        end: Some(found.high),
        bytes: None,
        identity: (topic_id != [0; 16]).then(|| words::topic_id(topic_id)),
    };
    found.iter().map(partition).collect()
}

/// Where a reader of these begins and ends.
///
/// # Errors
/// `Lost`, for an offset that the partition does not have.
pub(super) fn places(
    settings: &KafkaSettings,
    found: &[Found],
    assigned: &[Assignment],
) -> Result<Vec<Place>, SourceError> {
    let place = |assignment: &Assignment| {
        let found = found.get(assignment.partition as usize).ok_or_else(|| {
            let (place, count) = (assignment.partition, found.len());
            SourceError::Setting(format!("there is no partition {place}; topic {} has {count}", settings.topic))
        })?;
        let offset = assignment.offset.filter(|offset| *offset != OLDEST);
        let oldest = assignment.offset == Some(OLDEST);
        // Without a bound the end has moved since; the broker judges when the first fetch comes.
        let high = if settings.bounded { found.high } else { i64::MAX };
        let lost = match offset {
            Some(offset) => lost::check(settings, found.id, offset, (found.low, high))?,
            None => None,
        };
        let offset = lost.map(|lost| lost.next()).or(offset);
        Ok(Place {
            partition: assignment.partition,
            id: found.id,
            begin: offset.unwrap_or(if oldest { found.low } else { found.start }),
            is_oldest: oldest || (assignment.offset.is_none() && settings.start == KafkaStart::Earliest),
            end: settings.bounded.then_some(found.high),
            epoch: assignment.epoch.filter(|_| offset.is_some() && lost.is_none()),
            lost,
        })
    };
    assigned.iter().map(place).collect()
}

/// Partition ids in place of places.
pub(super) fn by_id(found: &[Found], offsets: &[(u32, i64)]) -> BTreeMap<i32, i64> {
    offsets.iter().filter_map(|(place, next)| Some((found.get(*place as usize)?.id, *next))).collect()
}

/// Whether this reader is the one that looks for new partitions: the one that has the first.
pub(super) fn looks_for_growth(settings: &KafkaSettings, places: &[Place]) -> bool {
    !settings.bounded && places.iter().any(|place| place.partition == 0)
}

/// Kafka's timestamps are whole milliseconds: the first at or after the microsecond.
pub(super) fn ceil_ms(us: i64) -> i64 {
    (us.div_euclid(1000) + i64::from(us.rem_euclid(1000) > 0)).max(0)
}
