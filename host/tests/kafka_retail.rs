//! The retail job on a real broker, through the whole binary: the same bytes as from files, over stops and resumes, with bad messages.
//! Without Java or Maven these tests fail and say what to install; they never skip.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "kafka_retail/resume.rs"]
mod resume;
#[path = "common/retail.rs"]
mod retail;

use common::{assert_code, report, run_to_end, tree, weir};
use retail::{assert_rows, dealt, file_pipeline, invoices, lines, outcome, pipeline, shuffled};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};
use weir_services::client::{Produced, create_topic, produce};
use weir_services::kafka::{Kafka, KafkaOptions};

const IN_TIME: &str = "max_out_of_orderness = \"10m\"";

/// One broker for this binary; its watchdog stops it when the process ends.
fn broker() -> &'static str {
    static BROKER: OnceLock<Kafka> = OnceLock::new();
    static BOOTSTRAP: OnceLock<String> = OnceLock::new();
    BOOTSTRAP.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("weir-kafka-retail-{}", std::process::id()));
        let kafka = Kafka::start(&folder, KafkaOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        BROKER.get_or_init(|| kafka).bootstrap()
    })
}

/// A topic that holds these partitions.
fn topic(name: &str, partitions: &[Vec<Vec<u8>>]) {
    create_topic(broker(), name, partitions.len() as i32, &[("retention.ms", "-1")]).unwrap();
    fill(name, partitions);
}

/// Adds these to the topic's partitions.
fn fill(name: &str, partitions: &[Vec<Vec<u8>>]) {
    let records = partitions.iter().enumerate().flat_map(|(partition, values)| {
        values.iter().map(move |value| Produced {
            partition: partition as i32,
            value: Some(value.as_slice()),
            ..Produced::default()
        })
    });
    produce(broker(), name, records).unwrap();
}

const CLIENTS: [&str; 2] = ["native", "librdkafka"];

fn source_of(topic: &str, client: &str) -> String {
    format!("type = \"kafka\"\nbrokers = \"{}\"\ntopic = \"{topic}\"\nclient = \"{client}\"", broker())
}

/// Through the client that is the default.
fn source(topic: &str) -> String {
    source_of(topic, CLIENTS[0])
}

#[test]
fn eight_partitions_in_order_and_in_disorder_give_the_bytes_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let expected = outcome(&file_pipeline(folder.path(), &dealt(&invoices(), 1), IN_TIME, "tumbling 1m"), &[]);
    topic("ordered", &dealt(&invoices(), 8));
    topic("shuffled", &dealt(&shuffled(invoices(), 600, 3), 8));
    for (client, name, workers, batch) in [
        ("native", "ordered", "2", "8192"),
        ("native", "shuffled", "4", "8192"),
        ("native", "shuffled", "1", "64"),
        ("native", "shuffled", "2", "1"),
        ("librdkafka", "ordered", "2", "8192"),
        ("librdkafka", "shuffled", "4", "64"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = pipeline(folder.path(), &source_of(name, client), IN_TIME, "tumbling 1m");
        let got = outcome(&path, &["--workers", workers, "--batch-rows", batch]);
        let what = format!("{client}, {name}, {workers} workers, batches of {batch}");
        assert!(got == expected, "{what}: {} instead of {}", got.1, expected.1);
    }
    assert_rows(&expected.0, "sales", &lines("expected-time-1m.jsonl.zst"));
    assert_rows(&expected.0, "sales-by-country", &lines("expected-time-country-1m.jsonl.zst"));
}

/// Each golden case with its files as partitions of a topic. Letters name other places there; everything else is the same.
#[test]
fn golden_cases_give_the_same_bytes_from_kafka_with_both_clients() {
    let cases = fs::read_dir(common::root().join("tests/cases")).unwrap().map(|entry| entry.unwrap().path());
    for case in cases.filter(|case| case.join("pipeline.toml").is_file()) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let mut files: Vec<_> = fs::read_dir(&case).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
        files.sort();
        let values = |file: &std::path::PathBuf| {
            let text = fs::read(file).unwrap();
            let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            lines.filter(|line| !line.trim_ascii().is_empty()).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        topic(&format!("case-{name}"), &files.iter().map(values).collect::<Vec<_>>());
        let text = fs::read_to_string(case.join("pipeline.toml")).unwrap();
        let (before, after) = text.split_once("[source]").unwrap();
        let after = &after[after.find("\n[").unwrap()..];
        let mut expected = tree(&case.join("expected"));
        expected.retain(|path, _| !path.ends_with(".jsonl") && path != "ledger.json");
        for client in CLIENTS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("pipeline.toml");
            let source = source_of(&format!("case-{name}"), client);
            fs::write(&path, format!("{before}[source]\n{source}\n{after}")).unwrap();
            let (mut files, ledger) = outcome(&path, &["--workers", "2"]);
            files.retain(|path, _| !path.ends_with(".jsonl"));
            assert!(files == expected, "case {name} with {client}: {files:?} instead of {expected:?}; {ledger}");
        }
    }
}

