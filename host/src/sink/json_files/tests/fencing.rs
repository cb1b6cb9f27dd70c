//! A newer run shuts an older one out, whatever that was about to do.

use super::*;

const FILE: &str = "sales/2020-09-18T10-50-00Z.json";

/// Without locks, as on HDFS: an older run that does not notice must be shut out by the folders alone.
fn unlocked(path: &Path) -> JsonFiles {
    sink_with(JsonFilesSettings { locks: None, ..settings(path, TEN_MINUTES_US) })
}

fn run(path: &Path, generation: u64, prepared: Option<&[u8]>) -> JsonFiles {
    let mut sink = unlocked(path);
    sink.recover(&resume_as("test", generation, prepared)).unwrap();
    sink
}

fn assert_fenced<T: std::fmt::Debug>(outcome: Result<T, SinkError>) {
    assert!(matches!(outcome, Err(SinkError::Fenced { .. })), "{outcome:?}");
}

#[test]
fn an_older_run_can_set_nothing_aside() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = run(folder.path(), 1, None);
    old.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let checkpoint = epoch(&mut old);
    let mut new = run(folder.path(), 2, Some(&checkpoint));
    old.accept(&closed(0, 1, 0, &[FRANCE])).unwrap();
    assert_fenced(old.prepare(2));
    new.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    epoch(&mut new);
    assert!(visible(folder.path())[FILE].lines().all(|line| line.contains("Germany")));
    assert_eq!(tree(folder.path()).len(), 1);
}

/// It set files aside before, wrote its checkpoint too late for the newer run to see, and now publishes.
#[test]
fn an_older_run_can_publish_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = run(folder.path(), 1, None);
    old.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let checkpoint = epoch(&mut old);
    old.accept(&closed(0, 1, 0, &[FRANCE])).unwrap();
    let late = old.prepare(2).unwrap().bytes;
    let mut new = run(folder.path(), 2, Some(&checkpoint));
    assert_fenced(old.commit(2, &late));
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50"]);
    new.accept(&closed(0, 1, 0, &[GERMANY])).unwrap();
    epoch(&mut new);
    assert_fenced(old.commit(2, &late));
    assert!(!visible(folder.path())[FILE].contains("France"));
}

#[test]
fn an_older_run_can_remove_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = run(folder.path(), 1, None);
    old.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let checkpoint = epoch(&mut old);
    old.accept(&closed(0, 0, 1, &[])).unwrap();
    let late = old.prepare(2).unwrap().bytes;
    run(folder.path(), 2, Some(&checkpoint));
    assert_fenced(old.commit(2, &late));
    assert_eq!(minutes(&visible(folder.path())[FILE]), ["10:50"]);
}

#[test]
fn a_run_that_has_nothing_to_write_notices_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = run(folder.path(), 1, None);
    old.prepare(1).unwrap();
    run(folder.path(), 2, None);
    assert_fenced(old.prepare(2));
}

#[test]
fn a_newer_run_publishes_what_the_older_one_had_prepared() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = run(folder.path(), 1, None);
    old.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    old.accept(&closed(2, 0, 0, &[FRANCE])).unwrap();
    let checkpoint = old.prepare(1).unwrap().bytes;
    // Runs that crash as soon as they have taken over.
    for generation in 2..5 {
        for kpi in &mut unlocked(folder.path()).kpis {
            let claim = resume_as("test", generation, None).claim;
            kpi.folder.open(&claim, None).unwrap();
        }
    }
    run(folder.path(), 5, Some(&checkpoint));
    assert_eq!(tree(folder.path()).keys().collect::<Vec<_>>(), ["by-country/2020-09-18T10-50-00Z.json", FILE]);
    assert_fenced(old.commit(1, &checkpoint).and_then(|()| old.prepare(2)));
}

#[test]
fn a_run_that_is_older_than_one_that_was_there_does_not_begin() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), 5, None);
    assert_fenced(unlocked(folder.path()).recover(&resume_as("test", 4, None)));
    run(folder.path(), 6, None);
}

#[test]
fn another_life_of_the_pipeline_is_shut_out_and_another_pipeline_is_let_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut before = run(folder.path(), 7, None);
    let (mut other, mut resume) = (unlocked(folder.path()), resume_as("theirs", 1, None));
    resume.claim.pipeline = "wholesale".into();
    other.recover(&resume).unwrap();
    let mut anew = unlocked(folder.path());
    anew.recover(&resume_as("anew", 1, None)).unwrap();
    assert_fenced(before.prepare(1));
    other.prepare(1).unwrap();
    anew.prepare(1).unwrap();
    let mut folders: Vec<_> =
        fs::read_dir(folder.path().join("out/sales")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    folders.sort();
    assert_eq!(folders, [".aside-retail.anew.1", ".aside-wholesale.theirs.1"]);
}

/// With the lock of a local folder: the older run holds it until it notices.
#[test]
fn a_newer_run_waits_for_the_older_one_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = sink(folder.path());
    old.recover(&resume_as("test", 1, None)).unwrap();
    old.accept(&closed(0, 0, 0, &[GERMANY])).unwrap();
    let checkpoint = epoch(&mut old);
    let path = folder.path().to_owned();
    let newer = thread::spawn(move || {
        let mut new = sink(&path);
        new.recover(&resume_as("test", 2, Some(&checkpoint))).map(|_| new)
    });
    let fenced = loop {
        match old.prepare(2) {
            Ok(_) => thread::sleep(Duration::from_millis(10)),
            Err(error) => break error,
        }
    };
    assert!(matches!(fenced, SinkError::Fenced { .. }), "{fenced}");
    thread::sleep(Duration::from_millis(100));
    assert!(!newer.is_finished());
    drop(old);
    newer.join().unwrap().unwrap();
}

#[test]
fn an_older_run_that_never_ends_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = sink(folder.path());
    old.recover(&resume_as("test", 1, None)).unwrap();
    let mut new = sink(folder.path());
    let claim = resume_as("test", 2, None).claim;
    let error = new.kpis[0].folder.open(&claim, Some(Instant::now())).unwrap_err().to_string();
    assert!(error.contains(&format!("an older run (process {})", std::process::id())), "{error}");
    assert_fenced(old.prepare(1));
}
