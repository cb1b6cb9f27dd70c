//! The same work on many files at once. Knows nothing of files.

use super::super::SinkError;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Does it for each item, so many at once: a backfill sets thousands of files aside, and a journal commits those that wait together.
/// 5,000 files on a virtual disk (ext4, shared with other work): 32 s with 1 writer, 3.7 to 5.7 s with 4, 8 or 16, and 1 s
/// with 8 while the disk was quiet. One `syncfs` for all of them took no less: making the files is then the cost. The outcomes are in their order. After a failure no other is begun, and one failure is told.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    at_once: usize,
    work: impl Fn(&T) -> Result<R, SinkError> + Sync,
) -> Result<Vec<R>, SinkError> {
    if items.len().min(at_once) <= 1 || one_at_a_time() {
        return items.iter().map(work).collect();
    }
    let (next, gave_up) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcomes = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        while let Some((place, item)) = take_next(items, &next, &gave_up) {
            let outcome = work(item);
            gave_up.fetch_or(outcome.is_err(), Ordering::Relaxed);
            outcomes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((place, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(items.len()) {
            scope.spawn(run);
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    outcomes.sort_unstable_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[cfg(not(test))]
const fn one_at_a_time() -> bool {
    false
}

#[cfg(test)]
fn one_at_a_time() -> bool {
    ONE_AT_A_TIME.get()
}

#[cfg(test)]
thread_local! {
    /// For tests that have to come out the same each time: what this thread asks for is done by itself, in order.
    pub(super) static ONE_AT_A_TIME: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn take_next<'a, T>(items: &'a [T], next: &AtomicUsize, gave_up: &AtomicBool) -> Option<(usize, &'a T)> {
    if gave_up.load(Ordering::Relaxed) {
        return None;
    }
    let place = next.fetch_add(1, Ordering::Relaxed);
    items.get(place).map(|item| (place, item))
}
