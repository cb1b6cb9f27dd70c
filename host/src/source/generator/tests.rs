//! The generator: the same records however they are read, and each kind of breakage really broken.

use super::*;
use crate::source::ReadEvent;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

fn settings() -> GeneratorSettings {
    GeneratorSettings {
        seed: 7,
        partitions: 3,
        records: Some(1000),
        rate: None,
        start_us: 1_291_161_600_000_000,
        records_per_minute: 600,
        disorder_us: 5_000_000,
        late_share: 0.0,
        broken_share: 0.0,
        clock: || 42,
    }
}

fn read(settings: &GeneratorSettings, max: usize, begin: i64) -> BTreeMap<i64, Vec<u8>> {
    let source = GeneratorSource::open(settings).unwrap();
    let assigned: Vec<Assignment> =
        (0..settings.partitions).map(|partition| Assignment { partition, offset: Some(begin), epoch: None }).collect();
    let mut reader = Source::open(&source, &assigned).unwrap();
    let (mut records, mut ended) = (BTreeMap::new(), 0);
    let mut last = vec![-1; assigned.len()];
    while ended < assigned.len() {
        match reader.next(max, Duration::ZERO).unwrap() {
            ReadEvent::Block(block) => {
                assert!(block.records.len() <= max);
                for (index, record) in block.records.iter().enumerate() {
                    assert_eq!(record.offset % i64::from(settings.partitions), i64::from(block.partition));
                    assert!(std::mem::replace(&mut last[block.partition as usize], record.offset) < record.offset);
                    assert!(records.insert(record.offset, block.value(index).to_vec()).is_none());
                }
            }
            ReadEvent::Ended { .. } => ended += 1,
            other => panic!("{other:?}"),
        }
    }
    records
}

#[test]
fn records_depend_on_seed_and_number_alone() {
    let all = read(&settings(), 64, 0);
    assert_eq!(all.len(), 1000);
    let other = GeneratorSettings { partitions: 8, ..settings() };
    assert_eq!(read(&other, 1, 0), all);
    let rest: BTreeMap<_, _> = all.clone().into_iter().filter(|(number, _)| *number >= 501).collect();
    assert_eq!(read(&settings(), 7, 501), rest);
    assert_eq!(read(&settings(), 7, 5000), BTreeMap::new());
    assert_ne!(read(&GeneratorSettings { seed: 8, ..settings() }, 64, 0), all);
}

#[test]
fn partitions_say_how_many_records_they_hold() {
    let source = GeneratorSource::open(&settings()).unwrap();
    let counts: Vec<_> = source.partitions().iter().map(|part| part.records).collect();
    assert_eq!(counts, [Some(334), Some(333), Some(333)]);
    let endless = GeneratorSource::open(&GeneratorSettings { records: None, ..settings() }).unwrap();
    assert_eq!(endless.partitions()[0].records, None);
}

#[test]
fn invoices_look_like_the_shops() {
    let records = read(&GeneratorSettings { records: Some(20_000), ..settings() }, 4096, 0);
    let (mut bytes, mut returns, mut british, mut countries) = (0, 0, 0, BTreeMap::<String, u32>::new());
    for (number, record) in &records {
        let invoice: Value = serde_json::from_slice(record).unwrap();
        assert_eq!(invoice["invoice_no"], 1_000_000 + number);
        bytes += record.len();
        returns += u32::from(invoice["type"] == "RETURN");
        british += u32::from(invoice["country"] == "United Kingdom");
        *countries.entry(invoice["country"].as_str().unwrap().to_owned()).or_default() += 1;
        let items = invoice["items"].as_array().unwrap();
        assert!((1..=4).contains(&items.len()));
        assert!(
            items
                .iter()
                .all(|item| item["unit_price"].as_f64().unwrap() >= 0.19 && item["quantity"].as_i64().unwrap() > 0)
        );
    }
    let mean = bytes / records.len();
    assert!((370..=400).contains(&mean), "{mean} bytes");
    assert!((1150..=1350).contains(&returns), "{returns} returns");
    assert!((4400..=4900).contains(&british), "{british} of the first country");
    assert_eq!(countries.len(), 40);
}

