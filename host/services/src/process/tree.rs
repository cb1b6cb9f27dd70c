//! Processes and their descendants, as `/proc` tells of them.
//!
//! Not process groups: some programs (PostgreSQL) give each of their children a group of its own.

use crate::ServiceError;
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

/// How long a process may take until it has stopped or gone.
const WAIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);

/// A process, told from a later one with the same id by when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    id: u32,
    began: u64,
}

struct Stat {
    state: u8,
    parent: u32,
    began: u64,
}

fn stat(id: u32) -> Option<Stat> {
    let bytes = std::fs::read(format!("/proc/{id}/stat")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    // The program's name stands in parentheses and may hold anything.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?.bytes().next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Stat { state, parent, began: fields.nth(17)?.parse().ok()? })
}

impl Process {
    /// The process that has this id now.
    pub(super) fn of(id: u32) -> Option<Process> {
        stat(id).map(|stat| Process { id, began: stat.began })
    }

    fn stat(self) -> Option<Stat> {
        // One that ended and that nobody has waited for holds neither files nor memory.
        stat(self.id).filter(|stat| stat.began == self.began && !matches!(stat.state, b'Z' | b'X'))
    }

    /// Sends it a signal, if it still runs.
    pub(super) fn signal(self, signal: Signal) {
        if self.stat().is_some() {
            signal_id(self.id, signal);
        }
    }

    /// Waits until it is stopped as by Ctrl+Z; false if it does not come to that.
    fn halt(self) -> bool {
        self.signal(Signal::STOP);
        wait_until(|| self.stat().is_none_or(|stat| matches!(stat.state, b'T' | b't'))) && self.stat().is_some()
    }

    fn children(self) -> Vec<Process> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let ours = ids.filter_map(|id| stat(id).filter(|stat| stat.parent == self.id).map(|stat| (id, stat.began)));
        ours.map(|(id, began)| Process { id, began }).collect()
    }
}

/// Halts a process and all that descend from it; returns them, the oldest first.
///
/// From the top, each only when its parent stands still: nobody is left who could start one more.
pub(super) fn pause(top: Process) -> Result<Vec<Process>, ServiceError> {
    if !top.halt() {
        resume(&[top]);
        return Err(ServiceError::Failed(format!("process {} can't be paused", top.id)));
    }
    let mut all = vec![top];
    let mut next = 0;
    while let Some(parent) = all.get(next) {
        // A child that ends meanwhile is no failure.
        all.extend(parent.children().into_iter().filter(|child| child.halt()));
        next += 1;
    }
    Ok(all)
}

/// Lets halted processes go on.
pub(super) fn resume(all: &[Process]) {
    // Children first: a parent that wakes finds them at work.
    all.iter().rev().for_each(|process| process.signal(Signal::CONT));
}

/// Waits until all have gone; those that do not go by themselves are killed.
pub(super) fn await_end(all: &[Process]) {
    let gone = || all.iter().all(|process| process.stat().is_none());
    if !wait_until(gone) {
        all.iter().for_each(|process| process.signal(Signal::KILL));
        wait_until(gone);
    }
}

fn wait_until(mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + WAIT;
    while !done() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
    true
}

/// The id as the system's calls take it.
pub(super) fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// Sends a signal to whichever process has this id.
pub(super) fn signal_id(id: u32, signal: Signal) {
    if let Some(pid) = pid(id) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_family_is_paused_and_goes_on() {
        let mut shell = Command::new("sh").args(["-c", "sleep 60 & wait"]).stdout(Stdio::null()).spawn().unwrap();
        let top = Process::of(shell.id()).unwrap();
        assert!(wait_until(|| top.children().len() == 1));
        let all = pause(top).unwrap();
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|process| process.stat().unwrap().state == b'T'));
        resume(&all);
        assert!(wait_until(|| all.iter().all(|process| process.stat().unwrap().state == b'S')));
        all[1].signal(Signal::KILL);
        await_end(&all);
        shell.wait().unwrap();
        assert!(pause(top).is_err(), "it is gone");
    }
}
