//! How rows look in Redis: every type, nulls, several rows a key, windows without rows, and the commands of the documentation.

use crate::run::{Job, MINUTE_US, SALES, T0_US, by_country, field, output, sales, shared, unavailable, window};
use arrow_array::types::Int64Type;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal64Array, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use weir::sink::redis::open;
use weir::sink::{Claim, KpiSchema, Resume, Sink};
use weir_core::group::{GroupKey, KeyValue};
use weir_core::plugin::Output;
use weir_core::results::{Closed, ResultTable, WindowContent};
use weir_core::types::{ColumnType, Field, ScalarType};

fn hash(job: &Job, key: &str) -> BTreeMap<String, String> {
    let mut connection = redis::Client::open(job.settings.url.as_str()).unwrap().get_connection().unwrap();
    redis::cmd("HGETALL").arg(format!("{}{key}", job.base())).query(&mut connection).unwrap()
}

fn exists(job: &Job, key: &str) -> bool {
    shared().command(&["EXISTS", &format!("{}{key}", job.base())]).unwrap().trim() == "1"
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// One output of each type, one of a name that the hash has itself, and one that JSON has to escape.
fn outputs() -> Vec<(usize, Output)> {
    let scalars = [
        ("yes", ScalarType::Boolean),
        ("n", ScalarType::Int64),
        ("rate", ScalarType::Float64),
        ("money", ScalarType::Decimal(Some(4))),
        ("at", ScalarType::Timestamp),
        ("row", ScalarType::Text),
    ];
    let mut fields: Vec<Field> = scalars.into_iter().map(|(path, scalar)| field(path, scalar)).collect();
    let list = ColumnType::List(ScalarType::Int64);
    fields.push(Field { path: "of \"\\ all\"".into(), column_type: list, nullable: true });
    fields.into_iter().map(output).enumerate().collect()
}

/// A row that has everything, and one of nulls.
fn columns() -> Vec<ArrayRef> {
    let money = Decimal64Array::from(vec![Some(-614_600), None]).with_precision_and_scale(18, 4).unwrap();
    vec![
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        Arc::new(Int64Array::from(vec![Some(i64::MAX), None])),
        Arc::new(Float64Array::from(vec![Some(0.1), None])),
        Arc::new(money),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(T0_US + 1), None])),
        Arc::new(StringArray::from(vec![Some("a \"b\"\\\n,]}: Größe \u{1}"), None])),
        Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), None]), None])),
    ]
}

#[test]
fn every_type_and_null_is_as_in_the_json_row() {
    let job = Job::new(&shared().url(), "types", 10);
    let keys = vec![field("country", ScalarType::Text), field("big", ScalarType::Boolean)];
    let kpi = KpiSchema { name: "every".into(), kpi: 5, keys, outputs: outputs() };
    let mut sink = open(&job.settings, &[kpi]).unwrap();
    let claim = Claim { pipeline: "retail".into(), lineage: "a".into(), generation: 1 };
    sink.recover(&Resume { claim, epoch: 0, prepared: None, open_from_us: i64::MIN }).unwrap();
    let first: GroupKey = Arc::from([KeyValue::Text("a:b%\"".into()), KeyValue::Boolean(true)]);
    let nulls: GroupKey = Arc::from([KeyValue::Null, KeyValue::Null]);
    let table = Arc::new(ResultTable { keys: vec![first, nulls], columns: columns() });
    sink.accept(&Closed { kpi: 5, windows: vec![window(0, 2, WindowContent::Rows(0..2))], table }).unwrap();
    let prepared = sink.prepare(1).unwrap();
    sink.commit(1, &prepared.bytes).unwrap();
    assert!(sink.finish(crate::run::LONG).unwrap());
    let window =
        [("window_start", "2020-09-18T10:50:00.000Z"), ("window_end", "2020-09-18T10:51:00.000Z"), ("revision", "2")];
    let row = r#"{"window":{"start":"2020-09-18T10:50:00.000Z","end":"2020-09-18T10:51:00.000Z"},"revision":2,"country":"a:b%\"","big":true,"yes":true,"n":9223372036854775807,"rate":0.1,"money":-61.46,"at":"2020-09-18T10:50:00.000001Z","row":"a \"b\"\\\n,]}: Größe \u0001","of \"\\ all\"":[1,null]}"#;
    let mut expected = texts(&window);
    expected.extend(texts(&[
        ("country", "a:b%\""),
        ("big", "true"),
        ("yes", "true"),
        ("n", "9223372036854775807"),
        ("rate", "0.1"),
    ]));
    expected.extend(texts(&[
        ("money", "-61.46"),
        ("at", "2020-09-18T10:50:00.000001Z"),
        ("of \"\\ all\"", "[1,null]"),
    ]));
    expected.extend(texts(&[("row_", "a \"b\"\\\n,]}: Größe \u{1}"), ("row", row)]));
    assert_eq!(hash(&job, "every:newest:a%3Ab%25\":true"), expected);
    let of_nulls = hash(&job, "every:newest:%null:%null");
    let null = ["country", "big", "yes", "n", "rate", "money", "at", "row_", "of \"\\ all\""];
    assert!(null.iter().all(|name| of_nulls[*name] == "null"), "{of_nulls:?}");
    assert_eq!(hash(&job, "every:rows:2020-09-18T10:50:00.000Z")["a%3Ab%25\":true"], row);
}

