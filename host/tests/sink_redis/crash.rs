//! A server that is killed, loses what it had confirmed, hangs, is full or emptied; answers that are lost.

use crate::model::{Came, assert_held, closed};
use crate::proxy::Proxy;
use crate::run::{BY_COUNTRY, Job, LONG, Run, SALES, by_country, folder, sales, server};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use weir::sink::{Sink, SinkError};
use weir_services::redis::Redis;

/// Two windows a minute.
fn minute(minute: i64) -> Vec<Came> {
    let rows = ["France", "Germany", "Größe 3"].iter().map(|key| ((*key).to_owned(), minute)).collect();
    vec![(SALES, minute, 0, vec![("all".to_owned(), minute)]), (BY_COUNTRY, minute, 0, rows)]
}

fn send(run: &mut Run, came: &mut Vec<Came>, at: i64) -> Vec<u8> {
    let windows = minute(at);
    let prepared = run.send(&windows.iter().map(closed).collect::<Vec<_>>());
    came.extend(windows);
    prepared
}

/// The file that the server appends to, and how long it is.
fn append_only(name: &str) -> (PathBuf, u64) {
    let files = fs::read_dir(folder(name).join("appendonlydir")).unwrap().map(|entry| entry.unwrap().path());
    let path = files.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max().unwrap();
    let length = path.metadata().unwrap().len();
    (path, length)
}

