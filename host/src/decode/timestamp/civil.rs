//! Dates and clock times without a zone: the arithmetic of the proleptic Gregorian calendar and the `YYYY?MM?DD?HH?MM?SS` head that most
//! timestamps begin with.

/// Bytes of the head.
pub(super) const HEAD_LEN: usize = 19;

/// The minute that was last read: streams mostly stay in it.
#[derive(Debug, Default)]
pub(super) struct MinuteCache {
    /// The head up to the minute, 16 bytes.
    text: Option<u128>,
    civil_s: i64,
}

/// The single bytes between year, month, day, hour, minute and second.
pub(super) type Separators = [u8; 5];

impl MinuteCache {
    /// Reads a head: seconds since 1970-01-01T00:00:00 of the same clock.
    #[inline]
    pub(super) fn head_s(&mut self, head: &[u8; HEAD_LEN], separators: &Separators) -> Option<i64> {
        let mut minute = [0; 16];
        minute.copy_from_slice(&head[..16]);
        let text = Some(u128::from_le_bytes(minute));
        if text != self.text {
            self.civil_s = minute_s(&minute, separators)?;
            self.text = text;
        }
        let second = two(head[17], head[18])?;
        (head[16] == separators[4] && second < 60).then_some(self.civil_s + i64::from(second))
    }
}

/// The minute that was last read in a zone of one offset, in a form of the head alone.
#[derive(Debug)]
pub(super) struct KnownMinute {
    /// The head up to the separator before the second.
    text: [u8; 17],
    /// Of its first second. The whole minute lies in the years that a timestamp may: offsets are whole minutes.
    micros: i64,
}

impl KnownMinute {
    /// The minute of a head that is a timestamp.
    pub(super) fn new(head: &[u8; HEAD_LEN], micros: i64) -> Option<Self> {
        let second = two(head[17], head[18])?;
        Some(Self { text: *head.first_chunk()?, micros: micros - i64::from(second) * 1_000_000 })
    }

    /// The timestamp that a text writes, if it is of this minute.
    #[inline(always)]
    pub(super) fn micros(&self, text: &[u8]) -> Option<i64> {
        let head: &[u8; HEAD_LEN] = text.as_array()?;
        let same = head.first_chunk::<16>() == self.text.first_chunk::<16>() && head[16] == self.text[16];
        let second = two(head[17], head[18]).filter(|second| same && *second < 60)?;
        Some(self.micros + i64::from(second) * 1_000_000)
    }
}

fn minute_s(text: &[u8; 16], separators: &Separators) -> Option<i64> {
    if [text[4], text[7], text[10], text[13]] != separators[..4] {
        return None;
    }
    let year = two(text[0], text[1])? * 100 + two(text[2], text[3])?;
    let days = days(year, two(text[5], text[6])?, two(text[8], text[9])?)?;
    let (hour, minute) = (two(text[11], text[12])?, two(text[14], text[15])?);
    (hour < 24 && minute < 60).then(|| days * 86_400 + i64::from(hour * 3_600 + minute * 60))
}

/// Two digits.
#[inline]
pub(super) fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Days since 1970-01-01 of a date in the years 1 to 9999. Formula: Howard Hinnant, "chrono-compatible low-level date algorithms",
/// `days_from_civil`.
pub(super) fn days(year: u32, month: u32, day: u32) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let shifted = i64::from(year) - i64::from(month <= 2);
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Days since 1970-01-01 of a day of the year, from 1.
pub(super) fn days_of_year(year: u32, day: u32) -> Option<i64> {
    let first = days(year, 1, 1)?;
    (1..=365 + u32::from(is_leap(year))).contains(&day).then(|| first + i64::from(day) - 1)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
