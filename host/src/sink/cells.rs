//! Values as JSON text: a column's cells and a group key's values. The one place that says how a number, a text or an
//! instant looks in a row.
//!
//! Decimals are exact and without padding (`61.46`, `5`, `-0.05`); floats are the shortest text that reads back the same,
//! and `null` where they are not finite, because JSON has no word for that; text is escaped only where JSON asks for it.

use super::instant;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal64Array, Float64Array, Int64Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::ArrowError;
use weir_core::group::KeyValue;
use weir_core::types::{ColumnType, ScalarType};

/// A column, its type looked up once.
pub(super) enum Cells<'a> {
    Boolean(&'a BooleanArray),
    Int64(&'a Int64Array),
    Float64(&'a Float64Array),
    Decimal(&'a Decimal64Array, u8),
    Timestamp(&'a TimestampMicrosecondArray),
    Text(&'a StringArray),
    List(&'a ListArray, Box<Cells<'a>>),
}

impl<'a> Cells<'a> {
    /// Fails where the array is of no type of ours.
    pub(super) fn of(array: &'a ArrayRef) -> Result<Self, ArrowError> {
        let data_type = array.data_type();
        let unknown = || ArrowError::SchemaError(format!("a column of type {data_type} is none that rows can hold"));
        match ColumnType::of_arrow(data_type).ok_or_else(unknown)? {
            ColumnType::Scalar(scalar) => Ok(Self::scalar(array, scalar)),
            ColumnType::List(scalar) => {
                let list = array.as_list::<i32>();
                Ok(Self::List(list, Box::new(Self::scalar(list.values(), scalar))))
            }
        }
    }

    fn scalar(array: &'a ArrayRef, scalar: ScalarType) -> Self {
        match scalar {
            ScalarType::Boolean => Self::Boolean(array.as_boolean()),
            ScalarType::Int64 => Self::Int64(array.as_primitive::<Int64Type>()),
            ScalarType::Float64 => Self::Float64(array.as_primitive::<Float64Type>()),
            ScalarType::Decimal(scale) => Self::Decimal(array.as_primitive::<Decimal64Type>(), scale.unwrap_or(0)),
            ScalarType::Timestamp => Self::Timestamp(array.as_primitive::<TimestampMicrosecondType>()),
            ScalarType::Text => Self::Text(array.as_string::<i32>()),
        }
    }

    /// Appends the cell of row `row`, which must be below the column's length.
    pub(super) fn push(&self, out: &mut Vec<u8>, row: usize) {
        if self.is_null(row) {
            return out.extend_from_slice(b"null");
        }
        match self {
            Self::Boolean(array) => push_boolean(out, array.value(row)),
            Self::Int64(array) => push_int(out, array.value(row)),
            Self::Float64(array) => push_float(out, array.value(row)),
            Self::Decimal(array, scale) => push_decimal(out, array.value(row), *scale),
            Self::Timestamp(array) => push_timestamp(out, array.value(row)),
            Self::Text(array) => push_text(out, array.value(row)),
            Self::List(array, values) => {
                let offsets = array.value_offsets();
                push_list(out, values, offsets[row] as usize..offsets[row + 1] as usize);
            }
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::Float64(array) => array.is_null(row),
            Self::Decimal(array, _) => array.is_null(row),
            Self::Timestamp(array) => array.is_null(row),
            Self::Text(array) => array.is_null(row),
            Self::List(array, _) => array.is_null(row),
        }
    }
}

fn push_list(out: &mut Vec<u8>, values: &Cells<'_>, range: std::ops::Range<usize>) {
    out.push(b'[');
    for (place, element) in range.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        values.push(out, element);
    }
    out.push(b']');
}

/// Appends a value of a group key.
pub(super) fn push_key(out: &mut Vec<u8>, value: &KeyValue) {
    match value {
        KeyValue::Null => out.extend_from_slice(b"null"),
        KeyValue::Boolean(value) => push_boolean(out, *value),
        KeyValue::Int64(value) => push_int(out, *value),
        KeyValue::Float64(ordered) => push_float(out, float_of_ordered(*ordered)),
        KeyValue::Decimal(mantissa, scale) => push_decimal(out, *mantissa, *scale),
        KeyValue::Timestamp(us) => push_timestamp(out, *us),
        KeyValue::Text(text) => push_text(out, text),
    }
}

/// The float of a `KeyValue::Float64`: positive floats have their sign bit set there, negative ones all bits turned.
fn float_of_ordered(ordered: u64) -> f64 {
    const SIGN: u64 = 1 << 63;
    f64::from_bits(if ordered & SIGN == 0 { !ordered } else { ordered ^ SIGN })
}

fn push_boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

pub(super) fn push_int<I: itoa::Integer>(out: &mut Vec<u8>, value: I) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

pub(super) fn push_float(out: &mut Vec<u8>, value: f64) {
    let start = out.len();
    // Not finite becomes `null`; writing to a `Vec` cannot fail.
    let _ = serde_json::to_writer(&mut *out, &value);
    // serde_json says `1e+16` or `1e16` by its version; the rows' bytes are not to depend on that.
    if let Some(plus) = out[start..].iter().position(|byte| *byte == b'+') {
        out.remove(start + plus);
    }
}

/// Appends text in quotes, escaped.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    // Writing to a `Vec` cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn push_timestamp(out: &mut Vec<u8>, us: i64) {
    out.push(b'"');
    instant::push_micros(out, us);
    out.push(b'"');
}

/// Appends `mantissa * 10^-scale` exactly, without zeros at the end of the fraction.
pub(super) fn push_decimal(out: &mut Vec<u8>, mantissa: i64, scale: u8) {
    let mut digits_value = mantissa.unsigned_abs();
    let mut scale = usize::from(scale);
    while scale > 0 && digits_value.is_multiple_of(10) {
        digits_value /= 10;
        scale = if digits_value == 0 { 0 } else { scale - 1 };
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(digits_value);
    if mantissa < 0 {
        out.push(b'-');
    }
    let whole = digits.len().saturating_sub(scale);
    out.extend_from_slice(if whole == 0 { b"0" } else { &digits.as_bytes()[..whole] });
    if scale > 0 {
        out.push(b'.');
        out.resize(out.len() + scale.saturating_sub(digits.len()), b'0');
        out.extend_from_slice(&digits.as_bytes()[whole..]);
    }
}

#[cfg(test)]
mod tests;
