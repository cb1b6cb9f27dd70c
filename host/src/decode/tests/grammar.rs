//! What is JSON and what is not, in fields that are asked for and in others.

use super::*;

/// A record and a part of the reason why it is none.
const NOT_JSON: &[(&[u8], &str)] = &[
    (b"", "empty value"),
    (b" ", "invalid JSON at byte 1: expected `{`"),
    (b"[1]", "invalid JSON at byte 0: a record is an object, expected `{`"),
    (b"null", "a record is an object"),
    (b"5", "a record is an object"),
    (b"\xef\xbb\xbf{\"a\":1}", "invalid JSON at byte 0: begins with a byte order mark"),
    (b"{\"a\":1}x", "invalid JSON at byte 7: expected the end of the record"),
    (b"{\"a\":1}{}", "expected the end of the record"),
    (b"{\"a\":1}\0", "expected the end of the record"),
    (b"{\"a\":1}\x0b", "expected the end of the record"),
    (b"{\"a\":1,}", "invalid JSON at byte 7: expected a key"),
    (b"{,}", "expected a key"),
    (b"{\"a\":1 \"b\":2}", "invalid JSON at byte 7: expected `,` or `}`"),
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
    ("{\"a\":1}\u{a0}".as_bytes(), "expected the end of the record"),
];

#[test]
fn not_json() {
    let schema = DecodeSchema::new(vec![field("a", ScalarType::Int64)]);
    for (record, part) in NOT_JSON {
        let reason = decode(&schema, record).unwrap_err();
        assert!(reason.contains(part), "{:?}: {reason}", String::from_utf8_lossy(record));
    }
    assert_eq!(decode(&schema, b"\t\r\n {\"a\"\n:\t1\r}\n ").unwrap(), ["1"]);
    assert_eq!(decode(&schema, b"{}").unwrap(), ["null"]);
}

const WELL_FORMED: &[&str] = &[
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

const MALFORMED: &[&str] = &[
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

#[test]
fn unasked_values_are_well_formed_and_else_ignored() {
    let schema = DecodeSchema::new(vec![field("a", ScalarType::Int64)]);
    for value in WELL_FORMED {
        for record in [
            format!("{{\"b\":{value},\"a\":1}}"),
            format!("{{\"a\":1,\"b\":{value}}}"),
            format!("{{\"b\":[{value}],\"b\":0,\"a\":1}}"),
        ] {
            assert_eq!(decode(&schema, record.as_bytes()).unwrap(), ["1"], "{record}");
        }
    }
    for value in MALFORMED {
        for record in [format!("{{\"b\":{value},\"a\":1}}"), format!("{{\"a\":1,\"b\":[{value}, 1]}}")] {
            assert!(decode(&schema, record.as_bytes()).unwrap_err().starts_with("invalid JSON at byte"), "{record}");
        }
    }
}
