//! Compiles a strftime format to items and checks that they make a time: a date, each field once, no minute without an hour.

use super::{FRACTION_DIGITS_MAX, Item, Padding, Part};

/// The items of a format, or what is wrong with it.
pub(super) fn items(format: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut rest = format;
    while let Some(place) = rest.find('%') {
        items.extend(rest[..place].bytes().map(Item::Byte));
        rest = directive(&rest[place + 1..], &mut items)?;
    }
    items.extend(rest.bytes().map(Item::Byte));
    Ok(items)
}

/// Compiles the directive after a `%` and gives what follows it.
fn directive<'f>(text: &'f str, items: &mut Vec<Item>) -> Result<&'f str, String> {
    if let Some(rest) = fraction(text, items)? {
        return Ok(rest);
    }
    let mut letters = text.chars();
    let Some(letter) = letters.next() else {
        return Err("ends with a lone `%`; write `%%` for a percent sign".to_owned());
    };
    let rest = letters.as_str();
    if let Some(part) = numeric(letter) {
        items.push(Item::Number(part, Padding::Zero));
        return Ok(rest);
    }
    let long_form = match letter {
        'F' => Some("%Y-%m-%d"),
        'T' => Some("%H:%M:%S"),
        'R' => Some("%H:%M"),
        'D' => Some("%m/%d/%y"),
        _ => None,
    };
    if let Some(long_form) = long_form {
        items.extend(self::items(long_form)?);
        return Ok(rest);
    }
    let item = match letter {
        'e' => Item::Number(Part::Day, Padding::Space),
        'k' => Item::Number(Part::Hour, Padding::Space),
        'l' => Item::Number(Part::HourOf12, Padding::Space),
        'b' | 'h' => Item::MonthName { long: false },
        'B' => Item::MonthName { long: true },
        'a' => Item::WeekdayName { long: false },
        'A' => Item::WeekdayName { long: true },
        'p' => Item::HalfDay { lower: false },
        'P' => Item::HalfDay { lower: true },
        'z' => Item::Offset { colon: false },
        '%' => Item::Byte(b'%'),
        'n' => Item::Byte(b'\n'),
        't' => Item::Byte(b'\t'),
        '-' | ':' => return flagged(letter, rest, items),
        other => return Err(unknown(&other.to_string())),
    };
    items.push(item);
    Ok(rest)
}

fn numeric(letter: char) -> Option<Part> {
    Some(match letter {
        'Y' => Part::Year,
        'y' => Part::YearOfCentury,
        'm' => Part::Month,
        'd' => Part::Day,
        'j' => Part::DayOfYear,
        'H' => Part::Hour,
        'I' => Part::HourOf12,
        'M' => Part::Minute,
        'S' => Part::Second,
        _ => return None,
    })
}

/// `%-d` and `%:z`.
fn flagged<'f>(flag: char, text: &'f str, items: &mut Vec<Item>) -> Result<&'f str, String> {
    let mut letters = text.chars();
    let letter = letters.next();
    let item = match (flag, letter, letter.and_then(numeric)) {
        (':', Some('z'), _) => Item::Offset { colon: true },
        ('-', _, Some(part)) if part.width_is_two() => Item::Number(part, Padding::None),
        _ => {
            return Err(unknown(&letter.map_or(flag.to_string(), |letter| format!("{flag}{letter}"))));
        }
    };
    items.push(item);
    Ok(letters.as_str())
}

/// `%f`, `%.f`, `%3f`, `%.3f`; `None` if the directive is another one.
fn fraction<'f>(text: &'f str, items: &mut Vec<Item>) -> Result<Option<&'f str>, String> {
    let (point, after) = match text.strip_prefix('.') {
        Some(after) => (true, after),
        None => (false, text),
    };
    let digits = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let Some(rest) = after[digits..].strip_prefix('f') else {
        return Ok(None);
    };
    let item = match &after[..digits] {
        "" => Item::Fraction { point, optional: point, least: 1, most: FRACTION_DIGITS_MAX },
        digits => match digits.parse() {
            Ok(count @ 1..=FRACTION_DIGITS_MAX) => Item::Fraction { point, optional: false, least: count, most: count },
            _ => {
                return Err(format!("has a fraction of `{digits}` digits; 1 to {FRACTION_DIGITS_MAX} can be read"));
            }
        },
    };
    items.push(item);
    Ok(Some(rest))
}

fn unknown(directive: &str) -> String {
    format!(
        "has the directive `%{directive}`, which can't be read; there are %Y %y %m %d %e %j %b %B %a %A %H %k %I %l %p %P %M %S %f %.f %z \
         %:z %F %T %R %D %%"
    )
}

impl Part {
    fn width_is_two(self) -> bool {
        !matches!(self, Self::Year | Self::YearOfCentury | Self::DayOfYear)
    }
}

/// The field that an item fills; two items for one field contradict each other.
fn field(item: &Item) -> Option<&'static str> {
    Some(match item {
        Item::Number(Part::Year | Part::YearOfCentury, _) => "year",
        Item::Number(Part::Month, _) | Item::MonthName { .. } => "month",
        Item::Number(Part::Day, _) => "day",
        Item::Number(Part::DayOfYear, _) => "day of the year",
        Item::Number(Part::Hour, _) => "hour",
        Item::Number(Part::HourOf12, _) => "hour of 12",
        Item::Number(Part::Minute, _) => "minute",
        Item::Number(Part::Second, _) => "second",
        Item::WeekdayName { .. } => "weekday",
        Item::HalfDay { .. } => "half of the day",
        Item::Fraction { .. } => "fraction",
        Item::Offset { .. } | Item::OffsetOrZ => "offset",
        Item::Byte(_) | Item::LetterT => return None,
    })
}

/// Whether the items make a time.
pub(super) fn check(items: &[Item]) -> Result<(), String> {
    let fields: Vec<_> = items.iter().filter_map(field).collect();
    let has = |name: &str| fields.contains(&name);
    if let Some(twice) = fields.iter().enumerate().find(|(place, name)| fields[..*place].contains(name)) {
        return Err(format!("has the {} twice", twice.1));
    }
    let day = has("month") && has("day");
    if !has("year") || !(day || has("day of the year")) {
        return Err("lacks a date; it takes a year, a month and a day, as `%Y-%m-%d`".to_owned());
    }
    if has("day of the year") && (has("month") || has("day")) {
        return Err("has both the day of the year and a month or day".to_owned());
    }
    if has("hour") && (has("hour of 12") || has("half of the day")) {
        return Err("has the hour both of 24 and of 12; write `%H`, or `%I` with `%p`".to_owned());
    }
    if has("hour of 12") != has("half of the day") {
        return Err("has only one of `%I` and `%p`; they go together".to_owned());
    }
    let hour = has("hour") || has("hour of 12");
    for (part, whole) in [("minute", hour), ("second", has("minute")), ("fraction", has("second"))] {
        if has(part) && !whole {
            return Err(format!("has a {part} without the part before it"));
        }
    }
    Ok(())
}
