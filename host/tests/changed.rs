//! A pipeline that changed against its checkpoint, and two runs of one pipeline at once, through the whole binary.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use common::{assert_code, report, run_to_end, tree, weir};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RECORDS: u64 = 60_000;

/// A pipeline over seeded invoices; `rate` 0: as fast as they can be read.
fn pipeline(folder: &Path, rate: u64, window: &str, more: &str) -> PathBuf {
    let rate = if rate == 0 { String::new() } else { format!("rate = {rate}") };
    let text = format!(
        r#"
[pipeline]
name = "retail"
workers = 2
batch_rows_max = 500
[source]
type = "generator"
seed = 7
partitions = 3
records = {RECORDS}
start = 2020-09-18T10:00:00Z
records_per_minute = 600
disorder = "2m"
late_share = 0.01
{rate}
[schema]
format = "json"
fields.invoice_no = "int64"
fields.country = "text"
fields.timestamp = {{ type = "timestamp", format = "%Y-%m-%d %H:%M:%S", zone = "UTC" }}
fields.type = "text"
fields."items[].unit_price" = "decimal(4)"
fields."items[].quantity" = "int64"
[time]
column = "timestamp"
max_out_of_orderness = "2m"
allowed_lateness = "1m"
max_future_skew = "off"
[[preprocess]]
plugin = "order-totals"
[[kpi]]
name = "sales"
plugin = "sales"
window = "{window}"
{more}
[[sink]]
type = "json-files"
path = "out"
interval = "1h"
[dead_letters]
path = "dead.jsonl"
[checkpoint]
path = "checkpoint"
interval = "50ms"
"#
    );
    let path = folder.join("pipeline.toml");
    fs::write(&path, text).unwrap();
    path
}

const BY_COUNTRY: &str =
    "[[kpi]]\nname = \"by-country\"\nplugin = \"sales\"\nby = [\"country\"]\nwindow = \"tumbling 1m\"";

fn stop_after(path: &Path, records: &str) {
    let mut stopped = weir();
    stopped.args(["--log", "warn", "run", "--until-end", "--view", "off", "--stop-after", records]).arg(path);
    assert_code(&stopped.output().unwrap(), 0);
}

/// The rows of a KPI, by window.
fn rows(out: &BTreeMap<String, Vec<u8>>, kpi: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, file) in out.iter().filter(|(name, _)| name.starts_with(&format!("{kpi}/"))) {
        for line in String::from_utf8(file.clone()).unwrap().lines() {
            let start = line.split("\"start\":\"").nth(1).unwrap().split('"').next().unwrap();
            rows.entry(start.to_owned()).or_default().push(line.to_owned());
        }
    }
    rows
}

fn reference(window: &str, more: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    assert_code(&run_to_end(&pipeline(folder.path(), 0, window, more), &[]), 0);
    tree(&folder.path().join("out"))
}

/// After the seam rows are those of the reference; before it a window is one of the first run's, or unavailable; none is half.
fn assert_whole_or_unavailable(
    rows: &BTreeMap<String, Vec<String>>,
    reference: &BTreeMap<String, Vec<String>>,
) -> usize {
    let mut unavailable = 0;
    for (window, lines) in rows {
        if lines.iter().any(|line| line.contains("\"unavailable\"")) {
            unavailable += 1;
        } else {
            assert_eq!(Some(lines), reference.get(window), "{window}");
        }
    }
    unavailable
}

#[test]
fn a_kpi_whose_state_is_let_go_begins_anew_and_no_window_is_half() {
    let folder = tempfile::tempdir().unwrap();
    // At a pace no partition is far before another: the state begins anew behind the newest record of all.
    let path = pipeline(folder.path(), 40_000, "tumbling 1m", BY_COUNTRY);
    stop_after(&path, "30000");
    let path = pipeline(folder.path(), 0, "tumbling 2m", BY_COUNTRY);
    let refused = run_to_end(&path, &[]);
    assert_code(&refused, 1);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("KPI `sales`") && told.contains("--discard-state sales"), "{told}");
    assert_code(&run_to_end(&path, &["--discard-state", "sales"]), 0);
    let (out, whole) = (tree(&folder.path().join("out")), reference("tumbling 2m", BY_COUNTRY));
    assert_eq!(rows(&out, "by-country"), rows(&whole, "by-country"), "the other KPI does not notice");
    let two_minutes: BTreeMap<_, _> =
        rows(&out, "sales").into_iter().filter(|(_, lines)| lines.iter().any(|line| whole_two(line))).collect();
    let unavailable = assert_whole_or_unavailable(&two_minutes, &rows(&whole, "sales"));
    assert!(unavailable > 0 && unavailable < two_minutes.len(), "{unavailable} of {}", two_minutes.len());
    let report = report(&path);
    assert_eq!(report["balanced"], true, "{report:#}");
    assert!(report["kpis"]["sales"]["before"].as_u64().unwrap() > 0);
}

