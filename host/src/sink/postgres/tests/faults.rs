//! Servers that die, hang and cut connections, and runs that meet: nothing is lost, nothing is there twice.

use super::support::*;
use crate::sink::test_rows::closed;
use crate::sink::{Sink, SinkError};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use weir_core::results::Closed;

/// A window a minute, its number in its row.
fn minute(minute: i64) -> Closed {
    closed(0, minute, 0, &[(None, minute, 0, 0.0), (Some("Spain"), minute, 0, 0.0)])
}

fn minutes(place: &Place<'_>, count: i64) {
    let rows = place.rows("\"OPM\", country");
    let expected: Vec<String> =
        (0..count).flat_map(|minute| [format!("{minute}|"), format!("{minute}|Spain")]).collect();
    assert_eq!(rows, expected);
}

#[test]
fn a_newer_run_fences_an_older_one() {
    let place = place("fencing");
    let mut older = place.sink(1);
    let prepared = deliver(&mut older, 1, &[minute(0)]);
    let mut newer = place.run(&kpis(), &resume(2, 1, Some(&prepared))).unwrap();
    commit(&mut older, 2, &[minute(7)]);
    let error = older.finish(LONG).unwrap_err();
    assert!(matches!(&error, SinkError::Fenced { .. }), "{error}");
    assert!(error.to_string().contains("generation 2 of run a"), "{error}");
    deliver(&mut newer, 2, &[minute(1)]);
    minutes(&place, 2);
    let error = place.run(&kpis(), &resume(1, 1, None)).map(drop).unwrap_err();
    assert!(matches!(&error, SinkError::Fenced { .. }), "{error}");
}

#[test]
fn a_connection_that_the_server_ends_is_made_anew() {
    let place = place("terminated");
    let mut sink = place.sink(1);
    deliver(&mut sink, 1, &[minute(0)]);
    let sessions =
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'weir' and query like";
    for epoch in 2..5 {
        place.sql(&format!("{sessions} '%'"));
        deliver(&mut sink, epoch, &[minute(epoch as i64 - 1)]);
    }
    minutes(&place, 4);
}

#[test]
fn a_marker_that_is_reset_is_told_and_not_passed_over() {
    let place = place("reset");
    let mut sink = place.sink(1);
    deliver(&mut sink, 1, &[minute(0)]);
    let prepared = deliver(&mut sink, 2, &[minute(1)]);
    place.sql("delete from reset.weir_epochs");
    // Epoch 2 is still on the desk and could be handed over again; epoch 1 can't.
    commit(&mut sink, 3, &[minute(2)]);
    let said = sink.finish(LONG).unwrap_err().to_string();
    assert!(said.contains("it holds no epoch of this pipeline") && said.contains("`name`"), "{said}");
    let said = place.run(&kpis(), &resume(2, 2, Some(&prepared))).map(drop).unwrap_err().to_string();
    assert!(said.contains("it holds no epoch of this pipeline"), "{said}");
    minutes(&place, 2);
}

#[test]
fn a_server_that_is_killed_at_any_time_has_every_row_once() {
    let (mut server, _folder) = server();
    let mut sink = {
        let place = Place::on(&server, "killed");
        place.sink(1)
    };
    // Kills fall somewhere between begin and commit of some epoch, a different one each time.
    let mut epoch = 0;
    for round in 0..4 {
        for _ in 0..15 {
            epoch += 1;
            commit(&mut sink, epoch, &[minute(epoch as i64 - 1)]);
        }
        thread::sleep(Duration::from_millis(7 * round + 3));
        server.kill();
        // The outage: rows pile up.
        epoch += 1;
        commit(&mut sink, epoch, &[minute(epoch as i64 - 1)]);
        until("waiting", || sink.state().waiting.is_some());
        thread::sleep(Duration::from_millis(500));
        server.restart().unwrap();
    }
    assert!(sink.finish(LONG).unwrap());
    assert_eq!((sink.state().waiting, sink.state().undelivered_bytes), (None, 0));
    let place = Place { server: &server, schema: "killed".into() };
    minutes(&place, epoch as i64);
}

