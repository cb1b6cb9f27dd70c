//! Arrow columns → WIT columns, borrowed: only a bitmap or offsets that begin in the middle of a buffer are copied.

use super::bindings::types::{ColumnParam, DecimalsParam, TextsParam, ValuesParam};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;
use std::borrow::Cow;
use weir_core::types::ScalarType;

/// A column whose buffers a call may borrow.
pub(super) struct Lent<'a> {
    lists: Option<Cow<'a, [u32]>>,
    values: LentValues<'a>,
    validity: Option<Cow<'a, [u8]>>,
    element_validity: Option<Cow<'a, [u8]>>,
}

enum LentValues<'a> {
    Boolean(Cow<'a, [u8]>),
    Int64(&'a [i64]),
    Float64(&'a [f64]),
    Decimal(u8, &'a [i64]),
    Timestamp(&'a [i64]),
    Text(Cow<'a, [u32]>, &'a [u8]),
}

/// Lends columns to a call of `rows` rows.
///
/// # Errors
/// If a column has another length or a type that cannot cross: a fault of the host, in words.
pub(super) fn lend(columns: &[ArrayRef], rows: usize) -> Result<Vec<Lent<'_>>, String> {
    columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            if column.len() != rows {
                return Err(format!("Weir gave {} values for {rows} rows in column {place}", column.len()));
            }
            Lent::of(column.as_ref())
                .ok_or_else(|| format!("Weir gave column {place} as {}, which cannot cross", column.data_type()))
        })
        .collect()
}

/// The lent columns as arguments.
pub(super) fn params<'a>(lent: &'a [Lent<'_>]) -> Vec<ColumnParam<'a>> {
    lent.iter().map(Lent::param).collect()
}

impl<'a> Lent<'a> {
    fn of(column: &'a dyn Array) -> Option<Self> {
        let validity = validity(column, 0, column.len());
        let DataType::List(_) = column.data_type() else {
            let values = LentValues::of(column, 0, column.len())?;
            return Some(Self { lists: None, values, validity, element_validity: None });
        };
        let lists = column.as_list_opt::<i32>()?;
        let offsets = offsets(lists.value_offsets());
        let start = lists.value_offsets().first().map_or(0, |first| *first as usize);
        let len = offsets.last().map_or(0, |last| *last as usize);
        let elements = lists.values().as_ref();
        Some(Self {
            values: LentValues::of(elements, start, len)?,
            validity,
            element_validity: self::validity(elements, start, len),
            lists: Some(offsets),
        })
    }

    fn param(&self) -> ColumnParam<'_> {
        ColumnParam {
            lists: self.lists.as_deref(),
            values: match &self.values {
                LentValues::Boolean(bitmap) => ValuesParam::Boolean(bitmap),
                LentValues::Int64(values) => ValuesParam::Int64(values),
                LentValues::Float64(values) => ValuesParam::Float64(values),
                LentValues::Decimal(scale, mantissas) => {
                    ValuesParam::Decimal(DecimalsParam { scale: *scale, mantissas })
                }
                LentValues::Timestamp(values) => ValuesParam::Timestamp(values),
                LentValues::Text(offsets, bytes) => ValuesParam::Text(TextsParam { offsets, bytes }),
            },
            validity: self.validity.as_deref(),
            element_validity: self.element_validity.as_deref(),
        }
    }
}

impl<'a> LentValues<'a> {
    /// The values `start..start + len` of an array that is no list.
    fn of(array: &'a dyn Array, start: usize, len: usize) -> Option<Self> {
        let range = start..start + len;
        Some(match ScalarType::of_arrow(array.data_type())? {
            ScalarType::Boolean => Self::Boolean(bitmap(array.as_boolean_opt()?.values(), start, len)),
            ScalarType::Int64 => Self::Int64(array.as_primitive_opt::<Int64Type>()?.values().get(range)?),
            ScalarType::Float64 => Self::Float64(array.as_primitive_opt::<Float64Type>()?.values().get(range)?),
            ScalarType::Decimal(scale) => {
                Self::Decimal(scale?, array.as_primitive_opt::<Decimal64Type>()?.values().get(range)?)
            }
            ScalarType::Timestamp => {
                Self::Timestamp(array.as_primitive_opt::<TimestampMicrosecondType>()?.values().get(range)?)
            }
            ScalarType::Text => {
                let texts = array.as_string_opt::<i32>()?;
                let raw = texts.value_offsets().get(start..=start + len)?;
                let (first, last) = (*raw.first()? as usize, *raw.last()? as usize);
                Self::Text(offsets(raw), texts.value_data().get(first..last)?)
            }
        })
    }
}

/// Offsets that begin at 0; Arrow's are rising and not negative, so their bits are those of `u32`.
fn offsets(raw: &[i32]) -> Cow<'_, [u32]> {
    match raw.first() {
        None => Cow::Borrowed(&[0]),
        Some(0) => Cow::Borrowed(unsigned(raw)),
        Some(first) => Cow::Owned(raw.iter().map(|offset| (offset - first) as u32).collect()),
    }
}

fn unsigned(offsets: &[i32]) -> &[u32] {
    // SAFETY: i32 and u32 have the same size and alignment, every bit pattern is valid in both, and length and lifetime stay.
    // No safe call does it without a copy of the offsets of every text column of every batch.
    unsafe { std::slice::from_raw_parts(offsets.as_ptr().cast::<u32>(), offsets.len()) }
}

fn validity(array: &dyn Array, start: usize, len: usize) -> Option<Cow<'_, [u8]>> {
    let nulls = array.nulls()?;
    let bits = nulls.inner();
    (bits.slice(start, len).count_set_bits() < len).then(|| bitmap(bits, start, len))
}

/// Bits `start..start + len` from the least bit of the first byte on, with zeros after the last: what stands in a bitmap beyond
/// its rows depends on how the batch was cut, and a plugin's answer must not.
fn bitmap(bits: &BooleanBuffer, start: usize, len: usize) -> Cow<'_, [u8]> {
    let (first, bytes) = (bits.offset() + start, len.div_ceil(8));
    let used = len % 8;
    let mask = if used == 0 { u8::MAX } else { (1 << used) - 1 };
    if first.is_multiple_of(8)
        && let Some(slice) = bits.values().get(first / 8..first / 8 + bytes)
        && slice.last().is_none_or(|last| last & !mask == 0)
    {
        return Cow::Borrowed(slice);
    }
    let mut copy = bits.slice(start, len).sliced().as_slice().to_vec();
    copy.truncate(bytes);
    if let Some(last) = copy.last_mut() {
        *last &= mask;
    }
    Cow::Owned(copy)
}

#[cfg(test)]
#[path = "lend_tests.rs"]
mod tests;
