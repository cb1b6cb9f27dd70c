//! Rows for the tests of this room: a KPI `sales-by-country` with a text key and three outputs.

use super::KpiSchema;
use arrow_array::{ArrayRef, Decimal64Array, Float64Array, Int64Array};
use std::sync::Arc;
use weir_core::group::{GroupKey, KeyValue};
use weir_core::plugin::Output;
use weir_core::results::{Closed, ClosedWindow, ResultTable, WindowContent};
use weir_core::types::{ColumnType, Field, ScalarType};

/// 2020-09-18T10:50:00Z.
pub(super) const T0_US: i64 = 1_600_426_200_000_000;
/// One minute.
pub(super) const MINUTE_US: i64 = 60_000_000;

/// A row: country, orders, ten-thousandths of money, rate.
pub(super) type Row = (Option<&'static str>, i64, i64, f64);

fn field(path: &str, scalar: ScalarType) -> Field {
    Field { path: path.to_owned(), column_type: ColumnType::Scalar(scalar), nullable: true }
}

fn output(path: &str, scalar: ScalarType) -> Output {
    Output { field: field(path, scalar), unit: None, description: String::new(), additive: true }
}

pub(super) fn schema(name: &str, kpi: usize) -> KpiSchema {
    KpiSchema {
        name: name.to_owned(),
        kpi,
        keys: vec![field("country", ScalarType::Text)],
        outputs: vec![
            (0, output("OPM", ScalarType::Int64)),
            (1, output("total_sale_volume", ScalarType::Decimal(Some(4)))),
            (2, output("rate_of_return", ScalarType::Float64)),
        ],
    }
}

fn key(country: Option<&str>) -> GroupKey {
    Arc::from([country.map_or(KeyValue::Null, |country| KeyValue::Text(country.into()))])
}

pub(super) fn table(rows: &[Row]) -> ResultTable {
    let money = Decimal64Array::from_iter_values(rows.iter().map(|row| row.2));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(money.with_precision_and_scale(18, 4).unwrap()),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.3))),
    ];
    ResultTable { keys: rows.iter().map(|row| key(row.0)).collect(), columns }
}

/// One window of one minute, `minute` minutes after `T0_US`.
pub(super) fn window(minute: i64, revision: u64, content: WindowContent) -> ClosedWindow {
    let start_us = T0_US + minute * MINUTE_US;
    ClosedWindow { start_us, end_us: start_us + MINUTE_US, revision, content }
}

/// That window with these rows.
pub(super) fn closed(kpi: usize, minute: i64, revision: u64, rows: &[Row]) -> Closed {
    let window = window(minute, revision, WindowContent::Rows(0..rows.len()));
    Closed { kpi, windows: vec![window], table: Arc::new(table(rows)) }
}
