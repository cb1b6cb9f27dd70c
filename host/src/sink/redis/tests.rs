//! What goes to Redis, without one; `tests/sink_redis.rs` has the server.

use super::render::{RedisRender, key_text};
use super::steps::{CALL_BYTES_MAX, CALL_ROWS_MAX, Steps, millis_text};
use super::windows::{Window, read};
use super::{RedisSettings, open};
use crate::sink::Sink;
use crate::sink::outbox::Render;
use crate::sink::test_rows::{Row, T0_US, closed, schema, window};
use std::sync::Arc;
use weir_core::group::KeyValue;
use weir_core::results::{Closed, WindowContent};

const GERMANY: Row = (Some("Germany"), 1, 614_600, 0.0);
const FRANCE: Row = (Some("France"), 2, -5, 0.5);

fn rendered(closed: &Closed) -> Vec<u8> {
    let mut out = Vec::new();
    RedisRender::new(&[schema("sales", 0), schema("sales-by-country", 3)]).render(&mut out, closed).unwrap();
    out
}

fn text(text: &str) -> KeyValue {
    KeyValue::Text(text.into())
}

#[test]
fn keys_are_told_apart() {
    for (key, expected) in [
        (vec![], "all"),
        (vec![text("United Kingdom")], "United Kingdom"),
        (vec![text("")], ""),
        (vec![KeyValue::Null], "%null"),
        (vec![text("%null")], "%25null"),
        (vec![text("a:b"), text("c")], "a%3Ab:c"),
        (vec![text("a"), text("b:c")], "a:b%3Ac"),
        (vec![text("\"Größe\"\n")], "\"Größe\"%0A"),
        (vec![KeyValue::Boolean(true), KeyValue::Int64(-7), KeyValue::Decimal(614_600, 4)], "true:-7:61.46"),
        (
            vec![KeyValue::from_f64(0.1), KeyValue::from_f64(f64::NAN), KeyValue::from_f64(f64::NEG_INFINITY)],
            "0.1:NaN:-inf",
        ),
        (vec![KeyValue::Timestamp(T0_US)], "2020-09-18T10%3A50%3A00.000Z"),
    ] {
        assert_eq!(key_text(&key), expected);
    }
}

