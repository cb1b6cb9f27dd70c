//! Two runs at once, of which the older does not know of the newer. Each is held up at a random operation for the other: the older
//! first, the newer then, and what the older had still to do comes between two operations of the newer.

use super::chance::Chance;
use super::crashes::{operations, run};
use super::history::published;
use super::run::{Ended, Run, World};
use crate::storage::forgetful::Forgetful;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where both are held up, of one history.
const MEETINGS: usize = 6;

pub(super) fn case(seed: u64) -> usize {
    let mut chance = Chance::new(seed, "zombie");
    let world = World::new(&mut chance);
    let last = operations(&world, &chance);
    (0..MEETINGS).map(|_| meeting(&world.fork(), &mut chance, last)).sum()
}

/// What the two leave, and who was first.
#[derive(Default)]
struct Meeting {
    /// The newer run's, once it has recovered.
    recovered: AtomicU64,
    /// The disk as a crash may have left it once the older had done what it still could.
    after: Mutex<Vec<(World, Forgetful)>>,
}

fn meeting(world: &World, chance: &mut Chance, last: u64) -> usize {
    let (disk, meeting) = (Forgetful::new(), Arc::new(Meeting::default()));
    let (held, is_held) = channel();
    let (go, may_go) = channel();
    let (ended, has_ended) = channel();
    let older = disk.process();
    older.before(chance.nth(last), move |_| wait(&held, &may_go));
    let newer = disk.process();
    let hook = (world.clone(), Arc::clone(&meeting));
    newer.before(chance.nth(last + 10), move |disk| zombie(disk, &hook, &go, &has_ended));
    let (its_world, mut its_chance) = (world.clone(), chance.split());
    thread::scope(|scope| {
        scope.spawn(move || {
            let _ = ended.send(run(&its_world, &older, &mut its_chance));
        });
        if is_held.recv().is_ok() {
            newer_run(world, &newer, chance, &meeting);
        }
        // Where it did not come to the meeting, the older goes on now.
        drop(newer);
    });
    finish(world, &disk, &meeting, chance)
}

fn wait(held: &Sender<()>, may_go: &Receiver<()>) {
    let _ = held.send(());
    let _ = may_go.recv();
}

fn newer_run(world: &World, disk: &Forgetful, chance: &mut Chance, meeting: &Meeting) {
    let to_end = |mut run: Run| {
        meeting.recovered.store(run.generation(), Ordering::Relaxed);
        run.run_to_end()
    };
    if let Err(error) = Run::open(world, disk, chance.split()).and_then(to_end) {
        // The older one was held up before it had claimed, and is the newer after all.
        assert!(error.is_fenced() && world.generation() > meeting.recovered.load(Ordering::Relaxed), "{error}");
    }
}

/// The older run does all that it still can.
fn zombie(
    disk: &Forgetful,
    (world, meeting): &(World, Arc<Meeting>),
    go: &Sender<()>,
    ended: &Receiver<Result<(), Ended>>,
) {
    let before = published(disk);
    go.send(()).expect("the older run waits");
    let outcome = ended.recv().expect("the older run ends");
    if meeting.recovered.load(Ordering::Relaxed) == world.generation() {
        let fenced = outcome.as_ref().err().is_none_or(Ended::is_fenced);
        assert!(fenced, "a run that was shut out ended with {outcome:?}");
        assert_eq!(published(disk), before, "a run that was shut out has changed what is published");
    }
    let states = disk.crashes(3).into_iter().map(|state| (world.fork(), state));
    meeting.after.lock().unwrap().extend(states);
}

/// Each state is checked, and a run goes on from it.
fn finish(world: &World, disk: &Forgetful, meeting: &Meeting, chance: &mut Chance) -> usize {
    let mut states = std::mem::take(&mut *meeting.after.lock().unwrap());
    states.extend(disk.crashes(1).into_iter().map(|state| (world.fork(), state)));
    for (world, state) in &states {
        world.check(state);
        run(world, state, chance).expect("nothing is in its way");
        world.check_end(state);
    }
    states.len()
}
