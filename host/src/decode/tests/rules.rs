//! Tables of records and what they come to.

use super::*;

fn invoices() -> DecodeSchema {
    DecodeSchema::new(vec![
        field("country", ScalarType::Text),
        timestamp(
            "timestamp",
            TimestampForm::Format {
                format: "%Y-%m-%d %H:%M:%S".into(),
                zone: "UTC".into(),
            },
        ),
        field("items[].unit_price", ScalarType::Decimal(Some(4))),
        field("items[].quantity", ScalarType::Int64),
    ])
}

#[test]
fn an_invoice() {
    let record = br#"{"invoice_no": 1000003, "country": "Spain", "timestamp": "2010-12-01 00:00:03", "type": "ORDER", "items": [{"SKU": "11107C", "title": "GLASS", "unit_price": 14.12, "quantity": 2}, {"SKU": "11906B", "unit_price": 12.6, "quantity": 1}]}"#;
    assert_eq!(
        decode(&invoices(), record).unwrap(),
        ["\"Spain\"", "1291161603000000", "[141200,126000]", "[2,1]"]
    );
}

/// One field `a` (or another path) of a type, and values with what they come to: `Ok` value or `Err` part of the reason.
fn values(field: &DecodeField, cases: &[(&str, Result<&str, &str>)]) {
    let schema = DecodeSchema::new(vec![field.clone()]);
    for (text, expected) in cases {
        check(&schema, &format!("{{\"a\":{text}}}"), *expected);
        check(
            &schema,
            &format!(" {{ \"b\" : [ 1 ] , \"a\" :\t{text} , \"c\" : {{ }} }}\r\n "),
            *expected,
        );
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
            (
                "9223372036854775807000000000000000000000000000000000000000e-39",
                Ok("9223372036854775807"),
            ),
            (
                "0.00000000000000000000000000000000000000009223372036854775807e59",
                Ok("9223372036854775807"),
            ),
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
            (
                "6.000000000000000000000000000000000000000000000000000",
                Ok("6"),
            ),
            (
                "6.000000000000000000000000000000000000000000000000001",
                whole,
            ),
            (
                "1000000000000000000000000000000000000000000000000e-48",
                Ok("1"),
            ),
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
        (
            "2.4999999999999999999999999999999999999999999999999999",
            Ok("2"),
        ),
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
    let cases = [
        ("1", Ok("1000000000000000000")),
        ("9.223372036854775807", Ok("9223372036854775807")),
        ("10", range),
    ];
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
            (
                "9007199254740993.00000000000000000000000000000000001",
                Ok("9007199254740994.0"),
            ),
            ("1.7976931348623157e308", Ok("1.7976931348623157e308")),
            ("1.7976931348623159e308", Err("`a`: number out of range")),
            ("1e400", Err("`a`: number out of range")),
            ("-1e999999999999", Err("`a`: number out of range")),
            ("1e-400", Ok("0.0")),
            ("5e-324", Ok("5e-324")),
            (
                "123456789012345678901234567890",
                Ok("1.2345678901234568e29"),
            ),
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
            (
                r#""\"\\\/\b\f\n\r\t\u00e9\u6771\ud83e\udd80\u0000x""#,
                Ok(r#""\"\\/\u{8}\u{c}\n\r\té東🦀\0x""#),
            ),
            (r#""\uD83E\uDD80""#, Ok("\"🦀\"")),
            (
                r#""\ud800""#,
                Err("`a`: text with a lone surrogate at byte"),
            ),
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

#[test]
fn not_json() {
    let schema = DecodeSchema::new(vec![field("a", ScalarType::Int64)]);
    let cases: &[(&[u8], &str)] = &[
        (b"", "empty value"),
        (b" ", "invalid JSON at byte 1: expected `{`"),
        (
            b"[1]",
            "invalid JSON at byte 0: a record is an object, expected `{`",
        ),
        (b"null", "a record is an object"),
        (b"5", "a record is an object"),
        (
            b"\xef\xbb\xbf{\"a\":1}",
            "invalid JSON at byte 0: begins with a byte order mark",
        ),
        (
            b"{\"a\":1}x",
            "invalid JSON at byte 7: expected the end of the record",
        ),
        (b"{\"a\":1}{}", "expected the end of the record"),
        (b"{\"a\":1}\0", "expected the end of the record"),
        (b"{\"a\":1}\x0b", "expected the end of the record"),
        (b"{\"a\":1,}", "invalid JSON at byte 7: expected a key"),
        (b"{,}", "expected a key"),
        (
            b"{\"a\":1 \"b\":2}",
            "invalid JSON at byte 7: expected `,` or `}`",
        ),
        (b"{\"a\" 1}", "invalid JSON at byte 5: expected `:`"),
        (b"{\"a\":}", "expected a value"),
        (b"{\"a\":1", "invalid JSON at byte 6: expected `,` or `}`"),
        (b"{\"a\"", "expected `:`"),
        (b"{\"a", "string without an end"),
        (b"{", "expected a key"),
        (b"{a:1}", "expected a key"),
        (b"{\"a\":NaN}", "expected a value"),
        (b"{\"a\":Infinity}", "expected a value"),
        (b"{\"a\":-Infinity}", "expected a digit"),
        (b"{\"a\":01}", "must not begin with `0`"),
        (b"{\"a\":-01}", "must not begin with `0`"),
        (b"{\"a\":00}", "must not begin with `0`"),
        (b"{\"a\":+1}", "expected a value"),
        (b"{\"a\":.5}", "expected a value"),
        (b"{\"a\":5.}", "expected a digit after the point"),
        (b"{\"a\":-}", "expected a digit"),
        (b"{\"a\":1e}", "expected a digit in the exponent"),
        (b"{\"a\":1e+}", "expected a digit in the exponent"),
        (b"{\"a\":0x10}", "expected `,` or `}`"),
        (b"{\"a\":1_000}", "expected `,` or `}`"),
        (b"{\"a\":1}//c", "expected the end of the record"),
        (b"{/*c*/\"a\":1}", "expected a key"),
        (b"{\"a\":1,\"b\":\"\xff\"}", "not UTF-8 at byte 12"),
        (b"{\"a\":1,\"b\":\"\xc0\x80\"}", "not UTF-8 at byte 12"),
        (b"{\"a\":1,\"b\":\"\xed\xa0\x80\"}", "not UTF-8 at byte 12"),
        (b"{\"a\":1,\"\xe4\":1}", "not UTF-8 at byte 8"),
        (b"{\"a\":1}\xff", "not UTF-8 at byte 7"),
        (b"\xff\xfe{\0}\0", "not UTF-8 at byte 0"),
        (
            "{\"a\":1}\u{a0}".as_bytes(),
            "expected the end of the record",
        ),
    ];
    for (record, part) in cases {
        let reason = decode(&schema, record).unwrap_err();
        assert!(
            reason.contains(part),
            "{:?}: {reason}",
            String::from_utf8_lossy(record)
        );
    }
    assert_eq!(
        decode(&schema, b"\t\r\n {\"a\"\n:\t1\r}\n ").unwrap(),
        ["1"]
    );
    assert_eq!(decode(&schema, b"{}").unwrap(), ["null"]);
}

/// The same table for values that nobody asked for: well-formed is enough.
#[test]
fn unasked_values_are_well_formed_and_else_ignored() {
    let schema = DecodeSchema::new(vec![field("a", ScalarType::Int64)]);
    let good = [
        "1e400",
        "-0",
        "123456789012345678901234567890",
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        "{}",
        "[]",
        "[{},[],{\"x\":[]}]",
        "null",
        "true",
        "false",
        r#"{"x":1,"x":2}"#,
        "[1,2.5,\"x\",null,{\"a\":\"b\"}]",
        "\"🦀\"",
        "[ ]",
        "{ }",
        "[ [ ] , { \"a\" : 1 } ]",
    ];
    for value in good {
        for record in [
            format!("{{\"b\":{value},\"a\":1}}"),
            format!("{{\"a\":1,\"b\":{value}}}"),
            format!("{{\"b\":[{value}],\"b\":0,\"a\":1}}"),
        ] {
            assert_eq!(
                decode(&schema, record.as_bytes()).unwrap(),
                ["1"],
                "{record}"
            );
        }
    }
    let bad = [
        "01",
        "1.",
        ".1",
        "+1",
        "NaN",
        "nul",
        "tru",
        "falsy",
        "\"",
        r#""\x""#,
        r#""\u00""#,
        "\"\t\"",
        "[1,]",
        "[,]",
        "[1 2]",
        "{\"x\"}",
        "{\"x\":}",
        "{\"x\":1,}",
        "{x:1}",
        "[",
        "{",
        "[}",
        "{]",
        "]",
        "[[]",
        "'x'",
        "{\"x\":1 \"y\":2}",
        "[1]]",
        "{1:2}",
        "",
    ];
    for value in bad {
        for record in [
            format!("{{\"b\":{value},\"a\":1}}"),
            format!("{{\"a\":1,\"b\":[{value}, 1]}}"),
        ] {
            if value.is_empty() || value != "1 2" {
                assert!(
                    decode(&schema, record.as_bytes())
                        .unwrap_err()
                        .starts_with("invalid JSON at byte"),
                    "{record}"
                );
            }
        }
    }
}

#[test]
fn duplicates_matter_where_asked() {
    let schema = DecodeSchema::new(vec![
        field("a", ScalarType::Int64),
        field("customer.id", ScalarType::Int64),
        field("items[].q", ScalarType::Int64),
    ]);
    let cases = [
        (r#"{"a":1,"a":1}"#, "`a`: given twice, again at byte 7"),
        (r#"{"a":null,"a":1}"#, "`a`: given twice"),
        (r#"{"a":1,"\u0061":1}"#, "`a`: given twice"),
        (
            r#"{"customer":{"id":1},"customer":{"x":1}}"#,
            "`customer`: given twice",
        ),
        (
            r#"{"customer":{"id":1,"id":1}}"#,
            "`customer.id`: given twice",
        ),
        (r#"{"items":[],"items":[]}"#, "`items`: given twice"),
        (r#"{"items":null,"items":[]}"#, "`items`: given twice"),
        (
            r#"{"items":[{"q":1},{"q":1,"q":2}]}"#,
            "`items[].q`: given twice",
        ),
    ];
    for (record, part) in cases {
        let reason = decode(&schema, record.as_bytes()).unwrap_err();
        assert!(reason.contains(part), "{record}: {reason}");
    }
    let record = r#"{"x":1,"x":2,"customer":{"y":1,"y":2,"id":7},"items":[{"z":1,"z":1,"q":1},{"q":2}],"a":3,"id":1,"q":2,"id":3}"#;
    assert_eq!(
        decode(&schema, record.as_bytes()).unwrap(),
        ["3", "7", "[1,2]"]
    );
}

#[test]
fn paths() {
    let schema = DecodeSchema::new(vec![
        field("items[].details.x", ScalarType::Text),
        field("tags[]", ScalarType::Text),
        field("customer.id", ScalarType::Int64),
        field("items[].q", ScalarType::Int64),
        field("customer.orders[].n", ScalarType::Int64),
        field("co\u{e9}", ScalarType::Boolean),
    ]);
    let none = ["null"; 6];
    let cases = [
        ("{}", none),
        (
            r#"{"items":null,"tags":null,"customer":null,"coé":null}"#,
            none,
        ),
        (r#"{"customer":{}}"#, none),
        (r#"{"customer":{"id":null,"orders":null}}"#, none),
        (
            r#"{"items":[],"tags":[],"customer":{"orders":[]}}"#,
            ["[]", "[]", "null", "[]", "[]", "null"],
        ),
        (
            r#"{"items":[null,{},{"q":null},{"details":null,"q":1},{"details":{},"q":2},{"details":{"x":"y"}}]}"#,
            [
                "[null,null,null,null,null,\"y\"]",
                "null",
                "null",
                "[null,null,null,1,2,null]",
                "null",
                "null",
            ],
        ),
        (
            r#"{"tags":["a",null,""],"co\u00e9":true}"#,
            ["null", "[\"a\",null,\"\"]", "null", "null", "null", "true"],
        ),
        (
            r#"{"\u0063ustomer":{"i\u0064":5,"orders":[{"n":1},null]}}"#,
            ["null", "null", "5", "null", "[1,null]", "null"],
        ),
    ];
    for (record, expected) in cases {
        assert_eq!(
            decode(&schema, record.as_bytes()).unwrap(),
            expected,
            "{record}"
        );
    }
    let cases = [
        (
            r#"{"items":{}}"#,
            "`items`: expected list, found object at byte 9",
        ),
        (r#"{"items":"x"}"#, "`items`: expected list, found text"),
        (
            r#"{"items":[1]}"#,
            "`items[]`: expected object, found number at byte 10",
        ),
        (
            r#"{"items":[[]]}"#,
            "`items[]`: expected object, found list",
        ),
        (
            r#"{"items":[{"details":[]}]}"#,
            "`items[].details`: expected object, found list",
        ),
        (
            r#"{"items":[{"details":{"x":1}}]}"#,
            "`items[].details.x`: expected text, found number",
        ),
        (r#"{"tags":"x"}"#, "`tags`: expected list, found text"),
        (r#"{"tags":[["x"]]}"#, "`tags[]`: expected text, found list"),
        (
            r#"{"customer":[]}"#,
            "`customer`: expected object, found list",
        ),
        (
            r#"{"customer":nil}"#,
            "invalid JSON at byte 12: expected a value",
        ),
        (r#"{"items":[{"q":1}"#, "expected `,` or `]`"),
        (
            r#"{"items":[{"q":1},]}"#,
            "invalid JSON at byte 18: expected a value",
        ),
    ];
    for (record, part) in cases {
        let reason = decode(&schema, record.as_bytes()).unwrap_err();
        assert!(reason.contains(part), "{record}: {reason}");
    }
}

#[test]
fn required_fields() {
    let schema = DecodeSchema::new(vec![
        field("a!", ScalarType::Int64),
        field("c.d!", ScalarType::Int64),
        field("items[].q!", ScalarType::Int64),
        field("items[].p", ScalarType::Int64),
    ]);
    let good = r#"{"a":1,"c":{"d":2},"items":[{"q":3},{"q":4,"p":5}]}"#;
    assert_eq!(
        decode(&schema, good.as_bytes()).unwrap(),
        ["1", "2", "[3,4]", "[null,5]"]
    );
    assert_eq!(
        decode(&schema, br#"{"a":1,"c":{"d":2},"items":[]}"#).unwrap(),
        ["1", "2", "[]", "[]"]
    );
    let cases = [
        (r#"{"c":{"d":2},"items":[]}"#, "`a`"),
        (r#"{"a":null,"c":{"d":2},"items":[]}"#, "`a`"),
        (r#"{"a":1,"items":[]}"#, "`c.d`"),
        (r#"{"a":1,"c":null,"items":[]}"#, "`c.d`"),
        (r#"{"a":1,"c":{},"items":[]}"#, "`c.d`"),
        (r#"{"a":1,"c":{"d":2}}"#, "`items[].q`"),
        (r#"{"a":1,"c":{"d":2},"items":null}"#, "`items[].q`"),
        (r#"{"a":1,"c":{"d":2},"items":[{"p":1}]}"#, "`items[].q`"),
        (
            r#"{"a":1,"c":{"d":2},"items":[{"q":1},null]}"#,
            "`items[].q`",
        ),
    ];
    for (record, path) in cases {
        assert_eq!(
            decode(&schema, record.as_bytes()).unwrap_err(),
            format!("{path}: required, but null or missing"),
            "{record}"
        );
    }
}

/// `depth` levels, the record among them.
fn nested(depth: usize, object: bool, key: &str) -> String {
    let (open, close) = if object { ("{\"x\":", "}") } else { ("[", "]") };
    format!(
        "{{\"{key}\":{}1{}}}",
        open.repeat(depth - 1),
        close.repeat(depth - 1)
    )
}

#[test]
fn limits_on_both_sides() {
    let schema = DecodeSchema::new(vec![
        field("tags[]", ScalarType::Int64),
        field("a.b[].c", ScalarType::Int64),
    ]);
    for object in [true, false] {
        assert!(decode(&schema, nested(64, object, "z").as_bytes()).is_ok());
        let reason = decode(&schema, nested(65, object, "z").as_bytes()).unwrap_err();
        assert!(
            reason.starts_with("nested deeper than 64 at byte"),
            "{reason}"
        );
        assert!(
            decode(&schema, nested(1_000_000 / 6, object, "z").as_bytes())
                .unwrap_err()
                .starts_with("nested deeper")
        );
    }
    // Below asked-for objects and lists the levels go on counting.
    let below = |depth: usize| {
        format!(
            "{{\"a\":{{\"b\":[{{\"y\":{}{}}}]}}}}",
            "[".repeat(depth - 4),
            "]".repeat(depth - 4)
        )
    };
    assert!(decode(&schema, below(64).as_bytes()).is_ok());
    assert!(decode(&schema, below(65).as_bytes()).is_err());
    let shallow = DecodeSchema {
        depth_max: 3,
        ..schema.clone()
    };
    assert!(decode(&shallow, b"{\"a\":{\"b\":[]}}").is_ok());
    assert!(
        decode(&shallow, b"{\"a\":{\"b\":[{}]}}")
            .unwrap_err()
            .starts_with("nested deeper than 3 at byte 11")
    );

    let list = |len: usize| format!("{{\"tags\":[{}]}}", vec!["1"; len].join(","));
    assert!(decode(&schema, list(65_536).as_bytes()).is_ok());
    assert!(
        decode(&schema, list(65_537).as_bytes())
            .unwrap_err()
            .starts_with("`tags`: more than 65536 elements at byte")
    );
    let unasked = list(70_000).replace("tags", "others");
    assert!(decode(&schema, unasked.as_bytes()).is_ok());

    let long = |len: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(len - 8));
    assert!(decode(&schema, long(1 << 20).as_bytes()).is_ok());
    assert_eq!(
        decode(&schema, long((1 << 20) + 1).as_bytes()).unwrap_err(),
        "record of 1048577 bytes is over the limit of 1048576"
    );
}

#[test]
fn a_bad_record_leaves_no_trace() {
    let good = br#"{"country":"Spain","timestamp":"2010-12-01 00:00:03","items":[{"unit_price":1,"quantity":2}]}"#.as_slice();
    let nulls = b"{}".as_slice();
    let bad: &[&[u8]] = &[
        br#"{"country":"France","items":[{"unit_price":1},{"quantity":null},{"quantity":"x"}]}"#,
        br#"{"country":"France","items":null,"timestamp":"2010-13-01 00:00:03"}"#,
        br#"{"country":"Fr\ud800"}"#,
        b"{\"country\":\"Fr\xff\",\"items\":[null,null]}",
        br#"{"items":[{"unit_price":1,"quantity":1}],"country":"France","country":"x"}"#,
        b"",
    ];
    let mut decoder = Decoder::new(&invoices()).unwrap();
    for bad in bad {
        for records in [
            vec![good, bad, nulls, bad, bad, good, nulls],
            vec![bad, bad],
            vec![nulls, bad, good],
        ] {
            let decoded = decoder.decode(&block(&records));
            check_types(&invoices(), &decoded);
            let kept: Vec<_> = (0..records.len() as u32)
                .filter(|&at| records[at as usize] != *bad)
                .collect();
            assert_eq!(decoded.rows, kept);
            assert_eq!(decoded.undecodable.len(), records.len() - kept.len());
            for (row, &record) in decoded.rows.iter().enumerate() {
                assert_eq!(
                    written(&decoded, row),
                    decode(&invoices(), records[record as usize]).unwrap()
                );
            }
        }
    }
}

#[test]
fn a_record_outside_of_its_block() {
    let mut block = block(&[b"{}"]);
    block.records[0].len = 10;
    let decoded = Decoder::new(&invoices()).unwrap().decode(&block);
    assert_eq!(
        decoded.undecodable,
        [(0, "record lies outside of its block".to_owned())]
    );
}

/// Keys in any order, new ones, more than are remembered: the prediction is for speed alone.
#[test]
fn key_order_does_not_matter() {
    let schema = DecodeSchema::new(vec![
        field("a", ScalarType::Int64),
        field("a_key_longer_than_sixteen_bytes", ScalarType::Int64),
    ]);
    let mut records = Vec::new();
    for turn in 0..20_000 {
        let mut keys = vec![
            format!("\"a\":{turn}"),
            format!("\"a_key_longer_than_sixteen_bytes\": {}", turn + 1),
        ];
        (0..turn % 7).for_each(|at| {
            keys.push(format!(
                "\"k{}\":0",
                (turn * 31 + at * 7) % (turn % 500 + 1)
            ))
        });
        keys.push("\"a_key_longer_than_sixteen_bytez\":0".to_owned());
        let len = keys.len();
        keys.rotate_left(turn % len);
        records.push(format!("{{{}}}", keys.join(",")));
    }
    let records: Vec<_> = records.iter().map(String::as_bytes).collect();
    let decoded = Decoder::new(&schema).unwrap().decode(&block(&records));
    assert_eq!(decoded.undecodable, []);
    for turn in 0..20_000 {
        assert_eq!(
            written(&decoded, turn),
            [turn.to_string(), (turn + 1).to_string()]
        );
    }
}
