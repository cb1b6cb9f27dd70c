//! Strftime formats, matched to the letter: `%m` is two digits, names are spelt as strftime writes them, nothing stands around.
//! An own matcher, because the libraries' parsers are lenient (spaces, missing zeros, second 60, letter case).
//!
//! | directive | matches | | directive | matches |
//! |---|---|---|---|---|
//! | `%Y` | year, 4 digits | | `%p` `%P` | `AM` `PM`, `am` `pm` |
//! | `%y` | year, 2 digits: 69 to 99 are 19xx | | `%f` | fraction, 1 to 9 digits |
//! | `%m` `%d` `%H` `%I` `%M` `%S` | 2 digits | | `%3f` `%6f` `%9f` … | fraction, so many digits |
//! | `%e` `%k` `%l` | day, hour, hour of 12; space for a leading zero | | `%.f` | point and 1 to 9 digits, or nothing |
//! | `%j` | day of the year, 3 digits | | `%.3f` … | point and so many digits |
//! | `%-m` `%-d` `%-H` `%-I` `%-M` `%-S` | no leading zero | | `%z` `%:z` | `+0200`, `+02:00` |
//! | `%b` `%h` `%B` | `Dec`, `December` | | `%F` `%T` `%R` `%D` | `%Y-%m-%d`, `%H:%M:%S`, `%H:%M`, `%m/%d/%y` |
//! | `%a` `%A` | `Wed`, `Wednesday`; must be the date's | | `%%` `%n` `%t` | `%`, new line, tab |

mod compile;
mod fields;

use super::civil::{HEAD_LEN, MinuteCache, Separators};
use super::zone;
use fields::Fields;

/// A compiled format.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Set if the format begins `%Y?%m?%d?%H?%M?%S`: those 19 bytes go the fast way.
    head: Option<Separators>,
    /// What follows the head, or everything.
    items: Vec<Item>,
}

/// What a text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    /// Seconds since 1970-01-01T00:00:00 of the clock as written.
    pub(super) civil_s: i64,
    /// Microseconds of the second.
    pub(super) micros: u32,
    /// The offset, where the text holds one.
    pub(super) offset_s: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Byte(u8),
    /// A number field.
    Number(Part, Padding),
    MonthName {
        long: bool,
    },
    WeekdayName {
        long: bool,
    },
    HalfDay {
        lower: bool,
    },
    /// Digits of a fraction; with its point in front, and perhaps not at all.
    Fraction {
        point: bool,
        optional: bool,
        least: usize,
        most: usize,
    },
    Offset {
        colon: bool,
    },
    /// RFC 3339: `Z` or an offset with a colon.
    OffsetOrZ,
    /// RFC 3339: `T` in either case.
    LetterT,
}

/// What a number field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    YearOfCentury,
    Month,
    Day,
    DayOfYear,
    Hour,
    HourOf12,
    Minute,
    Second,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    Zero,
    Space,
    None,
}

/// The most digits of a fraction that a strftime format takes: nanoseconds.
const FRACTION_DIGITS_MAX: usize = 9;

impl Pattern {
    /// Compiles a format, or says what is wrong with it.
    pub(super) fn new(format: &str) -> Result<Self, String> {
        let items = compile::items(format).and_then(|items| compile::check(&items).map(|()| items));
        items.map(Self::with_head).map_err(|problem| format!("the timestamp format `{format}` {problem}"))
    }

    /// `date-time` of RFC 3339, section 5.6. Letters in either case, as its ABNF has them; no space for `T`, which only its note
    /// allows to those who agree on it; any number of digits in the fraction.
    pub(super) fn rfc3339() -> Self {
        let fraction = Item::Fraction { point: true, optional: true, least: 1, most: usize::MAX };
        let two = |part| Item::Number(part, Padding::Zero);
        let items = vec![
            two(Part::Year),
            Item::Byte(b'-'),
            two(Part::Month),
            Item::Byte(b'-'),
            two(Part::Day),
            Item::LetterT,
            two(Part::Hour),
            Item::Byte(b':'),
            two(Part::Minute),
            Item::Byte(b':'),
            two(Part::Second),
            fraction,
            Item::OffsetOrZ,
        ];
        Self::with_head(items)
    }

    fn with_head(mut items: Vec<Item>) -> Self {
        use Part::{Day, Hour, Minute, Month, Second, Year};
        let mut separators = [0; 5];
        for (place, part) in [Year, Month, Day, Hour, Minute, Second].into_iter().enumerate() {
            if items.get(2 * place) != Some(&Item::Number(part, Padding::Zero)) {
                return Self { head: None, items };
            }
            match (place, items.get(2 * place + 1)) {
                (5, _) => {}
                (_, Some(&Item::Byte(byte))) => separators[place] = byte,
                (_, Some(Item::LetterT)) => separators[place] = b'T',
                _ => return Self { head: None, items },
            }
        }
        items.drain(..11);
        Self { head: Some(separators), items }
    }

    /// Matches a whole text.
    #[inline]
    pub(super) fn read(&self, text: &[u8], cache: &mut MinuteCache) -> Option<Read> {
        let (Some(separators), Some((head, rest))) = (&self.head, text.split_first_chunk::<HEAD_LEN>()) else {
            return if self.head.is_none() { self.fields(text, Fields::default())?.finish() } else { None };
        };
        let civil_s = match cache.head_s(head, separators) {
            Some(civil_s) => civil_s,
            None if self.is_rfc3339() && head[10] == b't' => {
                let mut upper = *head;
                upper[10] = b'T';
                cache.head_s(&upper, separators)?
            }
            None => return None,
        };
        if self.items.is_empty() {
            return rest.is_empty().then_some(Read { civil_s, micros: 0, offset_s: None });
        }
        self.fields(rest, Fields::of_head(civil_s))?.finish()
    }

    /// Whether there is nothing beside the head.
    pub(super) fn is_only_a_head(&self) -> bool {
        self.head.is_some() && self.items.is_empty()
    }

    fn is_rfc3339(&self) -> bool {
        self.items.last() == Some(&Item::OffsetOrZ)
    }

    fn fields(&self, mut text: &[u8], mut fields: Fields) -> Option<Fields> {
        for item in &self.items {
            text = fields.take(*item, text)?;
        }
        text.is_empty().then_some(fields)
    }
}
