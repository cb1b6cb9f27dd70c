//! Key values into bytes and back. Knows types; knows no numbers.

use crate::group::KeyValue;
use crate::types::ScalarType;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal64Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use std::sync::Arc;

/// A key column in its own type.
pub(super) enum KeyColumn<'a> {
    Boolean(&'a BooleanArray),
    Int64(&'a Int64Array),
    Float64(&'a Float64Array),
    Decimal(&'a Decimal64Array),
    Timestamp(&'a TimestampMicrosecondArray),
    Text(&'a StringArray),
}

impl<'a> KeyColumn<'a> {
    pub(super) fn of(column: &'a ArrayRef) -> Option<Self> {
        Some(match ScalarType::of_arrow(column.data_type())? {
            ScalarType::Boolean => Self::Boolean(column.as_boolean_opt()?),
            ScalarType::Int64 => Self::Int64(column.as_primitive_opt::<Int64Type>()?),
            ScalarType::Float64 => Self::Float64(column.as_primitive_opt::<Float64Type>()?),
            ScalarType::Decimal(_) => Self::Decimal(column.as_primitive_opt::<Decimal64Type>()?),
            ScalarType::Timestamp => {
                Self::Timestamp(column.as_primitive_opt::<TimestampMicrosecondType>()?)
            }
            ScalarType::Text => Self::Text(column.as_string_opt::<i32>()?),
        })
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Boolean(array) => array,
            Self::Int64(array) => array,
            Self::Float64(array) => array,
            Self::Decimal(array) => array,
            Self::Timestamp(array) => array,
            Self::Text(array) => array,
        }
    }

    pub(super) fn encode(&self, row: usize, out: &mut Vec<u8>) {
        if self.array().is_null(row) {
            out.push(0);
            return;
        }
        out.push(1);
        match self {
            Self::Boolean(array) => out.push(u8::from(array.value(row))),
            Self::Int64(array) => out.extend_from_slice(&array.value(row).to_le_bytes()),
            Self::Float64(array) => out.extend_from_slice(&mapped(array.value(row)).to_le_bytes()),
            Self::Decimal(array) => out.extend_from_slice(&array.value(row).to_le_bytes()),
            Self::Timestamp(array) => out.extend_from_slice(&array.value(row).to_le_bytes()),
            Self::Text(array) => {
                let text = array.value(row).as_bytes();
                out.extend_from_slice(&(text.len() as u32).to_le_bytes());
                out.extend_from_slice(text);
            }
        }
    }
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
        ScalarType::Decimal(scale) => {
            KeyValue::Decimal(i64::from_le_bytes(take(rest)), scale.unwrap_or(0))
        }
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
    let (front, after) = rest
        .split_first_chunk::<N>()
        .map_or(([0; N], *rest), |(front, after)| (*front, after));
    *rest = after;
    front
}

/// The bytes came from a text column.
pub(super) fn text(bytes: &[u8]) -> KeyValue {
    KeyValue::Text(Arc::from(String::from_utf8_lossy(bytes)))
}
