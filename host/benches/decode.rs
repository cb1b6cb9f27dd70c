//! What decoding costs: `cargo bench -p weir --bench decode`.
//!
//! Seeded synthetic invoices of three sizes, five of their fields asked for; beside the decoder serde_json into a struct of those fields
//! and into a `Value`, both of which check less (no limits, no dates) and build no columns. Rounds are interleaved and the
//! least of each is told, because neighbours on the machine only ever add.

#![expect(clippy::expect_used, reason = "a benchmark whose data is wrong should stop")]

use serde::Deserialize;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir::decode::{DecodeField, DecodeSchema, Decoder, TimestampForm};
use weir_core::block::{Block, Record};
use weir_core::types::{ColumnType, ScalarType};

const RECORDS: usize = 8_192;
const ROUNDS: usize = 200;

fn main() {
    println!("{:>8} {:>22} {:>22} {:>22}", "bytes", "weir", "serde_json typed", "serde_json Value");
    for target_bytes in [80, 400, 2_000] {
        let block = block(target_bytes);
        let mut decoder = Decoder::new(&schema()).expect("the schema is right");
        let mut best = [Duration::MAX; 3];
        for _ in 0..ROUNDS {
            time(&mut best[0], || assert_eq!(decoder.decode(&block).rows.len(), RECORDS));
            time(&mut best[1], || {
                each(&block, |bytes| drop(serde_json::from_slice::<Invoice<'_>>(bytes).expect("an invoice")))
            });
            time(&mut best[2], || {
                each(&block, |bytes| drop(serde_json::from_slice::<serde_json::Value>(bytes).expect("JSON")))
            });
        }
        let bytes = block.records.iter().map(|record| record.len as usize).sum::<usize>();
        print!("{:>8}", bytes / RECORDS);
        for time in best {
            let ns = time.as_nanos() as f64;
            print!("{:>11.0} ns {:>3.2} GB/s", ns / RECORDS as f64, bytes as f64 / ns);
        }
        println!();
    }
}

/// The fields that the decoder is asked for.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only parsed")]
struct Invoice<'a> {
    country: &'a str,
    timestamp: &'a str,
    r#type: &'a str,
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only parsed")]
struct Item {
    unit_price: f64,
    quantity: i64,
}

fn time(best: &mut Duration, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    *best = (*best).min(start.elapsed());
}

fn each(block: &Block, read: impl Fn(&[u8])) {
    (0..block.records.len()).for_each(|index| read(black_box(block.value(index))));
}

fn schema() -> DecodeSchema {
    let field = |path: &str, scalar| {
        let column_type = if path.contains("[]") { ColumnType::List(scalar) } else { ColumnType::Scalar(scalar) };
        DecodeField { path: path.to_owned(), column_type, timestamp: None, required: false }
    };
    let form = TimestampForm::Format { format: "%Y-%m-%d %H:%M:%S".to_owned(), zone: "UTC".to_owned() };
    DecodeSchema::new(vec![
        field("country", ScalarType::Text),
        DecodeField { timestamp: Some(form), required: true, ..field("timestamp", ScalarType::Timestamp) },
        field("type", ScalarType::Text),
        field("items[].unit_price", ScalarType::Decimal(Some(4))),
        field("items[].quantity", ScalarType::Int64),
    ])
}

/// Invoices of about that size, written as Python's `json.dumps` does.
fn block(target_bytes: usize) -> Block {
    let mut random = Random(target_bytes as u64);
    let (mut bytes, mut records) = (Vec::new(), Vec::new());
    for number in 0..RECORDS {
        let invoice = invoice(&mut random, number, target_bytes);
        let start = bytes.len() as u32;
        bytes.extend_from_slice(invoice.as_bytes());
        records.push(Record {
            start,
            len: invoice.len() as u32,
            offset: number as i64,
            arrival_us: 0,
            timestamp_ms: 0,
        });
    }
    Block { partition: 0, bytes: Arc::new(bytes), records }
}

fn invoice(random: &mut Random, number: usize, target_bytes: usize) -> String {
    let country = random.pick(&["United Kingdom", "France", "Spain", "Germany", "EIRE", "Netherlands"]);
    let kind = random.pick(&["ORDER", "ORDER", "ORDER", "RETURN"]);
    let (minute, second) = (number / 600 % 60, number / 10 % 60);
    if target_bytes < 100 {
        return format!(
            r#"{{"country":"{country}","timestamp":"2010-12-01 09:{minute:02}:{second:02}","type":"{kind}","items":[]}}"#
        );
    }
    let mut text = format!(
        r#"{{"invoice_no": {}, "country": "{country}", "timestamp": "2010-12-01 09:{minute:02}:{second:02}", "type": "{kind}", "items": ["#,
        1_000_000 + number
    );
    let items = 1 + random.below(2 * (target_bytes - 110) / 100);
    for item in 0..items {
        let words: Vec<_> = (0..2 + random.below(6))
            .map(|_| random.pick(&["METAL", "RETRO", "BAG", "VINTAGE", "LANTERN", "SET"]))
            .collect();
        text.push_str(&format!(
            r#"{}{{"SKU": "{}{}", "title": "{}", "unit_price": {}.{}, "quantity": {}}}"#,
            if item > 0 { ", " } else { "" },
            10_000 + random.below(9_000),
            random.pick(&["A", "B", "C"]),
            words.join(" "),
            random.below(20),
            1 + random.below(99),
            1 + random.below(24),
        ));
    }
    text.push_str("]}");
    text
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
