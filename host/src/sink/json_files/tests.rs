//! The sink against a real folder: what is visible when, and what is there after a crash.

mod crash;
mod fencing;
mod flaky;
mod outage;
mod restart;

use super::super::Claim;
use super::super::test_rows::{MINUTE_US, Row, T0_US, closed, schema, window};
use super::*;
use crate::storage::local::Local;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use weir_core::results::{ClosedWindow, WindowContent};

const GERMANY: Row = (Some("Germany"), 1, 614_600, 0.0);
const FRANCE: Row = (Some("France"), 2, 10_000, 0.5);
const TEN_MINUTES_US: i64 = 10 * MINUTE_US;

fn settings(path: &Path, interval_us: i64) -> JsonFilesSettings {
    JsonFilesSettings {
        storage: Arc::new(Local),
        path: path.join("out"),
        interval_us,
        locks: Some(Duration::from_secs(15)),
    }
}

fn sink_with(settings: JsonFilesSettings) -> JsonFiles {
    JsonFiles::new(settings, vec![schema("sales", 0), schema("by-country", 2)]).unwrap()
}

fn sink_every(path: &Path, interval_us: i64) -> JsonFiles {
    sink_with(settings(path, interval_us))
}

fn sink(path: &Path) -> JsonFiles {
    sink_every(path, TEN_MINUTES_US)
}

fn started(path: &Path) -> JsonFiles {
    let mut sink = sink(path);
    sink.recover(&resume(None)).unwrap();
    sink
}

fn resume(prepared: Option<&[u8]>) -> Resume<'_> {
    resume_as("test", 1, prepared)
}

fn resume_as<'a>(lineage: &str, generation: u64, prepared: Option<&'a [u8]>) -> Resume<'a> {
    let claim = Claim { pipeline: "retail".into(), lineage: lineage.into(), generation };
    Resume { claim, epoch: u64::from(prepared.is_some()), prepared, open_from_us: i64::MIN }
}

fn epoch(sink: &mut JsonFiles) -> Vec<u8> {
    let prepared = sink.prepare(1).unwrap().bytes;
    sink.commit(1, &prepared).unwrap();
    prepared
}

/// Every file below the folder, also those set aside, by its path there.
fn tree(path: &Path) -> BTreeMap<String, String> {
    fn collect(top: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                collect(top, &entry, files);
            } else {
                let name = entry.strip_prefix(top).unwrap().display().to_string();
                files.insert(name, fs::read_to_string(&entry).unwrap());
            }
        }
    }
    let (top, mut files) = (path.join("out"), BTreeMap::new());
    collect(&top, &top, &mut files);
    files
}

fn visible(path: &Path) -> BTreeMap<String, String> {
    tree(path).into_iter().filter(|(name, _)| !name.contains("/.")).collect()
}

/// Where the run of generation 1 sets files of the KPI `sales` aside.
fn aside(path: &Path) -> PathBuf {
    path.join("out/sales/.aside-retail.test.1")
}

/// Minutes of the windows in a file, in its order.
fn minutes(content: &str) -> Vec<String> {
    content.lines().map(|line| line["{\"window\":{\"start\":\"2020-09-18T".len()..][..5].to_owned()).collect()
}

#[test]
fn one_file_a_kpi_and_interval_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    for minute in [3, 0, 10, -1] {
        sink.accept(&closed(0, minute, 0, &[GERMANY])).unwrap();
    }
    sink.accept(&closed(2, 0, 0, &[FRANCE, GERMANY])).unwrap();
    epoch(&mut sink);
    let files = tree(folder.path());
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "by-country/2020-09-18T10-50-00Z.json",
            "sales/2020-09-18T10-40-00Z.json",
            "sales/2020-09-18T10-50-00Z.json",
            "sales/2020-09-18T11-00-00Z.json",
        ]
    );
    assert_eq!(minutes(&files["sales/2020-09-18T10-50-00Z.json"]), ["10:50", "10:53"]);
    assert!(files["by-country/2020-09-18T10-50-00Z.json"].lines().nth(1).unwrap().contains("Germany"));
}

#[test]
fn nothing_is_visible_before_commit() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let prepared = sink.prepare(1).unwrap().bytes;
    assert!(visible(folder.path()).is_empty());
    assert_eq!(tree(folder.path()).len(), 1);
    sink.commit(1, &prepared).unwrap();
    assert_eq!(visible(folder.path()).len(), 1);
    assert_eq!(tree(folder.path()).len(), 1, "nothing is left aside");
}

#[test]
fn a_revision_replaces_its_window_and_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[FRANCE, GERMANY])).unwrap();
    sink.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    epoch(&mut sink);
    sink.accept(&closed(0, 0, 2, &[FRANCE])).unwrap();
    sink.accept(&closed(0, 0, 1, &[GERMANY])).unwrap();
    epoch(&mut sink);
    let content = &tree(folder.path())["sales/2020-09-18T10-50-00Z.json"];
    assert_eq!(minutes(content), ["10:50", "10:51"]);
    assert!(content.lines().next().unwrap().contains("\"revision\":2,\"country\":\"France\""), "{content}");
}

#[test]
fn an_interval_with_nothing_to_say_has_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    sink.accept(&closed(0, 10, 0, &[])).unwrap();
    epoch(&mut sink);
    assert_eq!(tree(folder.path()).len(), 1);
    sink.accept(&closed(0, 0, 1, &[])).unwrap();
    let prepared = sink.prepare(1).unwrap().bytes;
    assert_eq!(tree(folder.path()).len(), 1);
    sink.commit(1, &prepared).unwrap();
    assert!(tree(folder.path()).is_empty());
    sink.commit(1, &prepared).unwrap();
}

