//! Every type in the table is what the JSON row says, exactly.

use super::support::*;
use crate::sink::KpiSchema;
use crate::sink::row::RowWriter;
use crate::sink::test_rows::{schema, window};
use arrow_array::builder::{Decimal64Builder, Int64Builder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal64Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use std::sync::Arc;
use weir_core::group::KeyValue;
use weir_core::plugin::Output;
use weir_core::results::{Closed, ResultTable, WindowContent};
use weir_core::types::{ColumnType, Field, ScalarType};

const TYPES: [(&str, ScalarType); 6] = [
    ("a boolean", ScalarType::Boolean),
    ("int", ScalarType::Int64),
    ("float", ScalarType::Float64),
    ("decimal", ScalarType::Decimal(Some(4))),
    ("instant", ScalarType::Timestamp),
    ("Text\"s", ScalarType::Text),
];

fn field(path: &str, column_type: ColumnType) -> Field {
    Field { path: path.into(), column_type, nullable: true }
}

/// A key and an output of each type, and lists of four.
fn all_types() -> KpiSchema {
    let mut kpi = schema("all-types", 0);
    kpi.keys = TYPES.iter().map(|(name, of)| field(&format!("key {name}"), ColumnType::Scalar(*of))).collect();
    let lists = TYPES[1..].iter().filter(|(_, of)| *of != ScalarType::Float64);
    let lists = lists.map(|(name, of)| field(&format!("list {name}"), ColumnType::List(*of)));
    let fields = TYPES.iter().map(|(name, of)| field(name, ColumnType::Scalar(*of))).chain(lists);
    let output = |field| Output { field, unit: Some("GBP".into()), description: "It's one".into(), additive: false };
    kpi.outputs = fields.map(output).enumerate().collect();
    kpi
}

const TEXTS: [&str; 4] = ["tab\t, \"quotes\", \\ and 'more'\r\n", "", "\\N", "{NULL} Zürich 🦀"];
const INSTANTS: [i64; 4] = [0, -62_135_596_800_000_001, i64::MAX, 1_600_426_500_000_250];
const MANTISSAS: [i64; 4] = [i64::MAX, i64::MIN, -5, 0];
const FLOATS: [f64; 4] = [0.1, -1.797_693_134_862_315_7e308, 5e-324, 1e16];

fn scalars() -> Vec<ArrayRef> {
    let decimals = Decimal64Array::from_iter_values(MANTISSAS).with_precision_and_scale(18, 4).unwrap();
    vec![
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, None])),
        Arc::new(Int64Array::from(vec![Some(i64::MAX), Some(i64::MIN), None, Some(0)])),
        Arc::new(Float64Array::from_iter_values(FLOATS)),
        Arc::new(decimals),
        Arc::new(TimestampMicrosecondArray::from_iter_values(INSTANTS)),
        Arc::new(StringArray::from_iter_values(TEXTS)),
    ]
}

/// Four lists each: all values, none, a null within, no list.
macro_rules! lists {
    ($builder:expr, $values:expr) => {{
        let mut list = ListBuilder::new($builder);
        $values.into_iter().for_each(|value| list.values().append_value(value));
        list.append(true);
        list.append(true);
        list.values().append_null();
        list.append(true);
        list.append(false);
        Arc::new(list.finish()) as ArrayRef
    }};
}

fn columns() -> Vec<ArrayRef> {
    let decimals = Decimal64Builder::new().with_precision_and_scale(18, 4).unwrap();
    let lists = [
        lists!(Int64Builder::new(), [1, -2]),
        lists!(decimals, MANTISSAS),
        lists!(TimestampMicrosecondBuilder::new(), INSTANTS),
        lists!(StringBuilder::new(), TEXTS),
    ];
    scalars().into_iter().chain(lists).collect()
}

fn keys() -> Vec<Arc<[KeyValue]>> {
    let key = |row: usize| {
        [
            KeyValue::Boolean(row == 1),
            KeyValue::Int64(i64::MIN + row as i64),
            KeyValue::from_f64(FLOATS[row]),
            KeyValue::Decimal(MANTISSAS[row], 4),
            KeyValue::Timestamp(INSTANTS[row]),
            KeyValue::Text(TEXTS[row].into()),
        ]
    };
    let nulls = TYPES.map(|_| KeyValue::Null);
    vec![Arc::new(nulls), Arc::new(key(1)), Arc::new(key(2)), Arc::new(key(3))]
}

