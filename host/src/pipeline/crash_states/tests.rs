//! How many states, and whether none violates.

use super::{crashes, store, zombie};
use std::time::Instant;

const STATES: usize = 10_000;

/// Says which seed it was.
struct Seed(&'static str, u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: run it again with WEIR_CRASH_SEED={}", self.0, self.1);
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is to be a number")))
}

/// Runs seed after seed until this share (of 100) of the states is checked.
fn check(name: &'static str, share: usize, case: fn(u64) -> usize) {
    if let Some(seed) = variable("WEIR_CRASH_SEED") {
        let _seed = Seed(name, seed);
        println!("{name}: {} crash states of seed {seed}", case(seed));
        return;
    }
    let wanted = variable("WEIR_CRASH_STATES").map_or(STATES, |states| states as usize) * share / 100;
    let (began, mut states, mut seeds) = (Instant::now(), 0, 0);
    while states < wanted {
        let _seed = Seed(name, seeds);
        states += case(seeds);
        seeds += 1;
    }
    println!("{name}: {states} crash states of {seeds} seeds in {:.1?}", began.elapsed());
    assert!(states >= wanted);
}

#[test]
fn checkpoints_are_found_again() {
    check("checkpoints", 25, store::case);
}

#[test]
fn files_come_out_as_without_a_crash() {
    check("dying runs", 40, crashes::dying);
}

#[test]
fn a_disk_that_is_away_changes_nothing() {
    check("away", 20, crashes::away);
}

#[test]
fn what_was_shut_out_publishes_nothing() {
    check("zombies", 15, zombie::case);
}
