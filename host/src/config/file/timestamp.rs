//! How a field's timestamps are written: strftime, RFC 3339 or a count since the epoch, and in which zone. Formats and zones are tried here, so
//! that decoding never meets one that can't work.

use crate::config::item::{Item, Text};
use crate::config::plan::TimestampPlan;
use crate::config::problem::Problem;
use jiff::fmt::strtime::{BrokenDownTime, format};
use jiff::tz::{TimeZone, db};
use jiff::{Timestamp, Zoned};

const FORMAT_HELP: &str =
    "write a strftime format such as \"%Y-%m-%d %H:%M:%S\", or \"rfc3339\", \"epoch_s\", \"epoch_ms\", \"epoch_us\"";

/// Two moments that between them show every part of a date that a format may lose: a two-digit day after noon and a one-digit one before.
const SAMPLES_US: [i64; 2] = [1_600_469_707_123_456, 4_000_000_000];

/// The form of a timestamp field; `format` is missing where it was not given.
pub fn plan(field: &str, place: &Item<'_>, form: Option<Item<'_>>, zone: Option<Item<'_>>) -> Option<TimestampPlan> {
    let Some(form) = form else {
        place.problem(
            format!("the timestamp `{field}` has no format"),
            format!("{FORMAT_HELP}: `{{ type = \"timestamp\", format = \"rfc3339\" }}`"),
        );
        return None;
    };
    let text = form.word("%Y-%m-%d %H:%M:%S")?;
    let fixed = match text.value.as_str() {
        "rfc3339" => TimestampPlan::Rfc3339,
        "epoch_s" => TimestampPlan::EpochSeconds,
        "epoch_ms" => TimestampPlan::EpochMillis,
        "epoch_us" => TimestampPlan::EpochMicros,
        _ => return strftime(&form, &text, zone),
    };
    if let Some(zone) = zone {
        no_zone(&zone, &text, &form);
        return None;
    }
    Some(fixed)
}

fn strftime(form: &Item<'_>, text: &Text, zone: Option<Item<'_>>) -> Option<TimestampPlan> {
    let near = form.reader.suggest(&text.value, ["rfc3339", "epoch_s", "epoch_ms", "epoch_us"].into_iter());
    if !text.value.contains('%') {
        let problem =
            Problem::new(text.place.clone(), format!("{} is no timestamp format", text.shown)).help(FORMAT_HELP);
        form.reader.push(match near {
            Some(near) => problem.label(format!("did you mean \"{near}\"?")),
            None => problem,
        });
        return None;
    }
    let has_offset = match tried(&text.value) {
        Ok(has_offset) => has_offset,
        Err(why) => {
            form.problem(format!("{} is no format that timestamps can be read with: {why}", text.shown), FORMAT_HELP);
            return None;
        }
    };
    let zone = match zone {
        Some(zone) if has_offset => {
            no_zone(&zone, text, form);
            return None;
        }
        Some(zone) => zone_name(&zone)?,
        None => "UTC".to_string(),
    };
    Some(TimestampPlan::Format { format: text.value.clone(), zone })
}

fn no_zone(zone: &Item<'_>, text: &Text, form: &Item<'_>) {
    let problem = Problem::new(zone.place.clone(), format!("`zone` says nothing where the format is {}", text.shown));
    let problem = problem.label("never looked at").other(form.place.clone(), "such a timestamp is a moment by itself");
    zone.reader.push(problem.help("leave `zone` out"));
}

/// Writes samples with the format and reads them back: whether it holds an offset, or why it can't be used.
fn tried(typed: &str) -> Result<bool, String> {
    let mut has_offset = false;
    for us in SAMPLES_US {
        let sample = Timestamp::from_microsecond(us).map_err(|error| error.to_string())?.to_zoned(TimeZone::UTC);
        let written = format(typed, &sample).map_err(|error| error.to_string())?;
        let read = BrokenDownTime::parse(typed, &written).map_err(|error| error.to_string())?;
        has_offset = read.offset().is_some() || read.timestamp().is_some() || read.iana_time_zone().is_some();
        same(&read, &sample)?;
    }
    Ok(has_offset)
}

