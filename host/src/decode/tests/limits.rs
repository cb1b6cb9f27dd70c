//! Limits on both sides, and records that must not harm their neighbours.

use super::*;

fn invoices() -> DecodeSchema {
    DecodeSchema::new(vec![
        field("country", ScalarType::Text),
        timestamp("timestamp", TimestampForm::Format { format: "%Y-%m-%d %H:%M:%S".into(), zone: "UTC".into() }),
        field("items[].unit_price", ScalarType::Decimal(Some(4))),
        field("items[].quantity", ScalarType::Int64),
    ])
}

#[test]
fn an_invoice() {
    let record = br#"{"invoice_no": 1000003, "country": "Spain", "timestamp": "2010-12-01 00:00:03", "type": "ORDER", "items": [{"SKU": "11107C", "title": "GLASS", "unit_price": 14.12, "quantity": 2}, {"SKU": "11906B", "unit_price": 12.6, "quantity": 1}]}"#;
    assert_eq!(decode(&invoices(), record).unwrap(), ["\"Spain\"", "1291161603000000", "[141200,126000]", "[2,1]"]);
}

/// `depth` levels, the record among them.
fn nested(depth: usize, object: bool, key: &str) -> String {
    let (open, close) = if object { ("{\"x\":", "}") } else { ("[", "]") };
    format!("{{\"{key}\":{}1{}}}", open.repeat(depth - 1), close.repeat(depth - 1))
}

#[test]
fn limits_on_both_sides() {
    let schema = DecodeSchema::new(vec![field("tags[]", ScalarType::Int64), field("a.b[].c", ScalarType::Int64)]);
    for object in [true, false] {
        assert!(decode(&schema, nested(64, object, "z").as_bytes()).is_ok());
        let reason = decode(&schema, nested(65, object, "z").as_bytes()).unwrap_err();
        assert!(reason.starts_with("nested deeper than 64 at byte"), "{reason}");
        assert!(
            decode(&schema, nested(1_000_000 / 6, object, "z").as_bytes()).unwrap_err().starts_with("nested deeper")
        );
    }
    // Below asked-for objects and lists the levels go on counting.
    let below =
        |depth: usize| format!("{{\"a\":{{\"b\":[{{\"y\":{}{}}}]}}}}", "[".repeat(depth - 4), "]".repeat(depth - 4));
    assert!(decode(&schema, below(64).as_bytes()).is_ok());
    assert!(decode(&schema, below(65).as_bytes()).is_err());
    let shallow = DecodeSchema { depth_max: 3, ..schema.clone() };
    assert!(decode(&shallow, b"{\"a\":{\"b\":[]}}").is_ok());
    assert!(decode(&shallow, b"{\"a\":{\"b\":[{}]}}").unwrap_err().starts_with("nested deeper than 3 at byte 11"));

    let list = |len: usize| format!("{{\"tags\":[{}]}}", vec!["1"; len].join(","));
    assert!(decode(&schema, list(65_536).as_bytes()).is_ok());
    assert!(
        decode(&schema, list(65_537).as_bytes()).unwrap_err().starts_with("`tags`: more than 65536 elements at byte")
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
    let good =
        br#"{"country":"Spain","timestamp":"2010-12-01 00:00:03","items":[{"unit_price":1,"quantity":2}]}"#.as_slice();
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
        for records in [vec![good, bad, nulls, bad, bad, good, nulls], vec![bad, bad], vec![nulls, bad, good]] {
            let decoded = decoder.decode(&block(&records));
            check_types(&invoices(), &decoded);
            let kept: Vec<_> = (0..records.len() as u32).filter(|&at| records[at as usize] != *bad).collect();
            assert_eq!(decoded.rows, kept);
            assert_eq!(decoded.undecodable.len(), records.len() - kept.len());
            for (row, &record) in decoded.rows.iter().enumerate() {
                assert_eq!(written(&decoded, row), decode(&invoices(), records[record as usize]).unwrap());
            }
        }
    }
}

#[test]
fn a_record_outside_of_its_block() {
    let mut block = block(&[b"{}"]);
    block.records[0].len = 10;
    let decoded = Decoder::new(&invoices()).unwrap().decode(&block);
    assert_eq!(decoded.undecodable, [(0, "record lies outside of its block".to_owned())]);
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
        let mut keys = vec![format!("\"a\":{turn}"), format!("\"a_key_longer_than_sixteen_bytes\": {}", turn + 1)];
        (0..turn % 7).for_each(|at| keys.push(format!("\"k{}\":0", (turn * 31 + at * 7) % (turn % 500 + 1))));
        keys.push("\"a_key_longer_than_sixteen_bytez\":0".to_owned());
        let len = keys.len();
        keys.rotate_left(turn % len);
        records.push(format!("{{{}}}", keys.join(",")));
    }
    let records: Vec<_> = records.iter().map(String::as_bytes).collect();
    let decoded = Decoder::new(&schema).unwrap().decode(&block(&records));
    assert_eq!(decoded.undecodable, []);
    for turn in 0..20_000 {
        assert_eq!(written(&decoded, turn), [turn.to_string(), (turn + 1).to_string()]);
    }
}

