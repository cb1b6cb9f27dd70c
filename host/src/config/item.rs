//! A value of the file that somebody asked for: read as text, number, duration, size or table, or reported with what was found and what
//! to write instead. Knows TOML's values and units; which key it is, only by name.

use super::env::{ExpandError, expand};
use super::plan::Place;
use super::problem::Problem;
use super::read::{Reader, Table, Title, clip};
use super::units::{self, UnitError, show_duration, show_size};
use std::fmt::Display;
use std::ops::RangeInclusive;
use toml::de::DeValue;

const TIME_UNITS: &str = "d, h, m, s, ms, us";

/// A value and its key.
#[derive(Clone)]
pub struct Item<'a> {
    /// Shared by all.
    pub reader: &'a Reader<'a>,
    /// The key; for an element of a list, the list's.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// Where the value stands.
    pub place: Place,
    /// The value.
    pub value: &'a DeValue<'a>,
    /// Whether it is an element of the key's list.
    pub in_list: bool,
}

/// A text of the file with its variables replaced.
#[derive(Clone)]
pub struct Text {
    /// The text.
    pub value: String,
    /// The text in quotes for messages: as typed, where it holds variables.
    pub shown: String,
    /// Where it stands.
    pub place: Place,
}

impl<'a> Item<'a> {
    /// Notes a problem with this value.
    pub fn problem(&self, message: impl Into<String>, help: impl Into<String>) {
        self.reader.push(Problem::new(self.place.clone(), message).help(help));
    }

    /// A text.
    pub fn text(&self, example: &str) -> Option<Text> {
        let DeValue::String(typed) = self.value else {
            return self.wrong("a text in quotes", &format!("\"{example}\""));
        };
        match expand(typed, self.reader.env) {
            Ok(expanded) => {
                let shown = if expanded.from_env { typed.as_ref() } else { expanded.value.as_str() };
                let shown = format!("\"{}\"", clip(shown));
                Some(Text { value: expanded.value, shown, place: self.place.clone() })
            }
            Err(error) => self.not_expanded(error),
        }
    }

    /// A text that isn't blank.
    pub fn word(&self, example: &str) -> Option<Text> {
        let text = self.text(example)?;
        if text.value.trim().is_empty() {
            self.problem(format!("{} is empty", self.name()), self.example(&format!("\"{example}\"")));
            return None;
        }
        Some(text)
    }

    /// One text, or a list of them; told apart by nobody after this.
    pub fn words(&self, example: &str) -> Option<Vec<Text>> {
        match self.value {
            DeValue::String(_) => Some(vec![self.word(example)?]),
            _ => self.word_list(example),
        }
    }

    /// A list of texts.
    pub fn word_list(&self, example: &str) -> Option<Vec<Text>> {
        let items = self.elements(&format!("[\"{example}\"]"))?;
        Some(items.iter().filter_map(|item| item.word(example)).collect())
    }

