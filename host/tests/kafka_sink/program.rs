//! The whole program with a `kafka` sink: the rows of the files, in a topic.

use super::common::{self, assert_code, run_to_end, weir};
use super::retail::{dealt, file_pipeline, invoices};
use super::support::{broker, read, topics};
use std::fs;

fn with_sink(path: &std::path::Path, topic: &str, more: &str) {
    let text = fs::read_to_string(path).unwrap();
    let sink = format!("[[sink]]\ntype = \"kafka\"\nbrokers = \"{}\"\ntopic = \"{topic}\"\n{more}\n", broker());
    fs::write(path, text + &sink).unwrap();
}

#[test]
fn a_topic_gets_the_rows_of_the_files() {
    let topic = topics(broker(), "program");
    let folder = tempfile::tempdir().unwrap();
    let path =
        file_pipeline(folder.path(), &dealt(&invoices()[..1_000], 1), "max_out_of_orderness = \"10m\"", "tumbling 1m");
    with_sink(&path, "program", "kpis = [\"sales-by-country\"]");
    assert_code(&run_to_end(&path, &[]), 0);
    let mut rows: Vec<serde_json::Value> =
        read(&topic).iter().map(|read| serde_json::from_str(&read.value).unwrap()).collect();
    let mut expected = common::rows(&folder.path().join("out/sales-by-country"));
    rows.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert!(!rows.is_empty() && rows == expected, "{} rows in the topic, {} in files", rows.len(), expected.len());
}

/// Stopped twice with windows open, and gone on from the checkpoint each time; at the end run again and again over nothing new.
#[test]
fn stopped_and_resumed_runs_bring_each_row_once() {
    let topic = topics(broker(), "stopped");
    let folder = tempfile::tempdir().unwrap();
    let records = dealt(&invoices()[..1_000], 1);
    let path = file_pipeline(folder.path(), &records, "max_out_of_orderness = \"10m\"", "tumbling 1m");
    with_sink(
        &path,
        "stopped",
        "kpis = [\"sales-by-country\"]\n[checkpoint]\npath = \"checkpoint\"\ninterval = \"50ms\"",
    );
    for records in ["300", "400"] {
        let mut command = weir();
        command.args(["--log", "warn", "run", "--view", "off", "--batch-rows", "50", "--stop-after", records]);
        assert_code(&command.arg(&path).output().unwrap(), 0);
    }
    for _ in 0..3 {
        assert_code(&run_to_end(&path, &[]), 0);
    }
    let mut rows: Vec<serde_json::Value> =
        read(&topic).iter().map(|read| serde_json::from_str(&read.value).unwrap()).collect();
    let mut expected = common::rows(&folder.path().join("out/sales-by-country"));
    rows.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert!(!rows.is_empty() && rows == expected, "{} rows in the topic, {} in files", rows.len(), expected.len());
}

#[test]
fn check_tells_properties_and_topics_that_can_not_be() {
    let folder = tempfile::tempdir().unwrap();
    let path =
        file_pipeline(folder.path(), &dealt(&invoices()[..1], 1), "max_out_of_orderness = \"10m\"", "tumbling 1m");
    let text = fs::read_to_string(&path).unwrap();
    let check = |more: &str, topic: &str| {
        fs::write(&path, &text).unwrap();
        with_sink(&path, topic, more);
        let mut command = weir();
        let output = command
            .args(["--log", "error", "check"])
            .arg(&path)
            .env("NO_COLOR", "1")
            .env("SECRET", "hunter2")
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(check("properties = { \"linger.ms\" = 5, \"security.protocol\" = \"PLAINTEXT\" }", "kpis").0, Some(0));
    let (code, told) = check("properties = { \"linger.mss\" = 5, \"security.protocol\" = \"${SECRET}\" }", "kpis");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("linger.mss") && told.contains("security.protocol") && !told.contains("hunter2"), "{told}");
    for (more, topic, expected) in [
        ("properties = { \"transactional.id\" = \"x\" }", "kpis", "Weir sets the property `transactional.id` itself"),
        ("", "no topic", "no topic"),
        ("epochs_topic = \"a/b\"", "kpis", "a/b"),
    ] {
        let (code, told) = check(more, topic);
        assert!(code == Some(2) && told.contains(expected), "{told}");
    }
}
