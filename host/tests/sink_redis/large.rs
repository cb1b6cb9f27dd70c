//! Large epochs, and what they take from others who use the server.

use crate::model::{Came, assert_held, closed};
use crate::run::{BY_COUNTRY, Job, LONG, Run, server};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use weir::sink::Sink;
use weir_services::redis::Redis;

/// Time of the server's processor that a call takes at the most, on average: so long it serves nobody else.
const CALL_MAX: Duration = Duration::from_millis(60);

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
            thread::sleep(Duration::from_millis(1));
        }
        longest
    })
}

/// The server's processor time, and how many calls of scripts it has had.
fn work(redis: &Redis) -> (f64, u64) {
    let info = redis.command(&["INFO", "everything"]).unwrap();
    let line = |name: &str| info.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap_or("0").to_owned();
    let seconds = |name| line(name).parse::<f64>().unwrap();
    let calls = line("cmdstat_evalsha:calls=");
    let calls = calls.split(',').next().unwrap().parse().unwrap();
    (seconds("used_cpu_user_main_thread:") + seconds("used_cpu_sys_main_thread:"), calls)
}

fn deliver(redis: &Redis, run: &mut Run, windows: &[Came], what: &str) {
    let stop = Arc::default();
    let others = others(&redis.url(), &stop);
    let (before, begun) = (work(redis), Instant::now());
    run.deliver(&windows.iter().map(closed).collect::<Vec<_>>());
    let took = begun.elapsed();
    stop.store(true, Ordering::Relaxed);
    let (after, longest) = (work(redis), others.join().unwrap());
    let calls = after.1 - before.1;
    let each = Duration::from_secs_f64((after.0 - before.0) / calls as f64);
    eprintln!("{what}: {took:?} in {calls} calls of {each:?}, others waited {longest:?} at the longest");
    assert!(each < CALL_MAX, "{what}: {calls} calls of {each:?}");
    // A machine that is busy elsewhere makes everything longer, and all alike.
    assert!(longest < Duration::from_millis(300).max(took / 5), "{what}: {took:?}, others waited {longest:?}");
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

/// A key that goes back looks through the windows before, up to a number.
#[test]
fn going_back_far_takes_no_long_call() {
    let redis = server("far");
    let job = Job::new(&redis.url(), "weir", 20_000);
    let mut run = job.start(1, 0, None).unwrap();
    let mut came = vec![(BY_COUNTRY, -200, 0, vec![("lost".to_owned(), 1)])];
    came.extend((-199..1).map(|minute| window(minute, 0, 1..2)));
    came.push(window(1, 0, 0..400));
    came.extend((2..1_000).map(|minute| window(minute, 0, 1_000..1_001)));
    let mut last = window(1_000, 0, 0..400);
    last.3.push(("lost".to_owned(), 2));
    came.push(last);
    deliver(&redis, &mut run, &came, "1,200 windows");
    assert_held(&redis.url(), &job, &came);
    let revised = window(1_000, 1, 0..0);
    deliver(&redis, &mut run, std::slice::from_ref(&revised), "400 keys go back 999 windows");
    came.push(revised);
    let shown = redis.command(&["EXISTS", &format!("{}by-country:newest:lost", job.base())]).unwrap();
    assert_eq!(shown.trim(), "0", "1,200 windows are too far");
    came.remove(0);
    redis.command(&["ZREM", &format!("{}by-country:windows", job.base()), "2020-09-18T07:30:00.000Z"]).unwrap();
    for kind in ["window", "rows"] {
        redis.command(&["DEL", &format!("{}by-country:{kind}:2020-09-18T07:30:00.000Z", job.base())]).unwrap();
    }
    assert_held(&redis.url(), &job, &came);
}
