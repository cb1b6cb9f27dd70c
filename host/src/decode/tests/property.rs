//! A hundred thousand documents (or `WEIR_DIFFERENTIAL` of them), whole, broken and hostile: the decoder agrees with itself without
//! SIMD and with the naive oracle, and the oracle with serde_json.

use super::oracle::{Json, parse, row};
use super::*;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::collections::BTreeSet;

/// xorshift64*: a failure comes again on the next run.
pub(in crate::decode) struct Random(pub(in crate::decode) u64);

impl Random {
    pub(in crate::decode) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    pub(in crate::decode) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

fn schema() -> DecodeSchema {
    let mut fields = vec![
        field("a", ScalarType::Int64),
        field("price", ScalarType::Decimal(Some(2))),
        field("f", ScalarType::Float64),
        field("b", ScalarType::Boolean),
        field("country", ScalarType::Text),
        timestamp("t", TimestampForm::Format { format: "%Y-%m-%d %H:%M:%S".into(), zone: "UTC".into() }),
        field("customer.id", ScalarType::Int64),
        field("customer.name.first", ScalarType::Text),
        field("items[].price", ScalarType::Decimal(Some(4))),
        field("items[].a", ScalarType::Int64),
        field("items[].name.first", ScalarType::Text),
        field("tags[]", ScalarType::Text),
        field("customer.marks[]", ScalarType::Float64),
    ];
    fields[1].required = true;
    DecodeSchema { depth_max: 8, list_elements_max: 4, ..DecodeSchema::new(fields) }
}

const KEYS: [&str; 16] = [
    "a",
    "price",
    "f",
    "b",
    "country",
    "t",
    "customer",
    "id",
    "name",
    "first",
    "items",
    "tags",
    "marks",
    "other",
    "n\\u0061me",
    "\\ud800",
];
const NUMBERS: [&str; 24] = [
    "0",
    "-0",
    "1",
    "12",
    "-7",
    "6.0",
    "1e1",
    "60e-1",
    "2.675",
    "0.125",
    "0.00005",
    "-0.00015",
    "1e400",
    "1e-400",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "92233720368547758.075",
    "0e999999999",
    "1e999999999999",
    "123456789012345678901234567890",
    "0.1",
    "15.38",
    "1E+2",
];
const TEXTS: [&str; 14] = [
    "",
    "Spain",
    "United Kingdom of everything",
    "Österreich",
    "東京\u{1f980}",
    "a\\u0000\\n\\\"",
    "\\ud83e\\udd80",
    "\\ud800",
    "x\\udc00y",
    "2010-12-01 00:00:03",
    "9999-12-31 23:59:59",
    "2011-02-29 00:00:00",
    "2010-12-01 00:00:60",
    "6",
];
const SPACES: [&str; 6] = ["", "", "", " ", " ", "\n\t\r "];
const HOSTILE: [&str; 20] = [
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "null", "NaN", "0", "-", ".", "e", "\0", "\u{7f}", "\u{feff}",
    "/*", " ",
];

fn value(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(if depth > 5 { 6 } else { 9 }) {
        0 => out.push_str("null"),
        1 => out.push_str(random.pick(&["true", "false"])),
        2 | 3 => out.push_str(random.pick(&NUMBERS)),
        4 | 5 => {
            out.push('"');
            out.push_str(random.pick(&TEXTS));
            out.push('"');
        }
        6 => members(random, depth, out, ['[', ']']),
        _ => members(random, depth, out, ['{', '}']),
    }
}

/// A value that fits the schema more often than not, so that whole records come through.
fn fitting(random: &mut Random, key: &str, depth: usize, out: &mut String) {
    if random.below(12) == 0 {
        return value(random, depth, out);
    }
    match key {
        "a" | "id" => out.push_str(random.pick(&["1", "6.0", "1e1", "-0", "null", "9223372036854775807"])),
        "price" | "f" => out.push_str(random.pick(&NUMBERS)),
        "b" => out.push_str(random.pick(&["true", "false", "null"])),
        "t" => out.push_str(random.pick(&[
            "\"2010-12-01 00:00:03\"",
            "\"0001-01-01 00:00:00\"",
            "\"2012-02-29 23:59:59\"",
            "null",
        ])),
        "country" | "first" => {
            out.push('"');
            out.push_str(random.pick(&TEXTS[..7]));
            out.push('"');
        }
        "customer" | "name" => members(random, depth, out, ['{', '}']),
        "tags" => out.push_str(random.pick(&[
            "[]",
            "[\"x\", null]",
            "null",
            "[\"\\n\",\"ö\"]",
            "[ \"1\" , \"2\",\"3\",\"4\"]",
        ])),
        "marks" => out.push_str(random.pick(&["[]", "[1.5,-0]", "null", "[1,2,3,4,5]", "[null]"])),
        "items" => {
            out.push('[');
            for at in 0..random.below(4) {
                out.push_str(if at > 0 { "," } else { "" });
                members(random, depth + 1, out, ['{', '}']);
            }
            out.push(']');
        }
        _ => value(random, depth, out),
    }
}

fn members(random: &mut Random, depth: usize, out: &mut String, [open, close]: [char; 2]) {
    out.push(open);
    let mut given = BTreeSet::new();
    for at in 0..random.below(if depth == 0 { 9 } else { 5 }) {
        let mut key = if depth == 0 && at == 0 { "price" } else { random.pick(&KEYS) };
        if open == '{' && !given.insert(key) && random.below(20) > 0 {
            key = "another";
        }
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(random.pick(&SPACES));
        if open == '{' {
            out.push_str(&format!("\"{key}\"{}:{}", random.pick(&SPACES), random.pick(&SPACES)));
            fitting(random, key, depth + 1, out);
        } else {
            value(random, depth + 1, out);
        }
        out.push_str(random.pick(&SPACES));
    }
    out.push(close);
}

/// Breaks a document somewhere, or not.
fn mutated(random: &mut Random, document: &str) -> Vec<u8> {
    let mut bytes = document.as_bytes().to_vec();
    for _ in 0..random.below(3) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, random.pick(&HOSTILE).bytes())),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            _ => {
                let end = (at + random.below(9)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
        }
    }
    bytes
}

