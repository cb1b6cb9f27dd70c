//! A file system that is away stops nobody, loses nothing, and shows nothing early.

use super::flaky::Flaky;
use super::*;
use std::io::ErrorKind;

const FILE: &str = "sales/2020-09-18T10-50-00Z.json";

fn flaky(path: &Path) -> (Arc<Flaky>, JsonFiles) {
    let storage = Arc::new(Flaky::default());
    let settings =
        JsonFilesSettings { storage: Arc::clone(&storage) as Arc<dyn Storage>, ..settings(path, TEN_MINUTES_US) };
    (storage, sink_with(settings))
}

/// A sink that has published one window.
fn begun(path: &Path) -> (Arc<Flaky>, JsonFiles) {
    let (storage, mut sink) = flaky(path);
    sink.recover(&resume(None)).unwrap();
    sink.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    epoch(&mut sink);
    (storage, sink)
}

/// The next try is due.
fn time_passes(sink: &mut JsonFiles) {
    sink.outage.as_mut().unwrap().set_due();
}

#[test]
fn rows_wait_in_the_checkpoint_and_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, mut sink) = begun(folder.path());
    storage.set(Some(ErrorKind::TimedOut));
    let mut last = 0;
    for minute in 1..4 {
        sink.accept(&closed(0, minute, 0, &[GERMANY])).unwrap();
        let prepared = sink.prepare(1).unwrap();
        assert!(prepared.undelivered > last, "{}", prepared.undelivered);
        last = prepared.undelivered;
        sink.commit(1, &prepared.bytes).unwrap();
        let state = sink.state();
        assert!(state.waiting.unwrap().contains("it is away"));
        assert_eq!((state.undelivered_bytes, state.full), (last, false));
    }
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50"]);
    storage.set(None);
    epoch(&mut sink);
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50"], "it is not tried all the time");
    time_passes(&mut sink);
    let prepared = sink.prepare(1).unwrap();
    assert_eq!(prepared.undelivered, 0);
    sink.commit(1, &prepared.bytes).unwrap();
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50", "10:51", "10:52", "10:53"]);
    assert_eq!(sink.state(), SinkState::default());
}

#[test]
fn a_crash_while_it_is_away_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, mut sink) = begun(folder.path());
    storage.set(Some(ErrorKind::ConnectionRefused));
    sink.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    sink.accept(&closed(0, 0, 1, &[FRANCE])).unwrap();
    sink.accept(&closed(2, 30, 0, &[FRANCE])).unwrap();
    sink.settle(T0_US + 60 * MINUTE_US);
    let prepared = sink.prepare(1).unwrap().bytes;
    drop(sink);

    let (_, mut second) = flaky(folder.path());
    second.recover(&resume_as("test", 2, Some(&prepared))).unwrap();
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50"]);
    assert!(second.state().undelivered_bytes > 0);
    assert_eq!(second.prepare(2).unwrap().undelivered, 0);
    assert!(second.finish(Duration::from_secs(5)).unwrap());
    let files = visible(folder.path());
    assert_eq!(minutes(&files[FILE]), ["10:50", "10:51"]);
    assert!(files[FILE].contains("\"revision\":1"));
    assert_eq!(files.len(), 2);
}

/// What was set aside before it went is published once it is back, also by a run that resumes from a later checkpoint.
#[test]
fn changes_that_are_not_published_stay_in_every_checkpoint() {
    for crash in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (storage, mut sink) = begun(folder.path());
        sink.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
        sink.accept(&closed(0, 10, 0, &[GERMANY])).unwrap();
        sink.accept(&closed(0, 20, 0, &[GERMANY])).unwrap();
        let prepared = sink.prepare(1).unwrap().bytes;
        storage.leave_after_renames(1);
        sink.commit(1, &prepared).unwrap();
        assert!(sink.state().waiting.is_some());
        assert_ne!(sink.state().undelivered_bytes, 0);
        let later = sink.prepare(2).unwrap();
        assert_eq!(later.undelivered, 0, "they are durable");
        sink.commit(2, &later.bytes).unwrap();
        storage.set(None);
        if crash {
            drop(sink);
            (_, sink) = flaky(folder.path());
            sink.recover(&resume_as("test", 2, Some(&later.bytes))).unwrap();
        } else {
            time_passes(&mut sink);
        }
        epoch(&mut sink);
        let files = visible(folder.path());
        assert_eq!(minutes(&files[FILE]), ["10:50", "10:51"]);
        assert_eq!(files.len(), 3);
        assert_eq!(tree(folder.path()).len(), 3, "nothing is left aside");
    }
}