    /// The elements of a list.
    pub fn elements(&self, example: &str) -> Option<Vec<Item<'a>>> {
        let DeValue::Array(array) = self.value else {
            return self.wrong("a list", example);
        };
        let element = |value: &'a toml::Spanned<DeValue<'a>>| Item {
            reader: self.reader,
            key: self.key.clone(),
            key_place: self.key_place.clone(),
            place: value.span(),
            value: value.get_ref(),
            in_list: true,
        };
        Some(array.iter().map(element).collect())
    }

    /// A table, with the title that messages give it.
    pub fn table(&self, title: &str, example: &str) -> Option<Table<'a>> {
        let DeValue::Table(table) = self.value else {
            return self.wrong("a table", example);
        };
        Some(Table::new(self.reader, Title::Section(title.to_string()), self.place.clone(), table))
    }

    /// True or false.
    pub fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong("true or false", "true"),
        }
    }

    /// A whole number within a range.
    pub fn integer(&self, range: RangeInclusive<u64>, example: u64) -> Option<u64> {
        let DeValue::Integer(_) = self.value else {
            return self.wrong("a whole number", &example.to_string());
        };
        let number = whole(self.value).and_then(|number| u64::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.out_of_range(range.start(), range.end(), &example.to_string()),
        }
    }

    /// A number, whole or not, within a range.
    pub fn number(&self, range: RangeInclusive<f64>, example: f64) -> Option<f64> {
        let Some(number) = number(self.value) else {
            return self.wrong("a finite number", &example.to_string());
        };
        if range.contains(&number) {
            return Some(number);
        }
        self.out_of_range(range.start(), range.end(), &example.to_string())
    }

    /// A duration from `min_us` to `max_us` microseconds.
    pub fn duration(&self, min_us: i64, max_us: i64, example: &str) -> Option<i64> {
        let text = self.duration_text(example)?;
        self.duration_in(&text, min_us..=max_us, example, TIME_UNITS)
    }

    /// A duration above zero, or `"off"`.
    pub fn duration_or_off(&self, example: &str) -> Option<Option<i64>> {
        let text = self.duration_text(example)?;
        if text.value.trim() == "off" {
            return Some(None);
        }
        if units::duration_us(&text.value) == Ok(0) {
            let help = format!("to switch it off, write `{} = \"off\"`", self.key);
            self.problem(format!("`{}` can't be zero", self.key), help);
            return None;
        }
        let list = "d, h, m, s, ms, us; or \"off\"";
        self.duration_in(&text, 1..=units::DURATION_MAX_US, example, list).map(Some)
    }

    fn duration_text(&self, example: &str) -> Option<Text> {
        match (self.value, whole(self.value)) {
            (_, Some(number)) => self.no_unit(number),
            (DeValue::String(_), _) => self.text(example),
            _ => self.wrong("a duration in quotes", &format!("\"{example}\"")),
        }
    }

    fn duration_in(&self, text: &Text, range: RangeInclusive<i64>, example: &str, list: &str) -> Option<i64> {
        let example = format!("\"{example}\"");
        match units::duration_us(&text.value) {
            Ok(us) if range.contains(&us) => Some(us),
            Ok(_) => {
                let (min, max) = (show_duration(*range.start()), show_duration(*range.end()));
                self.out_of_range(&min, &max, &example)
            }
            Err(error) => self.bad_unit(text, &error, "duration", &example, list),
        }
    }

    /// A size in bytes, as `"64MiB"` or as a plain number.
    pub fn size(&self, range: RangeInclusive<u64>, example: &str) -> Option<u64> {
        let bytes = match self.value {
            DeValue::Integer(_) => whole(self.value).and_then(|number| u64::try_from(number).ok()),
            DeValue::String(_) => {
                let text = self.text(example)?;
                let plain = text.value.trim().parse().map_err(|_| ());
                match plain.or_else(|()| units::size_bytes(&text.value)) {
                    Ok(bytes) => Some(bytes),
                    Err(error) => {
                        let list = "B, KiB, MiB, GiB, kB, MB, GB";
                        return self.bad_unit(&text, &error, "size", &format!("\"{example}\""), list);
                    }
                }
            }
            _ => {
                return self.wrong("a size in quotes or a number of bytes", &format!("\"{example}\""));
            }
        };
        match bytes.filter(|bytes| range.contains(bytes)) {
            Some(bytes) => Some(bytes),
            None => self.out_of_range(&show_size(*range.start()), &show_size(*range.end()), &format!("\"{example}\"")),
        }
    }

    /// Reports another type than was wanted.
    pub fn wrong<T>(&self, want: &str, example: &str) -> Option<T> {
        let message = format!("{} must be {want}, found {}", self.name(), found(self.value));
        self.problem(message, self.example(example));
        None
    }

    fn out_of_range<T>(&self, min: &impl Display, max: &impl Display, example: &str) -> Option<T> {
        let typed = self.reader.text.get(self.place.clone()).map(clip).unwrap_or_default();
        let message = format!("`{}` must be from {min} to {max}, found {typed}", self.key);
        self.problem(message, self.example(example));
        None
    }

    fn no_unit<T>(&self, number: i128) -> Option<T> {
        let number = number.unsigned_abs();
        let message = format!("`{}` is a duration and needs a unit", self.key);
        self.problem(message, format!("write \"{number}s\", or \"{number}m\", or \"{number}ms\""));
        None
    }

    /// How messages name the value.
    fn name(&self) -> String {
        if self.in_list { format!("an element of `{}`", self.key) } else { format!("`{}`", self.key) }
    }

    /// The help that shows the key with a value.
    fn example(&self, value: &str) -> String {
        if self.in_list {
            format!("write for example `{} = [{value}]`", self.key)
        } else {
            format!("write for example `{} = {value}`", self.key)
        }
    }

    fn bad_unit<T>(&self, text: &Text, error: &UnitError, what: &str, example: &str, units: &str) -> Option<T> {
        let why = match error {
            UnitError::NoUnit(_) => "a number needs a unit".to_string(),
            UnitError::UnknownUnit(_) if text.shown.contains("${") => "there is no such unit".to_string(),
            UnitError::UnknownUnit(unit) => format!("there is no unit `{}`", clip(unit)),
            UnitError::Negative => "it can't be negative".to_string(),
            UnitError::TooLarge => "it is too large".to_string(),
            UnitError::Order => "the larger unit comes first, and each once".to_string(),
            UnitError::Malformed => "it is written as whole numbers with units, without spaces".to_string(),
        };
        let message = format!("`{}` = {} is not a {what}: {why}", self.key, text.shown);
        self.problem(message, format!("{}; units: {units}", self.example(example)));
        None
    }

    fn not_expanded<T>(&self, error: ExpandError) -> Option<T> {
        match error {
            ExpandError::Unset(name) => self.problem(
                format!("the environment variable `{name}` is not set"),
                format!("set it before the start, or give a default: `${{{name}:-default}}`"),
            ),
            ExpandError::Open => self.problem(
                "`${` is not closed",
                "write `${NAME}` or `${NAME:-default}` for an environment variable, `$${` for the two characters",
            ),
            ExpandError::Name(name) => self.problem(
                format!("`{}` is no name of an environment variable", clip(&name)),
                "write `${NAME}` or `${NAME:-default}`, names of letters, digits and `_`; `$${` for the two characters",
            ),
        }
        None
    }
}

/// A whole number of the file; beyond 128 bits, none.
pub fn whole(value: &DeValue<'_>) -> Option<i128> {
    let DeValue::Integer(integer) = value else {
        return None;
    };
    i128::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A finite number of the file.
pub fn number(value: &DeValue<'_>) -> Option<f64> {
    let number = match value {
        DeValue::Float(float) => float.as_str().parse().ok()?,
        _ => whole(value)? as f64,
    };
    number.is_finite().then_some(number)
}

/// What stands there, for messages; texts are not quoted here, since they may be secrets.
pub fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a text".to_string(),
        DeValue::Integer(number) => format!("the number {}", clip(&number.to_string())),
        DeValue::Float(number) => format!("the number {}", clip(&number.to_string())),
        DeValue::Boolean(value) => format!("`{value}`"),
        DeValue::Datetime(_) => "a date or time".to_string(),
        DeValue::Array(_) => "a list".to_string(),
        DeValue::Table(_) => "a table".to_string(),
    }
}