#[test]
fn a_server_that_hangs_is_given_up_and_taken_up_again() {
    let (server, _folder) = server();
    let place = Place::on(&server, "hangs");
    let mut sink = place.sink(1);
    deliver(&mut sink, 1, &[minute(0)]);
    server.pause().unwrap();
    let start = Instant::now();
    commit(&mut sink, 2, &[minute(1)]);
    until("waiting", || sink.state().waiting.is_some());
    let (said, took) = (sink.state().waiting.unwrap(), start.elapsed());
    assert!(said.contains("no answer within 3 s") && took < Duration::from_secs(6), "{said} after {took:?}");
    server.resume().unwrap();
    deliver(&mut sink, 3, &[minute(2)]);
    minutes(&place, 3);
}

#[test]
fn a_row_that_somebody_locks_is_waited_for_no_longer_than_the_limit() {
    let place = place("locked");
    let mut sink = place.sink(1);
    deliver(&mut sink, 1, &[minute(0)]);
    thread::scope(|scope| {
        scope.spawn(|| place.sql("begin; select from locked.weir_epochs for update; select pg_sleep(4); commit"));
        until("the lock", || {
            place.sql("select count(*) from pg_stat_activity where query like '%locked.weir_epochs for update; select pg_sleep%' and wait_event = 'PgSleep'").trim() == "1"
        });
        commit(&mut sink, 2, &[minute(1)]);
        until("waiting", || sink.state().waiting.is_some());
        assert!(sink.state().waiting.unwrap().contains("55P03"));
        assert!(sink.finish(LONG).unwrap());
    });
    minutes(&place, 2);
}

/// Forwards to the server. Each connection is cut at the `n`th COMMIT that comes through it: before the server gets it, or when its
/// answer comes back.
struct Cutter {
    port: u16,
    cuts: Arc<AtomicUsize>,
}

impl Cutter {
    fn start(server: u16, after_commit: bool, cuts_max: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (port, cuts) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&cuts);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let (down, up) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let cut = Arc::new(AtomicUsize::new(0));
                let (is_cut, count) = (Arc::clone(&cut), Arc::clone(&count));
                thread::spawn(move || forward(down, up, |_| is_cut.load(Ordering::SeqCst) == 0));
                thread::spawn(move || {
                    let mut commits = 0;
                    forward(client, server, |bytes| {
                        // The second commit of a connection: the first one is the take-over's.
                        commits += usize::from(bytes.windows(7).any(|some| some == b"commit\0"));
                        if commits == 2 && count.load(Ordering::SeqCst) < cuts_max {
                            count.fetch_add(1, Ordering::SeqCst);
                            cut.store(1, Ordering::SeqCst);
                            return after_commit;
                        }
                        true
                    });
                });
            }
        });
        Self { port, cuts }
    }
}

/// Copies as long as what comes may go on.
fn forward(mut from: TcpStream, mut to: TcpStream, mut goes_on: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if !goes_on(&buffer[..read]) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn a_commit_whose_answer_is_lost_counts_once_and_one_that_never_arrived_comes_again() {
    for (schema, after_commit) in [("answer_lost", true), ("commit_lost", false)] {
        let place = place(schema);
        let cutter = Cutter::start(place.server.port(), after_commit, 3);
        let url = place.server.url().replace(&place.server.port().to_string(), &cutter.port.to_string());
        let mut sink = run(&place.settings_by(&url), &kpis(), &resume(1, 0, None)).unwrap();
        for epoch in 1..8 {
            deliver(&mut sink, epoch, &[minute(epoch as i64 - 1)]);
        }
        assert_eq!(cutter.cuts.load(Ordering::SeqCst), 3);
        minutes(&place, 7);
        let dead = place.sql(&format!(
            "select n_dead_tup from pg_stat_user_tables where schemaname = '{schema}' and relname = 'weir_epochs'"
        ));
        assert!(!dead.is_empty());
    }
}

#[test]
fn readers_never_see_half_an_epoch() {
    let place = place("readers");
    let mut sink = place.sink(1);
    let many: Vec<_> = (0..500).map(|_| (Some("Spain"), 1, 0, 0.0)).collect();
    deliver(&mut sink, 1, &[closed(0, 0, 0, &many), closed(0, 1, 0, &many)]);
    let (table, done) = ("readers.sales_by_country", AtomicUsize::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while done.load(Ordering::SeqCst) == 0 {
                let seen = place.sql(&format!("select count(*), count(distinct revision) from {table}"));
                assert_eq!(seen.trim(), "1000|1");
            }
        });
        for revision in 1..40 {
            deliver(&mut sink, revision + 1, &[closed(0, 0, revision, &many), closed(0, 1, revision, &many)]);
        }
        done.store(1, Ordering::SeqCst);
    });
}
