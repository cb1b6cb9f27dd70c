//! Instants as text: RFC 3339 in UTC, over the whole range of 64-bit microseconds.
//!
//! Own arithmetic, because date crates end at year 9999 and a window may end after it or begin before year 1. Years 0 to
//! 9999 have four digits; later ones a plus sign (`+10000-01-01…`), earlier ones a minus sign and six digits
//! (`-000001-12-31…`). Knows nothing of rows and files.

use std::io::Write;

pub(super) const SECONDS_A_DAY: i64 = 86_400;
pub(super) const MICROS_A_SECOND: i64 = 1_000_000;

/// How many digits follow the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fraction {
    /// None: `10:50:00Z`.
    None,
    /// Milliseconds: `10:50:00.000Z`.
    Millis,
    /// Microseconds: `10:50:00.000000Z`.
    Micros,
}

/// Appends an instant of microseconds as rows have it: `2020-09-18T10:55:00.000Z`, with six digits after the point
/// only where three would lose some.
pub(super) fn push_micros(out: &mut Vec<u8>, us: i64) {
    let micros = us.rem_euclid(MICROS_A_SECOND);
    let fraction = if micros % 1_000 == 0 { Fraction::Millis } else { Fraction::Micros };
    push(out, us.div_euclid(MICROS_A_SECOND), micros, ':', fraction);
}

/// Appends an instant of milliseconds, with three digits after the point.
pub(super) fn push_millis(out: &mut Vec<u8>, ms: i64) {
    push(out, ms.div_euclid(1_000), ms.rem_euclid(1_000) * 1_000, ':', Fraction::Millis);
}

/// Appends an instant of microseconds for a file name: `2020-09-18T10-50-00Z`; a colon is not for names.
pub(super) fn push_file_name(out: &mut Vec<u8>, us: i64, fraction: Fraction) {
    push(out, us.div_euclid(MICROS_A_SECOND), us.rem_euclid(MICROS_A_SECOND), '-', fraction);
}

fn push(out: &mut Vec<u8>, seconds: i64, micros: i64, colon: char, fraction: Fraction) {
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_A_DAY));
    let of_day = seconds.rem_euclid(SECONDS_A_DAY);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let sign = if year > 9_999 { "+" } else { "" };
    let width = if year < 0 { 7 } else { 4 };
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "{sign}{year:0width$}-{month:02}-{day:02}T{hour:02}{colon}{minute:02}{colon}{second:02}");
    let _ = match fraction {
        Fraction::None => write!(out, "Z"),
        Fraction::Millis => write!(out, ".{:03}Z", micros / 1_000),
        Fraction::Micros => write!(out, ".{micros:06}Z"),
    };
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic Gregorian calendar.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`: eras of 400 years, years from March.
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    let from_march_0 = days + 719_468;
    let era = from_march_0.div_euclid(146_097);
    let of_era = from_march_0.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(us: i64) -> String {
        let mut out = Vec::new();
        push_micros(&mut out, us);
        String::from_utf8(out).unwrap()
    }

    fn name(us: i64, fraction: Fraction) -> String {
        let mut out = Vec::new();
        push_file_name(&mut out, us, fraction);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn instants_of_rows() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (-1_000, "1969-12-31T23:59:59.999Z"),
            (1_600_426_500_000_000, "2020-09-18T10:55:00.000Z"),
            (1_600_426_500_000_250, "2020-09-18T10:55:00.000250Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z"),
            (-62_135_596_800_000_001, "0000-12-31T23:59:59.999999Z"),
            (-62_167_219_200_000_000, "0000-01-01T00:00:00.000Z"),
            (-62_167_219_260_000_000, "-000001-12-31T23:59:00.000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "+10000-01-01T00:00:00.000Z"),
            (i64::MAX, "+294247-01-10T04:00:54.775807Z"),
            (i64::MIN, "-290308-12-21T19:59:05.224192Z"),
        ] {
            assert_eq!(row(us), text);
        }
    }

    #[test]
    fn instants_of_file_names() {
        let half_past = 1_600_426_200_500_000;
        assert_eq!(name(half_past, Fraction::None), "2020-09-18T10-50-00Z");
        assert_eq!(name(half_past, Fraction::Millis), "2020-09-18T10-50-00.500Z");
        assert_eq!(name(half_past, Fraction::Micros), "2020-09-18T10-50-00.500000Z");
        assert_eq!(name(253_402_300_800_000_000, Fraction::None), "+10000-01-01T00-00-00Z");
    }

    #[test]
    fn any_milliseconds_have_a_text() {
        let mut out = Vec::new();
        push_millis(&mut out, i64::MIN);
        out.push(b' ');
        push_millis(&mut out, i64::MAX);
        assert_eq!(String::from_utf8(out).unwrap(), "-292275055-05-16T16:47:04.192Z +292278994-08-17T07:12:55.807Z");
    }

    proptest! {
        /// jiff is the oracle where it can be: years 1 to 9999.
        #[test]
        fn agrees_with_jiff(us in -62_135_596_800_000_000_i64..253_402_207_200_000_000) {
            let text = row(us);
            prop_assert_eq!(text.parse::<jiff::Timestamp>().unwrap(), jiff::Timestamp::from_microsecond(us).unwrap());
        }
    }
}