#[test]
fn a_window_has_its_rows_by_key() {
    let rows = [(None, 1, 10_000, 0.5), FRANCE, GERMANY, (Some("Germany"), 9, 0, 1.0)];
    let bytes = rendered(&closed(3, 0, 4, &rows));
    let windows = read(&bytes).unwrap();
    let [Window { kpi: "sales-by-country", start_us: T0_US, revision: 4, lines: 4, unavailable: "", rows, .. }] =
        windows.as_slice()
    else {
        panic!("{windows:?}");
    };
    let head =
        r#"{"window":{"start":"2020-09-18T10:50:00.000Z","end":"2020-09-18T10:51:00.000Z"},"revision":4,"country":"#;
    let line = |rest: &str| format!("{head}{rest}");
    let germany = [
        line(r#""Germany","OPM":1,"total_sale_volume":61.46,"rate_of_return":0.0}"#),
        line(r#""Germany","OPM":9,"total_sale_volume":0,"rate_of_return":1.0}"#),
    ];
    assert_eq!(rows.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["%null", "France", "Germany"]);
    assert_eq!(rows[0].1, line(r#"null,"OPM":1,"total_sale_volume":1,"rate_of_return":0.5}"#));
    assert_eq!(rows[2].1, germany.join("\n"));
}

#[test]
fn windows_without_rows_are_windows() {
    let bytes = rendered(&closed(0, 0, 0, &[]));
    assert!(
        matches!(read(&bytes).unwrap().as_slice(), [Window { lines: 0, unavailable: "", rows, .. }] if rows.is_empty())
    );
    let content = WindowContent::Unavailable("it \"trapped\"".into());
    let table = Arc::clone(&closed(0, 0, 0, &[]).table);
    let bytes = rendered(&Closed { kpi: 0, windows: vec![window(1, 0, content)], table });
    assert!(matches!(read(&bytes).unwrap().as_slice(), [Window { lines: 0, unavailable: "it \"trapped\"", .. }]));
}

#[test]
fn bytes_that_are_cut_are_refused() {
    let bytes = rendered(&closed(0, 0, 0, &[FRANCE, GERMANY]));
    assert!(read(&[]).unwrap().is_empty());
    for len in 1..bytes.len() {
        read(&bytes[..len]).unwrap_err();
    }
}

/// The first words and the number of rows of each step of each call.
fn calls(windows: &[Window<'_>]) -> Vec<Vec<String>> {
    let mut steps = Steps::of(windows);
    let mut calls = Vec::new();
    loop {
        let (count, last) = steps.next_call();
        let mut words = Vec::new();
        steps.words(count, |word| words.push(String::from_utf8_lossy(word).into_owned()));
        calls.push(words);
        steps.done(count);
        if last {
            return calls;
        }
    }
}

fn with_rows<'a>(kpi: &'a str, rows: Vec<(&'a str, &'a str)>) -> Window<'a> {
    Window { kpi, start_us: T0_US, end_us: T0_US + 1, revision: 0, lines: rows.len() as u64, unavailable: "", rows }
}

#[test]
fn a_small_epoch_is_one_call() {
    let calls = calls(&[with_rows("a", vec![("x", "{}"), ("y", "{}")]), with_rows("b", vec![])]);
    let of = |kpi, rest: &[&str]| {
        let head = [kpi, "2020-09-18T10:50:00.000Z", "2020-09-18T10:50:00.000001Z", "0", "1600426200000"];
        head.iter().chain(rest).map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    let mut expected = vec!["stage".to_owned()];
    expected.extend(of("a", &["1", "2", "x", "{}", "y", "{}", "settle"]));
    expected.extend(of("a", &["2", "", "retire", "0", "stage"]));
    expected.extend(of("b", &["1", "0", "settle"]));
    expected.extend(of("b", &["0", "", "retire", "0"]));
    assert_eq!(calls, [expected]);
}

#[test]
fn a_large_epoch_is_cut_by_rows_and_bytes() {
    let rows = vec![("key", "{}"); 2 * CALL_ROWS_MAX + 1];
    let of_rows = calls(&[with_rows("a", rows)]);
    assert_eq!(of_rows.len(), 3);
    assert!(of_rows.iter().all(|words| words.len() <= 2 * CALL_ROWS_MAX + 20));
    let long = "x".repeat(CALL_BYTES_MAX * 2 / 3);
    let of_bytes = calls(&[with_rows("a", vec![("k", &long); 3])]);
    assert_eq!(of_bytes.len(), 3, "a row larger than a call goes alone");
}

#[test]
fn scores_are_exact() {
    for (us, text) in
        [(0, "0"), (T0_US, "1600426200000"), (1, "0.001"), (-1_500, "-1.500"), (i64::MIN, "-9223372036854775.808")]
    {
        assert_eq!(millis_text(us), text);
    }
}

#[test]
fn an_address_that_is_none_is_refused_and_not_shown() {
    let settings = |url: &str| RedisSettings {
        url: url.into(),
        prefix: "weir".into(),
        sink: "live".into(),
        pipeline: "retail".into(),
        history_windows_max: 1,
        backlog_bytes_max: 1,
    };
    let error = open(&settings("redis://:hunter2@host:port"), &[]).err().unwrap().to_string();
    assert!(error.contains("`live`") && !error.contains("hunter2"), "{error}");
    let sink = open(&settings("redis://weir:hunter2@host:1/2"), &[]).unwrap();
    assert_eq!(sink.place(), "redis://host:1/2 prefix weir");
    assert!(!format!("{:?}", settings("redis://:hunter2@host")).contains("hunter2"));
}
