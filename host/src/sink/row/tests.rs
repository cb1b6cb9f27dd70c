//! Whole rows, to the byte.

use super::super::test_rows::{Row, T0_US, schema, table, window};
use super::*;
use proptest::prelude::*;
use weir_core::plugin::Output;
use weir_core::types::{ColumnType, Field, ScalarType};

const GERMANY: Row = (Some("Germany"), 1, 614_600, 0.0);

fn render(kpi: &KpiSchema, table: &ResultTable, window: &ClosedWindow) -> Result<String, ArrowError> {
    let mut out = Vec::new();
    RowWriter::new(kpi).rows(table)?.push_window(&mut out, window)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_row_as_the_design_says() {
    let mut window = window(5, 0, WindowContent::Rows(0..1));
    let rows = table(&[GERMANY]);
    assert_eq!(
        render(&schema("s", 0), &rows, &window).unwrap(),
        "{\"window\":{\"start\":\"2020-09-18T10:55:00.000Z\",\"end\":\"2020-09-18T10:56:00.000Z\"},\
         \"country\":\"Germany\",\"OPM\":1,\"total_sale_volume\":61.46,\"rate_of_return\":0.0}\n"
    );
    window.revision = 3;
    assert_eq!(
        render(&schema("s", 0), &rows, &window).unwrap(),
        "{\"window\":{\"start\":\"2020-09-18T10:55:00.000Z\",\"end\":\"2020-09-18T10:56:00.000Z\"},\"revision\":3,\
         \"country\":\"Germany\",\"OPM\":1,\"total_sale_volume\":61.46,\"rate_of_return\":0.0}\n"
    );
}

#[test]
fn only_the_windows_own_rows() {
    let rows = table(&[GERMANY, (None, 2, 0, 0.5), (Some("France"), 3, -1, 1.0)]);
    let text = render(&schema("s", 0), &rows, &window(0, 0, WindowContent::Rows(1..3))).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.split_once("},").unwrap().1).collect();
    assert_eq!(
        lines,
        [
            "\"country\":null,\"OPM\":2,\"total_sale_volume\":0,\"rate_of_return\":0.5}",
            "\"country\":\"France\",\"OPM\":3,\"total_sale_volume\":-0.0001,\"rate_of_return\":1.0}",
        ]
    );
    assert_eq!(render(&schema("s", 0), &rows, &window(0, 0, WindowContent::Rows(1..1))).unwrap(), "");
}

#[test]
fn an_unavailable_window_is_one_row() {
    let mut window = window(0, 0, WindowContent::Unavailable("the plugin \"x\" trapped".to_owned()));
    assert_eq!(
        render(&schema("s", 0), &table(&[]), &window).unwrap(),
        "{\"window\":{\"start\":\"2020-09-18T10:50:00.000Z\",\"end\":\"2020-09-18T10:51:00.000Z\"},\
         \"unavailable\":\"the plugin \\\"x\\\" trapped\"}\n"
    );
    window.revision = 1;
    assert!(render(&schema("s", 0), &table(&[]), &window).unwrap().contains("},\"revision\":1,\"unavailable\":"));
}

#[test]
fn outputs_are_chosen_and_ordered_by_the_schema() {
    let mut kpi = schema("s", 0);
    kpi.outputs.swap(0, 2);
    kpi.outputs.remove(1);
    let text = render(&kpi, &table(&[GERMANY]), &window(0, 0, WindowContent::Rows(0..1))).unwrap();
    assert!(text.ends_with("\"country\":\"Germany\",\"rate_of_return\":0.0,\"OPM\":1}\n"), "{text}");
}

#[test]
fn names_are_escaped() {
    let mut kpi = schema("s", 0);
    kpi.keys[0].path = "a\"b".to_owned();
    let text = render(&kpi, &table(&[GERMANY]), &window(0, 0, WindowContent::Rows(0..1))).unwrap();
    assert!(text.contains(",\"a\\\"b\":\"Germany\","), "{text}");
}

#[test]
fn windows_beyond_four_digit_years() {
    let window = ClosedWindow {
        start_us: -62_167_219_260_000_000,
        end_us: 253_402_300_800_000_000,
        revision: 0,
        content: WindowContent::Rows(0..1),
    };
    let text = render(&schema("s", 0), &table(&[GERMANY]), &window).unwrap();
    let head = "{\"window\":{\"start\":\"-000001-12-31T23:59:00.000Z\",\"end\":\"+10000-01-01T00:00:00.000Z\"},";
    assert!(text.starts_with(head), "{text}");
}

#[test]
fn tables_that_do_not_fit_are_errors() {
    let rows = window(0, 0, WindowContent::Rows(0..1));
    let mut few_columns = table(&[GERMANY]);
    few_columns.columns.pop();
    let mut short_column = table(&[GERMANY, GERMANY]);
    short_column.columns[1] = short_column.columns[1].slice(0, 1);
    let mut short_key = table(&[GERMANY]);
    short_key.keys[0] = std::sync::Arc::from([]);
    for wrong in [few_columns, short_column, short_key, table(&[])] {
        assert!(render(&schema("s", 0), &wrong, &rows).is_err());
    }
}

proptest! {
    /// What is read back from a row is what went in.
    #[test]
    fn rows_read_back(minute in -1_000_000i64..1_000_000, revision: u64, country in "\\PC*", orders: i64, rate in proptest::num::f64::NORMAL) {
        let kpi = KpiSchema {
            outputs: vec![
                (0, Output { field: field("n"), unit: None, description: String::new(), additive: true }),
                (2, Output { field: field("rate"), unit: None, description: String::new(), additive: false }),
            ],
            ..schema("s", 0)
        };
        let mut rows = table(&[(None, orders, 0, rate)]);
        rows.keys[0] = std::sync::Arc::from([weir_core::group::KeyValue::Text(country.as_str().into())]);
        let text = render(&kpi, &rows, &window(minute, revision, WindowContent::Rows(0..1))).unwrap();
        let row: serde_json::Value = serde_json::from_str(&text).unwrap();
        let start: jiff::Timestamp = row["window"]["start"].as_str().unwrap().parse().unwrap();
        prop_assert_eq!(start.as_microsecond(), T0_US + minute * 60_000_000);
        prop_assert_eq!(row["revision"].as_u64(), (revision > 0).then_some(revision));
        prop_assert_eq!(row["country"].as_str(), Some(country.as_str()));
        prop_assert_eq!(row["n"].as_i64(), Some(orders));
        prop_assert_eq!(row["rate"].as_f64().map(f64::to_bits), Some(rate.to_bits()));
    }
}

fn field(path: &str) -> Field {
    Field { path: path.to_owned(), column_type: ColumnType::Scalar(ScalarType::Float64), nullable: false }
}
