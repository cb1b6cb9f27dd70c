//! Large epochs, and what they take from others who use the server.

use crate::model::{Came, assert_held, closed};
use crate::run::{BY_COUNTRY, Job, LONG, Run, server};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use weir::sink::Sink;
use weir_services::redis::Redis;

/// Nobody waits longer for an answer; a call takes some 10 to 40 ms, on a machine that others use too.
const OTHERS_WAIT_MAX: Duration = Duration::from_millis(500);

/// Asks the server once and again until told to stop; the longest that an answer took.
fn others(url: &str, stop: &Arc<AtomicBool>) -> thread::JoinHandle<Duration> {
    let (url, stop) = (url.to_owned(), Arc::clone(stop));
    thread::spawn(move || {
        let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        let mut longest = Duration::ZERO;
        while !stop.load(Ordering::Relaxed) {
            let asked = Instant::now();
            redis::cmd("PING").exec(&mut connection).unwrap();
            longest = longest.max(asked.elapsed());
        }
        longest
    })
}

fn deliver(redis: &Redis, run: &mut Run, windows: &[Came], what: &str) {
    let stop = Arc::default();
    let others = others(&redis.url(), &stop);
    let begun = Instant::now();
    run.deliver(&windows.iter().map(closed).collect::<Vec<_>>());
    let took = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    let longest = others.join().unwrap();
    eprintln!("{what}: {took:?}, others waited {longest:?} at the longest");
    assert!(longest < OTHERS_WAIT_MAX, "{what}: others waited {longest:?}");
}

fn window(minute: i64, revision: u64, keys: impl Iterator<Item = u32>) -> Came {
    (
        BY_COUNTRY,
        minute,
        revision,
        keys.map(|key| (format!("key-{key:06}"), i64::from(key) + revision as i64)).collect(),
    )
}

#[test]
fn large_windows_go_over_in_short_calls() {
    let redis = server("large");
    let job = Job::new(&redis.url(), "weir", 2);
    let mut run = job.start(1, 0, None).unwrap();
    let mut came = vec![window(0, 0, 0..100_000)];
    deliver(&redis, &mut run, &came, "one window of 100,000 rows");
    assert_held(&redis.url(), &job, &came);
    for (what, next) in [
        ("its revision, half of the keys gone", window(0, 1, (0..100_000).step_by(2))),
        ("the next window", window(1, 0, 0..60_000)),
        ("its revision: 40,000 keys go back a window or for good", window(1, 1, 0..20_000)),
        ("a third: the first leaves, and what is shown of it", window(2, 0, 0..10)),
    ] {
        deliver(&redis, &mut run, std::slice::from_ref(&next), what);
        came.push(next);
        assert_held(&redis.url(), &job, &came);
    }
}

#[test]
fn many_small_windows_go_over_in_short_calls() {
    let redis = server("many");
    let job = Job::new(&redis.url(), "weir", 10_080);
    let mut run = job.start(1, 0, None).unwrap();
    let windows: Vec<Came> = (0..5_000).map(|minute| window(minute, 0, 0..20)).collect();
    deliver(&redis, &mut run, &windows, "5,000 windows of 20 rows");
    assert_held(&redis.url(), &job, &windows);
    assert!(run.sink.finish(LONG).unwrap());
}

/// A key that goes back looks through the windows before, which may be many.
#[test]
fn going_back_far_takes_no_long_call() {
    let redis = server("far");
    let job = Job::new(&redis.url(), "weir", 20_000);
    let mut run = job.start(1, 0, None).unwrap();
    let mut came = vec![window(0, 0, 0..400)];
    came.extend((1..9_000).map(|minute| window(minute, 0, 1_000..1_001)));
    came.push(window(9_000, 0, 0..400));
    deliver(&redis, &mut run, &came, "9,000 windows");
    let revised = window(9_000, 1, 0..0);
    deliver(&redis, &mut run, std::slice::from_ref(&revised), "400 keys go back 9,000 windows");
    came.push(revised);
    assert_held(&redis.url(), &job, &came);
}
