//! Rows of a KPI with one key and one output.

use arrow_array::{ArrayRef, Int64Array};
use std::sync::Arc;
use weir::sink::KpiSchema;
use weir_core::group::{GroupKey, KeyValue};
use weir_core::plugin::Output;
use weir_core::results::{Closed, ClosedWindow, ResultTable, WindowContent};
use weir_core::types::{ColumnType, Field, ScalarType};

/// 2020-09-18T10:50:00Z.
pub const T0_US: i64 = 1_600_426_200_000_000;
pub const MINUTE_US: i64 = 60_000_000;

fn field(path: &str, scalar: ScalarType) -> Field {
    Field { path: path.to_owned(), column_type: ColumnType::Scalar(scalar), nullable: true }
}

pub fn schema(name: &str, kpi: usize) -> KpiSchema {
    let output =
        Output { field: field("OPM", ScalarType::Int64), unit: None, description: String::new(), additive: true };
    KpiSchema { name: name.to_owned(), kpi, keys: vec![field("country", ScalarType::Text)], outputs: vec![(0, output)] }
}

/// One window of one minute, `minute` minutes after `T0_US`, with a row for each country.
pub fn closed(minute: i64, revision: u64, countries: &[&str]) -> Closed {
    let start_us = T0_US + minute * MINUTE_US;
    let content = WindowContent::Rows(0..countries.len());
    let window = ClosedWindow { start_us, end_us: start_us + MINUTE_US, revision, content };
    let keys = countries.iter().map(|country| GroupKey::from([KeyValue::Text((*country).into())])).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(0..countries.len() as i64))];
    Closed { kpi: 0, windows: vec![window], table: Arc::new(ResultTable { keys, columns }) }
}
