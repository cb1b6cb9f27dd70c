//! The core and the delivery protocol as a simulation: one thread, its own clock, no outside, everything from one seed.
//!
//! ```text
//! log (source double) ─▶ Worker ─▶ Keeper ─▶ Delivery ─▶ FolderStore ─▶ disk that forgets what was not synced
//!                                              ├─▶ JsonFiles ───────────▶ the same disk
//!                                              ╰─▶ Outbox, its courier ─▶ a store that may lose its last second; a topic
//! ```
//! The parts are those of a run (`start.rs`), a step at a time by turns that chance gives. Chance also kills, cuts the power, damages the
//! newest record, lets the log grow from one run to the next, starts a second instance while the first is in the middle of a call, and
//! lets calls fail, done or not. `check` compares everything outside with an `oracle` that folds the log naively.
//!
//! `WEIR_SIMULATION_SEED=7 cargo test -p weir --lib simulation` replays one seed; `WEIR_SIMULATION_EPOCHS=100000` goes on for so many epochs.

mod chance;
mod check;
mod damage;
mod destination;
mod instance;
mod letters;
mod log;
mod oracle;
mod process;
mod script;
mod sums;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::str::FromStr;
use world::{Counts, World};

/// Epochs of the usual test run.
const EPOCHS: u64 = 1_000;

fn variable<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs a seed; what happened, and the end of its trace.
fn run(seed: u64) -> (Counts, Vec<String>) {
    let world = World::new(seed);
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| World::live(&world))) {
        let trace = world.traced().join("\n  ");
        eprintln!("seed {seed}: {:?}\n  {trace}\nreplay it with WEIR_SIMULATION_SEED={seed}", world.script);
        resume_unwind(panic);
    }
    let counts = world.counts().clone();
    (counts, world.traced())
}

#[test]
fn whatever_happens_every_window_comes_out_whole_and_once() {
    if let Some(seed) = variable("WEIR_SIMULATION_SEED") {
        let (counts, trace) = run(seed);
        println!("{counts:?}\n  {}", trace.join("\n  "));
        return;
    }
    let (epochs, mut sum, mut seed) = (variable("WEIR_SIMULATION_EPOCHS").unwrap_or(EPOCHS), Counts::default(), 0);
    while sum.epochs < epochs {
        sum += run(seed).0;
        seed += 1;
    }
    println!("{seed} seeds: {sum:?}");
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..10 {
        assert_eq!(run(seed), run(seed));
    }
}
