//! Values of each type: which are taken, as what, and why others are not.

use super::*;

/// One field `a` (or another path) of a type, and values with what they come to: `Ok` value or `Err` part of the reason.
fn values(field: &DecodeField, cases: &[(&str, Result<&str, &str>)]) {
    let schema = DecodeSchema::new(vec![field.clone()]);
    for (text, expected) in cases {
        check(&schema, &format!("{{\"a\":{text}}}"), *expected);
        check(&schema, &format!(" {{ \"b\" : [ 1 ] , \"a\" :\t{text} , \"c\" : {{ }} }}\r\n "), *expected);
    }
}

fn check(schema: &DecodeSchema, record: &str, expected: Result<&str, &str>) {
    match (decode(schema, record.as_bytes()), expected) {
        (Ok(row), Ok(expected)) => assert_eq!(row, [expected], "{record}"),
        (Err(reason), Err(part)) => assert!(reason.contains(part), "{record}: {reason}"),
        (given, _) => panic!("{record}: {given:?}, expected {expected:?}"),
    }
}

#[test]
fn int64() {
    let range = Err("`a`: number out of range");
    let whole = Err("`a`: not a whole number");
    values(
        &field("a", ScalarType::Int64),
        &[
            ("6", Ok("6")),
            ("6.0", Ok("6")),
            ("1e1", Ok("10")),
            ("1E+1", Ok("10")),
            ("60e-1", Ok("6")),
            ("0.6e1", Ok("6")),
            ("-0", Ok("0")),
            ("-0.0e5", Ok("0")),
            ("null", Ok("null")),
            ("9223372036854775807", Ok("9223372036854775807")),
            ("-9223372036854775808", Ok("-9223372036854775808")),
            ("9223372036854775807.000", Ok("9223372036854775807")),
            ("9223372036854775807000000000000000000000000000000000000000e-39", Ok("9223372036854775807")),
            ("0.00000000000000000000000000000000000000009223372036854775807e59", Ok("9223372036854775807")),
            ("9223372036854775808", range),
            ("-9223372036854775809", range),
            ("9223372036854775807.5", whole),
            ("9223372036854775808.5", range),
            ("99999999999999999999", range),
            ("18446744073709551616", range),
            ("340282366920938463463374607431768211457", range),
            ("1e19", range),
            ("1e999999999999", range),
            ("-1e99999999999999999999999999", range),
            ("0e999999999", Ok("0")),
            ("0.000e-99999999999999999999999", Ok("0")),
            ("1e-999999999999", whole),
            ("6.5", whole),
            ("0.1", whole),
            ("6.000000000000000000000000000000000000000000000000000", Ok("6")),
            ("6.000000000000000000000000000000000000000000000000001", whole),
            ("1000000000000000000000000000000000000000000000000e-48", Ok("1")),
            ("\"6\"", Err("`a`: expected int64, found text at byte")),
            ("true", Err("`a`: expected int64, found boolean")),
            ("[6]", Err("`a`: expected int64, found list")),
            ("{}", Err("`a`: expected int64, found object")),
        ],
    );
}

