//! Letters to the byte, and what of them is there after a crash.

use super::*;
use serde_json::Value;
use std::fs;

fn letter(value: &[u8]) -> DeadLetter<'_> {
    DeadLetter {
        source_name: "invoices",
        partition: 3,
        offset: 123,
        timestamp_ms: 1_600_426_500_123,
        kind: DeadLetterKind::Undecodable,
        reason: "`items[0].quantity` is \"text\"",
        event_time_us: None,
        arrival_us: None,
        refused_by: &[],
        value,
    }
}

fn text_of(letter: &DeadLetter<'_>) -> String {
    let mut out = Vec::new();
    push_letter(&mut out, letter);
    String::from_utf8(out).unwrap()
}

fn json_of(letter: &DeadLetter<'_>) -> Value {
    serde_json::from_str(&text_of(letter)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_letter_to_the_byte() {
    assert_eq!(
        text_of(&letter(b"abc")),
        "{\"topic\":\"invoices\",\"partition\":3,\"offset\":123,\"timestamp\":\"2020-09-18T10:55:00.123Z\",\"kind\":\"undecodable\",\
         \"reason\":\"`items[0].quantity` is \\\"text\\\"\",\"length\":3,\
         \"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"value\":\"abc\"}\n"
    );
}

#[test]
fn times_and_refusals_where_there_are_some() {
    let refused_by = [
        RefusedBy { kpi: "sales", windows_refused: 1, windows_taken: 0 },
        RefusedBy { kpi: "by \"x\"", windows_refused: 2, windows_taken: 8 },
    ];
    let late = DeadLetter {
        kind: DeadLetterKind::Late,
        timestamp_ms: NO_TIMESTAMP,
        event_time_us: Some(-1_000),
        arrival_us: Some(1_600_426_500_000_001),
        refused_by: &refused_by,
        ..letter(b"")
    };
    let text = text_of(&late);
    assert!(text.contains("\"timestamp\":null,\"kind\":\"late\""), "{text}");
    let json = json_of(&late);
    assert_eq!(json["event_time"], "1969-12-31T23:59:59.999Z");
    assert_eq!(json["arrival"], "2020-09-18T10:55:00.000001Z");
    assert_eq!(json["refused_by"][1]["kpi"], "by \"x\"");
    assert_eq!(json["refused_by"][1]["windows_refused"], 2);
    assert_eq!(json["refused_by"][1]["windows_taken"], 8);
    assert_eq!(json["refused_by"].as_array().unwrap().len(), 2);
    assert_eq!(json["value"], "");
    assert!(json_of(&letter(b"")).get("refused_by").is_none());
}

#[test]
fn what_is_not_utf8_is_base64() {
    let value = b"{\"a\":\"\xff\xfe\"}";
    let json = json_of(&letter(value));
    assert_eq!(STANDARD.decode(json["value_base64"].as_str().unwrap()).unwrap(), value);
    assert!(json.get("value").is_none());
}

#[test]
fn long_values_are_cut_between_characters() {
    for (value, kept) in [
        ("x".repeat(VALUE_BYTES_MAX), VALUE_BYTES_MAX),
        ("x".repeat(VALUE_BYTES_MAX + 1), VALUE_BYTES_MAX),
        ("€".repeat(VALUE_BYTES_MAX), VALUE_BYTES_MAX / 3 * 3),
        ("\u{1}".repeat(VALUE_BYTES_MAX * 3), VALUE_BYTES_MAX),
    ] {
        let json = json_of(&letter(value.as_bytes()));
        assert_eq!(json["value"].as_str().unwrap(), &value[..kept]);
        assert_eq!(json["length"].as_u64().unwrap(), value.len() as u64);
        assert_eq!(json["sha256"].as_str().unwrap(), hex(value.as_bytes()));
    }
    let bytes = vec![0xff; VALUE_BYTES_MAX + 1];
    let json = json_of(&letter(&bytes));
    assert_eq!(STANDARD.decode(json["value_base64"].as_str().unwrap()).unwrap(), bytes[..VALUE_BYTES_MAX]);
    assert_eq!(json["sha256"].as_str().unwrap(), hex(&bytes));
}

#[test]
fn going_on_from_a_checkpoint_writes_no_letter_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/dead.jsonl");
    let mut first = DeadLetters::open(path.clone(), None).unwrap();
    first.write(&letter(b"one")).unwrap();
    let durable = first.sync().unwrap();
    assert_eq!(durable, fs::metadata(&path).unwrap().len());
    first.write(&letter(b"two")).unwrap();
    drop(first);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);

    let mut second = DeadLetters::open(path.clone(), Some(durable)).unwrap();
    second.write(&letter(b"two")).unwrap();
    second.write(&letter(b"three")).unwrap();
    assert_eq!(second.sync().unwrap(), fs::metadata(&path).unwrap().len());
    let text = fs::read_to_string(&path).unwrap();
    let values: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["value"].clone()).collect();
    assert_eq!(values, ["one", "two", "three"]);
}

#[test]
fn a_start_without_checkpoint_begins_the_file_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.jsonl");
    fs::write(&path, "old\n").unwrap();
    let mut letters = DeadLetters::open(path.clone(), None).unwrap();
    assert_eq!(letters.sync().unwrap(), 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
}

#[test]
fn a_file_that_was_moved_away_goes_on_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.jsonl");
    let mut letters = DeadLetters::open(path.clone(), Some(1_000)).unwrap();
    letters.write(&letter(b"one")).unwrap();
    assert_eq!(letters.sync().unwrap(), fs::metadata(&path).unwrap().len());
    assert!(fs::read_to_string(&path).unwrap().starts_with('{'));
}

#[test]
fn one_writer_a_file_and_devices_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.jsonl");
    let first = DeadLetters::open(path.clone(), None).unwrap();
    let error = DeadLetters::open(path.clone(), None).unwrap_err().to_string();
    assert!(error.contains("dead.jsonl") && error.contains("somebody else"), "{error}");
    drop(first);
    DeadLetters::open(path, None).unwrap();

    let mut null = DeadLetters::open("/dev/null".into(), Some(7)).unwrap();
    null.write(&letter(b"one")).unwrap();
    null.sync().unwrap();

    let mut full = DeadLetters::open("/dev/full".into(), None).unwrap();
    full.write(&letter(b"one")).unwrap();
    let error = full.sync().unwrap_err().to_string();
    assert!(error.starts_with("/dev/full: "), "{error}");
}
