//! A preprocessor that gives back what it gets: every type crosses both ways; and its misbehaviours.

use super::support::{HOST, error_of, guest};
use arrow_array::builder::{
    BooleanBuilder, Decimal64Builder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal64Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use std::sync::{Arc, LazyLock};
use weir::plugin::{Limits, Plugin, PluginKind, Setting, UseError};
use weir_core::plugin::{Outcome, PluginError, PluginErrorKind, Preprocess};

static PLUGIN: LazyLock<Plugin> =
    LazyLock::new(|| HOST.open("echo", &guest("evil-preprocessor"), Limits::default()).expect("opens"));

fn options(columns: &[&str], mode: &str, amount: i64) -> Vec<(String, Setting)> {
    vec![
        ("columns".into(), Setting::Texts(columns.iter().map(|text| text.to_string()).collect())),
        ("mode".into(), Setting::Text(mode.into())),
        ("amount".into(), Setting::Int64(amount)),
    ]
}

fn echo(columns: &[&str], mode: &str, amount: i64) -> Box<dyn Preprocess> {
    PLUGIN.preprocessor(&options(columns, mode, amount)).expect("an instance")
}

fn floats() -> ArrayRef {
    Arc::new(Float64Array::from(vec![1.5, -0.0, 1e300]))
}

/// Ten rows of each type, with nulls where `has_nulls`.
fn scalars(has_nulls: bool) -> Vec<ArrayRef> {
    let keep = |n: i64| !(has_nulls && n % 3 == 1);
    let ints = || (0..10).map(move |n| keep(n).then_some(n * 1_000_003 - 5));
    let decimals: Decimal64Array = ints().collect();
    vec![
        Arc::new((0..10).map(|n| keep(n).then_some(n % 2 == 0)).collect::<BooleanArray>()),
        Arc::new(ints().collect::<Int64Array>()),
        Arc::new((0..10).map(|n| keep(n).then_some(n as f64 / 7.0)).collect::<Float64Array>()),
        Arc::new(decimals.with_precision_and_scale(18, 4).expect("fits")),
        Arc::new(ints().collect::<TimestampMicrosecondArray>()),
        Arc::new((0..10).map(|n| keep(n).then(|| "é".repeat(n as usize))).collect::<StringArray>()),
    ]
}

const SCALARS: [&str; 6] = ["boolean?", "int64?", "float64?", "decimal?", "timestamp?", "text?"];
const LISTS: [&str; 6] = ["[boolean]?", "[int64]?", "[float64]?", "[decimal]?", "[timestamp]?", "[text]?"];

/// Rows of 0 to 3 elements, with null rows and null elements.
macro_rules! list {
    ($builder:expr, $value:expr) => {{
        let mut lists = ListBuilder::new($builder);
        for row in 0..10_i64 {
            for element in 0..row % 4 {
                lists.values().append_option((element != 1).then(|| $value(row * 10 + element)));
            }
            lists.append(row % 5 != 2);
        }
        Arc::new(lists.finish()) as ArrayRef
    }};
}

fn lists() -> Vec<ArrayRef> {
    let decimal = Decimal64Builder::new().with_data_type(DataType::Decimal64(18, 4));
    vec![
        list!(BooleanBuilder::new(), |n: i64| n % 2 == 0),
        list!(Int64Builder::new(), |n: i64| n - 7),
        list!(Float64Builder::new(), |n: i64| n as f64),
        list!(decimal, |n: i64| n),
        list!(TimestampMicrosecondBuilder::new(), |n: i64| -n),
        list!(StringBuilder::new(), |n: i64| format!("t{n}")),
    ]
}

/// Whole, every slice, and no rows at all come back as they went.
fn assert_crosses(declared: &[&str], columns: &[ArrayRef]) {
    let mut echo = echo(declared, "none", 0);
    for (start, len) in [(0, 10), (0, 8), (1, 9), (3, 4), (8, 2), (9, 1), (5, 0)] {
        let slices: Vec<ArrayRef> = columns.iter().map(|column| column.slice(start, len)).collect();
        let outcome = echo.process(len, &slices).expect("processed");
        for (slice, back) in slices.iter().zip(&outcome.columns) {
            assert_eq!(slice.as_ref(), back.as_ref(), "{} at {start}+{len}", slice.data_type());
        }
        assert!(outcome.keep.is_none() && outcome.rejects.is_empty());
    }
    assert_eq!((echo.cost().rows, echo.cost().calls), (34, 10));
}

#[test]
fn every_type_crosses_both_ways() {
    assert_crosses(&SCALARS, &scalars(false));
    assert_crosses(&SCALARS, &scalars(true));
    assert_crosses(&LISTS, &lists());
}

#[test]
fn it_describes_itself() {
    assert_eq!(PLUGIN.kind(), PluginKind::Preprocessor);
    let description = PLUGIN.describe_preprocessor(&options(&["[text]?", "decimal2"], "none", 0)).expect("described");
    assert_eq!(description.inputs[0].path, "in[].0");
    assert_eq!(description.outputs[1].field.column_type.to_string(), "decimal(2)");
    assert!(description.inputs[0].nullable && !description.outputs[1].field.nullable);
    let error = error_of(PLUGIN.describe_preprocessor(&options(&["decimal19"], "none", 0)));
    assert!(error.to_string().contains("its input `in[].0` has scale 19"), "{error}");
    let error = error_of(PLUGIN.preprocessor(&options(&["money"], "none", 0)));
    assert!(matches!(error, UseError::Options { .. }) && error.to_string().contains("`money` is no type"));
    assert!(matches!(error_of(PLUGIN.kpi(&[])), UseError::Kind { .. }));
}

#[test]
fn rows_are_kept_and_rejected() {
    let outcome = echo(&["float64"], "keep", 0b101).process(3, &[floats()]).expect("kept");
    assert_eq!(outcome.keep, Some(BooleanArray::from(vec![true, false, true])));
    let outcome = echo(&["float64"], "reject", 2).process(3, &[floats()]).expect("rejected");
    assert_eq!(outcome.rejects, [(2, "no\u{fffd}such".to_owned())]);
}

#[test]
fn what_stands_in_a_row_that_goes_nowhere_is_not_looked_at() {
    // The infinity stands in row 1, which is filtered.
    let mut kept = options(&["float64"], "infinite", 1);
    let run = |options: &[(String, Setting)]| PLUGIN.preprocessor(options).expect("instance").process(3, &[floats()]);
    assert!(run(&kept).is_err(), "kept, it is refused");
    kept[1].1 = Setting::Text("infinite-filtered".into());
    assert!(run(&kept).is_ok(), "filtered, it is not");
    kept[1].1 = Setting::Text("infinite-rejected".into());
    assert!(run(&kept).is_ok(), "rejected, it is not");
}

fn refused(columns: &[&str], mode: &str, amount: i64, given: &ArrayRef) -> PluginError {
    let mut echo = echo(columns, mode, amount);
    let outcome: Result<Outcome, _> = echo.process(given.len(), std::slice::from_ref(given));
    let error = outcome.expect_err(mode);
    assert!(echo.process(0, &[given.slice(0, 0)]).is_err(), "the instance is done for");
    error
}

#[test]
fn malformed_outcomes_are_refused() {
    let decimals: ArrayRef =
        Arc::new(Decimal64Array::from(vec![1, 2, 3]).with_precision_and_scale(18, 2).expect("fits"));
    let lists = list!(Int64Builder::new(), |n: i64| n);
    for (column, mode, amount, given, words) in [
        ("float64", "keep-short", 0, floats(), "`keep` has a bitmap of 0 bytes, but 3 values need 1"),
        ("float64", "reject", 3, floats(), "row 3 is rejected, but there are 3 rows"),
        ("float64", "rejects-twice", 0, floats(), "row 0 comes before row 0"),
        ("float64", "rejects-fall", 0, floats(), "row 1 comes before row 0"),
        ("float64", "infinite", 1, floats(), "column `out_0` holds NaN or an infinity in row 1"),
        ("float64", "null", 2, floats(), "column `out_0` is null in row 2, but is declared without nulls"),
        ("decimal2", "scale", 3, decimals.clone(), "column `out_0` holds decimal(3), but decimal(2) is declared"),
        ("decimal", "scale", 19, decimals, "column `out_0` has scale 19"),
        ("[int64]?", "lists-fall", 0, lists.clone(), "column `out_0` has offsets that fall"),
        ("[int64]?", "lists-beyond", 1, lists, "column `out_0` has 13 values, but 14 are due"),
    ] {
        let error = refused(&[column], mode, amount, &given);
        assert_eq!(error.kind, PluginErrorKind::Malformed, "{mode}: {}", error.reason);
        assert!(error.reason.contains("`process` broke the contract: "), "{mode}: {}", error.reason);
        assert!(error.reason.contains(words), "{mode}: {}", error.reason);
    }
    assert_eq!(refused(&["float64"], "fail", 0, &floats()).kind, PluginErrorKind::Failure);
    assert_eq!(refused(&["float64"], "panic", 0, &floats()).kind, PluginErrorKind::Trap);
}
