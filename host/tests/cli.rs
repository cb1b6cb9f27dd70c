//! The command line as a user meets it: exit codes, messages, files.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;

use common::{assert_code, plugins, root, weir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A small case of `tests/cases`, in a folder of its own, with a change to its file.
fn case(folder: &Path, change: impl Fn(String) -> String) -> PathBuf {
    common::copy_files(&root().join("tests/cases/tumbling"), folder);
    let path = folder.join("pipeline.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, change(text)).unwrap();
    path
}

fn check(pipeline: &Path) -> Output {
    weir().args(["--log", "error", "check"]).arg(pipeline).env("NO_COLOR", "1").output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn check_says_what_will_run() {
    let folder = tempfile::tempdir().unwrap();
    let output = check(&case(folder.path(), |text| text));
    assert_code(&output, 0);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(out.contains("no problems") && out.contains("sales-by-country") && out.contains("sha256:"), "{out}");
    assert!(!folder.path().join("out").exists(), "check touches nothing");
}

#[test]
fn the_pipelines_of_the_repository_have_no_problems() {
    let pipelines = fs::read_dir(root().join("pipelines")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> =
        pipelines.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_code(&check(&file), 0);
    }
}

#[test]
fn check_tells_problems_of_columns_and_plugins_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = case(folder.path(), |text| {
        text.replace("fields.type = \"text\"", "fields.type = \"int64\"")
            .replace("by = [\"country\"]", "by = [\"contry\"]")
            .replace("\"rate_of_return\"]", "\"rate_of_returns\"]")
            + "\n[[kpi]]\nname = \"third\"\nplugin = \"saels\"\nwindow = \"tumbling 1m\"\n"
    });
    let output = check(&path);
    assert_code(&output, 2);
    let told = told(&output);
    for part in [
        "plugin `saels` is not found",
        "asks for `type` as text, but here it is int64",
        "fields.\"type\" = \"text\"",
        "`contry`",
        "did you mean `country`?",
        "no output `rate_of_returns`",
        "pipeline.toml:",
        "4 problems",
    ] {
        assert!(told.contains(part), "`{part}` is missing in:\n{told}");
    }
}

#[test]
fn a_preprocessor_where_a_kpi_belongs_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = case(folder.path(), |text| text.replacen("plugin = \"sales\"", "plugin = \"order-totals\"", 1));
    let output = check(&path);
    assert_code(&output, 2);
    assert!(told(&output).contains("order-totals"), "{}", told(&output));
}

#[test]
fn a_pinned_digest_must_fit() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = format!("plugin = \"sales@sha256:{}\"", "0".repeat(64));
    let output = check(&case(folder.path(), |text| text.replacen("plugin = \"sales\"", &wrong, 1)));
    assert_code(&output, 2);
    assert!(told(&output).contains("is not the one that is pinned"), "{}", told(&output));
    let summary = String::from_utf8(check(&case(folder.path(), |text| text)).stdout).unwrap();
    let line = summary.lines().find(|line| line.contains("sales: sales")).unwrap();
    let (_, digest) = line.split_once("sha256:").unwrap();
    let right = format!("plugin = \"sales@sha256:{digest}\"");
    assert_code(&check(&case(folder.path(), |text| text.replacen("plugin = \"sales\"", &right, 1))), 0);
}

#[test]
fn a_missing_input_file_is_exit_code_1_and_bad_arguments_are_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = case(folder.path(), |text| text.replace("invoices.jsonl", "gone.jsonl"));
    let output = common::run_to_end(&path, &[]);
    assert_code(&output, 1);
    assert!(told(&output).contains("gone.jsonl"), "{}", told(&output));
    assert_code(&weir().args(["run", "--no-such-flag"]).output().unwrap(), 2);
    assert_code(&weir().args(["check", "/no/such/file.toml"]).output().unwrap(), 2);
}

#[test]
fn a_run_ends_with_its_places_and_the_balanced_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = case(folder.path(), |text| text);
    let output = weir().args(["run", "--until-end", "--view", "plain"]).arg(&path).output().unwrap();
    assert_code(&output, 0);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["ledger (balanced)", "read 7 = undecodable 0", "dead letters", "sales: kept 7 = counted 7 + late 0"] {
        assert!(out.contains(part), "`{part}` is missing in:\n{out}");
    }
}

#[test]
fn a_stopped_run_without_a_checkpoint_says_that_open_windows_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = case(folder.path(), |text| text);
    let mut stopped = weir();
    stopped.args(["run", "--until-end", "--view", "off", "--batch-rows", "2", "--stop-after", "4", "--workers", "1"]);
    let output = stopped.arg(&path).output().unwrap();
    assert_code(&output, 0);
    let all = told(&output) + &String::from_utf8_lossy(&output.stdout);
    assert!(all.contains("[checkpoint]"), "{all}");
}

#[test]
fn a_checkpoint_of_another_pipeline_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = "\n[checkpoint]\npath = \"checkpoint\"\n";
    let path = case(folder.path(), |text| text + checkpoint);
    assert_code(&common::run_to_end(&path, &[]), 0);
    let path = case(folder.path(), |text| text.replace("\"tumbling 1m\"", "\"tumbling 2m\"") + checkpoint);
    let output = common::run_to_end(&path, &[]);
    assert_code(&output, 1);
    assert!(
        told(&output).contains("KPI `sales`: its window was \"tumbling 1m\" and is \"tumbling 2m\""),
        "{}",
        told(&output)
    );
}

#[test]
fn inspect_shows_what_a_plugin_is() {
    let output = weir().args(["plugin", "inspect"]).arg(plugins().join("sales.wasm")).output().unwrap();
    assert_code(&output, 0);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["sales", "sha256:", "imports  none", "fuel", "total_sale_volume", "additive", "total_cost"] {
        assert!(out.contains(part), "`{part}` is missing in:\n{out}");
    }
    let refused = weir().args(["plugin", "inspect"]).arg(root().join("Cargo.toml")).output().unwrap();
    assert_code(&refused, 1);
}

#[test]
fn help_teaches() {
    let output = weir().args(["run", "--help"]).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(out.contains("Exit codes") && out.contains("--until-end") && out.contains("Examples"), "{out}");
}