#[test]
fn several_rows_of_a_key_are_lines_and_the_first_is_shown() {
    let job = Job::new(&shared().url(), "lines", 10);
    let mut run = job.start(1, 0, None).unwrap();
    run.deliver(&[by_country(0, 0, &[("France", 3), ("France", 2), ("Germany", 1)])]);
    let shown = hash(&job, "by-country:newest:France");
    assert_eq!((shown["orders"].as_str(), shown["row"].lines().count()), ("3", 2));
    assert_eq!(hash(&job, "by-country:window:2020-09-18T10:50:00.000Z")["rows"], "3");
    assert_eq!(hash(&job, "by-country:rows:2020-09-18T10:50:00.000Z").len(), 2);
}

#[test]
fn windows_without_rows_and_of_quarantined_kpis_are_told() {
    let job = Job::new(&shared().url(), "empty", 10);
    let mut run = job.start(1, 0, None).unwrap();
    run.deliver(&[sales(0, 0, 7), unavailable(SALES, 1, 0, "it trapped"), by_country(0, 0, &[])]);
    let window = hash(&job, "sales:window:2020-09-18T10:51:00.000Z");
    assert_eq!((window["unavailable"].as_str(), window["rows"].as_str()), ("it trapped", "0"));
    assert_eq!(hash(&job, "sales:newest:all")["orders"], "7", "the last row that there is");
    assert_eq!(hash(&job, "by-country:window:2020-09-18T10:50:00.000Z")["rows"], "0");
    assert!(!exists(&job, "by-country:rows:2020-09-18T10:50:00.000Z"));
    // The window becomes unavailable after it had rows.
    run.deliver(&[unavailable(SALES, 0, 1, "it trapped")]);
    assert!(!exists(&job, "sales:newest:all"));
}

#[test]
fn a_kpi_whose_windows_got_another_size_replaces_the_old_ones() {
    let job = Job::new(&shared().url(), "size", 10);
    let mut run = job.start(1, 0, None).unwrap();
    run.deliver(&[sales(0, 5, 7)]);
    let mut wider = sales(0, 0, 1);
    wider.windows[0].end_us = T0_US + 5 * MINUTE_US;
    run.deliver(&[wider]);
    let shown = hash(&job, "sales:newest:all");
    assert_eq!((shown["revision"].as_str(), shown["window_end"].as_str()), ("0", "2020-09-18T10:55:00.000Z"));
}

/// The commands that `docs/sinks.md` shows.
#[test]
fn the_documented_commands_answer() {
    let job = Job::new(&shared().url(), "docs", 10);
    let mut run = job.start(1, 0, None).unwrap();
    run.deliver(&[
        sales(0, 0, 1),
        sales(1, 0, 2),
        sales(2, 0, 3),
        by_country(2, 0, &[("France", 1), ("United Kingdom", 2)]),
    ]);
    let ask = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| word.replace("{weir:retail}:", &job.base())).collect();
        shared().command(&words.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(ask(&["HGET", "{weir:retail}:sales:newest:all", "orders"]), "3");
    assert_eq!(ask(&["HGET", "{weir:retail}:by-country:newest:United Kingdom", "orders"]), "2");
    assert_eq!(
        ask(&["ZRANGE", "{weir:retail}:sales:windows", "-2", "-1"]),
        "2020-09-18T10:51:00.000Z\n2020-09-18T10:52:00.000Z"
    );
    let from = ask(&["ZRANGEBYSCORE", "{weir:retail}:sales:windows", "1600426260000", "+inf"]);
    assert_eq!(from.lines().count(), 2);
    assert_eq!(ask(&["HVALS", "{weir:retail}:by-country:rows:2020-09-18T10:52:00.000Z"]).lines().count(), 2);
    let last: &[&str] = &[
        "SORT",
        "{weir:retail}:sales:windows",
        "BY",
        "nosort",
        "DESC",
        "LIMIT",
        "0",
        "2",
        "GET",
        "{weir:retail}:sales:rows:*->all",
    ];
    let last = ask(last);
    let orders: Vec<bool> =
        last.lines().zip([3, 2]).map(|(row, n)| row.ends_with(&format!("\"orders\":{n}}}"))).collect();
    assert_eq!(orders, [true, true], "{last}");
    assert_eq!(ask(&["HGET", "{weir:retail}:weir:epoch:live", "epoch"]), "1");
}
