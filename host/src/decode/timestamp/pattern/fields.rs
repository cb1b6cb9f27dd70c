//! Matches the items of a format against a text, one by one, and puts the fields together.

use super::{FRACTION_DIGITS_MAX, Item, Padding, Part, Read, zone};
use crate::decode::timestamp::civil;

/// The names as strftime writes them, in the C locale.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// From Thursday: 1970-01-01 was one.
const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// What was read so far. A compiled format has exactly the fields that make a date.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// From the fast way; the fields below are then not used, but for the fraction and the offset.
    head_s: Option<i64>,
    year: u32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    /// From Thursday.
    weekday: Option<i64>,
    hour: u32,
    /// The hour is one of 12, and whether it is after noon.
    half: Option<bool>,
    minute: u32,
    second: u32,
    micros: u32,
    offset_s: Option<i32>,
}

impl Fields {
    pub(super) fn of_head(head_s: i64) -> Self {
        Self { head_s: Some(head_s), ..Self::default() }
    }

    /// Takes an item off the front of the text.
    pub(super) fn take<'t>(&mut self, item: Item, text: &'t [u8]) -> Option<&'t [u8]> {
        match item {
            Item::Byte(byte) => text.strip_prefix(&[byte]),
            Item::LetterT => text.strip_prefix(b"T").or_else(|| text.strip_prefix(b"t")),
            Item::Number(part, padding) => self.number(part, padding, text),
            Item::MonthName { long } => {
                let (place, rest) = name(&MONTHS, long, text)?;
                self.month = place as u32 + 1;
                Some(rest)
            }
            Item::WeekdayName { long } => {
                let (place, rest) = name(&WEEKDAYS, long, text)?;
                self.weekday = Some(place as i64);
                Some(rest)
            }
            Item::HalfDay { lower } => {
                let (am, pm): (&[u8], &[u8]) = if lower { (b"am", b"pm") } else { (b"AM", b"PM") };
                self.half = Some(text.starts_with(pm));
                text.strip_prefix(pm).or_else(|| text.strip_prefix(am))
            }
            Item::Fraction { point, optional, least, most } => self.fraction(text, point, optional, least, most),
            Item::Offset { colon } => self.offset(text, colon),
            Item::OffsetOrZ => match text.split_first() {
                Some((b'Z' | b'z', rest)) => {
                    self.offset_s = Some(0);
                    Some(rest)
                }
                _ => self.offset(text, true),
            },
        }
    }

    /// The time that the fields make, if they are in range and agree.
    pub(super) fn finish(self) -> Option<Read> {
        let civil_s = match self.head_s {
            Some(head_s) => head_s,
            None => self.days()? * 86_400 + i64::from(self.clock_s()?),
        };
        if self.weekday.is_some_and(|weekday| civil_s.div_euclid(86_400).rem_euclid(7) != weekday) {
            return None;
        }
        Some(Read { civil_s, micros: self.micros, offset_s: self.offset_s })
    }

    fn days(&self) -> Option<i64> {
        match self.day_of_year {
            Some(day) => civil::days_of_year(self.year, day),
            None => civil::days(self.year, self.month, self.day),
        }
    }

    fn clock_s(&self) -> Option<u32> {
        let hour = match self.half {
            None => self.hour,
            Some(after_noon) => {
                (1..=12).contains(&self.hour).then_some(self.hour % 12 + if after_noon { 12 } else { 0 })?
            }
        };
        (hour < 24 && self.minute < 60 && self.second < 60).then_some(hour * 3_600 + self.minute * 60 + self.second)
    }

    fn number<'t>(&mut self, part: Part, padding: Padding, text: &'t [u8]) -> Option<&'t [u8]> {
        let (value, rest) = number(text, part.width(), padding)?;
        match part {
            Part::Year => self.year = value,
            Part::YearOfCentury => self.year = value + if value >= 69 { 1900 } else { 2000 },
            Part::Month => self.month = value,
            Part::Day => self.day = value,
            Part::DayOfYear => self.day_of_year = Some(value),
            Part::Hour | Part::HourOf12 => self.hour = value,
            Part::Minute => self.minute = value,
            Part::Second => self.second = value,
        }
        Some(rest)
    }

    fn fraction<'t>(
        &mut self,
        text: &'t [u8],
        point: bool,
        optional: bool,
        least: usize,
        most: usize,
    ) -> Option<&'t [u8]> {
        let digits = match (point, text.strip_prefix(b".")) {
            (false, _) => text,
            (true, Some(digits)) => digits,
            (true, None) => return optional.then_some(text),
        };
        let count = digits.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let micros = digits[..count].iter().map(|digit| u32::from(digit - b'0')).chain(std::iter::repeat(0));
        self.micros = micros.take(6).fold(0, |micros, digit| micros * 10 + digit);
        Some(&digits[count..])
    }

    fn offset<'t>(&mut self, text: &'t [u8], colon: bool) -> Option<&'t [u8]> {
        let (offset_s, len) = zone::offset(text, colon)?;
        self.offset_s = Some(offset_s);
        Some(&text[len..])
    }
}

impl Part {
    fn width(self) -> usize {
        match self {
            Self::Year => 4,
            Self::DayOfYear => 3,
            _ => 2,
        }
    }
}

const _: () = assert!(FRACTION_DIGITS_MAX == 9, "the table of directives says so");

/// A number of `width` places.
fn number(text: &[u8], width: usize, padding: Padding) -> Option<(u32, &[u8])> {
    let (field, rest) = match padding {
        Padding::None => text.split_at(text.iter().take(width).take_while(|byte| byte.is_ascii_digit()).count()),
        _ => text.split_at_checked(width)?,
    };
    let digits = match padding {
        Padding::Zero => field,
        Padding::Space => field.strip_prefix(b" ").unwrap_or(field),
        Padding::None => field,
    };
    let leading_zero = padding != Padding::Zero && digits.len() > 1 && digits[0] == b'0';
    if digits.is_empty() || leading_zero || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')), rest))
}

/// The name at the front of the text; a long one whole, a short one by its three letters.
fn name<'t>(names: &[&str], long: bool, text: &'t [u8]) -> Option<(usize, &'t [u8])> {
    names.iter().enumerate().find_map(|(place, name)| {
        let written = if long { name.as_bytes() } else { &name.as_bytes()[..3] };
        text.strip_prefix(written).map(|rest| (place, rest))
    })
}
