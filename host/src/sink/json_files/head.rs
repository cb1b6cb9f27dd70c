//! The head of a row read back: which window it is of, and which revision. The inverse of `row::push_head`, and as strict: what it
//! takes is what that writes, to the byte. Knows nothing of what comes after the head.

use super::super::row::push_head;

/// Longer than any instant: `-290308-12-21T19:59:05.224192Z`.
const INSTANT_BYTES_MAX: usize = 32;

/// A row's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) revision: u64,
}

/// The head of a line without its line end; `None` where the line is none of ours.
pub(super) fn parse(line: &[u8]) -> Option<Head> {
    let rest = line.strip_prefix(b"{\"window\":{\"start\":\"")?;
    let (start_us, rest) = instant(rest)?;
    let rest = rest.strip_prefix(b",\"end\":\"")?;
    let (end_us, rest) = instant(rest)?;
    let rest = rest.strip_prefix(b"}")?;
    let (revision, rest) = match rest.strip_prefix(b",\"revision\":") {
        Some(rest) => number(rest)?,
        None => (0, rest),
    };
    let whole = rest.starts_with(b",") && rest.ends_with(b"}");
    let head = Head { start_us, end_us, revision };
    // Written again it must be the same bytes: leading zeros, a 30th of February, `+2020`, a fraction of other length end here.
    let mut again = Vec::with_capacity(128);
    push_head(&mut again, start_us, end_us, revision);
    (whole && line[..line.len() - rest.len()] == *again).then_some(head)
}

/// An instant and the quote after it.
fn instant(text: &[u8]) -> Option<(i64, &[u8])> {
    let end = text.iter().take(INSTANT_BYTES_MAX).position(|byte| *byte == b'"')?;
    let (instant, rest) = (&text[..end], &text[end + 1..]);
    let (sign, instant) = match instant.first()? {
        b'+' => (1, &instant[1..]),
        b'-' => (-1, &instant[1..]),
        _ => (1, instant),
    };
    let year_digits = instant.iter().position(|byte| *byte == b'-')?;
    let (year, instant) = (sign * digits(&instant[..year_digits])?, &instant[year_digits..]);
    let (head, fraction) = instant.split_at_checked("-09-18T10:55:00.".len())?;
    let part = |at: usize| digits(&head[at..at + 2]);
    let (month, day, hour, minute, second) = (part(1)?, part(4)?, part(7)?, part(10)?, part(13)?);
    let fraction = fraction.strip_suffix(b"Z")?;
    let scale = if fraction.len() == 3 { 1_000 } else { 1 };
    let seconds = ((days(year, month, day)? * 24 + hour) * 60 + minute) * 60 + second;
    let us = i128::from(seconds) * 1_000_000 + i128::from(digits(fraction)? * scale);
    Some((i64::try_from(us).ok()?, rest))
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`: eras of 400 years, years from March.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    Some(year.div_euclid(400) * 146_097 + of_era - 719_468)
}

/// Some digits and nothing else; few enough that sums of them stay far from the limits.
fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 7 {
        return None;
    }
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// A number and what comes after it.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests;
