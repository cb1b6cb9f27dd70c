//! The rules once more, as naively as can be: characters one by one, digits as text, a tree of everything. What the decoder is
//! compared with.

use super::*;

/// A value with everything that the decoder looks at.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Boolean(bool),
    Number(String),
    /// `None` with a lone surrogate.
    Text(Option<String>),
    List(Vec<Json>),
    Object(Vec<(Option<String>, Json)>),
}

/// The tree of a strict JSON text and its depth.
pub(super) fn parse(bytes: &[u8]) -> Option<(Json, usize)> {
    let text: Vec<char> = std::str::from_utf8(bytes).ok()?.chars().collect();
    let mut parser = Parser { text: &text, at: 0, depth: 0, deepest: 0 };
    parser.space();
    let value = parser.value()?;
    parser.space();
    (parser.at == text.len()).then_some((value, parser.deepest))
}

struct Parser<'a> {
    text: &'a [char],
    at: usize,
    depth: usize,
    deepest: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, expected: char) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Json> {
        match self.peek()? {
            '{' => self.nested('{', '}').map(Json::Object),
            '[' => Some(Json::List(self.nested('[', ']')?.into_iter().map(|(_, value)| value).collect())),
            '"' => self.string().map(Json::Text),
            't' => self.word("true").map(|()| Json::Boolean(true)),
            'f' => self.word("false").map(|()| Json::Boolean(false)),
            'n' => self.word("null").map(|()| Json::Null),
            _ => self.number().map(Json::Number),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        word.chars().try_for_each(|letter| self.eat(letter))
    }

    fn nested(&mut self, open: char, close: char) -> Option<Vec<(Option<String>, Json)>> {
        self.eat(open)?;
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        let mut members = Vec::new();
        self.space();
        if self.eat(close).is_none() {
            loop {
                self.space();
                let mut key = None;
                if open == '{' {
                    key = self.string()?;
                    self.space();
                    self.eat(':')?;
                    self.space();
                }
                members.push((key, self.value()?));
                self.space();
                if self.eat(',').is_none() {
                    self.eat(close)?;
                    break;
                }
            }
        }
        self.depth -= 1;
        Some(members)
    }

    fn string(&mut self) -> Option<Option<String>> {
        self.eat('"')?;
        let mut units = Vec::new();
        loop {
            let character = self.peek()?;
            self.at += 1;
            match character {
                '"' => return Some(String::from_utf16(&units).ok()),
                '\\' => units.push(self.escape()?),
                control if (control as u32) < 0x20 => return None,
                other => units.extend(other.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }

    fn escape(&mut self) -> Option<u16> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            '"' | '\\' | '/' => letter as u16,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let digits: String = self.text.get(self.at..self.at + 4)?.iter().collect();
                self.at += 4;
                digits
                    .bytes()
                    .all(|digit| digit.is_ascii_hexdigit())
                    .then(|| u16::from_str_radix(&digits, 16).unwrap())?
            }
            _ => return None,
        })
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some('0'..='9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<String> {
        let start = self.at;
        let _ = self.eat('-');
        if self.eat('0').is_none() {
            self.digits()?;
        }
        if self.eat('.').is_some() {
            self.digits()?;
        }
        if self.eat('e').or_else(|| self.eat('E')).is_some() {
            let _ = self.eat('+').or_else(|| self.eat('-'));
            self.digits()?;
        }
        Some(self.text[start..self.at].iter().collect())
    }
}

/// The row of a record as `written` writes it; `None` where it is undecodable.
pub(super) fn row(schema: &DecodeSchema, record: &[u8]) -> Option<Vec<String>> {
    let (tree, depth) = parse(record)?;
    if !matches!(tree, Json::Object(_)) || depth > schema.depth_max {
        return None;
    }
    schema.fields.iter().map(|field| at_path(&tree, &field.path, field, schema)).collect()
}

fn at_path(tree: &Json, path: &str, field: &DecodeField, schema: &DecodeSchema) -> Option<String> {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let key = step.trim_end_matches("[]");
    let Json::Object(members) = tree else {
        return None;
    };
    let mut found = members.iter().filter(|(name, _)| name.as_deref() == Some(key));
    let value = found.next().map_or(&Json::Null, |(_, value)| value);
    if found.next().is_some() {
        return None;
    }
    let below = |value: &Json| match value {
        Json::Null => (!field.required).then(|| "null".to_owned()),
        value if rest.is_empty() => scalar(value, field),
        value => at_path(value, rest, field, schema),
    };
    match value {
        Json::List(elements) if step.ends_with("[]") && elements.len() <= schema.list_elements_max => {
            let elements: Option<Vec<_>> = elements.iter().map(below).collect();
            Some(format!("[{}]", elements?.join(",")))
        }
        Json::Null => below(value),
        _ if step.ends_with("[]") => None,
        _ => below(value),
    }
}

fn scalar(value: &Json, field: &DecodeField) -> Option<String> {
    match (field.column_type.scalar(), value) {
        (ScalarType::Boolean, Json::Boolean(value)) => Some(value.to_string()),
        (ScalarType::Int64, Json::Number(text)) => scaled(text, 0, true).map(|value| value.to_string()),
        (ScalarType::Decimal(scale), Json::Number(text)) => scaled(text, scale?, false).map(|value| value.to_string()),
        (ScalarType::Float64, Json::Number(text)) => {
            text.parse::<f64>().ok().filter(|value| value.is_finite()).map(|value| format!("{value:?}"))
        }
        (ScalarType::Text, Json::Text(text)) => text.as_ref().map(|text| format!("{text:?}")),
        (ScalarType::Timestamp, Json::Text(text)) => date_time(text.as_ref()?),
        _ => None,
    }
}

/// The digits of the number moved by the scale, cut at the point, rounded half to even (or, if `whole`, nothing to round).
pub(in crate::decode) fn scaled(text: &str, scale: u8, whole: bool) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    let nonzero = digits.trim_start_matches('0');
    if nonzero.is_empty() {
        return Some(0);
    }
    let huge = if exponent.starts_with('-') { -1_000_000 } else { 1_000_000 };
    let exponent = exponent.parse::<i64>().unwrap_or(huge).clamp(-1_000_000, 1_000_000);
    let point = nonzero.len() as i64 - after.len() as i64 + exponent + i64::from(scale);
    let (mut integer, fraction) = match point {
        21.. => return None,
        0.. if nonzero.len() as i64 <= point => (format!("{nonzero:0<width$}", width = point as usize), String::new()),
        0.. => (nonzero[..point as usize].to_owned(), nonzero[point as usize..].to_owned()),
        _ => (String::new(), format!("0{nonzero}")),
    };
    integer.insert(0, '0');
    let mut value: i128 = integer.parse().unwrap();
    let fraction = fraction.trim_end_matches('0');
    if whole && !fraction.is_empty() {
        return None;
    }
    if fraction > "5" || (fraction == "5" && value % 2 == 1) {
        value += 1;
    }
    i64::try_from(if negative { -value } else { value }).ok()
}

/// `%Y-%m-%d %H:%M:%S` in UTC, by jiff.
fn date_time(text: &str) -> Option<String> {
    let shape: String = text.chars().map(|letter| if letter.is_ascii_digit() { '9' } else { letter }).collect();
    if shape != "9999-99-99 99:99:99" || text.ends_with("60") || text.starts_with("0000") {
        return None;
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let since = civil.duration_since(jiff::civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    Some((since.as_micros()).to_string())
}
