//! A single asked-for value: its JSON type against the column's, its value onto the column.

use super::cursor::Cursor;
use crate::decode::columns::{Column, Values};
use crate::decode::failure::{Cause, Failure, Read};
use crate::decode::number::{Misfit, Rounding};

const OUT_OF_RANGE: &str = "number out of range";
const NOT_WHOLE: &str = "not a whole number";
const LONE_SURROGATE: &str = "text with a lone surrogate";

/// The JSON type of the value that begins with a byte, in our words.
pub(super) fn kind(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'"' => "text",
        b'-' | b'0'..=b'9' => "number",
        b't' | b'f' => "boolean",
        b'n' => "null",
        b'[' => "list",
        b'{' => "object",
        _ => return None,
    })
}

/// The failure for a value of another type than `expected`, or for none at all.
#[cold]
pub(super) fn wrong_type(cursor: &Cursor<'_>, path: u32, expected: &'static str) -> Box<Failure> {
    match kind(cursor.peek()) {
        Some(found) => Failure::new(cursor.at, Cause::WrongType { path, expected, found }),
        None => Failure::syntax(cursor.at, "expected a value"),
    }
}

/// Reads the value here onto its column; `column` is also its path.
#[inline(always)]
pub(super) fn value(cursor: &mut Cursor<'_>, into: &mut Column, column: u32, scratch: &mut Vec<u8>) -> Read<()> {
    let (start, first) = (cursor.at, cursor.peek());
    let bad = |message| Failure::new(start, Cause::BadValue { path: column, message });
    match (&mut into.values, first) {
        (_, b'n') => {
            cursor.literal(b"null")?;
            return null(into, column);
        }
        (Values::Text(texts), b'"') => {
            cursor.string()?.append_to(&mut texts.bytes).ok_or_else(|| bad(LONE_SURROGATE))?;
            texts.close();
        }
        (Values::Int64(values), b'-' | b'0'..=b'9') => {
            values.push(cursor.number()?.scaled(0, Rounding::Exact).map_err(|misfit| bad(told(misfit)))?);
        }
        (Values::Decimal { scale, mantissas }, b'-' | b'0'..=b'9') => {
            mantissas.push(cursor.number()?.scaled(*scale, Rounding::HalfEven).map_err(|misfit| bad(told(misfit)))?);
        }
        (Values::Float64(values), b'-' | b'0'..=b'9') => {
            values.push(cursor.number()?.float().ok_or_else(|| bad(OUT_OF_RANGE))?);
        }
        (Values::Timestamp { reader, micros }, b'-' | b'0'..=b'9') if reader.takes_numbers() => {
            micros.push(reader.number(&cursor.number()?).map_err(bad)?);
        }
        (Values::Timestamp { reader, micros }, b'"') if !reader.takes_numbers() => {
            let text = cursor.string()?;
            if text.escaped {
                scratch.clear();
                text.append_to(scratch).ok_or_else(|| bad(LONE_SURROGATE))?;
                micros.push(reader.text(scratch).map_err(bad)?);
            } else {
                micros.push(reader.text(text.raw).map_err(bad)?);
            }
        }
        (Values::Boolean(values), b't') => {
            cursor.literal(b"true")?;
            values.push(true);
        }
        (Values::Boolean(values), b'f') => {
            cursor.literal(b"false")?;
            values.push(false);
        }
        (values, _) => return Err(wrong_type(cursor, column, values.expected())),
    }
    Ok(())
}

/// Pushes a null, where the column may have one.
#[inline(never)]
pub(super) fn null(into: &mut Column, column: u32) -> Read<()> {
    if into.required {
        return Err(Failure::new(0, Cause::RequiredNull { path: column }));
    }
    into.push_null();
    Ok(())
}

fn told(misfit: Misfit) -> &'static str {
    match misfit {
        Misfit::OutOfRange => OUT_OF_RANGE,
        Misfit::NotWhole => NOT_WHOLE,
    }
}

impl Values {
    /// What to say was expected.
    fn expected(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "boolean",
            Self::Int64(_) => "int64",
            Self::Float64(_) => "float64",
            Self::Decimal { .. } => "decimal",
            Self::Timestamp { reader, .. } if reader.takes_numbers() => "timestamp as number",
            Self::Timestamp { .. } => "timestamp as text",
            Self::Text(_) => "text",
        }
    }
}