fn waiting(run: &Run, word: &str) {
    let until = Instant::now() + LONG;
    while !run.sink.state().waiting.is_some_and(|reason| reason.contains(word)) {
        assert!(Instant::now() < until, "{word}: {:?}", run.sink.state());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_that_is_killed_again_and_again_has_all_in_the_end() {
    let mut redis = server("killed");
    let job = Job::new(&redis.url(), "weir", 1_000);
    let (mut run, mut came) = (job.start(1, 0, None).unwrap(), Vec::new());
    for round in 0..6 {
        (0..20).for_each(|n| drop(send(&mut run, &mut came, round * 20 + n)));
        std::thread::sleep(Duration::from_millis(round as u64));
        redis.kill();
        send(&mut run, &mut came, 1_000 + round);
        redis.restart().unwrap();
    }
    assert!(run.sink.finish(LONG).unwrap());
    assert_held(&redis.url(), &job, &came);
}

#[test]
fn the_second_that_a_server_lost_comes_out_of_the_outbox() {
    let mut redis = server("lost");
    let job = Job::new(&redis.url(), "weir", 1_000);
    let (mut run, mut came) = (job.start(1, 0, None).unwrap(), Vec::new());
    send(&mut run, &mut came, 0);
    assert!(run.sink.finish(LONG).unwrap());
    run.settle();
    let (path, durable) = append_only("lost");
    (1..8).for_each(|at| drop(send(&mut run, &mut came, at)));
    assert!(run.sink.finish(LONG).unwrap());
    // A power failure a moment after the answers: what was not yet synced is gone.
    redis.kill();
    fs::File::options().write(true).open(&path).unwrap().set_len(durable).unwrap();
    redis.restart().unwrap();
    assert_eq!(redis.command(&["HGET", &job.marker(), "epoch"]).unwrap().trim(), "1");
    // Nobody tells the sink, and nothing new comes: it asks before it lets go of the rows.
    run.settle();
    assert_held(&redis.url(), &job, &came);
}

#[test]
fn a_run_that_dies_while_the_server_is_away_leaves_all_in_its_checkpoint() {
    let mut redis = server("both");
    let job = Job::new(&redis.url(), "weir", 1_000);
    let (mut run, mut came) = (job.start(1, 0, None).unwrap(), Vec::new());
    send(&mut run, &mut came, 0);
    assert!(run.sink.finish(LONG).unwrap());
    redis.kill();
    let mut prepared = Vec::new();
    (1..5).for_each(|at| prepared = send(&mut run, &mut came, at));
    let epoch = run.epoch;
    drop(run);
    redis.restart().unwrap();
    let mut next = job.start(2, epoch, Some(&prepared)).unwrap();
    assert_eq!(next.held, Some(1));
    assert!(next.sink.finish(LONG).unwrap());
    assert_held(&redis.url(), &job, &came);
}

#[test]
fn a_server_that_hangs_holds_up_nobody_and_gets_its_rows_once() {
    let redis = server("hangs");
    let job = Job::new(&redis.url(), "weir", 1_000);
    let (mut run, mut came) = (job.start(1, 0, None).unwrap(), Vec::new());
    send(&mut run, &mut came, 0);
    assert!(run.sink.finish(LONG).unwrap());
    redis.pause().unwrap();
    let begun = Instant::now();
    (1..4).for_each(|at| drop(send(&mut run, &mut came, at)));
    assert!(!run.sink.finish(Duration::from_millis(200)).unwrap());
    assert!(begun.elapsed() < Duration::from_secs(2), "the pipeline waited");
    waiting(&run, "no answer in time");
    redis.resume().unwrap();
    assert!(run.sink.finish(LONG).unwrap());
    assert_held(&redis.url(), &job, &came);
}

#[test]
fn an_answer_that_is_lost_is_found_out_by_asking() {
    let redis = server("answers");
    let proxy = Proxy::start(redis.port());
    let job = Job::new(&proxy.url, "weir", 1_000);
    let (mut run, mut came) = (job.start(1, 0, None).unwrap(), Vec::new());
    // The second one strikes the answer to what comes after the loss: opening again.
    for (at, which) in [(0, 1), (1, 1), (2, 2), (3, 3)] {
        proxy.swallow_answer(which);
        send(&mut run, &mut came, 2 * at);
        assert!(run.sink.finish(LONG).unwrap());
        send(&mut run, &mut came, 2 * at + 1);
        assert!(run.sink.finish(LONG).unwrap());
        assert_held(&redis.url(), &job, &came);
    }
    run.settle();
    assert!(proxy.has_swallowed());
}

#[test]
fn a_server_that_is_full_or_a_replica_for_now_is_waited_for() {
    let redis = server("full");
    let job = Job::new(&redis.url(), "weir", 1_000);
    let (mut run, mut came) = (job.start(1, 0, None).unwrap(), Vec::new());
    for (word, set, back) in [
        ("OOM", ["CONFIG", "SET", "maxmemory", "1"].as_slice(), ["CONFIG", "SET", "maxmemory", "0"].as_slice()),
        ("READONLY", &["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]),
    ] {
        redis.command(set).unwrap();
        let at = came.len() as i64;
        send(&mut run, &mut came, at);
        waiting(&run, word);
        redis.command(back).unwrap();
        assert!(run.sink.finish(LONG).unwrap());
    }
    assert_held(&redis.url(), &job, &came);
}

fn refused(outcome: Result<bool, SinkError>, words: &[&str]) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, SinkError::Refused { .. }), "{error}");
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn a_server_that_was_emptied_stops_the_pipeline_and_tells_why() {
    let mut redis = server("emptied");
    let job = Job::new(&redis.url(), "weir", 1_000);
    let mut run = job.start(1, 0, None).unwrap();
    run.deliver(&[sales(0, 0, 1)]);
    let prepared = run.settle();
    redis.stop();
    fs::remove_dir_all(folder("emptied").join("appendonlydir")).unwrap();
    redis.restart().unwrap();
    run.send(&[sales(1, 0, 1)]);
    refused(run.sink.finish(LONG), &["holds no epoch", "give this [[sink]] another `name`"]);
    let epoch = run.epoch;
    drop(run);
    refused(job.start(2, epoch, Some(&prepared)).map(|_| true), &["holds no epoch"]);
    let mut renamed = job.clone();
    renamed.settings.sink = "live-2".into();
    renamed.start(3, epoch, None).unwrap().deliver(&[sales(2, 0, 1)]);
}

#[test]
fn keys_of_somebody_else_are_not_overwritten() {
    let redis: Redis = server("else");
    let job = Job::new(&redis.url(), "weir", 1_000);
    redis.command(&["SET", &format!("{}by-country:windows", job.base()), "mine"]).unwrap();
    let mut run = job.start(1, 0, None).unwrap();
    run.send(&[by_country(0, 0, &[("France", 1)])]);
    refused(run.sink.finish(LONG), &["WRONGTYPE", "another `prefix`"]);
}

#[test]
fn passwords_are_asked_for_and_never_shown() {
    let redis = Redis::start_with_password(&folder("password"), "hunter2hunter2").unwrap();
    let port = redis.port();
    let start = |url: String| Job::new(&url, "weir", 10).start(1, 0, None);
    for (url, words) in [
        (format!("redis://127.0.0.1:{port}"), ["NOAUTH", "REDIS_PASSWORD"]),
        (format!("redis://:hunter3hunter3@127.0.0.1:{port}"), ["WRONGPASS", "refuses"]),
        (format!("redis://nobody:hunter2hunter2@127.0.0.1:{port}/0"), ["WRONGPASS", "refuses"]),
        (format!("redis://:hunter2hunter2@127.0.0.1:{port}/99"), ["DB index", "99 prefix"]),
    ] {
        let error = start(url).map(|_| ()).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)) && !error.contains("hunter"), "{error}");
    }
    let mut run = start(redis.url()).unwrap();
    run.deliver(&[sales(0, 0, 1)]);
    assert_eq!(run.sink.place(), format!("redis://127.0.0.1:{port}/0 prefix weir"));
    redis.command(&["ACL", "SETUSER", "limited", "on", ">hunter4hunter4", "~*", "+hset"]).unwrap();
    let error = start(format!("redis://limited:hunter4hunter4@127.0.0.1:{port}")).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("NOPERM") && !error.contains("hunter"), "{error}");
}
