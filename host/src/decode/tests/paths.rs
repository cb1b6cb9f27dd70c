//! Paths through objects and lists, duplicate keys, required fields.

use super::*;

#[test]
fn duplicates_matter_where_asked() {
    let schema = DecodeSchema::new(vec![
        field("a", ScalarType::Int64),
        field("customer.id", ScalarType::Int64),
        field("items[].q", ScalarType::Int64),
    ]);
    let cases = [
        (r#"{"a":1,"a":1}"#, "`a`: given twice, again at byte 11"),
        (r#"{"a":null,"a":1}"#, "`a`: given twice"),
        (r#"{"a":1,"\u0061":1}"#, "`a`: given twice"),
        (r#"{"customer":{"id":1},"customer":{"x":1}}"#, "`customer`: given twice"),
        (r#"{"customer":{"id":1,"id":1}}"#, "`customer.id`: given twice"),
        (r#"{"items":[],"items":[]}"#, "`items`: given twice"),
        (r#"{"items":null,"items":[]}"#, "`items`: given twice"),
        (r#"{"items":[{"q":1},{"q":1,"q":2}]}"#, "`items[].q`: given twice"),
    ];
    for (record, part) in cases {
        let reason = decode(&schema, record.as_bytes()).unwrap_err();
        assert!(reason.contains(part), "{record}: {reason}");
    }
    let record = r#"{"x":1,"x":2,"customer":{"y":1,"y":2,"id":7},"items":[{"z":1,"z":1,"q":1},{"q":2}],"a":3,"id":1,"q":2,"id":3}"#;
    assert_eq!(decode(&schema, record.as_bytes()).unwrap(), ["3", "7", "[1,2]"]);
}

/// A record with a value of another type on a path, and a part of the reason.
const OFF_PATH: &[(&str, &str)] = &[
    (r#"{"items":{}}"#, "`items`: expected list, found object at byte 9"),
    (r#"{"items":"x"}"#, "`items`: expected list, found text"),
    (r#"{"items":[1]}"#, "`items[]`: expected object, found number at byte 10"),
    (r#"{"items":[[]]}"#, "`items[]`: expected object, found list"),
    (r#"{"items":[{"details":[]}]}"#, "`items[].details`: expected object, found list"),
    (r#"{"items":[{"details":{"x":1}}]}"#, "`items[].details.x`: expected text, found number"),
    (r#"{"tags":"x"}"#, "`tags`: expected list, found text"),
    (r#"{"tags":[["x"]]}"#, "`tags[]`: expected text, found list"),
    (r#"{"customer":[]}"#, "`customer`: expected object, found list"),
    (r#"{"customer":nil}"#, "invalid JSON at byte 12: expected a value"),
    (r#"{"items":[{"q":1}"#, "expected `,` or `]`"),
    (r#"{"items":[{"q":1},]}"#, "invalid JSON at byte 18: expected a value"),
];

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
        (r#"{"items":null,"tags":null,"customer":null,"coé":null}"#, none),
        (r#"{"customer":{}}"#, none),
        (r#"{"customer":{"id":null,"orders":null}}"#, none),
        (r#"{"items":[],"tags":[],"customer":{"orders":[]}}"#, ["[]", "[]", "null", "[]", "[]", "null"]),
        (
            r#"{"items":[null,{},{"q":null},{"details":null,"q":1},{"details":{},"q":2},{"details":{"x":"y"}}]}"#,
            ["[null,null,null,null,null,\"y\"]", "null", "null", "[null,null,null,1,2,null]", "null", "null"],
        ),
        (r#"{"tags":["a",null,""],"co\u00e9":true}"#, ["null", "[\"a\",null,\"\"]", "null", "null", "null", "true"]),
        (
            r#"{"\u0063ustomer":{"i\u0064":5,"orders":[{"n":1},null]}}"#,
            ["null", "null", "5", "null", "[1,null]", "null"],
        ),
    ];
    for (record, expected) in cases {
        assert_eq!(decode(&schema, record.as_bytes()).unwrap(), expected, "{record}");
    }
    for (record, part) in OFF_PATH {
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
    assert_eq!(decode(&schema, good.as_bytes()).unwrap(), ["1", "2", "[3,4]", "[null,5]"]);
    assert_eq!(decode(&schema, br#"{"a":1,"c":{"d":2},"items":[]}"#).unwrap(), ["1", "2", "[]", "[]"]);
    let cases = [
        (r#"{"c":{"d":2},"items":[]}"#, "`a`"),
        (r#"{"a":null,"c":{"d":2},"items":[]}"#, "`a`"),
        (r#"{"a":1,"items":[]}"#, "`c.d`"),
        (r#"{"a":1,"c":null,"items":[]}"#, "`c.d`"),
        (r#"{"a":1,"c":{},"items":[]}"#, "`c.d`"),
        (r#"{"a":1,"c":{"d":2}}"#, "`items[].q`"),
        (r#"{"a":1,"c":{"d":2},"items":null}"#, "`items[].q`"),
        (r#"{"a":1,"c":{"d":2},"items":[{"p":1}]}"#, "`items[].q`"),
        (r#"{"a":1,"c":{"d":2},"items":[{"q":1},null]}"#, "`items[].q`"),
    ];
    for (record, path) in cases {
        assert_eq!(
            decode(&schema, record.as_bytes()).unwrap_err(),
            format!("{path}: required, but null or missing"),
            "{record}"
        );
    }
}
