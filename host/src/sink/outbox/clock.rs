//! What an outbox asks of time, so that a simulation can keep its own.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// A clock that only goes on.
pub(crate) trait Clock: Debug + Send + Sync {
    fn now(&self) -> Instant;
    fn sleep(&self, pause: Duration);
}

/// The machine's.
#[derive(Debug)]
pub(super) struct Machine;

impl Clock for Machine {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
}