/// A change that waits to be published is overtaken: by other rows, by the rows that are published, and by none.
#[test]
fn a_later_change_stands_for_one_that_waits() {
    for rows in [&[FRANCE][..], &[GERMANY], &[]] {
        let folder = tempfile::tempdir().unwrap();
        let (storage, mut sink) = begun(folder.path());
        sink.accept(&closed(0, 0, 1, &[FRANCE, GERMANY])).unwrap();
        let prepared = sink.prepare(1).unwrap().bytes;
        storage.leave_after_renames(0);
        sink.commit(1, &prepared).unwrap();
        storage.set(None);
        time_passes(&mut sink);
        sink.accept(&closed(0, 0, 2, rows)).unwrap();
        epoch(&mut sink);
        let files = visible(folder.path());
        assert_eq!(files.len(), usize::from(!rows.is_empty()));
        assert_eq!(files.values().map(|content| content.lines().count()).sum::<usize>(), rows.len());
    }
}

/// A file was set aside before it went, and its interval changed while it was away: what came out when it was back stays.
#[test]
fn a_restart_does_not_go_behind_what_came_out() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, mut sink) = begun(folder.path());
    sink.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    let prepared = sink.prepare(1).unwrap().bytes;
    storage.leave_after_renames(0);
    sink.commit(1, &prepared).unwrap();
    sink.accept(&closed(0, 2, 0, &[GERMANY])).unwrap();
    let last = sink.prepare(2).unwrap().bytes;
    sink.commit(2, &last).unwrap();
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50"]);
    storage.set(None);
    time_passes(&mut sink);
    assert!(sink.finish(Duration::from_secs(5)).unwrap());
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50", "10:51", "10:52"]);
    drop(sink);
    let (_, mut second) = flaky(folder.path());
    second.recover(&resume_as("test", 2, Some(&last))).unwrap();
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50", "10:51", "10:52"]);
    assert!(second.finish(Duration::from_secs(5)).unwrap());
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50", "10:51", "10:52"]);
    assert_eq!(tree(folder.path()).len(), 1, "nothing is left aside");
}

#[test]
fn finish_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, mut sink) = begun(folder.path());
    assert!(sink.finish(Duration::ZERO).unwrap());
    storage.set(Some(ErrorKind::TimedOut));
    sink.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    assert!(!sink.finish(Duration::ZERO).unwrap(), "in no checkpoint yet");
    epoch(&mut sink);
    assert!(!sink.finish(Duration::from_millis(300)).unwrap());
    storage.set(None);
    time_passes(&mut sink);
    assert!(sink.finish(Duration::from_secs(5)).unwrap());
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50", "10:51"]);
}

#[test]
fn it_is_full_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, mut sink) = begun(folder.path());
    storage.set(Some(ErrorKind::TimedOut));
    let rows = vec![GERMANY; 100_000];
    let mut minute = 1;
    while !sink.state().full {
        assert!(sink.state().undelivered_bytes <= CARRIED_BYTES_MAX);
        sink.accept(&closed(0, minute, 0, &rows)).unwrap();
        epoch(&mut sink);
        minute += 10;
    }
    assert!(sink.state().undelivered_bytes > CARRIED_BYTES_MAX);
    storage.set(None);
    time_passes(&mut sink);
    assert!(sink.finish(Duration::ZERO).unwrap(), "nobody has to accept or prepare for that");
    assert_eq!(sink.state(), SinkState::default());
}

/// Only a system that is away is waited for: a full disk, a missing right stop the run.
#[test]
fn other_errors_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, mut sink) = begun(folder.path());
    sink.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    storage.set(Some(ErrorKind::PermissionDenied));
    assert!(matches!(sink.prepare(1), Err(SinkError::Io { .. })));
    storage.set(None);
    let prepared = sink.prepare(1).unwrap().bytes;
    storage.set(Some(ErrorKind::PermissionDenied));
    assert!(matches!(sink.commit(1, &prepared), Err(SinkError::Io { .. })));
}
