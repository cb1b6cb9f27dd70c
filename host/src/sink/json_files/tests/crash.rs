//! What is there after a crash, a restart, a failure.

use super::*;

#[test]
fn commit_may_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    for minute in [0, 10, 20] {
        sink.accept(&closed(0, minute, 0, &[GERMANY])).unwrap();
    }
    let prepared = sink.prepare(1).unwrap().bytes;
    sink.commit(1, &prepared).unwrap();
    let before = tree(folder.path());
    sink.commit(1, &prepared).unwrap();
    assert_eq!(tree(folder.path()), before);
}

#[test]
fn commit_goes_on_over_what_is_already_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    for minute in [0, 10, 20] {
        sink.accept(&closed(0, minute, 0, &[GERMANY])).unwrap();
    }
    let prepared = sink.prepare(1).unwrap().bytes;
    let published = folder.path().join("out/sales/2020-09-18T10-50-00Z.json");
    fs::rename(aside(folder.path()).join("1-0.2020-09-18T10-50-00Z.json"), published).unwrap();
    sink.commit(1, &prepared).unwrap();
    assert_eq!(visible(folder.path()).len(), 3);
}

#[test]
fn a_file_set_aside_that_vanished_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let prepared = sink.prepare(1).unwrap().bytes;
    fs::remove_file(aside(folder.path()).join("1-0.2020-09-18T10-50-00Z.json")).unwrap();
    assert!(sink.commit(1, &prepared).is_err());
}

#[test]
fn a_kill_between_prepare_and_commit_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = started(folder.path());
    first.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    epoch(&mut first);
    first.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    first.accept(&closed(2, 11, 0, &[FRANCE])).unwrap();
    let prepared = first.prepare(1).unwrap().bytes;
    drop(first);

    let mut second = sink(folder.path());
    second.recover(&resume(Some(&prepared))).unwrap();
    let files = tree(folder.path());
    assert_eq!(minutes(&files["sales/2020-09-18T10-50-00Z.json"]), ["10:50", "10:51"]);
    assert_eq!(files.len(), 2, "{files:?}");
    second.commit(1, &prepared).unwrap();
    assert_eq!(tree(folder.path()), files);

    second.accept(&closed(0, 2, 0, &[GERMANY])).unwrap();
    epoch(&mut second);
    assert_eq!(minutes(&tree(folder.path())["sales/2020-09-18T10-50-00Z.json"]), ["10:50", "10:51", "10:52"]);
}

/// The attempt after the checkpoint wrote other bytes for the same file; the checkpoint's own must come out.
#[test]
fn a_kill_in_the_next_prepare_does_not_touch_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = started(folder.path());
    first.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let checkpoint = first.prepare(1).unwrap().bytes;
    first.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    first.prepare(1).unwrap();
    drop(first);

    let mut second = sink(folder.path());
    second.recover(&resume(Some(&checkpoint))).unwrap();
    let files = tree(folder.path());
    assert_eq!(files.len(), 1, "what was left aside is gone: {files:?}");
    assert_eq!(minutes(&files["sales/2020-09-18T10-50-00Z.json"]), ["10:50"]);
}

#[test]
fn a_file_that_was_taken_away_does_not_stop_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = started(folder.path());
    first.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let prepared = epoch(&mut first);
    drop(first);
    fs::remove_file(folder.path().join("out/sales/2020-09-18T10-50-00Z.json")).unwrap();
    let mut second = sink(folder.path());
    second.recover(&resume(Some(&prepared))).unwrap();
    second.commit(1, &prepared).unwrap();
    second.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    epoch(&mut second);
    assert_eq!(minutes(&tree(folder.path())["sales/2020-09-18T10-50-00Z.json"]), ["10:51"], "what was in it is lost");
}

#[test]
fn a_first_start_replaces_what_it_writes_and_leaves_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let sales = folder.path().join("out/sales");
    fs::create_dir_all(sales.join(".aside-retail.before.7")).unwrap();
    for name in [
        "2020-09-18T10-50-00Z.json",
        "2020-09-18T10-40-00Z.json",
        "notes.txt",
        ".aside-retail.before.7/7-9.2020-09-18T10-50-00Z.json",
    ] {
        fs::write(sales.join(name), "old").unwrap();
    }
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    epoch(&mut sink);
    let files = tree(folder.path());
    assert_eq!(files["sales/2020-09-18T10-40-00Z.json"], "old");
    assert_eq!(files["sales/notes.txt"], "old");
    assert_eq!(minutes(&files["sales/2020-09-18T10-50-00Z.json"]), ["10:50"]);
    assert_eq!(files.len(), 3);
}

#[test]
fn another_interval_or_kpi_does_not_take_up_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = started(folder.path());
    first.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let prepared = epoch(&mut first);
    drop(first);
    let error = sink_every(folder.path(), MINUTE_US).recover(&resume(Some(&prepared))).unwrap_err().to_string();
    assert!(error.contains("interval"), "{error}");
    let other = || JsonFiles::new(settings(folder.path(), TEN_MINUTES_US), vec![schema("other", 0)]).unwrap();
    other().recover(&resume(Some(&prepared))).unwrap();
    let mut second = sink(folder.path());
    second.recover(&resume(Some(&prepared))).unwrap();
    second.accept(&closed(0, 1, 0, &[FRANCE])).unwrap();
    let prepared = second.prepare(2).unwrap().bytes;
    drop(second);
    let error = other().recover(&resume(Some(&prepared))).unwrap_err();
    assert!(error.to_string().contains("`sales`"), "{error}");
    let error = sink(folder.path()).recover(&resume(Some(b"nonsense"))).unwrap_err();
    assert!(matches!(error, SinkError::Recover { .. }), "{error}");
}

#[test]
fn a_run_that_is_just_ending_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let first = started(folder.path());
    let ending = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        drop(first);
    });
    sink(folder.path()).recover(&resume(None)).unwrap();
    ending.join().unwrap();
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = started(folder.path());
    let error = sink(folder.path()).recover(&resume(None)).unwrap_err().to_string();
    assert!(error.contains("another run"), "{error}");
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    drop(first);
    sink(folder.path()).recover(&resume(None)).unwrap();
}

#[test]
fn failures_name_the_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("out"), "a file").unwrap();
    let error = sink(folder.path()).recover(&resume(None)).unwrap_err().to_string();
    assert!(error.contains("out"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let mut sink = started(folder.path());
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    sink.accept(&closed(0, 10, 0, &[GERMANY])).unwrap();
    fs::remove_dir_all(folder.path().join("out/sales")).unwrap();
    let error = sink.prepare(1).unwrap_err();
    assert!(matches!(error, SinkError::Io { .. }), "nobody has taken over: {error}");
    assert!(error.to_string().contains("out/sales/.aside-retail.test.1/1-0.2020-09-18T"), "{error}");
    fs::create_dir_all(aside(folder.path())).unwrap();
    epoch(&mut sink);
    assert_eq!(visible(folder.path()).len(), 2, "what could not be set aside is not forgotten");
}
