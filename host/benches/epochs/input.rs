//! Files of records, made once and kept beside what cargo builds.

use super::invoices;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use weir::source::generator::GeneratorSource;
use weir::source::{Assignment, ReadEvent, Source};

/// Files, each a partition: one a worker.
pub const FILES: usize = 2;
/// Records that are asked for at once.
const CHUNK: usize = 8_192;
/// Between keys that follow each other; shares no factor with the number of groups.
const STRIDE: u64 = 7_919;

/// The invoices that the Kafka benchmarks have in their topics; the pattern that finds them.
pub fn invoices(folder: &Path, events: u64) -> String {
    made(folder, &format!("invoices-{events}"), |files| {
        let source = GeneratorSource::open(&invoices::settings(FILES as u32, events)).expect("sound settings");
        let assigned: Vec<_> =
            (0..FILES as u32).map(|partition| Assignment { partition, offset: None, epoch: None }).collect();
        let mut reader = source.open(&assigned).expect("a reader");
        let mut ended = 0;
        while ended < FILES {
            match reader.next(CHUNK, Duration::ZERO).expect("records") {
                ReadEvent::Block(block) => {
                    for index in 0..block.records.len() {
                        line(&mut files[block.partition as usize], block.value(index));
                    }
                }
                ReadEvent::Ended { .. } => ended += 1,
                ReadEvent::CaughtUp { .. } | ReadEvent::Lost { .. } | ReadEvent::Nothing => {}
            }
        }
    })
}

/// Orders of so many customers within an hour: each has one a second, from either file in turn.
pub fn customers(folder: &Path, groups: u64, seconds: u64) -> String {
    made(folder, &format!("customers-{groups}-{seconds}"), |files| {
        for number in 0..groups * seconds {
            let (round, within) = (number / groups, number % groups);
            let record = order(&customer(within * STRIDE % groups), round as i64, number);
            line(&mut files[((number + round) % FILES as u64) as usize], record.as_bytes());
        }
    })
}

/// A group's name.
pub fn customer(number: u64) -> String {
    format!("Customer {number:06}")
}

/// An order of so many seconds after the hour of 2010-12-01 10:00:00.
fn order(customer: &str, seconds: i64, number: u64) -> String {
    let timestamp = format!("2010-12-01 10:{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    order_at(customer, &timestamp, number)
}

/// An order as the retail pipeline's fields have it.
pub fn order_at(customer: &str, timestamp: &str, number: u64) -> String {
    format!(
        r#"{{"country": "{customer}", "timestamp": "{timestamp}", "type": "ORDER", "items": [{{"unit_price": {}.{:02}, "quantity": {}}}]}}"#,
        number % 20,
        number % 100,
        1 + number % 24
    )
}

/// The pattern of files of this name; writes them if they are not there.
fn made(folder: &Path, name: &str, write: impl FnOnce(&mut [BufWriter<File>])) -> String {
    let path = |file: usize| folder.join(format!("epochs-{name}-{file}.jsonl"));
    let aside = |file: usize| folder.join(format!("epochs-{name}-{file}.aside"));
    if !(0..FILES).all(|file| path(file).exists()) {
        let open = |file: usize| BufWriter::new(File::create(aside(file)).expect("a file of records"));
        let mut files: Vec<_> = (0..FILES).map(open).collect();
        write(&mut files);
        for (file, mut writer) in files.into_iter().enumerate() {
            writer.flush().expect("room for records");
            std::fs::rename(aside(file), path(file)).expect("a file of records");
        }
    }
    let pattern: PathBuf = folder.join(format!("epochs-{name}-*.jsonl"));
    pattern.to_str().expect("a plain path").to_owned()
}

fn line(file: &mut BufWriter<File>, record: &[u8]) {
    file.write_all(record).and_then(|()| file.write_all(b"\n")).expect("room for records");
}
