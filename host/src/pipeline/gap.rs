//! The longest time for which a worker let its records stand: barriers, flushes, a keeper that is behind. For people who measure; looks at
//! no clock unless debug lines are written.

use crate::telemetry;
use std::time::{Duration, Instant};

/// A worker's gaps since it last told of them.
#[derive(Debug)]
pub(super) struct Gap {
    measured: bool,
    since: Option<Instant>,
    longest: Duration,
    /// The epoch whose barrier was told last.
    told: u64,
}

impl Gap {
    pub fn new() -> Self {
        Self { measured: telemetry::measures_gaps(), since: None, longest: Duration::ZERO, told: 0 }
    }

    /// A block is done with.
    #[inline]
    pub fn begin(&mut self) {
        if self.measured {
            self.since = Some(Instant::now());
        }
    }

    /// The source is asked for the next one. Behind a barrier the longest gap since the last barrier is told.
    #[inline]
    pub fn end(&mut self, worker: usize, epoch: u64) {
        let Some(since) = self.since.take() else { return };
        self.longest = self.longest.max(since.elapsed());
        if epoch != self.told {
            self.told = epoch;
            telemetry::barrier_passed(worker, epoch, std::mem::take(&mut self.longest));
        }
    }
}
