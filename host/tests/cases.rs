//! Golden cases: `tests/cases/<name>/{pipeline.toml, *.jsonl, expected/}`. A new test is a new directory.
//!
//! Each case runs straight, re-batched, with more workers, and stopped and resumed; every run must give the expected files byte for
//! byte (the dead letters as a set: workers write them as they come). `WEIR_BLESS=1` rewrites what is expected from the straight run.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;

use common::{assert_code, copy_files, report, root, run_to_end, tree, weir};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

type Files = BTreeMap<String, Vec<u8>>;

fn cases() -> Vec<std::path::PathBuf> {
    let mut cases: Vec<_> =
        fs::read_dir(root().join("tests/cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.join("pipeline.toml").is_file());
    cases.sort();
    assert!(!cases.is_empty(), "no cases");
    cases
}

/// The output of a run, made comparable.
fn output(folder: &Path) -> Files {
    let mut files = tree(&folder.join("out"));
    for (name, content) in &mut files {
        if name.ends_with(".jsonl") {
            // Letters name the file that a record came from: its folder is another in each run.
            let text = String::from_utf8_lossy(content).replace(&format!("{}/", folder.display()), "");
            *content = text.into_bytes();
            let mut lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
            lines.sort_unstable();
            *content = lines.concat();
        }
    }
    files
}

/// The parts of the report that depend on the data alone.
fn ledger(folder: &Path) -> Vec<u8> {
    let report = report(&folder.join("pipeline.toml"));
    let keys = ["read", "undecodable", "future_dated", "rejected", "filtered", "kept", "balanced", "kpis"];
    let parts: serde_json::Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), report[*key].clone())).collect();
    let mut text = serde_json::to_vec_pretty(&parts).unwrap();
    text.push(b'\n');
    text
}

fn run(case: &Path, arguments: &[&str]) -> Files {
    let folder = tempfile::tempdir().unwrap();
    copy_files(case, folder.path());
    assert_code(&run_to_end(&folder.path().join("pipeline.toml"), arguments), 0);
    let mut files = output(folder.path());
    files.insert("ledger.json".into(), ledger(folder.path()));
    files
}

/// Stops after every few records, and resumes from the checkpoint with another number of workers, until the end.
fn run_with_stops(case: &Path) -> Files {
    let folder = tempfile::tempdir().unwrap();
    copy_files(case, folder.path());
    let pipeline = folder.path().join("pipeline.toml");
    let text = fs::read_to_string(&pipeline).unwrap();
    fs::write(&pipeline, text + "\n[checkpoint]\npath = \"checkpoint\"\n").unwrap();
    for (stop_after, workers) in [("3", "1"), ("5", "2"), ("2", "4")] {
        let mut stopped = weir();
        stopped.args(["--log", "warn", "run", "--view", "off", "--until-end", "--batch-rows", "2"]);
        stopped.args(["--stop-after", stop_after, "--workers", workers]).arg(&pipeline);
        assert_code(&stopped.output().unwrap(), 0);
    }
    assert_code(&run_to_end(&pipeline, &[]), 0);
    let mut files = output(folder.path());
    files.insert("ledger.json".into(), ledger(folder.path()));
    files
}

fn text(files: &Files) -> BTreeMap<&str, String> {
    files.iter().map(|(name, content)| (name.as_str(), String::from_utf8_lossy(content).into_owned())).collect()
}

fn bless(case: &Path, files: &Files) {
    let expected = case.join("expected");
    let _ = fs::remove_dir_all(&expected);
    for (name, content) in files {
        let path = expected.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn every_case_gives_the_expected_files_however_it_is_run() {
    for case in cases() {
        let straight = run(&case, &[]);
        if std::env::var_os("WEIR_BLESS").is_some() {
            bless(&case, &straight);
        }
        let expected = tree(&case.join("expected"));
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(text(&straight), text(&expected), "case {name}, straight");
        for arguments in [["--batch-rows", "1"], ["--batch-rows", "7"], ["--batch-rows", "4096"], ["--workers", "4"]] {
            assert_eq!(text(&run(&case, &arguments)), text(&expected), "case {name}, {arguments:?}");
        }
        assert_eq!(text(&run_with_stops(&case)), text(&expected), "case {name}, stopped and resumed");
    }
}
