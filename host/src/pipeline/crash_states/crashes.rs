//! One run after the other, each dies and the disk is taken as a crash may have left it.

use super::chance::Chance;
use super::run::{Ended, Run, World};
use crate::storage::forgetful::{Fault, Forgetful};
use std::io::ErrorKind;

/// Crashes in a row.
const CRASHES_MAX: u64 = 4;

/// Runs that faults may end before one without them comes.
const FAULTY_MAX: u64 = 3;

/// Stops of one history.
const STOPS: usize = 4;

/// A run from beginning to end, or to what ends it.
pub(super) fn run(world: &World, disk: &Forgetful, chance: &mut Chance) -> Result<(), Ended> {
    Run::open(world, disk, chance.split())?.run_to_end()
}

/// How many operations a run has that nothing happens to.
pub(super) fn operations(world: &World, chance: &Chance) -> u64 {
    let disk = Forgetful::new();
    run(&world.fork(), &disk, &mut chance.clone()).expect("nothing is in its way");
    disk.operations()
}

/// Runs that die, and no other trouble.
pub(super) fn dying(seed: u64) -> usize {
    cases(&mut Chance::new(seed, "dying"), false)
}

/// The disk is away now and then, and says so before or after it did what was asked.
pub(super) fn away(seed: u64) -> usize {
    cases(&mut Chance::new(seed, "away"), true)
}

fn cases(chance: &mut Chance, faults: bool) -> usize {
    let world = World::new(chance);
    let last = operations(&world, chance);
    (0..STOPS).map(|_| case(&world.fork(), &Forgetful::new(), chance, (CRASHES_MAX, last, faults))).sum()
}

/// The run on this disk dies; each disk that it may leave is checked, and the next run goes on from it.
fn case(world: &World, disk: &Forgetful, chance: &mut Chance, (left, last, faults): (u64, u64, bool)) -> usize {
    if faults {
        fail(disk, chance, last);
    }
    // Each second of the later runs dies early, within its claim or while it recovers.
    let early = left < CRASHES_MAX && chance.one_in(2);
    disk.stop_at(chance.nth(if early { 40 } else { last + 10 }));
    let ended = run(world, disk, chance);
    ended.unwrap_or_else(|error| assert!(faults || disk.stopped(), "{error}"));
    let states = match chance.below(5) {
        // The process alone has died.
        0 => vec![disk.process()],
        _ => disk.crashes(if left == CRASHES_MAX { 16 } else { 4 }),
    };
    let mut count = states.len();
    for state in &states {
        let world = world.fork();
        world.check(state);
        // A look is cheap, a run to the end is not.
        let goes_on = chance.below(if left == CRASHES_MAX { 4 } else { 2 });
        if left > 1 && goes_on == 0 {
            count += case(&world, state, chance, (left - 1, last, faults));
        } else if goes_on == 1 {
            to_end(&world, state, chance, (last, faults));
        }
    }
    count
}

/// Run after run until one is through; none dies.
fn to_end(world: &World, disk: &Forgetful, chance: &mut Chance, (last, faults): (u64, bool)) {
    for _ in 0..FAULTY_MAX {
        let disk = disk.process();
        if faults {
            fail(&disk, chance, last);
        }
        match run(world, &disk, chance) {
            Ok(()) => return world.check_end(&disk),
            Err(error) => assert!(faults, "{error}"),
        }
    }
    run(world, &disk.process(), chance).expect("nothing is in its way");
    world.check_end(disk);
}

fn fail(disk: &Forgetful, chance: &mut Chance, last: u64) {
    for _ in 0..chance.nth(3) {
        let fault = if chance.one_in(2) { Fault::Done } else { Fault::NotDone };
        let nth = chance.nth(last);
        // Mostly it stays away for a while.
        for nth in nth..=nth + chance.below(4) {
            disk.fail_at(nth, fault, ErrorKind::TimedOut);
        }
    }
}
