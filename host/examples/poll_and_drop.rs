//! The floor: a topic polled to its end with librdkafka, message by message, and dropped. What a program that reads in this way can't
//! be cheaper than. `cargo run --release -p weir --example poll_and_drop -- 127.0.0.1:9092 invoices`

#[path = "../benches/kafka/poll.rs"]
mod poll;

use std::process::ExitCode;
use std::time::SystemTime;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, topic] = arguments.as_slice() else {
        eprintln!("usage: poll_and_drop BROKERS TOPIC");
        return ExitCode::from(2);
    };
    match poll::read_and_drop(brokers, topic, first) {
        Ok((records, bytes)) => {
            println!("@READ {records}\n@BYTES {bytes}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A line that `bench/peers/measure.py` reads.
fn first() {
    let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    println!("@FIRST {}", since_epoch.as_millis());
}
