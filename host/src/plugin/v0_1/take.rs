//! WIT columns → Arrow columns, each property of the contract checked: a plugin's answer is a claim until then.
//!
//! Values are taken over without a further copy. Every message is for the plugin's author.

use super::bindings::types::{ColumnResult, TextsResult, ValuesResult};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal64Array, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::Field;
use std::sync::Arc;
use weir_core::types::{ColumnType, DECIMAL_SCALE_MAX, ScalarType};

/// Takes the columns of an answer, each with `rows` rows; `name` names the column at a place, for messages.
///
/// # Errors
/// What is wrong, beginning with the column's name.
pub(super) fn columns(
    given: Vec<ColumnResult>,
    declared: impl ExactSizeIterator<Item = ColumnType>,
    rows: usize,
    name: impl Fn(usize) -> String,
) -> Result<Vec<ArrayRef>, String> {
    if given.len() != declared.len() {
        return Err(format!("it has {} columns, but {} are declared", given.len(), declared.len()));
    }
    given
        .into_iter()
        .zip(declared)
        .enumerate()
        .map(|(place, (given, declared))| {
            column(given, declared, rows).map_err(|what| format!("column `{}` {what}", name(place)))
        })
        .collect()
}

/// A bitmap of exactly `rows` rows.
pub(super) fn bitmap(bytes: Vec<u8>, rows: usize) -> Result<BooleanBuffer, String> {
    let wanted = rows.div_ceil(8);
    if bytes.len() != wanted {
        return Err(format!("has a bitmap of {} bytes, but {rows} values need {wanted}", bytes.len()));
    }
    Ok(BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows))
}

fn column(given: ColumnResult, declared: ColumnType, rows: usize) -> Result<ArrayRef, String> {
    let nulls = nulls(given.validity, rows)?;
    match (declared, given.lists) {
        (ColumnType::Scalar(scalar), None) => {
            if given.element_validity.is_some() {
                return Err("has an element validity, which only a column of lists has".into());
            }
            values(given.values, scalar, rows, nulls)
        }
        (ColumnType::List(scalar), Some(lists)) => {
            let offsets = offsets(lists, rows)?;
            let elements = offsets.last() as usize;
            let item = values(given.values, scalar, elements, self::nulls(given.element_validity, elements)?)?;
            let field = Field::new("item", item.data_type().clone(), true);
            ListArray::try_new(Arc::new(field), offsets, item, nulls)
                .map(|array| Arc::new(array) as ArrayRef)
                .map_err(|error| error.to_string())
        }
        (ColumnType::Scalar(_), Some(_)) => Err(format!("is a column of lists, but {declared} is declared")),
        (ColumnType::List(_), None) => Err(format!("has one value a row, but {declared} is declared")),
    }
}

fn values(
    given: ValuesResult,
    declared: ScalarType,
    count: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, String> {
    let is = scalar_type(&given);
    if !declared.takes(is) {
        return Err(format!("holds {is}, but {declared} is declared"));
    }
    Ok(match given {
        ValuesResult::Boolean(bytes) => Arc::new(BooleanArray::new(bitmap(bytes, count)?, nulls)),
        ValuesResult::Int64(values) => Arc::new(Int64Array::new(sized(values, count)?, nulls)),
        ValuesResult::Float64(values) => Arc::new(Float64Array::new(sized(values, count)?, nulls)),
        ValuesResult::Timestamp(values) => Arc::new(TimestampMicrosecondArray::new(sized(values, count)?, nulls)),
        ValuesResult::Decimal(decimals) => {
            if decimals.scale > DECIMAL_SCALE_MAX {
                return Err(format!("has scale {}; at most {DECIMAL_SCALE_MAX} is possible", decimals.scale));
            }
            let array = Decimal64Array::new(sized(decimals.mantissas, count)?, nulls);
            Arc::new(array.with_data_type(is.arrow()))
        }
        ValuesResult::Text(texts) => Arc::new(self::texts(texts, count, nulls)?),
    })
}

fn scalar_type(values: &ValuesResult) -> ScalarType {
    match values {
        ValuesResult::Boolean(_) => ScalarType::Boolean,
        ValuesResult::Int64(_) => ScalarType::Int64,
        ValuesResult::Float64(_) => ScalarType::Float64,
        ValuesResult::Decimal(decimals) => ScalarType::Decimal(Some(decimals.scale)),
        ValuesResult::Timestamp(_) => ScalarType::Timestamp,
        ValuesResult::Text(_) => ScalarType::Text,
    }
}

fn sized<T: arrow_buffer::ArrowNativeType>(values: Vec<T>, count: usize) -> Result<ScalarBuffer<T>, String> {
    if values.len() != count {
        return Err(format!("has {} values, but {count} are due", values.len()));
    }
    Ok(values.into())
}

fn texts(texts: TextsResult, count: usize, nulls: Option<NullBuffer>) -> Result<StringArray, String> {
    let offsets = offsets(texts.offsets, count)?;
    let end = offsets.last() as usize;
    let mut bytes = texts.bytes;
    if end > bytes.len() {
        return Err(format!("has texts up to byte {end}, but {} bytes", bytes.len()));
    }
    bytes.truncate(end);
    StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls).map_err(|_| "holds text that is not UTF-8".into())
}

/// `count + 1` offsets, the first 0, none smaller than the one before.
fn offsets(given: Vec<u32>, count: usize) -> Result<OffsetBuffer<i32>, String> {
    if given.len() != count + 1 {
        return Err(format!("has {} offsets, but {count} values need {}", given.len(), count + 1));
    }
    if given.first() != Some(&0) {
        return Err("has offsets that do not begin with 0".into());
    }
    if let Some(place) = given.windows(2).position(|pair| pair[0] > pair[1]) {
        return Err(format!("has offsets that fall, from {} to {} at {place}", given[place], given[place + 1]));
    }
    if given.last().is_some_and(|last| i32::try_from(*last).is_err()) {
        return Err("has offsets above 2,147,483,647".into());
    }
    Ok(OffsetBuffer::new(given.into_iter().map(|offset| offset as i32).collect()))
}

fn nulls(validity: Option<Vec<u8>>, count: usize) -> Result<Option<NullBuffer>, String> {
    let nulls = validity.map(|bytes| bitmap(bytes, count)).transpose()?.map(NullBuffer::new);
    Ok(nulls.filter(|nulls| nulls.null_count() > 0))
}

#[cfg(test)]
#[path = "take_tests.rs"]
mod tests;
