//! Processes that an earlier run left running, known by their id and what their command line holds.

use super::tree::{pid, signal_id};
use rustix::process::{Signal, test_kill_process};
use std::time::{Duration, Instant};

/// How long a process may take to end after TERM.
const STOP_WAIT: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(20);

/// Whether a process with this id runs whose command line holds `mark`: ids are used again.
pub(crate) fn is_ours(id: u32, mark: &str) -> bool {
    let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    !mark.is_empty() && String::from_utf8_lossy(&line).contains(mark)
}

/// Stops a process that an earlier run left running, if its command line holds `mark`.
pub(crate) fn stop_left(id: u32, mark: &str) {
    if !is_ours(id, mark) {
        return;
    }
    signal_id(id, Signal::TERM);
    let until = Instant::now() + STOP_WAIT;
    while pid(id).is_some_and(|pid| test_kill_process(pid).is_ok()) && Instant::now() < until {
        std::thread::sleep(PAUSE);
    }
    if is_ours(id, mark) {
        signal_id(id, Signal::KILL);
    }
}
