//! What a journal knows after each kind of end.

use super::*;
use std::fs;

fn fed(number: u32) -> Fed {
    Fed { letter: format!("t/0/{number}"), sha256: format!("{number:064}") }
}

fn intent(call: &str) -> Intent {
    let to = Destination::Topic {
        topic: "t".into(),
        cluster: "c".into(),
        transactional_id: format!("weir-replay-{call}"),
        from: vec![(0, 7)],
    };
    Intent { call: call.into(), at: "2020-09-18T10:55:00.000Z".into(), letters: 1, to }
}

#[test]
fn an_intent_is_open_until_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let letters = folder.path().join("dead.jsonl");
    let mut journal = Journal::open(&letters).unwrap();
    assert!(journal.open_intent().is_none());
    journal.begin(&intent("a")).unwrap();
    drop(journal);
    assert_eq!(Journal::look(&letters).unwrap().open_intent(), Some(&intent("a")));
    let mut journal = Journal::open(&letters).unwrap();
    assert_eq!(journal.open_intent(), Some(&intent("a")));
    journal.end(&BTreeSet::from([fed(1), fed(2)])).unwrap();
    assert!(journal.has(&fed(1)) && journal.open_intent().is_none());
    journal.begin(&intent("b")).unwrap();
    journal.end(&BTreeSet::new()).unwrap();
    drop(journal);
    let journal = Journal::open(&letters).unwrap();
    assert!(journal.has(&fed(2)) && !journal.has(&fed(3)) && journal.open_intent().is_none());
    assert!(!journal.has(&Fed { sha256: "0".into(), ..fed(2) }), "another record of that name");
    assert_eq!(fs::read_to_string(journal.place()).unwrap().lines().count(), 6);
}

#[test]
fn half_a_line_at_the_end_is_cut_and_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let letters = folder.path().join("dead.jsonl");
    let mut journal = Journal::open(&letters).unwrap();
    journal.begin(&intent("a")).unwrap();
    journal.end(&BTreeSet::from([fed(1)])).unwrap();
    drop(journal);
    let path = folder.path().join("dead.jsonl.replayed");
    let whole = fs::read_to_string(&path).unwrap();
    // The last line is half written: the call may have been fed, so it is open.
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let journal = Journal::open(&letters).unwrap();
    assert!(journal.open_intent().is_some());
    drop(journal);
    assert!(fs::read_to_string(&path).unwrap().ends_with('\n'));
    fs::write(&path, format!("{whole}{{}}\n")).unwrap();
    let error = Journal::open(&letters).unwrap_err().to_string();
    assert!(error.contains("line 4"), "{error}");
}

#[test]
fn one_call_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let letters = folder.path().join("dead.jsonl");
    let first = Journal::open(&letters).unwrap();
    let error = Journal::open(&letters).unwrap_err().to_string();
    assert!(error.contains("another replay"), "{error}");
    Journal::look(&letters).unwrap();
    drop(first);
    Journal::open(&letters).unwrap();
}
