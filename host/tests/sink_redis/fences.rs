//! Who may write: newer runs, other lineages, copies of a run, and connections of the same run that were given up.

use crate::model::assert_held;
use crate::run::{BY_COUNTRY, Job, LONG, Run, by_country, sales, server, shared};
use std::time::Duration;
use weir::sink::{Sink, SinkError};

fn assert_fenced<T>(outcome: Result<T, SinkError>) {
    match outcome.map(|_| ()) {
        Err(SinkError::Fenced { .. }) => {}
        other => panic!("not fenced: {other:?}"),
    }
}

fn job(prefix: &str) -> Job {
    Job::new(&shared().url(), prefix, 100)
}

fn field(job: &Job, key: &str, field: &str) -> String {
    shared().command(&["HGET", &format!("{}{key}", job.base()), field]).unwrap().trim().to_owned()
}

/// The older run's windows come to nothing.
fn assert_out(older: &mut Run, job: &Job) {
    older.sink.accept(&sales(9, 0, 99)).unwrap();
    // It may have found out by itself before.
    let prepared = older.sink.prepare(100).map(|prepared| prepared.bytes);
    let committed = prepared.and_then(|bytes| older.sink.commit(100, &bytes));
    assert_fenced(committed.and_then(|()| older.sink.finish(LONG)));
    assert_ne!(field(job, "sales:newest:all", "orders"), "99");
}

#[test]
fn a_newer_run_fences_the_older_and_goes_on_with_its_epochs() {
    let job = job("newer");
    let mut older = job.start(1, 0, None).unwrap();
    let prepared = older.deliver(&[sales(0, 0, 1)]);
    let mut newer = job.start(2, 1, Some(&prepared)).unwrap();
    assert_eq!(newer.held, Some(1));
    assert_out(&mut older, &job);
    newer.deliver(&[sales(1, 0, 2)]);
    assert_eq!(field(&job, "sales:newest:all", "orders"), "2");
    assert_fenced(job.start(1, 1, Some(&prepared)));
}

#[test]
fn an_idle_older_run_finds_out_as_well() {
    let job = job("idle");
    let mut older = job.start(1, 0, None).unwrap();
    older.deliver(&[sales(0, 0, 1)]);
    let _newer = job.start(2, 1, None).unwrap();
    // It asks before it lets go of its rows.
    std::thread::sleep(Duration::from_secs(4));
    assert_fenced(older.sink.finish(LONG));
}

#[test]
fn a_run_that_began_anew_takes_over_and_what_it_brings_again_is_what_counts() {
    let mut job = job("anew");
    let mut older = job.start(7, 0, None).unwrap();
    older.deliver(&[sales(0, 0, 1), sales(1, 3, 2)]);
    job.lineage = "b".into();
    let mut anew = job.start(1, 0, None).unwrap();
    assert_eq!(anew.held, None);
    assert_out(&mut older, &job);
    anew.deliver(&[sales(0, 0, 1), sales(1, 0, 77)]);
    assert_eq!(field(&job, "sales:newest:all", "orders"), "77", "revision 3 was counted by the run before");
    anew.deliver(&[sales(1, 1, 2), sales(1, 0, 5)]);
    assert_eq!(field(&job, "sales:newest:all", "orders"), "2", "its own revisions count");
}

#[test]
fn of_two_runs_out_of_one_copied_checkpoint_the_later_goes_on() {
    let job = job("copied");
    let mut first = job.start(4, 0, None).unwrap();
    first.deliver(&[sales(0, 0, 1)]);
    let mut second = job.start(4, 1, None).unwrap();
    assert_out(&mut first, &job);
    second.deliver(&[sales(1, 0, 2)]);
    assert_eq!(field(&job, "sales:newest:all", "orders"), "2");
}

#[test]
fn sinks_of_one_pipeline_have_markers_of_their_own() {
    let one = job("two-sinks");
    let mut two = one.clone();
    two.settings.sink = "other".into();
    let (mut first, mut second) = (one.start(1, 0, None).unwrap(), two.start(1, 0, None).unwrap());
    first.deliver(&[sales(0, 0, 1)]);
    second.deliver(&[by_country(0, 0, &[("France", 5)])]);
    first.deliver(&[sales(1, 0, 2)]);
    assert_eq!(field(&one, "sales:newest:all", "orders"), "2");
    assert_eq!(field(&one, "by-country:newest:France", "orders"), "5");
}

/// A window that takes several calls lies half aside when its connection is given up: what is left of it in buffers must not mix with
/// what the next connection brings.
#[test]
fn calls_of_a_connection_that_was_given_up_change_nothing() {
    let redis = server("given-up");
    let job = Job::new(&redis.url(), "weir", 100);
    let mut run = job.start(1, 0, None).unwrap();
    let mut came = Vec::new();
    for at in 0..3 {
        let rows: Vec<(String, i64)> = (0..5_000).map(|n| (format!("key-{}", n + 1_000 * at), n)).collect();
        came.push((BY_COUNTRY, at, 0, rows));
    }
    came.iter().for_each(|window| run.sink.accept(&crate::model::closed(window)).unwrap());
    run.send(&[]);
    // Stopped at some place amid the calls, for longer than the sink waits for an answer.
    std::thread::sleep(Duration::from_millis(15));
    redis.pause().unwrap();
    std::thread::sleep(Duration::from_secs(12));
    redis.resume().unwrap();
    assert!(run.sink.finish(LONG).unwrap());
    assert_held(&redis.url(), &job, &came);
}