#[test]
fn decimals_round_half_to_even() {
    let range = Err("`a`: number out of range");
    let cases = [
        ("2.5", Ok("2")),
        ("3.5", Ok("4")),
        ("-2.5", Ok("-2")),
        ("-3.5", Ok("-4")),
        ("2.50000000000000000000000000000000000000000000000", Ok("2")),
        ("2.50000000000000000000000000000000000000000000001", Ok("3")),
        ("2.4999999999999999999999999999999999999999999999999999", Ok("2")),
        ("0.5", Ok("0")),
        ("1.5", Ok("2")),
        ("0.50000000000000000000000000000000000000000000001", Ok("1")),
        ("5e-1", Ok("0")),
        ("15e-1", Ok("2")),
        ("-0.4", Ok("0")),
        ("1e-999999999", Ok("0")),
        ("9223372036854775807.4999999999", Ok("9223372036854775807")),
        ("9223372036854775807.5", range),
        ("-9223372036854775808.5", Ok("-9223372036854775808")),
        ("-9223372036854775808.50000000000000000000000000001", range),
        ("1e999999999999", range),
        ("0e999999999999", Ok("0")),
        ("\"6\"", Err("`a`: expected decimal, found text at byte")),
    ];
    values(&field("a", ScalarType::Decimal(Some(0))), &cases);
    let cases = [
        ("0.00005", Ok("0")),
        ("0.00015", Ok("2")),
        ("0.00025", Ok("2")),
        ("0.000250000000000000000000000000000000000000001", Ok("3")),
        ("61.46", Ok("614600")),
        ("-1", Ok("-10000")),
        ("1e3", Ok("10000000")),
        ("922337203685477.5807", Ok("9223372036854775807")),
        ("922337203685477.58075", range),
        ("922337203685477.5808", range),
        ("-922337203685477.5808", Ok("-9223372036854775808")),
        ("922337203685478", range),
    ];
    values(&field("a", ScalarType::Decimal(Some(4))), &cases);
    let cases = [("1", Ok("1000000000000000000")), ("9.223372036854775807", Ok("9223372036854775807")), ("10", range)];
    values(&field("a", ScalarType::Decimal(Some(18))), &cases);
}

#[test]
fn floats_are_finite_and_rounded_correctly() {
    values(
        &field("a", ScalarType::Float64),
        &[
            ("1", Ok("1.0")),
            ("-0", Ok("-0.0")),
            ("-0.0", Ok("-0.0")),
            ("-0e400", Ok("-0.0")),
            ("0.1", Ok("0.1")),
            ("9007199254740993", Ok("9007199254740992.0")),
            ("9007199254740993.00000000000000000000000000000000001", Ok("9007199254740994.0")),
            ("1.7976931348623157e308", Ok("1.7976931348623157e308")),
            ("1.7976931348623159e308", Err("`a`: number out of range")),
            ("1e400", Err("`a`: number out of range")),
            ("-1e999999999999", Err("`a`: number out of range")),
            ("1e-400", Ok("0.0")),
            ("5e-324", Ok("5e-324")),
            ("123456789012345678901234567890", Ok("1.2345678901234568e29")),
            ("\"1\"", Err("`a`: expected float64, found text")),
        ],
    );
}

#[test]
fn booleans() {
    values(
        &field("a", ScalarType::Boolean),
        &[
            ("true", Ok("true")),
            ("false", Ok("false")),
            ("null", Ok("null")),
            ("0", Err("`a`: expected boolean, found number")),
            ("\"true\"", Err("`a`: expected boolean, found text")),
            ("tru", Err("invalid JSON")),
            ("True", Err("invalid JSON")),
        ],
    );
}

#[test]
fn texts() {
    values(
        &field("a", ScalarType::Text),
        &[
            ("\"\"", Ok("\"\"")),
            ("\"Österreich, 東京, 🦀\"", Ok("\"Österreich, 東京, 🦀\"")),
            (r#""\"\\\/\b\f\n\r\t\u00e9\u6771\ud83e\udd80\u0000x""#, Ok(r#""\"\\/\u{8}\u{c}\n\r\té東🦀\0x""#)),
            (r#""\uD83E\uDD80""#, Ok("\"🦀\"")),
            (r#""\ud800""#, Err("`a`: text with a lone surrogate at byte")),
            (r#""\udc00""#, Err("lone surrogate")),
            (r#""\ud800\ud800\udc00""#, Err("lone surrogate")),
            (r#""\ud800x""#, Err("lone surrogate")),
            (r#""\ud800\n""#, Err("lone surrogate")),
            (r#""\ud800\u0041""#, Err("lone surrogate")),
            (r#""\x""#, Err("unknown escape")),
            (r#""\u12g4""#, Err("four hexadecimal digits")),
            (r#""\u+123""#, Err("four hexadecimal digits")),
            (r#""\u12""#, Err("four hexadecimal digits")),
            ("\"a\nb\"", Err("control character in a string")),
            ("\"a\0b\"", Err("control character in a string")),
            ("\"a\u{7f}b\"", Ok("\"a\\u{7f}b\"")),
            ("5", Err("`a`: expected text, found number")),
            ("'x'", Err("expected a value")),
        ],
    );
}
