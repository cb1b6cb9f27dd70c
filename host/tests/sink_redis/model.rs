//! What Redis has to hold after windows came, in any order and cut: the oracle, and random windows against it.

use crate::run::{BY_COUNTRY, Job, MINUTE_US, Run, SALES, T0_US, by_country, sales, shared};
use proptest::prelude::*;
use proptest::test_runner::Config;
use std::collections::BTreeMap;
use weir::sink::timestamp_text;
use weir_core::results::Closed;

/// A window of a model: minute, revision, rows.
pub type Came = (usize, i64, u64, Vec<(String, i64)>);

pub fn closed((kpi, minute, revision, rows): &Came) -> Closed {
    if *kpi == SALES {
        return sales(*minute, *revision, rows[0].1);
    }
    let rows: Vec<(&str, i64)> = rows.iter().map(|(key, orders)| (key.as_str(), *orders)).collect();
    by_country(*minute, *revision, &rows)
}

/// Every key but the marker, with all that it holds.
pub type Held = BTreeMap<String, BTreeMap<String, String>>;

pub fn held(url: &str, job: &Job) -> Held {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    // The prefix is in braces, which are no pattern.
    let keys: Vec<String> = redis::cmd("KEYS").arg(format!("{}*", job.base())).query(&mut connection).unwrap();
    let mut held = Held::new();
    for page in keys.iter().filter(|key| **key != job.marker()).collect::<Vec<_>>().chunks(1_000) {
        let mut pipe = redis::pipe();
        for key in page {
            if key.ends_with(":windows") {
                pipe.cmd("ZRANGE").arg(key).arg(0).arg(-1).arg("WITHSCORES");
            } else {
                pipe.cmd("HGETALL").arg(key);
            }
        }
        let values: Vec<BTreeMap<String, String>> = pipe.query(&mut connection).unwrap();
        held.extend(page.iter().map(|key| (*key).clone()).zip(values));
    }
    held
}

/// Removes them, marker and all.
pub fn clear(url: &str, job: &Job) {
    let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
    for key in held(url, job).into_keys().chain([job.marker()]) {
        redis::cmd("DEL").arg(key).exec(&mut connection).unwrap();
    }
}

/// The same out of all windows that came.
pub fn expected(job: &Job, came: &[Came]) -> Held {
    let mut held = Held::new();
    for (kpi, name) in [(SALES, "sales"), (BY_COUNTRY, "by-country")] {
        let mut windows: BTreeMap<i64, &Came> = BTreeMap::new();
        for window in came.iter().filter(|window| window.0 == kpi) {
            let known = windows.entry(window.1).or_insert(window);
            if window.2 >= known.2 {
                *known = window;
            }
        }
        while windows.len() as u64 > job.settings.history_windows_max {
            windows.pop_first();
        }
        let base = format!("{}{name}:", job.base());
        windows.values().for_each(|window| expect_window(&mut held, &base, window));
    }
    held
}

/// Windows rise, so the last one that has a key is shown.
fn expect_window(held: &mut Held, base: &str, (kpi, minute, revision, rows): &Came) {
    let us = T0_US + minute * MINUTE_US;
    let (start, end) = (timestamp_text(us), timestamp_text(us + MINUTE_US));
    let texts = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    held.entry(format!("{base}windows")).or_default().insert(start.clone(), (us / 1_000).to_string());
    let (revised, count) = (revision.to_string(), rows.len().to_string());
    let about = texts(&[("start", &start), ("end", &end), ("revision", &revised), ("rows", &count)]);
    held.insert(format!("{base}window:{start}"), about);
    for (key, orders) in rows {
        let mut row = format!("{{\"window\":{{\"start\":\"{start}\",\"end\":\"{end}\"}}");
        if *revision > 0 {
            row += &format!(",\"revision\":{revision}");
        }
        let mut newest: BTreeMap<String, String> =
            texts(&[("window_start", &start), ("window_end", &end), ("revision", &revised)]);
        if *kpi == BY_COUNTRY {
            row += &format!(",\"country\":\"{key}\"");
            newest.insert("country".into(), key.clone());
        }
        row += &format!(",\"orders\":{orders}}}");
        newest.insert("orders".into(), orders.to_string());
        newest.insert("row".into(), row.clone());
        held.entry(format!("{base}rows:{start}")).or_default().insert(key.clone(), row);
        held.insert(format!("{base}newest:{key}"), newest);
    }
}

/// What differs, short enough to read.
pub fn assert_held(url: &str, job: &Job, came: &[Came]) {
    let (held, expected) = (held(url, job), expected(job, came));
    let differ = |key: &&String| held.get(*key) != expected.get(*key);
    let keys: Vec<&String> = held.keys().chain(expected.keys()).filter(differ).collect();
    if let Some(key) = keys.first() {
        panic!("{} keys differ; {key} holds {:?}, expected {:?}", keys.len(), held.get(*key), expected.get(*key));
    }
}

fn windows() -> impl Strategy<Value = Vec<Came>> {
    let rows = prop::collection::btree_map("[abcd]", 0_i64..3, 0..4);
    let window = (0..3_usize, 0..9_i64, 0..3_u64, rows).prop_map(|(kpi, minute, revision, rows)| {
        // A window's rows are a function of its revision: that is what makes what comes twice the same.
        let orders = |orders: i64| orders + 10 * revision as i64;
        match kpi {
            0 => (SALES, minute, revision, vec![("all".to_owned(), orders(minute))]),
            _ => (BY_COUNTRY, minute, revision, rows.into_iter().map(|(key, n)| (key, orders(n))).collect()),
        }
    });
    prop::collection::vec(window, 1..40).prop_map(|mut windows: Vec<Came>| {
        for place in 1..windows.len() {
            let (before, rest) = windows.split_at_mut(place);
            let same = |other: &&Came| (other.0, other.1, other.2) == (rest[0].0, rest[0].1, rest[0].2);
            if let Some(first) = before.iter().find(same) {
                rest[0].3 = first.3.clone();
            }
        }
        windows
    })
}

proptest! {
    #![proptest_config(Config { cases: 60, failure_persistence: None, ..Config::default() })]

    /// In any cut, with runs that begin in between, and all of it once more by a run that lost its checkpoint.
    #[test]
    fn what_is_held_is_a_function_of_the_windows(
        came in windows(),
        cuts in prop::collection::vec(1..6_usize, 40),
        history in 1..12_u64,
    ) {
        let url = shared().url();
        let job = Job::new(&url, "model", history);
        clear(&url, &job);
        let deliver = |run: &mut Run, cuts: &[usize]| {
            let mut rest = came.as_slice();
            for cut in cuts {
                let (epoch, after) = rest.split_at((*cut).min(rest.len()));
                run.deliver(&epoch.iter().map(closed).collect::<Vec<_>>());
                rest = after;
            }
            run.deliver(&rest.iter().map(closed).collect::<Vec<_>>());
        };
        deliver(&mut job.start(1, 0, None).unwrap(), &cuts);
        assert_held(&url, &job, &came);
        let mut again = job.start(2, 0, None).unwrap();
        prop_assert!(again.held.is_some());
        deliver(&mut again, &cuts[20..]);
        assert_held(&url, &job, &came);
    }
}
