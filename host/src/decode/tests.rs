//! What counts as a record, rule by rule, through the decoder's front door.

use super::*;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ListArray};
use std::sync::Arc;
use weir_core::block::Record;
use weir_core::types::{ColumnType, ScalarType};

mod grammar;
mod limits;
mod oracle;
mod paths;
mod property;
mod schema;
mod values;

pub(super) use oracle::scaled;
pub(super) use property::Random;

/// A field: `path: type`, `!` for required, as in `items[].quantity!`.
pub(super) fn field(path: &str, scalar: ScalarType) -> DecodeField {
    let (path, required) = path.strip_suffix('!').map_or((path, false), |path| (path, true));
    let column_type = if path.contains("[]") { ColumnType::List(scalar) } else { ColumnType::Scalar(scalar) };
    DecodeField { path: path.to_owned(), column_type, timestamp: None, required }
}

pub(super) fn timestamp(path: &str, form: TimestampForm) -> DecodeField {
    DecodeField { timestamp: Some(form), ..field(path, ScalarType::Timestamp) }
}

pub(super) fn block(records: &[&[u8]]) -> Block {
    let (mut bytes, mut ranges) = (Vec::new(), Vec::new());
    for (offset, record) in (0i64..).zip(records) {
        // Gaps between records hold what would harm a reader that looks beyond its record.
        bytes.extend_from_slice(b"\"\\,}]");
        ranges.push(Record {
            start: bytes.len() as u32,
            len: record.len() as u32,
            offset,
            arrival_us: 0,
            timestamp_ms: 0,
        });
        bytes.extend_from_slice(record);
    }
    Block { partition: 0, bytes: Arc::new(bytes), records: ranges }
}

/// Decodes one record alone and among others, with and without SIMD; all must agree. Gives its values, written, or the reason.
pub(super) fn decode(schema: &DecodeSchema, record: &[u8]) -> Result<Vec<String>, String> {
    let given = decode_by(Decoder::new(schema).unwrap(), schema, record);
    assert_eq!(given, decode_by(Decoder::portable(schema).unwrap(), schema, record), "with and without SIMD");
    given
}

fn decode_by(mut decoder: Decoder, schema: &DecodeSchema, record: &[u8]) -> Result<Vec<String>, String> {
    let alone = decoder.decode(&block(&[record]));
    let between = decoder.decode(&block(&[record, record, record]));
    check_types(schema, &alone);
    check_types(schema, &between);
    match alone.undecodable.first() {
        Some((_, reason)) => {
            assert!(alone.rows.is_empty());
            assert_eq!(between.undecodable, [(0, reason.clone()), (1, reason.clone()), (2, reason.clone())]);
            assert!(reason.len() < 200 && reason.is_ascii(), "{reason}");
            Err(reason.clone())
        }
        None => {
            assert_eq!(between.rows, [0, 1, 2]);
            let row = written(&alone, 0);
            (0..3).for_each(|at| assert_eq!(written(&between, at), row));
            Ok(row)
        }
    }
}

pub(super) fn check_types(schema: &DecodeSchema, decoded: &Decoded) {
    assert_eq!(decoded.columns.len(), schema.fields.len());
    for (column, field) in decoded.columns.iter().zip(&schema.fields) {
        assert_eq!(column.data_type(), &field.column_type.arrow());
        assert_eq!(column.len(), decoded.rows.len());
        column.to_data().validate_full().unwrap();
    }
}

/// A row's values: numbers as mantissas and micros, text quoted, lists in brackets.
pub(super) fn written(decoded: &Decoded, row: usize) -> Vec<String> {
    decoded.columns.iter().map(|column| value(column, row)).collect()
}

fn value(array: &ArrayRef, row: usize) -> String {
    use arrow_schema::DataType;
    if array.is_null(row) {
        return "null".to_owned();
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal64(..) => array.as_primitive::<Decimal64Type>().value(row).to_string(),
        DataType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        DataType::Utf8 => format!("{:?}", array.as_string::<i32>().value(row)),
        _ => {
            let elements = array.as_any().downcast_ref::<ListArray>().unwrap().value(row);
            let elements: Vec<_> = (0..elements.len()).map(|at| value(&elements, at)).collect();
            format!("[{}]", elements.join(","))
        }
    }
}
