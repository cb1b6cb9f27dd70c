//! What goes wrong, and when: a process's operations are counted, and each gets its verdict.

use super::Forgetful;
use std::collections::BTreeMap;

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It was not done, as the contract of `Storage` has it.
    NotDone,
    /// It was done, and the answer was lost: what implementations over a network have to find out inside.
    Done,
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Plain,
    Fails(Fault),
    /// The process dies while it is under way.
    Dies,
    /// It died before.
    Dead,
}

type Then = Box<dyn FnOnce(&Forgetful) + Send>;

/// Of one process.
#[derive(Default)]
pub(super) struct Faults {
    asked: u64,
    stop_at: Option<u64>,
    stopped: bool,
    fail_at: BTreeMap<u64, Fault>,
    before: BTreeMap<u64, Then>,
}

impl Faults {
    pub fn stop_at(&mut self, nth: u64) {
        self.stop_at = Some(self.asked + nth);
    }

    pub fn fail_at(&mut self, nth: u64, fault: Fault) {
        self.fail_at.insert(self.asked + nth, fault);
    }

    pub fn before(&mut self, nth: u64, then: Then) {
        self.before.insert(self.asked + nth, then);
    }

    pub fn asked(&self) -> u64 {
        self.asked
    }

    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// The verdict on the next operation, and what comes in before it.
    pub fn next(&mut self) -> (Verdict, Option<Then>) {
        if self.stopped {
            return (Verdict::Dead, None);
        }
        self.asked += 1;
        self.stopped = self.stop_at == Some(self.asked);
        let verdict = match self.fail_at.remove(&self.asked) {
            _ if self.stopped => Verdict::Dies,
            Some(fault) => Verdict::Fails(fault),
            None => Verdict::Plain,
        };
        (verdict, self.before.remove(&self.asked))
    }
}
