//! The real invoices against the exact KPIs, and the promise that parallelism, batches and interleaving don't show.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "common/retail.rs"]
mod retail;

use common::{assert_code, root, run_to_end};
use retail::{assert_rows, dealt, file_pipeline, invoices, lines, outcome, pipeline, shuffled};
use std::process::Command;
use weir::source::generator::{BROKEN_KINDS, broken_record};

const IN_TIME: &str = "max_out_of_orderness = \"10m\"\nmax_time_jump = \"off\"";

#[test]
fn one_file_equals_the_yardsticks() {
    let folder = tempfile::tempdir().unwrap();
    let packed = root().join("data/online-retail/invoices.jsonl.zst");
    let source = format!("type = \"file\"\nfiles = [\"{}\"]", packed.display());
    let path = pipeline(folder.path(), &source, IN_TIME, "tumbling 1m");
    let (files, _) = outcome(&path, &[]);
    assert_rows(&files, "sales", &lines("expected-time-1m.jsonl.zst"));
    assert_rows(&files, "sales-by-country", &lines("expected-time-country-1m.jsonl.zst"));
}

#[test]
fn bytes_do_not_depend_on_workers_batches_or_disorder() {
    let ordered = tempfile::tempdir().unwrap();
    let path = file_pipeline(ordered.path(), &dealt(&invoices(), 1), IN_TIME, "tumbling 1m");
    let expected = outcome(&path, &[]);
    let disordered = tempfile::tempdir().unwrap();
    let partitions = dealt(&shuffled(invoices(), 600, 7), 8);
    let path = file_pipeline(disordered.path(), &partitions, IN_TIME, "tumbling 1m");
    for (workers, batch) in [("1", "8192"), ("2", "8192"), ("4", "8192"), ("4", "64"), ("2", "1")] {
        let got = outcome(&path, &["--workers", workers, "--batch-rows", batch]);
        assert!(got == expected, "{workers} workers, batches of {batch}: {} instead of {}", got.1, expected.1);
    }
}

#[test]
fn late_records_and_revisions_do_not_depend_on_the_interleaving() {
    let folder = tempfile::tempdir().unwrap();
    let partitions = dealt(&shuffled(invoices(), 3600, 11), 8);
    let time = "max_out_of_orderness = \"2m\"\nallowed_lateness = \"10m\"\nmax_time_jump = \"off\"";
    let path = file_pipeline(folder.path(), &partitions, time, "tumbling 1m");
    let expected = outcome(&path, &["--workers", "1", "--batch-rows", "8192"]);
    let late = expected.1.split("\"late\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).unwrap();
    assert_ne!(late, "0", "the test needs late records");
    for (workers, batch) in [("2", "8192"), ("4", "8192"), ("4", "64"), ("3", "7")] {
        let got = outcome(&path, &["--workers", workers, "--batch-rows", batch]);
        assert!(got == expected, "{workers} workers, batches of {batch}: {} instead of {}", got.1, expected.1);
    }
}

#[test]
fn hopping_windows_equal_the_independent_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = file_pipeline(folder.path(), &dealt(&invoices(), 4), IN_TIME, "hopping 10m every 1m");
    let (files, _) = outcome(&path, &[]);
    let whole = folder.path().join("all.jsonl");
    std::fs::write(&whole, invoices().join(&b'\n')).unwrap();
    let yardstick = root().join("tests/yardstick/expected_kpis.py");
    for (kpi, by) in [("sales", None), ("sales-by-country", Some("country"))] {
        let mut program = Command::new("python3");
        program.arg(&yardstick).arg(&whole).args(["--window", "600", "--slide", "60"]);
        by.iter().for_each(|by| _ = program.args(["--by", by]));
        let output = program.output().unwrap();
        assert_code(&output, 0);
        let expected: Vec<Vec<u8>> =
            output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
        assert_rows(&files, kpi, &expected);
    }
}

#[test]
fn broken_records_of_every_kind_harm_no_neighbour() {
    let valid = invoices()[..10_000].to_vec();
    let clean = tempfile::tempdir().unwrap();
    let expected = outcome(&file_pipeline(clean.path(), &dealt(&valid, 1), IN_TIME, "tumbling 1m"), &[]).0;
    let mut mixed = Vec::new();
    for (place, record) in valid.into_iter().enumerate() {
        mixed.push(record);
        if place % 10 == 9 {
            let number = place / 10;
            // A line can't be empty: the file source skips it, so this kind is tested on Kafka.
            let broken = broken_record(number % BROKEN_KINDS.len(), number as u64);
            let blank = broken.iter().all(u8::is_ascii_whitespace);
            mixed.push(if blank { b"{}".to_vec() } else { broken });
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = file_pipeline(folder.path(), &dealt(&mixed, 4), IN_TIME, "tumbling 1m");
    assert_code(&run_to_end(&path, &["--workers", "2"]), 0);
    let report = common::report(&path);
    assert_eq!(report["read"], 11_000);
    assert_eq!(report["kept"], 10_000);
    assert_eq!(report["undecodable"].as_u64().unwrap() + report["rejected"].as_u64().unwrap(), 1_000);
    assert_eq!(report["balanced"], true);
    assert!(common::tree(&folder.path().join("out")) == expected, "the KPIs differ from those of the valid records");
    let letters = std::fs::read_to_string(folder.path().join("dead.jsonl")).unwrap();
    assert_eq!(letters.lines().count(), 1_000);
    for letter in letters.lines() {
        let letter: serde_json::Value = serde_json::from_str(letter).unwrap();
        assert!(letter["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{letter}");
    }
}
