//! Written timestamps to microseconds since 1970-01-01T00:00:00Z: exactly the declared form, years 1 to 9999 (as written and in
//! UTC), no second 60. Knows nothing of records.
//!
//! Digits below the microsecond are dropped, that is, time goes to the microsecond it lies in: never up into a later one, and so
//! never into a later window, whatever the form.

mod civil;
mod pattern;
mod zone;

use super::number::{Misfit, Number, Rounding};
use super::schema::TimestampForm;
use civil::{KnownMinute, MinuteCache};
use pattern::Pattern;
use zone::Zone;

/// 0001-01-01T00:00:00Z.
const MICROS_MIN: i64 = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999Z.
const MICROS_MAX: i64 = 253_402_300_799_999_999;

/// Reads the timestamps of one column. Remembers the last minute and the zone's last offset, for speed alone.
#[derive(Debug)]
pub(super) struct TimestampReader {
    form: Form,
    cache: MinuteCache,
    minute: Option<KnownMinute>,
}

#[derive(Debug)]
enum Form {
    Text { pattern: Pattern, zone: Zone },
    Number { scale: u8, rounding: Rounding },
}

/// What a written value lacks.
pub(super) const NOT_IN_FORM: &str = "not a timestamp of the declared form";
const OUT_OF_RANGE: &str = "timestamp out of the years 1 to 9999";
const NOT_WHOLE: &str = "not a whole number of microseconds";

impl TimestampReader {
    /// A reader for the form, or what is wrong with the form.
    pub(super) fn new(form: &TimestampForm) -> Result<Self, String> {
        let form = match form {
            TimestampForm::Format { format, zone } => {
                Form::Text { pattern: Pattern::new(format)?, zone: Zone::new(zone)? }
            }
            TimestampForm::Rfc3339 => Form::Text { pattern: Pattern::rfc3339(), zone: Zone::utc() },
            TimestampForm::EpochSeconds => Form::Number { scale: 6, rounding: Rounding::Floor },
            TimestampForm::EpochMillis => Form::Number { scale: 3, rounding: Rounding::Floor },
            TimestampForm::EpochMicros => Form::Number { scale: 0, rounding: Rounding::Exact },
        };
        Ok(Self { form, cache: MinuteCache::default(), minute: None })
    }

    /// Whether values are numbers; else they are texts.
    pub(super) fn takes_numbers(&self) -> bool {
        matches!(self.form, Form::Number { .. })
    }

    /// The timestamp that a text writes, if it lies in the minute that was last read and is written in the plainest form.
    #[inline(always)]
    pub(super) fn again(&self, text: &[u8]) -> Option<i64> {
        self.minute.as_ref()?.micros(text)
    }

    /// The timestamp that a text writes.
    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) -> Result<i64, &'static str> {
        let Form::Text { pattern, zone } = &mut self.form else {
            return Err(NOT_IN_FORM);
        };
        let read = pattern.read(text, &mut self.cache).ok_or(NOT_IN_FORM)?;
        let offset = match read.offset_s {
            Some(offset) => offset,
            None => zone.offset_s(read.civil_s),
        };
        let micros = in_range((read.civil_s - i64::from(offset)) * 1_000_000 + i64::from(read.micros))?;
        if let (Some(head), true, Zone::Fixed { .. }) = (text.as_array(), pattern.is_only_a_head(), zone) {
            self.minute = KnownMinute::new(head, micros);
        }
        Ok(micros)
    }

    /// The timestamp that a number writes.
    #[inline]
    pub(super) fn number(&self, number: &Number<'_>) -> Result<i64, &'static str> {
        let Form::Number { scale, rounding } = self.form else {
            return Err(NOT_IN_FORM);
        };
        match number.scaled(scale, rounding) {
            Ok(micros) => in_range(micros),
            Err(Misfit::OutOfRange) => Err(OUT_OF_RANGE),
            Err(Misfit::NotWhole) => Err(NOT_WHOLE),
        }
    }
}

fn in_range(micros: i64) -> Result<i64, &'static str> {
    if (MICROS_MIN..=MICROS_MAX).contains(&micros) { Ok(micros) } else { Err(OUT_OF_RANGE) }
}

#[cfg(test)]
mod tests;