fn second(record: &[u8]) -> i64 {
    let invoice: Value = serde_json::from_slice(record).unwrap();
    let text = invoice["timestamp"].as_str().unwrap().replace(' ', "T") + "Z";
    text.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[test]
fn event_time_runs_at_its_pace_with_disorder_and_late_records() {
    let records = read(&GeneratorSettings { late_share: 0.1, ..settings() }, 4096, 0);
    let start = settings().start_us / 1_000_000;
    let mut late = 0;
    for (number, record) in &records {
        let place = start + number / 10;
        let behind = place - second(record);
        if behind > 3000 {
            late += 1;
            assert!((3600..=3606).contains(&behind), "{behind}");
        } else {
            assert!((0..=6).contains(&behind), "{behind}");
        }
    }
    assert!((60..=140).contains(&late), "{late}");
    let ordered = read(&GeneratorSettings { disorder_us: 0, ..settings() }, 4096, 0);
    assert!(ordered.iter().all(|(number, record)| second(record) == start + number / 10));
}

#[test]
fn a_share_is_broken_and_the_rest_is_not() {
    let records = read(&GeneratorSettings { broken_share: 0.1, ..settings() }, 4096, 0);
    let sound = read(&settings(), 4096, 0);
    let broken = records.iter().filter(|(number, record)| sound[number] != **record).count();
    assert!((60..=140).contains(&broken), "{broken}");
}

/// The three kinds that decoding takes and the invoice step rejects.
const WELL_FORMED: [&str; 3] = ["unknown-type", "no-items", "lacking-price"];

#[test]
fn each_kind_of_broken_record_is_broken_in_its_way_only() {
    let mut seen = std::collections::BTreeSet::new();
    for (kind, name) in BROKEN_KINDS.iter().enumerate() {
        let record = broken_record(kind, 5);
        assert!(seen.insert(record.clone()), "{name} looks like another");
        assert!(!record.contains(&b'\n') && !record.contains(&b'\r'), "{name}");
        let parsed = serde_json::from_slice::<Value>(&record);
        // What a strict parser takes, a retail pipeline must refuse for what it says.
        let said = parsed.ok().map(|value| match *name {
            "unknown-type" => value["type"] == "GIFT",
            "no-items" => value["items"] == serde_json::json!([]),
            "lacking-price" => value["items"][0].get("unit_price").is_none(),
            "wrong-type" => value["items"][0]["quantity"].is_string(),
            "number-out-of-range" => value["items"][0]["quantity"].as_i64().is_none(),
            "missing-timestamp" => value.get("timestamp").is_none(),
            "bad-timestamp" => value["timestamp"].as_str().unwrap().contains("-13-"),
            "duplicate-key" => record.windows(6).filter(|part| part == b"\"type\"").count() == 2,
            "too-long" => record.len() > 1 << 20,
            "too-deep" => record.iter().filter(|byte| **byte == b'[').count() > 64,
            "not-an-object" => value.is_array(),
            _ => false,
        });
        assert_ne!(said, Some(false), "{name} is not broken");
    }
    assert!(WELL_FORMED.iter().all(|name| BROKEN_KINDS.contains(name)));
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    for (wrong, text) in [
        (GeneratorSettings { partitions: 0, ..settings() }, "0 partitions"),
        (GeneratorSettings { records_per_minute: 0, ..settings() }, "0 records a minute"),
        (GeneratorSettings { disorder_us: -1, ..settings() }, "disorder"),
        (GeneratorSettings { late_share: 1.5, ..settings() }, "late"),
        (GeneratorSettings { broken_share: f64::NAN, ..settings() }, "broken"),
        (GeneratorSettings { rate: Some(0.0), ..settings() }, "rate"),
    ] {
        let error = GeneratorSource::open(&wrong).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}
