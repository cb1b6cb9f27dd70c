//! A KPI that misbehaves as its options ask, in all ways but the limits.

use super::support::{EVIL, assert_quarantined, error_of, kpi, open, options, update};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array};
use std::sync::Arc;
use weir::plugin::{Limits, PluginKind, Sample, Setting, UseError, inspect, render};
use weir_core::plugin::PluginErrorKind;

#[test]
fn an_honest_kpi_folds_merges_and_evaluates() {
    let mut kpi = kpi(&open(Limits::default()), "none", "update", 0);
    update(kpi.as_mut()).expect("update");
    let nulls: ArrayRef = Arc::new(Float64Array::from(vec![Some(8.0), None]));
    kpi.update(&[1, 1], &[nulls]).expect("update with a null");
    let state = kpi.state(&[0, 1]).expect("state");
    kpi.merge(&[2, 2], &state).expect("merge");
    let rows = kpi.evaluate(&[0, 1, 2, 7], &[0; 4], &[60; 4]).expect("evaluate");
    assert_eq!(rows.places, [0, 1, 2, 3]);
    assert_eq!(rows.columns[0].as_primitive::<Float64Type>().values().to_vec(), [5.0, 10.0, 15.0, 0.0]);
    assert_eq!(rows.columns[1].as_primitive::<Int64Type>().values().to_vec(), [2, 2, 4, 0]);
    assert_eq!(rows.columns[2].as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["n=2", "n=2", "n=4", "n=0"]);
    kpi.clear(&[2]).expect("clear");
    let rows = kpi.evaluate(&[2], &[0], &[60]).expect("evaluate");
    assert_eq!(rows.columns[1].as_primitive::<Int64Type>().value(0), 0);
    let cost = kpi.cost();
    assert!(cost.fuel > 0 && cost.nanos > 0);
    assert_eq!((cost.rows, cost.calls), (5, 10), "start, describe, create and seven calls");
}

#[test]
fn it_describes_itself() {
    let plugin = open(Limits::default());
    assert_eq!((plugin.kind(), plugin.size_bytes()), (PluginKind::Kpi, EVIL.len() as u64));
    let description = plugin.describe_kpi(&[]).expect("described");
    assert_eq!((description.name.as_str(), description.version.as_str()), ("evil", "1.2.3"));
    let output = &description.outputs[0];
    assert_eq!((output.field.path.as_str(), output.unit.as_deref(), output.additive), ("total", Some("GBP"), true));
    let error = error_of(plugin.describe_preprocessor(&[]));
    assert!(error.to_string().contains("is a kpi, but a preprocessor is needed"));
    let odd = [("color".to_owned(), Setting::Boolean(true))];
    let UseError::Options { words, .. } = error_of(plugin.kpi(&odd)) else { panic!("not the options") };
    assert_eq!(words, "unknown option `color`; write mode, in or amount");
}

#[test]
fn every_kind_of_option_arrives() {
    for value in [
        Setting::Boolean(true),
        Setting::Int64(1),
        Setting::Float64(1.5),
        Setting::Text("x".into()),
        Setting::Int64s(vec![1]),
        Setting::Float64s(vec![1.5]),
        Setting::Texts(vec!["x".into(), String::new()]),
    ] {
        open(Limits::default()).describe_kpi(&[("ignored".into(), value)]).expect("arrives");
    }
}

#[test]
fn traps_say_where() {
    for (mode, words) in [("panic", "unreachable"), ("out-of-bounds", "out of bounds memory access")] {
        let mut evil = kpi(&open(Limits::default()), mode, "update", 0);
        let error = update(evil.as_mut()).expect_err(mode);
        assert_eq!(error.kind, PluginErrorKind::Trap, "{}", error.reason);
        assert!(error.reason.contains(words) && error.reason.contains(", in `"), "{}", error.reason);
        assert_quarantined(evil.as_mut(), Limits::default());
    }
}

#[test]
fn failures_are_answers() {
    let mut evil = kpi(&open(Limits::default()), "fail", "update", 0);
    let error = update(evil.as_mut()).expect_err("fails");
    assert_eq!((error.kind, error.row), (PluginErrorKind::Failure, None));
    assert_eq!(error.reason, "plugin `evil` failed: this cannot\u{fffd}[31m be", "no escape codes");
    assert_quarantined(evil.as_mut(), Limits::default());
    let error = update(kpi(&open(Limits::default()), "fail-row", "update", 2).as_mut()).expect_err("fails");
    assert_eq!((error.kind, error.row), (PluginErrorKind::Failure, Some(2)));
    assert_eq!(error.reason, "plugin `evil` failed: overflow", "the row is told apart");
}