/// Whether the oracle's tree is what serde_json reads; only of documents whose objects have no key twice.
fn same(tree: &Json, value: &Value) -> bool {
    match (tree, value) {
        (Json::Null, Value::Null) => true,
        (Json::Boolean(one), Value::Bool(other)) => one == other,
        (Json::Number(text), Value::Number(number)) => text.parse().ok() == number.as_f64(),
        (Json::Text(Some(one)), Value::String(other)) => one == other,
        (Json::List(ones), Value::Array(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| same(one, other))
        }
        (Json::Object(ones), Value::Object(others)) => {
            let keys: BTreeSet<_> = ones.iter().map(|(key, _)| key).collect();
            keys.len() < ones.len()
                || ones.iter().all(|(key, one)| {
                    key.as_ref().is_none_or(|key| others.get(key).is_some_and(|other| same(one, other)))
                })
        }
        _ => false,
    }
}

/// Documents in a block.
const BLOCK: usize = 100;
/// Each goes through documents of its own.
const WORKERS: u64 = 4;

/// How many documents: `WEIR_DIFFERENTIAL`, or a hundred thousand.
fn documents() -> usize {
    std::env::var("WEIR_DIFFERENTIAL").map_or(100_000, |text| text.parse().expect("a number of documents"))
}

/// Documents with nothing in common, or, as streams are, those of one writer, which scripts are learned from. Broken or not.
fn records(random: &mut Random) -> Vec<Vec<u8>> {
    let one_writer = random.below(2) == 0;
    let mut document = String::new();
    (0..BLOCK)
        .map(|at| {
            if at == 0 || !one_writer {
                document.clear();
                members(random, 0, &mut document, ['{', '}']);
            }
            mutated(random, &document)
        })
        .collect()
}

/// What became of the documents.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdicts {
    good: usize,
    bad: usize,
    malformed: usize,
}