/// Whether a row is of a window of two minutes.
fn whole_two(line: &str) -> bool {
    let minute = |name: &str| -> i64 {
        let time = line.split(&format!("\"{name}\":\"")).nth(1).unwrap();
        time[11..13].parse::<i64>().unwrap() * 60 + time[14..16].parse::<i64>().unwrap()
    };
    minute("end") - minute("start") == 2
}

#[test]
fn a_kpi_comes_and_goes_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    stop_after(&pipeline(folder.path(), 0, "tumbling 1m", ""), "20000");
    let path = pipeline(folder.path(), 0, "tumbling 1m", BY_COUNTRY);
    assert_code(&run_to_end(&path, &[]), 1);
    let mut stopped = weir();
    stopped.args(["--log", "warn", "run", "--until-end", "--view", "off", "--stop-after", "20000"]);
    assert_code(&stopped.args(["--discard-state", "by-country"]).arg(&path).output().unwrap(), 0);
    let whole = reference("tumbling 1m", BY_COUNTRY);
    let unavailable = assert_whole_or_unavailable(
        &rows(&tree(&folder.path().join("out")), "by-country"),
        &rows(&whole, "by-country"),
    );
    assert!(unavailable > 0);
    let path = pipeline(folder.path(), 0, "tumbling 1m", "");
    assert_code(&run_to_end(&path, &[]), 1);
    assert_code(&run_to_end(&path, &["--discard-state", "by-country"]), 0);
    assert_eq!(rows(&tree(&folder.path().join("out")), "sales"), rows(&whole, "sales"));
    assert_eq!(report(&path)["balanced"], true);
}

#[test]
fn a_sink_of_files_goes_on_under_another_name_and_behind_another_sink() {
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), 0, "tumbling 1m", "");
    stop_after(&path, "30000");
    let text = fs::read_to_string(&path).unwrap();
    let (copy, named) =
        ("type = \"json-files\"\npath = \"copy\"\n[[sink]]\n", "type = \"json-files\"\nname = \"files\"\n");
    fs::write(&path, text.replace("type = \"json-files\"\n", &format!("{copy}{named}"))).unwrap();
    assert_code(&run_to_end(&path, &[]), 0);
    assert_eq!(tree(&folder.path().join("out")), reference("tumbling 1m", ""));
    assert!(!tree(&folder.path().join("copy")).is_empty());
}

fn spawn(path: &Path) -> std::process::Child {
    let mut command: Command = weir();
    command.args(["--log", "warn", "run", "--view", "off"]).arg(path);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the run has written a checkpoint.
fn await_checkpoint(folder: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    let written = || tree(&folder.join("checkpoint")).keys().any(|name| name.ends_with(".ckpt"));
    while !folder.join("checkpoint").is_dir() || !written() {
        assert!(Instant::now() < until, "no checkpoint was written");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_newer_of_two_runs_fences_the_older_which_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), 10_000, "tumbling 1m", BY_COUNTRY);
    let older = spawn(&path);
    await_checkpoint(folder.path());
    let newer = spawn(&path);
    let older = older.wait_with_output().unwrap();
    assert_code(&older, 1);
    let told = String::from_utf8_lossy(&older.stderr).into_owned();
    assert!(told.contains("a newer run of this pipeline has taken over"), "{told}");
    assert_code(&newer.wait_with_output().unwrap(), 0);
    assert_eq!(tree(&folder.path().join("out")), reference("tumbling 1m", BY_COUNTRY));
}

#[test]
fn a_checkpoint_is_shown_while_nobody_runs_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), 0, "tumbling 1m", BY_COUNTRY);
    stop_after(&path, "30000");
    let show = |arguments: &[&str]| {
        let output = weir().args(["state", "show"]).args(arguments).output().unwrap();
        assert_code(&output, 0);
        String::from_utf8(output.stdout).unwrap()
    };
    let place = folder.path().join("checkpoint");
    let text = show(&[place.to_str().unwrap()]);
    for part in [
        "retail in",
        "watermark 2020-09-18T",
        "generator 0: next offset",
        "by-country: sales sha256:",
        "open windows from",
        "nothing waits",
        "ledger",
    ] {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&show(&[path.to_str().unwrap(), "--json"])).unwrap();
    assert_eq!(json["kpis"][1]["name"], "by-country");
    assert!(json["kpis"][1]["cells"].as_u64().unwrap() > json["kpis"][0]["cells"].as_u64().unwrap());
    assert_code(&weir().args(["state", "show", "nowhere"]).output().unwrap(), 2);
    // Nothing was claimed: the next run goes on.
    assert_code(&run_to_end(&path, &[]), 0);
}