#[test]
fn malformed_rows_are_refused() {
    let plugin = open(Limits::default());
    for (mode, words) in [
        ("column-missing", "it has 2 columns, but 3 are declared"),
        ("column-extra", "it has 4 columns, but 3 are declared"),
        ("column-type", "column `total` holds int64, but float64 is declared"),
        ("column-decimal", "column `total` holds decimal(2), but float64 is declared"),
        ("column-short", "column `total` has 2 values, but 3 are due"),
        ("column-long", "column `total` has 4 values, but 3 are due"),
        ("column-lists", "column `total` is a column of lists, but float64 is declared"),
        ("column-null", "column `total` holds a null, but is declared without"),
        ("validity-short", "column `total` has a bitmap of 0 bytes, but 3 values need 1"),
        ("element-validity", "column `total` has an element validity"),
        ("places-fall", "places fall, from 2 to 1 at row 0"),
        ("places-beyond", "place 3 is beyond the 3 slots"),
        ("offsets-fall", "column `label` has offsets that fall, from 4294967295"),
        ("offsets-beyond", "column `label` has texts up to byte 10, but 9 bytes"),
        ("offsets-first", "column `label` has offsets that do not begin with 0"),
        ("offsets-short", "column `label` has 1 offsets, but 3 values need 4"),
        ("utf8", "column `label` holds text that is not UTF-8"),
        ("utf8-split", "column `label` holds text that is not UTF-8"),
    ] {
        let mut evil = kpi(&plugin, mode, "update", 0);
        update(evil.as_mut()).expect("honest so far");
        let error = evil.evaluate(&[0, 1, 2], &[0; 3], &[60; 3]).expect_err(mode);
        assert_eq!(error.kind, PluginErrorKind::Malformed, "{mode}: {}", error.reason);
        let begins = "plugin `evil`: `evaluate` broke the contract: ";
        assert!(error.reason.starts_with(begins) && error.reason.contains(words), "{mode}: {}", error.reason);
        assert_quarantined(evil.as_mut(), Limits::default());
    }
    let error = kpi(&plugin, "short-state", "update", 0).state(&[0, 1]).expect_err("short");
    assert!(
        error.reason.contains("`state` broke the contract: column `1` has 1 values, but 2 are due"),
        "{}",
        error.reason
    );
}

#[test]
fn a_ratio_of_nothing_is_allowed() {
    let rows = kpi(&open(Limits::default()), "nan", "update", 0).evaluate(&[0], &[0], &[60]).expect("NaN is an answer");
    assert!(rows.columns[0].as_primitive::<Float64Type>().value(0).is_nan());
    assert_eq!(rows.columns[0].null_count(), 0);
}

#[test]
fn malformed_descriptions_are_refused() {
    let plugin = open(Limits::default());
    for (mode, amount, words) in [
        ("bad-name", 0, "its name `Not A Name` is not of lower-case words"),
        ("twin-outputs", 0, "it has the output `total` twice"),
        ("reserved-output", 0, "its output `window` has a name that every result row uses itself"),
        ("many-outputs", 257, "it has 257 outputs; at most 256"),
        ("many-outputs", 0, "it has no outputs"),
    ] {
        let UseError::Plugin(error) = error_of(plugin.describe_kpi(&options(mode, "", amount))) else {
            panic!("{mode}")
        };
        assert_eq!(error.kind, PluginErrorKind::Malformed);
        assert!(error.reason.contains(words), "{mode}: {}", error.reason);
    }
    plugin.describe_kpi(&options("many-outputs", "", 256)).expect("256 are possible");
}

#[test]
fn inspection_tells_the_price() {
    let plugin = open(Limits::default());
    let inspection = inspect(&plugin, &[]).expect("inspected");
    assert!(
        matches!(inspection.sample, Sample::Fuel { fuel: 1_024..=102_400, rows: 1_024 }),
        "{:?}",
        inspection.sample
    );
    assert_eq!(inspect(&plugin, &[]).expect("inspected"), inspection, "the same every time");
    let text = render(&inspection);
    assert!(
        text.contains("evil 1.2.3 (kpi)")
            && text.contains("imports  none")
            && text.contains("total  float64, in GBP, additive")
    );
    let inspection = inspect(&plugin, &options("fail", "update", 0)).expect("inspected all the same");
    assert!(matches!(inspection.sample, Sample::Refused(_)));
}
