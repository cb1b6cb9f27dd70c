//! Key values into bytes and back. Knows types; knows no numbers.

use crate::group::KeyValue;
use crate::types::ScalarType;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use std::sync::Arc;

/// A key column, ready to be read row by row.
pub(super) struct KeyColumn<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Boolean(&'a BooleanBuffer),
    /// Int64, decimals' mantissas, timestamps.
    Int(&'a [i64]),
    Float(&'a [f64]),
    Text(&'a StringArray),
}

impl<'a> KeyColumn<'a> {
    pub(super) fn of(column: &'a ArrayRef) -> Option<Self> {
        let values = match ScalarType::of_arrow(column.data_type())? {
            ScalarType::Boolean => Values::Boolean(column.as_boolean_opt()?.values()),
            ScalarType::Int64 => Values::Int(column.as_primitive_opt::<Int64Type>()?.values()),
            ScalarType::Float64 => Values::Float(column.as_primitive_opt::<Float64Type>()?.values()),
            ScalarType::Decimal(_) => Values::Int(column.as_primitive_opt::<Decimal64Type>()?.values()),
            ScalarType::Timestamp => Values::Int(column.as_primitive_opt::<TimestampMicrosecondType>()?.values()),
            ScalarType::Text => Values::Text(column.as_string_opt::<i32>()?),
        };
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        Some(Self { nulls, values })
    }

    /// The texts and where they are null, of a text column.
    pub(super) fn texts(&self) -> Option<(&'a StringArray, Option<&'a NullBuffer>)> {
        match self.values {
            Values::Text(texts) => Some((texts, self.nulls)),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.push(0);
            return;
        }
        match self.values {
            Values::Boolean(values) => out.extend_from_slice(&[1, u8::from(values.value(row))]),
            Values::Int(values) => fixed(values[row].to_le_bytes(), out),
            Values::Float(values) => fixed(mapped(values[row]).to_le_bytes(), out),
            Values::Text(texts) => {
                let text = texts.value(row).as_bytes();
                out.push(1);
                out.extend_from_slice(&(text.len() as u32).to_le_bytes());
                out.extend_from_slice(text);
            }
        }
    }
}

/// A value that is not null, in one piece.
#[inline]
fn fixed(value: [u8; 8], out: &mut Vec<u8>) {
    let mut bytes = [1; 9];
    bytes[1..].copy_from_slice(&value);
    out.extend_from_slice(&bytes);
}

fn mapped(value: f64) -> u64 {
    match KeyValue::from_f64(value) {
        KeyValue::Float64(mapped) => mapped,
        _ => 0,
    }
}

/// Reads one value off the front, as `encode` wrote it.
pub(super) fn decode_value(key_type: ScalarType, rest: &mut &[u8]) -> KeyValue {
    if take::<1>(rest) == [0] {
        return KeyValue::Null;
    }
    match key_type {
        ScalarType::Boolean => KeyValue::Boolean(take::<1>(rest) != [0]),
        ScalarType::Int64 => KeyValue::Int64(i64::from_le_bytes(take(rest))),
        ScalarType::Float64 => KeyValue::Float64(u64::from_le_bytes(take(rest))),
        ScalarType::Decimal(scale) => KeyValue::Decimal(i64::from_le_bytes(take(rest)), scale.unwrap_or(0)),
        ScalarType::Timestamp => KeyValue::Timestamp(i64::from_le_bytes(take(rest))),
        ScalarType::Text => {
            let len = u32::from_le_bytes(take(rest)) as usize;
            let (bytes, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            *rest = after;
            text(bytes)
        }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (front, after) = rest.split_first_chunk::<N>().map_or(([0; N], *rest), |(front, after)| (*front, after));
    *rest = after;
    front
}

/// The bytes came from a text column.
pub(super) fn text(bytes: &[u8]) -> KeyValue {
    KeyValue::Text(Arc::from(String::from_utf8_lossy(bytes)))
}