/// Whether the date came through, and the hour where there is a time; seconds and less may be left out.
fn same(read: &BrokenDownTime, sample: &Zoned) -> Result<(), String> {
    if read.timestamp().is_some() {
        return Ok(());
    }
    // A date alone is midnight; minutes without an hour are a mistake.
    let at = match (read.hour(), read.minute(), read.second()) {
        (None, None, None) => read.to_date().map(|date| date.at(0, 0, 0, 0)),
        _ => read.to_datetime(),
    };
    let at = at.map_err(|error| error.to_string())?;
    if at.date() != sample.date() {
        return Err("it loses part of the date".to_string());
    }
    if read.hour().is_some() && at.hour() != sample.hour() {
        return Err("it loses half of the day; with `%I` goes `%p`".to_string());
    }
    Ok(())
}

/// The name as the zone database knows it, or a fixed offset.
fn zone_name(item: &Item<'_>) -> Option<String> {
    let text = item.word("UTC")?;
    if is_offset(&text.value) {
        return Some(text.value);
    }
    let zone = db().get(&text.value).ok().filter(|zone| !zone.is_unknown());
    if let Some(name) = zone.as_ref().and_then(TimeZone::iana_name) {
        return Some(name.to_string());
    }
    let names: Vec<String> = db().available().map(|name| name.as_str().to_string()).collect();
    let problem = Problem::new(text.place.clone(), format!("there is no time zone {}", text.shown));
    let problem = problem.help("write \"UTC\", a name such as \"Europe/London\", or an offset such as \"+02:00\"");
    item.reader.push(match item.reader.suggest(&text.value, names.iter().map(String::as_str)) {
        Some(near) => problem.label(format!("did you mean \"{near}\"?")),
        None => problem,
    });
    None
}

/// `+02:00`, `-05:30`: up to 23:59 either way.
fn is_offset(text: &str) -> bool {
    let bytes = text.as_bytes();
    let two = |at: usize, max: u8| match bytes.get(at..at + 2) {
        Some([tens @ b'0'..=b'9', ones @ b'0'..=b'9']) => (tens - b'0') * 10 + (ones - b'0') <= max,
        _ => false,
    };
    bytes.len() == 6 && matches!(bytes[0], b'+' | b'-') && two(1, 23) && bytes[3] == b':' && two(4, 59)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_work() {
        for (text, has_offset) in [
            ("%Y-%m-%d %H:%M:%S", false),
            ("%Y-%m-%dT%H:%M:%S%.f", false),
            ("%d/%m/%Y %I:%M %p", false),
            ("%Y%m%d", false),
            ("%F %T", false),
            ("%F %R", false),
            ("%y%j %H%M", false),
            ("%Y-%m-%d %H:%M:%S%z", true),
            ("%Y-%m-%dT%H:%M:%S%:z", true),
            ("%F %T %Q", true),
            ("%s", true),
            ("%d %b %Y, %H:%M", false),
        ] {
            assert_eq!(tried(text), Ok(has_offset), "{text}");
        }
    }

    #[test]
    fn formats_that_do_not() {
        for text in [
            "%H:%M:%S",
            "%Y-%m %H:%M",
            "%Y-%m-%d %I:%M",
            "%m/%d %H:%M",
            "%Y-%m-%d %",
            "%Y-%m-%d %E",
            "%c",
            "%Y-%m-%d %M:%S",
            "%Z %F",
        ] {
            assert!(tried(text).is_err(), "{text}: {:?}", tried(text));
        }
    }

    #[test]
    fn offsets() {
        for text in ["+02:00", "-05:30", "+00:00", "-23:59"] {
            assert!(is_offset(text), "{text}");
        }
        for text in ["02:00", "+2:00", "+0200", "+24:00", "+02:60", "+02:00:00", "+0é:0", ""] {
            assert!(!is_offset(text), "{text}");
        }
    }
}
