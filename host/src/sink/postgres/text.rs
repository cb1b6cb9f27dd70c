//! Values as PostgreSQL's COPY reads them: the one place that says how a number, a text or an instant looks there.
//!
//! What the types of PostgreSQL can't hold becomes the nearest that they can, so that one odd value never stops a pipeline: the
//! character U+0000 becomes U+FFFD, and an instant before 4714-11-24 BC becomes `-infinity`. Floats that are not finite stay what they
//! are: unlike JSON, PostgreSQL has words for them.

use crate::sink::cells::{Cells, push_decimal, push_float, push_int};
use crate::sink::instant::{MICROS_A_SECOND, SECONDS_A_DAY, civil};
use std::io::Write;
use std::ops::Range;
use weir_core::group::KeyValue;

/// Null.
pub(super) const NULL: &[u8] = br"\N";

/// The first instant that a `timestamptz` can hold: 4714-11-24 BC, the day 0 of Julian day numbers.
const INSTANT_MIN_US: i64 = -210_866_803_200_000_000;

/// Appends the cell of row `row`, which must be below the column's length.
pub(super) fn push_cell(out: &mut Vec<u8>, cells: &Cells<'_>, row: usize) {
    if cells.is_null(row) {
        return out.extend_from_slice(NULL);
    }
    match cells {
        Cells::Text(array) => push_text(out, array.value(row)),
        Cells::List(array, values) => {
            let offsets = array.value_offsets();
            let mut literal = Vec::new();
            push_list(&mut literal, values, offsets[row] as usize..offsets[row + 1] as usize);
            push_escaped(out, &literal);
        }
        plain => push_plain(out, plain, row),
    }
}

/// Appends a value of a group key.
pub(super) fn push_key(out: &mut Vec<u8>, value: &KeyValue) {
    match value {
        KeyValue::Null => out.extend_from_slice(NULL),
        KeyValue::Boolean(value) => push_boolean(out, *value),
        KeyValue::Int64(value) => push_int(out, *value),
        KeyValue::Float64(_) => push_number(out, value.as_f64().unwrap_or(f64::NAN)),
        KeyValue::Decimal(mantissa, scale) => push_decimal(out, *mantissa, *scale),
        KeyValue::Timestamp(us) => push_instant(out, *us),
        KeyValue::Text(text) => push_text(out, text),
    }
}

/// Appends a text so that COPY reads it back.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    push_escaped(out, text.as_bytes());
}

/// Appends an instant of microseconds in UTC: `2020-09-18 10:50:00+00`.
pub(super) fn push_instant(out: &mut Vec<u8>, us: i64) {
    if us < INSTANT_MIN_US {
        return out.extend_from_slice(b"-infinity");
    }
    let (seconds, micros) = (us.div_euclid(MICROS_A_SECOND), us.rem_euclid(MICROS_A_SECOND));
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_A_DAY));
    let of_day = seconds.rem_euclid(SECONDS_A_DAY);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    // The year before year 1 is 1 BC.
    let (shown, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "{shown:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
    if micros > 0 {
        let _ = write!(out, ".{micros:06}");
    }
    let _ = write!(out, "+00{era}");
}

/// A value in which nothing has to be escaped; lists have no lists within them.
fn push_plain(out: &mut Vec<u8>, cells: &Cells<'_>, row: usize) {
    match cells {
        Cells::Boolean(array) => push_boolean(out, array.value(row)),
        Cells::Int64(array) => push_int(out, array.value(row)),
        Cells::Float64(array) => push_number(out, array.value(row)),
        Cells::Decimal(array, scale) => push_decimal(out, array.value(row), *scale),
        Cells::Timestamp(array) => push_instant(out, array.value(row)),
        Cells::Text(_) | Cells::List(..) => debug_assert!(false, "a text and a list are to be escaped"),
    }
}

fn push_list(out: &mut Vec<u8>, values: &Cells<'_>, range: Range<usize>) {
    out.push(b'{');
    for (place, element) in range.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match values {
            _ if values.is_null(element) => out.extend_from_slice(b"NULL"),
            Cells::Text(array) => push_quoted(out, array.value(element).as_bytes()),
            Cells::Timestamp(array) => {
                let mut instant = Vec::new();
                push_instant(&mut instant, array.value(element));
                push_quoted(out, &instant);
            }
            plain => push_plain(out, plain, element),
        }
    }
    out.push(b'}');
}

/// An element of a list, in quotes.
fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'\\' => out.extend_from_slice(br"\\"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            other => out.push(other),
        }
    }
}

fn push_boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { b't' } else { b'f' });
}

fn push_number(out: &mut Vec<u8>, value: f64) {
    match value {
        _ if value.is_finite() => push_float(out, value),
        _ if value.is_nan() => out.extend_from_slice(b"NaN"),
        _ if value > 0.0 => out.extend_from_slice(b"Infinity"),
        _ => out.extend_from_slice(b"-Infinity"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, Float64Array, TimestampMicrosecondArray};
    use std::sync::Arc;

    fn cell(array: ArrayRef, row: usize) -> String {
        let mut out = Vec::new();
        push_cell(&mut out, &Cells::of(&array).unwrap(), row);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn instants_over_the_whole_range() {
        for (us, text) in [
            (0, "1970-01-01 00:00:00+00"),
            (1_600_426_500_000_250, "2020-09-18 10:55:00.000250+00"),
            (-62_135_596_800_000_000, "0001-01-01 00:00:00+00"),
            (-62_135_596_800_000_001, "0001-12-31 23:59:59.999999+00 BC"),
            (INSTANT_MIN_US, "4714-11-24 00:00:00+00 BC"),
            (INSTANT_MIN_US - 1, "-infinity"),
            (i64::MIN, "-infinity"),
            (i64::MAX, "294247-01-10 04:00:54.775807+00"),
        ] {
            assert_eq!(cell(Arc::new(TimestampMicrosecondArray::from(vec![us])), 0), text);
        }
    }

    #[test]
    fn floats_that_json_has_no_word_for() {
        let array: ArrayRef =
            Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1, 1e300]));
        let texts: Vec<String> = (0..5).map(|row| cell(Arc::clone(&array), row)).collect();
        assert_eq!(texts, ["NaN", "Infinity", "-Infinity", "0.1", "1e300"]);
    }

    #[test]
    fn a_text_in_a_list_is_escaped_for_the_list_and_for_copy() {
        let mut list = ListBuilder::new(StringBuilder::new());
        list.values().append_value("a\"b\\c\td\0");
        list.values().append_null();
        list.append(true);
        list.append(true);
        list.append(false);
        let array: ArrayRef = Arc::new(list.finish());
        assert_eq!(cell(Arc::clone(&array), 0), "{\"a\\\\\"b\\\\\\\\c\\td\u{fffd}\",NULL}");
        assert_eq!((cell(Arc::clone(&array), 1), cell(array, 2)), ("{}".to_owned(), "\\N".to_owned()));
    }
}
