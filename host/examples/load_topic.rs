//! Fills a Kafka topic with the lines of a file (plain or zstd), dealt to the partitions in turn:
//! `cargo run --release -p weir --example load_topic -- 127.0.0.1:9092 invoices 8 data/online-retail/invoices.jsonl.zst`

use std::process::ExitCode;
use weir_services::client::{Produced, create_topic, produce};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic, partitions, file] = arguments.as_slice() else {
        eprintln!("usage: load_topic BROKERS TOPIC PARTITIONS FILE");
        return ExitCode::from(2);
    };
    match load(brokers, topic, partitions, file) {
        Ok(records) => {
            println!("{records} records in topic {topic}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn load(brokers: &str, topic: &str, partitions: &str, file: &str) -> Result<usize, String> {
    let partitions: i32 = partitions.parse().map_err(|error| format!("partitions `{partitions}`: {error}"))?;
    let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let packed = file.ends_with(".zst");
    let text =
        if packed { zstd::decode_all(bytes.as_slice()).map_err(|error| format!("{file}: {error}"))? } else { bytes };
    // Kept for ever: the invoices are from 2010, and a broker deletes by their age otherwise.
    create_topic(brokers, topic, partitions, &[("retention.ms", "-1")]).map_err(|error| error.to_string())?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let records: Vec<Produced<'_>> = (0..)
        .zip(lines)
        .map(|(number, line)| Produced { partition: number % partitions, value: Some(line), ..Produced::default() })
        .collect();
    let count = records.len();
    produce(brokers, topic, records).map_err(|error| error.to_string())?;
    Ok(count)
}
