//! Offsets that were to be read and are not there any more: which, how many, and how to go on knowingly. It knows offsets, no client.

use super::{KafkaSettings, LostOffsets, SourceError, words};
use crate::source::ReadEvent;

/// What a partition lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    id: i32,
    /// The first offset that is gone.
    from: i64,
    /// The offset after the last.
    until: i64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Before they were read.
    Deleted,
    /// After they were read: new records get their offsets.
    CutBack,
    /// The same, and there are no new ones yet.
    Beyond,
}

impl Loss {
    /// What partition `id` lacks, where `offset` is to be read and it holds `low` to just below `high`.
    pub(super) fn of(id: i32, offset: i64, (low, high): (i64, i64)) -> Option<Self> {
        if offset < low {
            return Some(Self { id, from: offset, until: low, kind: Kind::Deleted });
        }
        (offset > high).then_some(Self { kind: Kind::Beyond, ..Self::cut_back(id, high, offset) })
    }

    /// The log was cut back to `kept`, and was read up to `read`.
    pub(super) fn cut_back(id: i32, kept: i64, read: i64) -> Self {
        Self { id, from: kept, until: read, kind: Kind::CutBack }
    }

    /// The offset to go on at.
    pub(super) fn next(&self) -> i64 {
        match self.kind {
            Kind::Deleted => self.until,
            Kind::CutBack | Kind::Beyond => self.from,
        }
    }

    /// What a reader tells of it; `partition` is its place.
    pub(super) fn event(&self, partition: u32) -> ReadEvent {
        ReadEvent::Lost { partition, from: self.from, until: self.until, next: self.next() }
    }

    /// Itself, where the settings say to go on.
    ///
    /// # Errors
    /// `Lost`, where they say to stop.
    pub(super) fn or_stop(self, topic: &str, on_lost: LostOffsets) -> Result<Self, SourceError> {
        if on_lost == LostOffsets::Continue {
            return Ok(self);
        }
        let Self { id, from, until, .. } = self;
        let (last, count, next) = (until - 1, until - from, self.next());
        let told = match self.kind {
            Kind::Deleted => format!(
                "offsets {from} to {last} of topic {topic}, partition {id}, are gone, {count} at the most with a record: it now begins at \
                 {until}, so they were deleted (by retention, or by hand) before they were read; let the topic keep records for longer than \
                 a stop lasts"
            ),
            Kind::CutBack | Kind::Beyond => {
                let beyond = format!("offset {until} of topic {topic}, partition {id}, is beyond its end at {from}: ");
                format!(
                    "{}topic {topic}, partition {id}, has lost records that were read before, offsets {from} to {last}, {count} at the most \
                     with a record. A broker that did not have them became its leader (unclean.leader.election.enable), or the topic was \
                     made anew; what was counted of them can't be read again",
                    if self.kind == Kind::Beyond { beyond.as_str() } else { "" }
                )
            }
        };
        Err(SourceError::Lost(format!(
            "{told}. To go on at {next} without them, set [source] on_lost_offsets = \"continue\"; {}",
            words::ANEW
        )))
    }
}

/// Refuses an offset that the partition does not have, or says what it lacks where the settings say to go on.
///
/// # Errors
/// `Lost`, as [`Loss::or_stop`].
pub(super) fn check(
    settings: &KafkaSettings,
    id: i32,
    offset: i64,
    range: (i64, i64),
) -> Result<Option<Loss>, SourceError> {
    let loss = Loss::of(id, offset, range);
    loss.map(|loss| loss.or_stop(&settings.topic, settings.on_lost_offsets)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_checked_on_both_sides() {
        let text =
            |offset| Loss::of(3, offset, (10, 20)).unwrap().or_stop("t", LostOffsets::Stop).unwrap_err().to_string();
        assert!(text(7).starts_with(
            "offsets 7 to 9 of topic t, partition 3, are gone, 3 at the most with a record: it now begins at 10"
        ));
        assert!(text(7).contains("To go on at 10 without them"), "{}", text(7));
        assert!(text(21).starts_with("offset 21 of topic t, partition 3, is beyond its end at 20"));
        assert!(text(21).contains("offsets 20 to 20, 1 at the most") && text(21).contains("To go on at 20"));
        assert_eq!((Loss::of(3, 10, (10, 20)), Loss::of(3, 20, (10, 20))), (None, None));
    }

    #[test]
    fn going_on_is_told() {
        let go_on =
            |offset| Loss::of(3, offset, (10, 20)).unwrap().or_stop("t", LostOffsets::Continue).unwrap().event(1);
        assert!(matches!(go_on(7), ReadEvent::Lost { partition: 1, from: 7, until: 10, next: 10 }));
        assert!(matches!(go_on(25), ReadEvent::Lost { partition: 1, from: 20, until: 25, next: 20 }));
    }
}
