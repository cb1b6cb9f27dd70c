//! Where processor time goes: each thread says, between two steps, to which stage the time since it last said so belongs.
//!
//! Off unless asked for (`weir run --stages`), and then one system call a stage and block. The sums are the process's: one run a
//! process is measured. CPU time of the thread, not wall time: waiting costs nothing. Threads that say nothing (librdkafka's) are in no stage.

use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A part of the way of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Bytes from the outside: sockets, files.
    Fetch,
    /// Bytes to records: checksums, unpacking, ranges.
    Frame,
    /// Records to columns.
    Decode,
    /// Event time against fronts.
    Judge,
    /// Preprocessors.
    Preprocess,
    /// Slots, and the updates of all KPIs.
    Fold,
    /// State of due windows handed to the keeper.
    Flush,
    /// Merging, closing, evaluation.
    Close,
    /// Rows into sinks.
    Sink,
    /// Barriers, and the record of an epoch.
    Checkpoint,
}

const NAMES: [&str; 10] =
    ["fetch", "frame", "decode", "judge", "preprocess", "fold", "flush", "close", "sink", "checkpoint"];

static ON: AtomicBool = AtomicBool::new(false);
static SPENT_NS: [AtomicU64; NAMES.len()] = [const { AtomicU64::new(0) }; NAMES.len()];

thread_local! {
    static AT_NS: Cell<u64> = const { Cell::new(0) };
}

/// From now on stages are measured.
pub fn measure() {
    ON.store(true, Ordering::Relaxed);
}

/// A thread begins: what it did before belongs to no stage.
pub fn begin() {
    if ON.load(Ordering::Relaxed) {
        AT_NS.set(now_ns());
    }
}

/// What this thread has done since it last said so was this.
#[inline]
pub fn lap(stage: Stage) {
    if ON.load(Ordering::Relaxed) {
        let now = now_ns();
        let before = AT_NS.replace(now);
        SPENT_NS[stage as usize].fetch_add(now.saturating_sub(before), Ordering::Relaxed);
    }
}

/// Nanoseconds by stage; `None`, where nobody asked for them.
pub fn spent() -> Option<BTreeMap<&'static str, u64>> {
    let all = || NAMES.iter().zip(&SPENT_NS).map(|(name, spent)| (*name, spent.load(Ordering::Relaxed))).collect();
    ON.load(Ordering::Relaxed).then(all)
}

fn now_ns() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}
