//! Any bytes as records: the decoder with and without SIMD come to the same rows, values and reasons. The input is cut into records
//! at each line end, so that orders of keys are learned from one record and met again, broken, in the next.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use weir::decode::{DecodeField, DecodeSchema, Decoder, TimestampForm};
use weir_core::block::{Block, NO_TIMESTAMP, Record};
use weir_core::types::{ColumnType, ScalarType};

fuzz_target!(|bytes: &[u8]| {
    let (schema, block) = (schema(), block(bytes));
    let one = Decoder::new(&schema).expect("the schema is right").decode(&block);
    let other = Decoder::portable(&schema).expect("the schema is right").decode(&block);
    assert_eq!(one.rows, other.rows);
    assert_eq!(one.undecodable, other.undecodable);
    assert_eq!(one.columns, other.columns);
    assert_eq!(one.rows.len() + one.undecodable.len(), block.records.len());
    for column in &one.columns {
        assert_eq!(column.len(), one.rows.len());
    }
});

fn schema() -> DecodeSchema {
    let form = TimestampForm::Format { format: "%Y-%m-%d %H:%M:%S".to_owned(), zone: "UTC".to_owned() };
    let fields = vec![
        field("a", ScalarType::Int64),
        field("b", ScalarType::Text),
        field("c.d", ScalarType::Float64),
        field("e", ScalarType::Boolean),
        field("i[].a", ScalarType::Decimal(Some(2))),
        field("i[].b", ScalarType::Text),
        field("l[]", ScalarType::Int64),
        DecodeField { timestamp: Some(form), ..field("t", ScalarType::Timestamp) },
    ];
    DecodeSchema { depth_max: 8, list_elements_max: 8, ..DecodeSchema::new(fields) }
}

fn field(path: &str, scalar: ScalarType) -> DecodeField {
    let column_type = if path.contains("[]") { ColumnType::List(scalar) } else { ColumnType::Scalar(scalar) };
    DecodeField { path: path.to_owned(), column_type, timestamp: None, required: false }
}

fn block(bytes: &[u8]) -> Block {
    let mut start = 0;
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| {
        let record =
            Record { start, len: line.len() as u32, offset: i64::from(start), arrival_us: 0, timestamp_ms: NO_TIMESTAMP };
        start += line.len() as u32 + 1;
        record
    });
    let records = lines.collect();
    Block { partition: 0, bytes: Arc::new(bytes.to_vec()), records }
}
