//! Durations and sizes with units: `1h30m`, `64MiB`. Pure: text in, number out; knows neither keys nor places.

/// Microseconds of each unit of time, largest first: also the order in which they are written.
const TIME_UNITS: [(&str, i64); 6] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1)];

/// Bytes of each unit of size. Powers of ten and of two, told apart as in IEC 80000-13.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// The longest duration: 100 years of 365 days, microseconds. Sums of a few of these and any timestamp up to year 9999 fit 64 bits.
pub const DURATION_MAX_US: i64 = 36_500 * 86_400_000_000;

/// The largest size: 1 TiB.
pub const SIZE_BYTES_MAX: u64 = 1 << 40;

/// Why a text is not a quantity, as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitError {
    /// A number and nothing after it.
    NoUnit(String),
    /// A unit that is none of ours.
    UnknownUnit(String),
    /// A sign before the number.
    Negative,
    /// More than 64 bits, or than the cap.
    TooLarge,
    /// Units that repeat or rise: `5m1h`.
    Order,
    /// Anything else.
    Malformed,
}

/// A duration in microseconds: whole numbers with `d`, `h`, `m`, `s`, `ms`, `us`, the larger units first, each at most once.
pub fn duration_us(text: &str) -> Result<i64, UnitError> {
    let mut rest = unsigned(text)?;
    let mut total: i64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let (number, unit, after) = quantity(rest)?;
        let place = TIME_UNITS.iter().position(|(name, _)| *name == unit);
        let place = place.ok_or_else(|| UnitError::UnknownUnit(unit.to_string()))?;
        if place < next_unit {
            return Err(UnitError::Order);
        }
        next_unit = place + 1;
        let part = i64::try_from(number).ok().and_then(|number| number.checked_mul(TIME_UNITS[place].1));
        total = part.and_then(|part| total.checked_add(part)).ok_or(UnitError::TooLarge)?;
        rest = after;
    }
    if total > DURATION_MAX_US { Err(UnitError::TooLarge) } else { Ok(total) }
}

/// A size in bytes: one whole number with `B`, `KiB`, `MiB`, `GiB`, `TiB`, `kB` (also `KB`), `MB` or `GB`.
pub fn size_bytes(text: &str) -> Result<u64, UnitError> {
    let (number, unit, rest) = quantity(unsigned(text)?)?;
    if !rest.is_empty() {
        return Err(UnitError::Malformed);
    }
    let (_, factor) =
        SIZE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| UnitError::UnknownUnit(unit.to_string()))?;
    let bytes = number.checked_mul(*factor).ok_or(UnitError::TooLarge)?;
    if bytes > SIZE_BYTES_MAX { Err(UnitError::TooLarge) } else { Ok(bytes) }
}

/// A duration as one would type it: `1h30m`, `0s`. Parses back to the same.
pub fn show_duration(us: i64) -> String {
    if us == 0 {
        return "0s".to_string();
    }
    let mut rest = us;
    let mut shown = String::new();
    for (unit, factor) in TIME_UNITS {
        if rest / factor != 0 {
            shown.push_str(&format!("{}{unit}", rest / factor));
        }
        rest %= factor;
    }
    shown
}

/// A size as one would type it: in the largest binary unit that leaves a whole number. Parses back to the same.
pub fn show_size(bytes: u64) -> String {
    let units = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1u64 << 10)];
    let fitting = units.iter().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    fitting.map_or_else(|| format!("{bytes}B"), |(unit, factor)| format!("{}{unit}", bytes / factor))
}

fn unsigned(text: &str) -> Result<&str, UnitError> {
    let text = text.trim();
    match text.as_bytes().first() {
        None => Err(UnitError::Malformed),
        Some(b'-') => Err(UnitError::Negative),
        Some(_) => Ok(text),
    }
}

/// A number, its unit, and what follows.
fn quantity(text: &str) -> Result<(u64, &str, &str), UnitError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (unit, rest) = rest.split_at(letters);
    match (number.is_empty(), unit.is_empty(), rest.is_empty()) {
        (false, true, true) => Err(UnitError::NoUnit(number.to_string())),
        (true, _, _) | (_, true, _) => Err(UnitError::Malformed),
        // Only overflow can fail here: all are digits.
        (false, false, _) => Ok((number.parse().map_err(|_| UnitError::TooLarge)?, unit, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_that_people_write() {
        for (text, us) in [
            ("10m", 600_000_000),
            ("1h", 3_600_000_000),
            ("500ms", 500_000),
            ("250us", 250),
            ("1h30m", 5_400_000_000),
            ("7d", 604_800_000_000),
            ("0s", 0),
            (" 2s ", 2_000_000),
            ("36500d", DURATION_MAX_US),
        ] {
            assert_eq!(duration_us(text), Ok(us), "{text}");
        }
    }

    #[test]
    fn durations_that_are_none() {
        for (text, error) in [
            ("10", UnitError::NoUnit("10".into())),
            ("", UnitError::Malformed),
            ("m", UnitError::Malformed),
            ("1.5h", UnitError::Malformed),
            ("10 m", UnitError::Malformed),
            ("10min", UnitError::UnknownUnit("min".into())),
            ("-5m", UnitError::Negative),
            ("30m1h", UnitError::Order),
            ("1h1h", UnitError::Order),
            ("36500d1us", UnitError::TooLarge),
            ("99999999999999999999s", UnitError::TooLarge),
            ("9223372036854775807d", UnitError::TooLarge),
            ("1h30", UnitError::NoUnit("30".into())),
        ] {
            assert_eq!(duration_us(text), Err(error), "{text}");
        }
    }

    #[test]
    fn sizes_on_both_sides() {
        for (text, bytes) in
            [("64MiB", 64 << 20), ("1GB", 1_000_000_000), ("512KiB", 512 << 10), ("0B", 0), ("1TiB", 1 << 40)]
        {
            assert_eq!(size_bytes(text), Ok(bytes), "{text}");
        }
        for (text, error) in [
            ("64", UnitError::NoUnit("64".into())),
            ("64M", UnitError::UnknownUnit("M".into())),
            ("64mib", UnitError::UnknownUnit("mib".into())),
            ("1.5GiB", UnitError::Malformed),
            ("1MiB1KiB", UnitError::Malformed),
            ("2TiB", UnitError::TooLarge),
            ("18446744073709551616B", UnitError::TooLarge),
            ("-1MiB", UnitError::Negative),
        ] {
            assert_eq!(size_bytes(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_duration_reads_back(us in 0..=DURATION_MAX_US) {
            prop_assert_eq!(duration_us(&show_duration(us)), Ok(us));
        }

        #[test]
        fn a_shown_size_reads_back(bytes in 0..=SIZE_BYTES_MAX, shift in 0u32..40) {
            for bytes in [bytes, (bytes >> shift) << shift] {
                prop_assert_eq!(size_bytes(&show_size(bytes)), Ok(bytes));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9dhmsuKMGTiB .+-]{0,24}|\\PC{0,12}") {
            if let Ok(us) = duration_us(&text) {
                prop_assert!((0..=DURATION_MAX_US).contains(&us));
            }
            if let Ok(bytes) = size_bytes(&text) {
                prop_assert!(bytes <= SIZE_BYTES_MAX);
            }
        }
    }
}
