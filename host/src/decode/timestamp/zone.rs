//! Zones: what to take from a local time to get UTC. A local time that exists twice is the earlier, one that never existed moves
//! forward by the gap. The rules come from the bundled IANA database, the same on every machine.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::ops::Range;

/// A zone.
#[derive(Debug)]
pub(super) enum Zone {
    Fixed { offset_s: i32 },
    Named(Box<Named>),
}

/// A zone by IANA name, with a stretch of local time in which its offset is known not to change.
#[derive(Debug)]
pub(super) struct Named {
    zone: TimeZone,
    /// Local seconds between two transitions.
    known: Range<i64>,
    known_offset_s: i32,
}

/// No local time this far from a transition is ambiguous or missing: offsets jump by a day at the most (Samoa, 2011).
const MARGIN_S: i64 = 2 * 86_400;

impl Zone {
    pub(super) fn utc() -> Self {
        Self::Fixed { offset_s: 0 }
    }

    /// `UTC`, `Z`, a fixed offset such as `+02:00`, or an IANA name.
    pub(super) fn new(name: &str) -> Result<Self, String> {
        if matches!(name, "UTC" | "Z") {
            return Ok(Self::utc());
        }
        if name.starts_with(['+', '-']) {
            let fixed = offset(name.as_bytes(), true).or_else(|| offset(name.as_bytes(), false));
            return match fixed {
                Some((offset_s, len)) if len == name.len() => Ok(Self::Fixed { offset_s }),
                _ => Err(format!("`{name}` is not an offset; write it as `+02:00`")),
            };
        }
        match TimeZone::get(name) {
            Ok(zone) => Ok(Self::Named(Box::new(Named { zone, known: 0..0, known_offset_s: 0 }))),
            Err(_) => Err(format!(
                "`{name}` is not a zone; write an IANA name such as `Europe/Berlin`, or an offset such as `+02:00`"
            )),
        }
    }

    /// The offset from UTC at a local time in the years 1 to 9999.
    #[inline]
    pub(super) fn offset_s(&mut self, civil_s: i64) -> i32 {
        match self {
            Self::Fixed { offset_s } => *offset_s,
            Self::Named(named) => named.offset_s(civil_s),
        }
    }
}

impl Named {
    #[inline]
    fn offset_s(&mut self, civil_s: i64) -> i32 {
        if self.known.contains(&civil_s) { self.known_offset_s } else { self.look_up(civil_s) }
    }

    fn look_up(&mut self, civil_s: i64) -> i32 {
        // In a gap and in a fold alike the offset before the transition is the one that the rules ask for.
        let found = match self.zone.to_ambiguous_timestamp(date_time(civil_s)).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
        };
        self.remember(civil_s, found.seconds());
        found.seconds()
    }

    /// Widens what is known to the transitions around, unless one is too near.
    fn remember(&mut self, civil_s: i64, offset_s: i32) {
        let since_s = civil_s - i64::from(offset_s);
        let (Ok(at), Ok(just_after)) = (Timestamp::from_second(since_s), Timestamp::from_second(since_s + 1)) else {
            return;
        };
        let local_s = |transition: Timestamp| transition.as_second() + i64::from(offset_s);
        // jiff's transitions before a time leave out the one at it.
        let before =
            self.zone.preceding(just_after).next().map_or(i64::MIN, |found| local_s(found.timestamp()) + MARGIN_S);
        let after = self.zone.following(at).next().map_or(i64::MAX, |found| local_s(found.timestamp()) - MARGIN_S);
        if (before..after).contains(&civil_s) {
            (self.known, self.known_offset_s) = (before..after, offset_s);
        }
    }
}

/// `civil_s` lies in the years 1 to 9999, which jiff's civil range covers.
fn date_time(civil_s: i64) -> DateTime {
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    epoch.saturating_add(SignedDuration::from_secs(civil_s))
}

/// Reads an offset, `+02:00` with `colon` or `+0200` without, from the start of a text: seconds and its length. Hours to 23,
/// minutes to 59.
pub(super) fn offset(text: &[u8], colon: bool) -> Option<(i32, usize)> {
    let minutes_at = if colon { 4 } else { 3 };
    let len = minutes_at + 2;
    let text = text.get(..len)?;
    let sign = match text[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    if colon && text[3] != b':' {
        return None;
    }
    let (hours, minutes) =
        (super::civil::two(text[1], text[2])?, super::civil::two(text[minutes_at], text[minutes_at + 1])?);
    (hours < 24 && minutes < 60).then(|| (sign * (hours * 3_600 + minutes * 60) as i32, len))
}