#[test]
fn stopped_and_resumed_runs_give_the_bytes_of_a_straight_one() {
    topic("resumed", &dealt(&shuffled(invoices(), 600, 5), 4));
    let straight = tempfile::tempdir().unwrap();
    let expected = outcome(&pipeline(straight.path(), &source("resumed"), IN_TIME, "tumbling 1m"), &[]);
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), &source("resumed"), IN_TIME, "tumbling 1m");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "[checkpoint]\npath = \"checkpoint\"\ninterval = \"100ms\"\n").unwrap();
    for (records, workers) in [("5000", "2"), ("9000", "1"), ("1", "4")] {
        let mut stopped = weir();
        stopped.args(["--log", "warn", "run", "--view", "off", "--batch-rows", "500", "--stop-after", records]);
        assert_code(&stopped.args(["--workers", workers]).arg(&path).output().unwrap(), 0);
    }
    assert_code(&run_to_end(&path, &[]), 0);
    assert!(tree(&folder.path().join("out")) == expected.0, "other bytes after stops");
    assert_eq!(report(&path)["read"], 25_900);
    // Once more: nothing is new, nothing changes.
    assert_code(&run_to_end(&path, &[]), 0);
    assert!(tree(&folder.path().join("out")) == expected.0, "other bytes after a run without news");
}

#[test]
fn a_signal_stops_a_live_run_and_keeps_what_is_open() {
    let (first, second) = (invoices()[..2_000].to_vec(), invoices()[2_000..2_100].to_vec());
    topic("live", &dealt(&first, 2));
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), &source("live"), IN_TIME, "tumbling 1m");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "[checkpoint]\npath = \"checkpoint\"\ninterval = \"200ms\"\n").unwrap();
    let live = start_live(&path);
    wait_for(|| !common::rows(&folder.path().join("out/sales")).is_empty(), "rows of a live run");
    let report = interrupt(live, &path);
    assert_eq!(report["ended_by"], "signal");
    assert!(report["open_windows"].as_u64().unwrap() > 0, "{report:#}");
    let more: Vec<Produced<'_>> =
        second.iter().map(|value| Produced { partition: 1, value: Some(value), ..Produced::default() }).collect();
    produce(broker(), "live", more).unwrap();
    assert_code(&run_to_end(&path, &[]), 0);
    let straight = tempfile::tempdir().unwrap();
    let expected = outcome(&pipeline(straight.path(), &source("live"), IN_TIME, "tumbling 1m"), &[]);
    assert!(tree(&folder.path().join("out")) == expected.0, "other bytes after a signal");
}

fn start_live(pipeline: &Path) -> Child {
    let mut live = weir();
    live.args(["--log", "warn", "run", "--view", "off", "--report"]).arg(pipeline.with_file_name("report.json"));
    live.arg(pipeline).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
}

fn interrupt(mut live: Child, pipeline: &Path) -> serde_json::Value {
    assert!(Command::new("kill").args(["-TERM", &live.id().to_string()]).status().unwrap().success());
    assert!(live.wait().unwrap().success());
    report(pipeline)
}

/// Long enough for a loaded machine: a test that needs it has failed.
fn wait_for(mut condition: impl FnMut() -> bool, what: &str) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(90), "waited in vain for {what}");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn null_empty_and_broken_messages_are_dead_letters() {
    create_topic(broker(), "broken", 1, &[("retention.ms", "-1")]).unwrap();
    let good = invoices()[0].clone();
    let values: [Option<&[u8]>; 5] = [Some(&good), None, Some(b""), Some(b"\xef\xbb\xbf{}"), Some(&good)];
    let records = values.map(|value| Produced { value, timestamp_ms: Some(1_600_000_000_123), ..Produced::default() });
    produce(broker(), "broken", records).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), &source("broken"), IN_TIME, "tumbling 1m");
    assert_code(&run_to_end(&path, &[]), 0);
    let report = report(&path);
    assert_eq!((&report["read"], &report["undecodable"], &report["kept"]), (&5.into(), &3.into(), &2.into()));
    let letters = fs::read_to_string(folder.path().join("dead.jsonl")).unwrap();
    let letters: Vec<serde_json::Value> = letters.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(letters.iter().map(|letter| letter["offset"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(letters[0]["topic"], "broken");
    assert_eq!(letters[0]["timestamp"], "2020-09-13T12:26:40.123Z");
}

#[test]
fn an_empty_topic_ends_at_once_and_a_missing_one_is_told() {
    create_topic(broker(), "empty", 3, &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), &source("empty"), IN_TIME, "tumbling 1m");
    assert_code(&run_to_end(&path, &[]), 0);
    assert_eq!(report(&path)["read"], 0);
    let path = pipeline(folder.path(), &source("emty"), IN_TIME, "tumbling 1m");
    let output = run_to_end(&path, &[]);
    assert_code(&output, 1);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("emty") && told.contains("empty"), "{told}");
}