/// The decoders agree with each other, to the letter of the reasons, and with the oracle; the oracle agrees with serde_json.
fn compare(decoders: &mut [Decoder; 2], schema: &DecodeSchema, records: &[Vec<u8>], verdicts: &mut Verdicts) {
    let records: Vec<_> = records.iter().map(Vec::as_slice).collect();
    let block = block(&records);
    let [decoded, portable] = decoders.each_mut().map(|decoder| decoder.decode(&block));
    assert_eq!(decoded.rows, portable.rows);
    assert_eq!(decoded.undecodable, portable.undecodable);
    assert_eq!(decoded.columns, portable.columns);
    check_types(schema, &decoded);
    let mut rows = decoded.rows.iter().enumerate().peekable();
    for (index, record) in records.iter().enumerate() {
        let given = rows.next_if(|(_, at)| **at as usize == index).map(|(row, _)| written(&decoded, row));
        let reason =
            decoded.undecodable.iter().find(|(at, _)| *at as usize == index).map(|(_, reason)| reason.as_str());
        let well_formed = is_well_formed(record);
        let shown = String::from_utf8_lossy(record);
        assert_eq!(given, row(schema, record), "{shown} {reason:?}");
        assert_eq!(given.is_some(), reason.is_none(), "{shown}");
        let syntax = reason.is_some_and(|reason| reason.starts_with("invalid JSON") || reason.starts_with("not UTF-8"));
        assert!(!syntax || !well_formed || !shown.trim_start().starts_with('{'), "{shown} {reason:?}");
        verdicts.good += usize::from(given.is_some());
        verdicts.bad += usize::from(given.is_none() && well_formed);
        verdicts.malformed += usize::from(!well_formed);
    }
}

/// Whether a document is JSON, about which the oracle and serde_json must agree, as about what is in it.
fn is_well_formed(record: &[u8]) -> bool {
    let (tree, shown) = (parse(record), String::from_utf8_lossy(record));
    let well_formed = std::str::from_utf8(record).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    assert_eq!(tree.is_some(), well_formed, "{shown}");
    if let (Some((tree, _)), Ok(value)) = (&tree, serde_json::from_slice(record)) {
        assert!(same(tree, &value), "{shown}");
    }
    well_formed
}

#[test]
fn agrees_with_the_oracle_and_serde_json() {
    let documents = documents();
    let work = |worker| {
        let (schema, mut random, mut verdicts) = (schema(), Random(0x5eed + worker), Verdicts::default());
        let mut decoders = [Decoder::new(&schema).unwrap(), Decoder::portable(&schema).unwrap()];
        for _ in 0..documents / BLOCK / WORKERS as usize {
            compare(&mut decoders, &schema, &records(&mut random), &mut verdicts);
        }
        verdicts
    };
    let verdicts: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|worker| scope.spawn(move || work(worker))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    println!("{documents} documents: {verdicts:?}");
    let tenth = documents / 10;
    let sum = |of: fn(&Verdicts) -> usize| verdicts.iter().map(of).sum::<usize>();
    assert!(sum(|verdicts| verdicts.good) > tenth, "{verdicts:?}");
    assert!(sum(|verdicts| verdicts.bad) > tenth && sum(|verdicts| verdicts.malformed) > tenth, "{verdicts:?}");
}

#[test]
fn any_bytes_at_all() {
    let schema = schema();
    let mut random = Random(7);
    let mut decoder = Decoder::new(&schema).unwrap();
    let mut portable = Decoder::portable(&schema).unwrap();
    for _ in 0..200 {
        let records: Vec<Vec<u8>> = (0..100)
            .map(|_| {
                let len = random.below(60);
                let mut bytes: Vec<_> = (0..len).map(|_| random.below(256) as u8).collect();
                if random.below(2) == 0 {
                    bytes.splice(0..0, *b"{\"price\":");
                }
                bytes
            })
            .collect();
        let block = block(&records.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let decoded = decoder.decode(&block);
        check_types(&schema, &decoded);
        assert_eq!(decoded.rows.len() + decoded.undecodable.len(), records.len());
        assert_eq!(decoded.undecodable, portable.decode(&block).undecodable);
    }
}