#[test]
fn an_unavailable_window_is_a_row_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    let unavailable = window(0, 0, WindowContent::Unavailable("out of fuel".to_owned()));
    let one = closed(0, 1, 0, &[GERMANY]);
    sink.accept(&Closed { windows: vec![unavailable, one.windows[0].clone()], ..one }).unwrap();
    epoch(&mut sink);
    let content = &tree(folder.path())["sales/2020-09-18T10-50-00Z.json"];
    assert!(content.lines().next().unwrap().ends_with("\"unavailable\":\"out of fuel\"}"), "{content}");
    assert_eq!(content.lines().count(), 2);
}

#[test]
fn an_unchanged_file_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    epoch(&mut sink);
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    sink.prepare(1).unwrap();
    assert_eq!(tree(folder.path()).len(), 1, "nothing was set aside");
    drop(sink);
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let prepared = sink.prepare(1).unwrap().bytes;
    assert_eq!(tree(folder.path()).len(), 1, "a second run finds its file as it should be");
    sink.commit(1, &prepared).unwrap();
    assert_eq!(tree(folder.path()).len(), 1);
}

fn kept_intervals(sink: &JsonFiles) -> usize {
    sink.kpis.iter().map(|kpi| kpi.kept.len()).sum()
}

#[test]
fn intervals_go_from_memory_once_they_are_final_and_published() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    sink.accept(&closed(0, 10, 0, &[GERMANY])).unwrap();
    sink.settle(T0_US + 11 * MINUTE_US);
    assert_eq!(kept_intervals(&sink), 2, "not published yet");
    let prepared = sink.prepare(1).unwrap().bytes;
    sink.settle(T0_US + 11 * MINUTE_US);
    assert_eq!(kept_intervals(&sink), 2, "set aside is not published");
    sink.commit(1, &prepared).unwrap();
    assert_eq!(kept_intervals(&sink), 1);
    sink.settle(T0_US + 20 * MINUTE_US);
    assert_eq!(kept_intervals(&sink), 1, "the last window of the interval may be a minute long");
    sink.settle(T0_US + 21 * MINUTE_US);
    assert_eq!(kept_intervals(&sink), 0);
    assert_eq!(tree(folder.path()).len(), 2);
}

/// A hopping window that starts in the interval ends long after it; the interval has to wait for it.
#[test]
fn hopping_windows_keep_their_interval() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    let hop = |minute: i64| {
        let mut closed = closed(0, minute, 0, &[GERMANY]);
        closed.windows[0].end_us = closed.windows[0].start_us + 10 * MINUTE_US;
        closed
    };
    for minute in 0..=9 {
        sink.accept(&hop(minute)).unwrap();
        sink.settle(T0_US + (minute + 10) * MINUTE_US);
        epoch(&mut sink);
    }
    assert_eq!(minutes(&tree(folder.path())["sales/2020-09-18T10-50-00Z.json"]).len(), 10);
}

#[test]
fn a_window_of_a_finished_file_joins_the_rows_that_are_there() {
    for restart in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = started(folder.path());
        sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
        sink.settle(T0_US + 60 * MINUTE_US);
        let prepared = epoch(&mut sink);
        if restart {
            sink = self::sink(folder.path());
            sink.recover(&resume_as("test", 2, Some(&prepared))).unwrap();
        }
        sink.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
        epoch(&mut sink);
        assert_eq!(minutes(&tree(folder.path())["sales/2020-09-18T10-50-00Z.json"]).len(), 2, "restart: {restart}");
    }
}

#[test]
fn settings_are_checked() {
    let settings = |interval_us| settings(Path::new("."), interval_us);
    assert!(JsonFiles::new(settings(0), vec![]).is_err());
    for name in ["", ".", "..", "a/b", ".hidden"] {
        assert!(JsonFiles::new(settings(1), vec![schema(name, 0)]).is_err(), "{name}");
    }
    for lineage in ["a/b", "a.b"] {
        let folder = tempfile::tempdir().unwrap();
        assert!(sink(folder.path()).recover(&resume_as(lineage, 1, None)).is_err(), "{lineage}");
    }
}

#[test]
fn the_extremes_of_time_have_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    for start_us in [i64::MIN, i64::MAX - 1, 253_402_300_800_000_000] {
        let window = ClosedWindow {
            start_us,
            end_us: start_us.saturating_add(1),
            revision: 0,
            content: WindowContent::Rows(0..1),
        };
        sink.accept(&Closed { windows: vec![window], ..closed(0, 0, 0, &[GERMANY]) }).unwrap();
    }
    sink.settle(i64::MAX);
    epoch(&mut sink);
    assert!(tree(folder.path()).contains_key("sales/+10000-01-01T00-00-00Z.json"));
    assert_eq!(tree(folder.path()).len(), 3);
}

/// A backfill: 5,000 files in one epoch. Prints what it took; run alone with `--nocapture`.
#[test]
fn five_thousand_files_in_one_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    for interval in 0..5_000 {
        for minute in 0..10 {
            sink.accept(&closed(0, interval * 10 + minute, 0, &[GERMANY])).unwrap();
        }
    }
    sink.settle(i64::MAX);
    let start = Instant::now();
    let prepared = sink.prepare(1).unwrap().bytes;
    let set_aside = start.elapsed();
    sink.commit(1, &prepared).unwrap();
    println!("5,000 files: prepare {set_aside:?}, commit {:?}, {} bytes", start.elapsed() - set_aside, prepared.len());
    let files = tree(folder.path());
    assert_eq!(files.len(), 5_000);
    assert!(files.values().all(|content| content.lines().count() == 10));
    assert_eq!(kept_intervals(&sink), 0);
}