#[test]
fn every_type_is_what_the_json_row_says() {
    let (place, kpi) = (place("types"), all_types());
    let table = Arc::new(ResultTable { keys: keys(), columns: columns() });
    let closed = Closed { kpi: 0, windows: vec![window(0, 0, WindowContent::Rows(0..4))], table };
    let mut sink = place.run(std::slice::from_ref(&kpi), &resume(1, 0, None)).unwrap();
    deliver(&mut sink, 1, std::slice::from_ref(&closed));

    let writer = RowWriter::new(&kpi);
    let mut json = Vec::new();
    writer.rows(&closed.table).unwrap().push_window(&mut json, &closed.windows[0]).unwrap();
    let json: Vec<&str> = std::str::from_utf8(&json).unwrap().lines().collect();
    // The server reads our JSON rows into the table's own types, and compares.
    for (ordinal, row) in json.iter().enumerate() {
        let row = super::super::sql::literal(
            &row.replace("\"+294247-", "\"294247-")
                .replace("0000-12-31T23:59:59.999999Z", "0001-12-31 23:59:59.999999Z BC"),
        );
        let comparable = "to_jsonb(t) - array['window_start', 'window_end', 'revision', 'ordinal', 'unavailable']";
        let sql = format!(
            "select ({comparable})::text from types.all_types t where ordinal = {ordinal} except \
             select ({comparable})::text from jsonb_populate_record(null::types.all_types, {row}::jsonb) t"
        );
        assert_eq!(place.sql(&sql), "", "row {ordinal}: {row}");
    }
    assert_eq!(place.sql("select count(*) from types.all_types").trim(), "4");
    let types = "select string_agg(format_type(atttypid, atttypmod), ',' order by attnum) from pg_attribute \
                 where attrelid = 'types.all_types'::regclass and attnum > 10";
    assert_eq!(
        place.sql(types).trim(),
        "boolean,bigint,double precision,numeric(19,4),timestamp with time zone,text,bigint[],numeric(19,4)[],\
         timestamp with time zone[],text[],text"
    );
    let comment = place
        .sql("select col_description('types.all_types'::regclass, 12), obj_description('types.all_types'::regclass)");
    assert_eq!(comment.trim(), "It's one [GBP]|KPI all-types of pipeline retail, written by Weir");
}

#[test]
fn what_postgresql_cannot_hold_becomes_the_nearest_that_it_can() {
    let place = place("odd");
    let mut kpi = schema("odd", 0);
    let output = |(place, name): (usize, &str), of| {
        let field = field(name, ColumnType::Scalar(of));
        (place, Output { field, unit: None, description: String::new(), additive: true })
    };
    kpi.outputs = vec![
        output((0, "f"), ScalarType::Float64),
        output((1, "at"), ScalarType::Timestamp),
        output((2, "t"), ScalarType::Text),
    ];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Float64Array::from_iter_values([f64::NAN, f64::INFINITY, f64::NEG_INFINITY])),
        Arc::new(TimestampMicrosecondArray::from_iter_values([i64::MIN, -210_866_803_200_000_000, 0])),
        Arc::new(StringArray::from_iter_values(["a\0b", "\0", "c"])),
    ];
    let key = |text: &str| -> Arc<[KeyValue]> { Arc::new([KeyValue::Text(text.into())]) };
    let table = Arc::new(ResultTable { keys: vec![key("\0"), key("\u{fffd}"), key("x")], columns });
    let mut sink = place.run(&[kpi], &resume(1, 0, None)).unwrap();
    deliver(&mut sink, 1, &[Closed { kpi: 0, windows: vec![window(0, 0, WindowContent::Rows(0..3))], table }]);
    let rows = place.sql("set timezone = 'UTC'; select country, f, at, t from odd.odd order by ordinal");
    let expected = "\u{fffd}|NaN|-infinity|a\u{fffd}b\n\u{fffd}|Infinity|4714-11-24 00:00:00+00 BC|\u{fffd}\nx|-Infinity|1970-01-01 00:00:00+00|c";
    assert_eq!(rows.trim(), expected);
}