/// What stood between values last time is compared as bytes; that must not let through what reading would refuse.
#[test]
fn a_learned_order_lets_nothing_through() {
    let schema = DecodeSchema::new(vec![field("a", ScalarType::Int64), field("b", ScalarType::Int64)]);
    let taught = br#"{"a":1,"b":2, "c": 3}"#.as_slice();
    let good: [&[u8]; 4] = [
        br#"{"a":1,"b": 2, "c":  3}"#,
        br#"{ "a":1,"b":2}"#,
        b"{\"a\":1,\"b\":\n2 , \"c\": 3 }",
        br#"{"a":1,"b":2, "c": {"a":1,"b":1}}"#,
    ];
    let bad: [&[u8]; 9] = [
        br#"{,"b":2, "c": 3}"#,
        br#"{"b":2,"a":1"c": 3}"#,
        br#"{"a":1,"b":2 "c": 3}"#,
        br#"{"a":1,,"b":2}"#,
        br#"{"a":1,"b":,"b":2}"#,
        br#"{"a":1,"b":2,"a":1}"#,
        br#"{"a":1,"b":2, "c": }"#,
        br#"{"a":1,"b":2, "c":"#,
        br#"{"a":1,"b":"#,
    ];
    let mut decoder = Decoder::new(&schema).unwrap();
    for record in good {
        let decoded = decoder.decode(&block(&[taught, record, taught]));
        assert_eq!(decoded.undecodable, []);
        assert_eq!(written(&decoded, 1), ["1", "2"]);
    }
    for record in bad {
        let decoded = decoder.decode(&block(&[taught, record, taught]));
        assert_eq!(decoded.rows, [0, 2], "{}", String::from_utf8_lossy(record));
    }
}

/// Records at every distance from the end of their buffer, among bytes that would go on with them, once the scripts are learned.
#[test]
fn what_follows_a_record_changes_nothing() {
    let schema = DecodeSchema::new(vec![field("a", ScalarType::Int64), field("b", ScalarType::Text)]);
    let whole = br#"{"a":1,"b":"x"}"#.as_slice();
    let follows = [br#"}"#.as_slice(), br#"23,"b":"y"}"#, br#"":"z"}"#, br#""}}}"#, b"e5}", b" }", b"\xff\xff"];
    for mut decoder in [Decoder::new(&schema).unwrap(), Decoder::portable(&schema).unwrap()] {
        for (len, follows) in (0..=whole.len()).flat_map(|len| follows.map(|follows| (len, follows))) {
            for distance in (0..70).step_by(3) {
                let mut bytes = [whole, &whole[..len], follows].concat();
                bytes.resize(bytes.len() + distance, b'}');
                let record = |start: usize, len: usize| Record {
                    start: start as u32,
                    len: len as u32,
                    offset: 0,
                    arrival_us: 0,
                    timestamp_ms: 0,
                };
                let records = vec![record(0, whole.len()), record(whole.len(), len)];
                let decoded = decoder.decode(&Block { partition: 0, bytes: Arc::new(bytes), records });
                let expected: &[u32] = if len == whole.len() { &[0, 1] } else { &[0] };
                assert_eq!(decoded.rows, expected, "{len} {distance} {}", String::from_utf8_lossy(follows));
                assert!(decoded.columns.iter().all(|column| column.null_count() == 0));
            }
        }
    }
}

/// An order of keys that never comes twice, and then one that always does: what was learned gives way.
#[test]
fn a_stream_that_changes() {
    let schema = DecodeSchema::new(vec![field("a", ScalarType::Int64), field("b", ScalarType::Int64)]);
    let mut records: Vec<String> = (0..9_000)
        .map(|at| format!("{{\"k{}\":0,\"a\":{at},\"k{}\":0,\"b\":{}}}", at % 700, (at * 7) % 900, at + 1))
        .collect();
    records.extend((9_000..9_100).map(|at| format!("{{\"b\":{},\"a\":{at}}}", at + 1)));
    let records: Vec<_> = records.iter().map(String::as_bytes).collect();
    let decoded = Decoder::new(&schema).unwrap().decode(&block(&records));
    assert_eq!(decoded.undecodable, []);
    assert!((0..9_100).all(|row| written(&decoded, row) == [row.to_string(), (row + 1).to_string()]));
}
