//! Fills a Kafka topic with the lines of a file (plain or zstd), or with synthetic invoices, dealt to the partitions in turn:
//! `cargo run --release -p weir --example load_topic -- 127.0.0.1:9092 invoices 8 data/online-retail/invoices.jsonl.zst`,
//! `… -- 127.0.0.1:9092 invoices 8 --events 5000000`

#[path = "../benches/kafka/invoices.rs"]
mod invoices;

use std::process::ExitCode;
use weir_services::client::{Produced, create_topic, produce};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let loaded = match arguments.as_slice() {
        [brokers, topic, partitions, "--events", events] => synthetic(brokers, topic, partitions, events),
        [brokers, topic, partitions, file] => load(brokers, topic, partitions, file),
        _ => {
            eprintln!("usage: load_topic BROKERS TOPIC PARTITIONS FILE, or --events N in place of FILE");
            return ExitCode::from(2);
        }
    };
    match loaded {
        Ok(records) => {
            println!("{records} records in topic {}", arguments[1]);
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn synthetic(brokers: &str, topic: &str, partitions: &str, events: &str) -> Result<u64, String> {
    let events = events.parse().map_err(|error| format!("events `{events}`: {error}"))?;
    invoices::fill(brokers, topic, number(partitions)?, events)?;
    Ok(events)
}

fn load(brokers: &str, topic: &str, partitions: &str, file: &str) -> Result<u64, String> {
    let partitions = number(partitions)?;
    let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let packed = file.ends_with(".zst");
    let text =
        if packed { zstd::decode_all(bytes.as_slice()).map_err(|error| format!("{file}: {error}"))? } else { bytes };
    // Kept for ever: the invoices are from 2010, and a broker deletes by their age otherwise.
    create_topic(brokers, topic, partitions as i32, &[("retention.ms", "-1")]).map_err(|error| error.to_string())?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let record = |(number, line)| Produced {
        partition: (number % u64::from(partitions)) as i32,
        value: Some(line),
        ..Produced::default()
    };
    let records: Vec<Produced<'_>> = (0..).zip(lines).map(record).collect();
    let count = records.len() as u64;
    produce(brokers, topic, records).map_err(|error| error.to_string())?;
    Ok(count)
}

fn number(partitions: &str) -> Result<u32, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("partitions `{partitions}`: {error}");
    match partitions.parse::<u16>() {
        Ok(0) => Err(wrong(&"give at least 1")),
        Ok(number) => Ok(number.into()),
        Err(error) => Err(wrong(&error)),
    }
}
