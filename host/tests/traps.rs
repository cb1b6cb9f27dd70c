//! Five traps that an engine of the same kind fell into, each through the whole binary. The Kafka tests need Java and Maven; without
//! them they fail and say what to install.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "traps/kafka.rs"]
mod kafka;
#[path = "common/retail.rs"]
mod retail;

use common::{assert_code, report, rows, run_to_end, weir};
use retail::file_pipeline;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// One invoice of one item.
pub(crate) fn invoice(number: usize, at: &str) -> Vec<u8> {
    format!(
        r#"{{"invoice_no":{number},"country":"Germany","timestamp":"{at}","type":"ORDER","items":[{{"unit_price":1.5,"quantity":2}}]}}"#
    )
    .into_bytes()
}

/// A moment of 2020-09-18, seconds after 10:00.
pub(crate) fn at(second: usize) -> String {
    format!("2020-09-18 {:02}:{:02}:{:02}", 10 + second / 3600, second / 60 % 60, second % 60)
}

/// Adds a checkpoint to a pipeline.
pub(crate) fn kept(path: PathBuf) -> PathBuf {
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "[checkpoint]\npath = \"checkpoint\"\ninterval = \"50ms\"\n").unwrap();
    path
}

/// A run that goes on until it is killed, which is here.
pub(crate) struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn start(path: &Path) -> Run {
    let mut command = weir();
    command.args(["--log", "warn", "run", "--view", "off"]).arg(path);
    Run(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Start, orders and revision of each window of `sales`.
pub(crate) fn windows(folder: &Path) -> Vec<(String, u64, u64)> {
    let window = |row: &serde_json::Value| {
        let start = row["window"]["start"].as_str().unwrap().to_owned();
        (start, row["OPM"].as_u64().unwrap(), row["revision"].as_u64().unwrap_or(0))
    };
    rows(&folder.join("out/sales")).iter().map(window).collect()
}

fn run(path: &Path) {
    assert_code(&run_to_end(path, &[]), 0);
}

#[test]
fn a_late_row_does_not_replace_its_whole_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut records: Vec<_> = (0..10).map(|number| invoice(number, &at(number * 5))).collect();
    records.push(invoice(10, &at(400)));
    let time = "max_out_of_orderness = \"10s\"\nallowed_lateness = \"1h\"";
    let path = kept(file_pipeline(folder.path(), &[records.clone()], time, "tumbling 1m"));
    // The first minute is published, and then one of its invoices comes late, in a later run.
    run(&path);
    assert_eq!(windows(folder.path())[0], ("2020-09-18T10:00:00.000Z".to_owned(), 10, 0));
    records.push(invoice(11, &at(30)));
    fs::write(folder.path().join("p0.jsonl"), records.join(&b'\n')).unwrap();
    run(&path);
    assert_eq!(windows(folder.path())[0], ("2020-09-18T10:00:00.000Z".to_owned(), 11, 1));
    assert_eq!(report(&path)["kpis"]["sales"]["late"], 0);
}

#[test]
fn one_record_a_day_ahead_makes_no_honest_one_late() {
    let honest: Vec<_> = (0..60).map(|number| invoice(number, &at(number * 10))).collect();
    let mut records = honest.clone();
    records.insert(20, invoice(99, "2020-09-19 10:03:20"));
    let time = "max_out_of_orderness = \"10s\"";
    let replayed = |records: &[Vec<u8>]| {
        let folder = tempfile::tempdir().unwrap();
        let path = file_pipeline(folder.path(), &[records.to_vec()], time, "tumbling 1m");
        run(&path);
        assert_eq!(report(&path)["kpis"]["sales"]["late"], 0);
        windows(folder.path())
    };
    let mut windows = replayed(&records);
    assert_eq!(windows.pop(), Some(("2020-09-19T10:03:00.000Z".to_owned(), 1, 0)), "it counts where it says");
    assert_eq!(windows, replayed(&honest));
}

#[test]
fn a_record_a_day_ahead_of_the_clock_is_set_aside_live() {
    let now = jiff::Timestamp::now();
    let text = |seconds: i64| {
        let at = now + jiff::SignedDuration::from_secs(seconds);
        at.strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let mut records: Vec<_> = (0..10).map(|number| invoice(number, &text(number as i64 - 10))).collect();
    records.insert(3, invoice(99, &text(86_400)));
    let folder = tempfile::tempdir().unwrap();
    let path = file_pipeline(folder.path(), &[records], "max_out_of_orderness = \"10s\"", "tumbling 1m");
    run(&path);
    let report = report(&path);
    assert_eq!((&report["future_dated"], &report["kept"]), (&1.into(), &10.into()));
    assert_eq!((&report["kpis"]["sales"]["counted"], &report["kpis"]["sales"]["late"]), (&10.into(), &0.into()));
}

#[test]
fn a_backfill_does_not_split_a_bucket() {
    let records: Vec<_> = (0..600).map(|number| invoice(number, &at(number))).collect();
    let mut outcomes = Vec::new();
    // At a pace that lasts for seconds, so that minutes of event time fall into several wall-clock intervals; and as fast as it goes.
    for rate in ["\nrate = 300", ""] {
        let folder = tempfile::tempdir().unwrap();
        let time = "max_out_of_orderness = \"0s\"\nidle_timeout = \"100ms\"";
        let path = kept(file_pipeline(folder.path(), std::slice::from_ref(&records), time, "tumbling 1m"));
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("[\"p*.jsonl\"]", &format!("[\"p*.jsonl\"]{rate}"))).unwrap();
        run(&path);
        outcomes.push(windows(folder.path()));
    }
    assert_eq!(outcomes[0].len(), 10);
    assert!(outcomes[0].iter().all(|(_, orders, revision)| (*orders, *revision) == (60, 0)), "{:?}", outcomes[0]);
    assert_eq!(outcomes[0], outcomes[1]);
}
