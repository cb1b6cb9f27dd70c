//! Every type of value, to the byte.

use super::*;
use arrow_array::builder::{Float64Builder, ListBuilder};
use proptest::prelude::*;
use std::sync::Arc;

fn text_of(push: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    push(&mut out);
    String::from_utf8(out).unwrap()
}

fn decimal(mantissa: i64, scale: u8) -> String {
    text_of(|out| push_decimal(out, mantissa, scale))
}

fn column(array: ArrayRef) -> Vec<String> {
    let cells = Cells::of(&array).unwrap();
    (0..array.len()).map(|row| text_of(|out| cells.push(out, row))).collect()
}

/// The mapping that `KeyValue::Float64` documents, the other way.
fn ordered_of_float(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits ^ (1 << 63) } else { !bits }
}

#[test]
fn decimals_are_exact_and_not_padded() {
    for (mantissa, scale, text) in [
        (614_600, 4, "61.46"),
        (50_000, 4, "5"),
        (0, 4, "0"),
        (0, 0, "0"),
        (-5, 2, "-0.05"),
        (-50, 2, "-0.5"),
        (-150, 2, "-1.5"),
        (100, 0, "100"),
        (1, 18, "0.000000000000000001"),
        (100, 1, "10"),
        (i64::MAX, 0, "9223372036854775807"),
        (i64::MIN, 0, "-9223372036854775808"),
        (i64::MIN, 18, "-9.223372036854775808"),
        (i64::MAX, 19, "0.9223372036854775807"),
        (7, 30, "0.000000000000000000000000000007"),
    ] {
        assert_eq!(decimal(mantissa, scale), text, "{mantissa} at scale {scale}");
    }
}

#[test]
fn floats_are_shortest_and_null_where_json_has_no_word() {
    let array = Float64Array::from(vec![
        Some(0.0),
        Some(-0.0),
        Some(139.12),
        Some(1e16),
        Some(0.1 + 0.2),
        Some(5e-324),
        Some(f64::MAX),
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(f64::NEG_INFINITY),
        None,
    ]);
    let expected = [
        "0.0",
        "-0.0",
        "139.12",
        "1e16",
        "0.30000000000000004",
        "5e-324",
        "1.7976931348623157e308",
        "null",
        "null",
        "null",
        "null",
    ];
    assert_eq!(column(Arc::new(array)), expected);
}

#[test]
fn other_scalars() {
    assert_eq!(column(Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))), ["true", "false", "null"]);
    assert_eq!(
        column(Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(0), None]))),
        ["-9223372036854775808", "0", "null"]
    );
    assert_eq!(
        column(Arc::new(TimestampMicrosecondArray::from(vec![Some(1_600_426_500_000_000), None]))),
        ["\"2020-09-18T10:55:00.000Z\"", "null"]
    );
    let money = Decimal64Array::from(vec![Some(614_600), None]).with_precision_and_scale(18, 4).unwrap();
    assert_eq!(column(Arc::new(money)), ["61.46", "null"]);
}

#[test]
fn text_is_escaped_only_where_json_asks() {
    let array = StringArray::from(vec![Some("Österreich €"), Some("a\"b\\c/d\n\t\u{1}"), Some(""), None]);
    assert_eq!(column(Arc::new(array)), ["\"Österreich €\"", "\"a\\\"b\\\\c/d\\n\\t\\u0001\"", "\"\"", "null"]);
}

#[test]
fn lists_are_arrays_also_when_sliced() {
    let mut builder = ListBuilder::new(Float64Builder::new());
    builder.append_value([Some(9.0)]);
    builder.append_value([Some(1.5), None]);
    builder.append_value([]);
    builder.append_null();
    let array: ArrayRef = Arc::new(builder.finish());
    assert_eq!(column(array.clone()), ["[9.0]", "[1.5,null]", "[]", "null"]);
    assert_eq!(column(array.slice(1, 2)), ["[1.5,null]", "[]"]);
}

#[test]
fn columns_of_other_types_are_refused() {
    let array: ArrayRef = Arc::new(arrow_array::Int32Array::from(vec![1]));
    assert!(Cells::of(&array).is_err());
}

#[test]
fn keys() {
    for (value, text) in [
        (KeyValue::Null, "null"),
        (KeyValue::Boolean(true), "true"),
        (KeyValue::Int64(-3), "-3"),
        (KeyValue::Decimal(-5, 2), "-0.05"),
        (KeyValue::Timestamp(0), "\"1970-01-01T00:00:00.000Z\""),
        (KeyValue::Text("Côte d'Ivoire".into()), "\"Côte d'Ivoire\""),
        (KeyValue::Float64(ordered_of_float(0.0)), "0.0"),
        (KeyValue::Float64(ordered_of_float(-2.5)), "-2.5"),
    ] {
        assert_eq!(text_of(|out| push_key(out, &value)), text);
    }
}

proptest! {
    #[test]
    fn decimals_read_back_exactly(mantissa: i64, scale in 0u8..=18) {
        let text = decimal(mantissa, scale);
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let padded: i128 = format!("{whole}{fraction:0<width$}", width = usize::from(scale)).parse().unwrap();
        prop_assert_eq!(padded, i128::from(mantissa));
        prop_assert!(!text.contains('.') || !text.ends_with('0'));
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap().is_number());
    }

    #[test]
    fn floats_read_back_to_the_bit(bits: u64) {
        let value = f64::from_bits(bits);
        let text = text_of(|out| push_float(out, value));
        match value.is_finite() {
            true => prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap().to_bits(), bits),
            false => prop_assert_eq!(text, "null"),
        }
    }

    #[test]
    fn float_keys_come_back_from_their_order(value: f64, other: f64) {
        prop_assert_eq!(float_of_ordered(ordered_of_float(value)).to_bits(), value.to_bits());
        if value < other {
            prop_assert!(ordered_of_float(value) < ordered_of_float(other));
        }
    }

    #[test]
    fn texts_read_back(text in "\\PC*|[\\x00-\\x7f]*") {
        let json = text_of(|out| push_text(out, &text));
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
