//! kill -9 at any moment, several times in a row: the same bytes as without, each letter once. `cargo xtask torture` does this at every named
//! point, with every sink, on real services.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "common/retail.rs"]
mod retail;

use common::{assert_code, report, run_to_end, tree, weir};
use retail::{Random, dealt, file_pipeline, invoices, shuffled};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const KILLS: usize = 4;

/// All lives that are cut short take less than the records do at this pace, on the fastest machine.
const LIFE_MAX_MS: u64 = 600;
const PACE: &str = "rate = 2000";

/// Some records come again in higher revisions, some are too late, and some are broken.
fn make(folder: &Path) -> PathBuf {
    let mut records = shuffled(invoices()[..6_000].to_vec(), 3_000, 11);
    (0..records.len()).step_by(101).for_each(|place| records[place] = b"{broken".to_vec());
    let time = "max_out_of_orderness = \"10m\"\nallowed_lateness = \"10m\"";
    let path = file_pipeline(folder, &dealt(&records, 3), time, "tumbling 1m");
    let text =
        fs::read_to_string(&path).unwrap().replace("name = \"retail\"", "name = \"retail\"\nbatch_rows_max = 256");
    let text = text.replace("path = \"dead.jsonl\"", "path = \"dead.jsonl\"\nlate_path = \"late.jsonl\"");
    fs::write(&path, text + "[checkpoint]\npath = \"checkpoint\"\ninterval = \"20ms\"\n").unwrap();
    path
}

/// Starts it, and kills it when so much time has passed.
fn kill_after(pipeline: &Path, time: Duration) {
    let mut run = weir();
    run.args(["--log", "warn", "run", "--until-end", "--view", "off", "--workers", "2"]).arg(pipeline);
    let mut run = run.stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(time);
    run.kill().unwrap();
    let status = run.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "{status}: it was to be killed in mid run");
}

/// Files, sorted letters of both kinds, and the ledger's counts.
type Outcome = (BTreeMap<String, Vec<u8>>, Vec<Vec<String>>, Vec<Value>);

/// Files, letters in an order of their own, and the ledger.
fn outcome(pipeline: &Path) -> Outcome {
    let letters = ["dead.jsonl", "late.jsonl"].map(|name| {
        let text = fs::read_to_string(pipeline.with_file_name(name)).unwrap();
        // They name the record's file.
        let folder = pipeline.parent().unwrap().to_string_lossy().into_owned();
        let mut lines: Vec<String> = text.lines().map(|line| line.replace(&folder, "")).collect();
        lines.sort();
        lines
    });
    let report = report(pipeline);
    assert_eq!(report["balanced"], true, "{report:#}");
    let ledger = ["read", "undecodable", "future_dated", "rejected", "kept", "kpis"].map(|part| report[part].clone());
    (tree(&pipeline.with_file_name("out")), letters.to_vec(), ledger.to_vec())
}

#[test]
fn a_run_that_is_killed_again_and_again_gives_the_bytes_of_one_that_is_left_alone() {
    let straight = tempfile::tempdir().unwrap();
    let path = make(straight.path());
    // Compiles the plugins, which takes longer than a run.
    assert_code(&weir().arg("check").arg(&path).output().unwrap(), 0);
    assert_code(&run_to_end(&path, &["--workers", "2"]), 0);
    let expected = outcome(&path);
    assert!(expected.1.iter().all(|letters| letters.len() > 20), "letters of both kinds");
    assert!(expected.2[5]["sales"]["revisions"].as_u64().unwrap() > 20, "windows that come again");

    let folder = tempfile::tempdir().unwrap();
    let path = make(folder.path());
    let text = fs::read_to_string(&path).unwrap();
    let paced = text.replace("files = [", &format!("{PACE}\nfiles = ["));
    assert_ne!(paced, text);
    fs::write(&path, paced).unwrap();
    let mut random = Random(17);
    for _ in 0..KILLS {
        kill_after(&path, Duration::from_millis(random.below(LIFE_MAX_MS)));
    }
    fs::write(&path, text).unwrap();
    assert_code(&run_to_end(&path, &[]), 0);
    let got = outcome(&path);
    assert!(got.0 == expected.0, "other files after {KILLS} kills");
    for (got, expected) in got.1.iter().zip(&expected.1) {
        let first = got.iter().zip(expected).find(|(got, expected)| got != expected);
        assert!(got == expected, "{} letters instead of {} after {KILLS} kills: {first:?}", got.len(), expected.len());
    }
    assert_eq!(got.2, expected.2, "another ledger after {KILLS} kills");
}
