//! What decoding costs: `cargo bench -p weir --bench decode`.
//!
//! A matrix of seeded synthetic messages, five of their fields asked for. Side by side: the decoder with what this machine offers, the
//! same without SIMD, and serde_json into a struct of those fields, which checks less (no limits, no dates) and builds no
//! columns. Runs are in turn, each figure is the median of its runs, and time is the CPU's: neighbours on the machine move the
//! wall clock more. `WEIR_BENCH_ROUNDS` sets the number of runs.

#![expect(clippy::expect_used, reason = "a benchmark whose data is wrong should stop")]

#[path = "pipeline/clock.rs"]
mod clock;
#[path = "decode/messages.rs"]
mod messages;

use clock::{cpu_seconds, median};
use messages::{MESSAGES, Message, RECORDS};
use serde::Deserialize;
use std::borrow::Cow;
use std::hint::black_box;
use weir::decode::{DecodeField, DecodeSchema, Decoder, TimestampForm};
use weir_core::block::Block;
use weir_core::types::{ColumnType, ScalarType};

const ROUNDS: usize = 31;

fn main() {
    let rounds = std::env::var("WEIR_BENCH_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    println!(
        "{:<34} {:>6} {:>20} {:>20} {:>20}",
        "ns a record (GB/s)", "bytes", "weir", "without SIMD", "serde_json typed"
    );
    for message in MESSAGES {
        row(message, rounds);
    }
}

fn row(message: &Message, rounds: usize) {
    let block = message.block();
    let mut here = Decoder::new(&schema()).expect("the schema is right");
    let mut portable = Decoder::portable(&schema()).expect("the schema is right");
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        seconds[0].push(timed(|| assert_eq!(here.decode(&block).rows.len(), RECORDS)));
        seconds[1].push(timed(|| assert_eq!(portable.decode(&block).rows.len(), RECORDS)));
        seconds[2].push(timed(|| {
            each(&block, |bytes| drop(serde_json::from_slice::<Invoice<'_>>(bytes).expect("an invoice")))
        }));
    }
    let bytes = block.records.iter().map(|record| f64::from(record.len)).sum::<f64>();
    print!("{:<34} {:>6.0}", message.name, bytes / RECORDS as f64);
    for seconds in seconds {
        let ns = median(seconds.into_iter()) * 1e9;
        print!(" {:>12.0} ({:>5.2})", ns / RECORDS as f64, bytes / ns);
    }
    println!();
}

/// The fields that the decoder is asked for.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only parsed")]
struct Invoice<'a> {
    #[serde(borrow)]
    country: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only parsed")]
struct Item {
    unit_price: f64,
    quantity: i64,
}

fn timed(run: impl FnOnce()) -> f64 {
    let start = cpu_seconds();
    run();
    cpu_seconds() - start
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
