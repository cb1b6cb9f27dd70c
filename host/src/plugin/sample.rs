//! Made-up columns for any input: the same on every machine, without nulls, small numbers, three elements a list.

use arrow_array::{
    ArrayRef, BooleanArray, Decimal64Array, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field as ArrowField;
use std::sync::Arc;
use weir_core::types::{ColumnType, Field, ScalarType};

const ELEMENTS: usize = 3;
/// The scale where a plugin takes any: that of most money.
const SCALE: u8 = 2;
/// 2020-09-18T10:55:00Z.
const START_US: i64 = 1_600_426_500_000_000;
const WORDS: [&str; 4] = ["Germany", "France", "United Kingdom", "ORDER"];

/// A column of `rows` rows for each input.
pub(super) fn sample(inputs: &[Field], rows: usize) -> Vec<ArrayRef> {
    inputs.iter().map(|input| column(input.column_type, rows)).collect()
}

fn column(column_type: ColumnType, rows: usize) -> ArrayRef {
    match column_type {
        ColumnType::Scalar(scalar) => values(scalar, rows),
        ColumnType::List(scalar) => {
            let elements = values(scalar, rows * ELEMENTS);
            let field = ArrowField::new("item", elements.data_type().clone(), true);
            let offsets = OffsetBuffer::from_repeated_length(ELEMENTS, rows);
            Arc::new(ListArray::new(Arc::new(field), offsets, elements, None))
        }
    }
}

fn values(scalar: ScalarType, count: usize) -> ArrayRef {
    // 1 to 97: no division by zero, no overflow, not all the same.
    let numbers = (0..count).map(|n| (n * 37 % 97 + 1) as i64);
    match scalar {
        ScalarType::Boolean => Arc::new(BooleanArray::from_iter(numbers.map(|n| Some(n % 4 != 0)))),
        ScalarType::Int64 => Arc::new(Int64Array::from_iter_values(numbers)),
        ScalarType::Float64 => Arc::new(Float64Array::from_iter_values(numbers.map(|n| n as f64 / 4.0))),
        ScalarType::Decimal(scale) => {
            let data_type = ScalarType::Decimal(Some(scale.unwrap_or(SCALE))).arrow();
            Arc::new(Decimal64Array::from_iter_values(numbers).with_data_type(data_type))
        }
        ScalarType::Timestamp => {
            Arc::new(TimestampMicrosecondArray::from_iter_values(numbers.map(|n| START_US + n * 1_000_000)))
        }
        ScalarType::Text => Arc::new(StringArray::from_iter_values(numbers.map(|n| WORDS[n as usize % WORDS.len()]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;

    #[test]
    fn a_column_of_each_type() {
        let scalars = [
            ScalarType::Boolean,
            ScalarType::Int64,
            ScalarType::Float64,
            ScalarType::Decimal(None),
            ScalarType::Decimal(Some(4)),
            ScalarType::Timestamp,
            ScalarType::Text,
        ];
        for column_type in scalars.into_iter().flat_map(|scalar| [ColumnType::Scalar(scalar), ColumnType::List(scalar)])
        {
            let field = Field { path: "x".into(), column_type, nullable: false };
            let columns = sample(std::slice::from_ref(&field), 10);
            let is = ColumnType::of_arrow(columns[0].data_type()).expect("one of ours");
            assert!(column_type.takes(is), "{is} for {column_type}");
            assert_eq!((columns[0].len(), columns[0].null_count()), (10, 0));
        }
    }
}
