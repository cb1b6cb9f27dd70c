//! What workers tell the keeper. The channel is bounded: a keeper that is slow (a sink that syncs) slows the workers down.

use super::letters::Letter;
use super::run::RunError;
use weir_core::delta::Delta;
use weir_core::ledger::Ledger;
use weir_core::plugin::Cost;
use weir_core::time::ClockState;

/// Messages that may wait for the keeper; each is at most one batch's worth of state.
pub(super) const WAITING_MAX: usize = 64;

/// From one worker, in the order of its work.
#[derive(Debug)]
pub(super) enum Message {
    /// State folded since the last flush. The worker promises that no record that it folds from now on is in time for a window
    /// that ends at or before `acknowledged_us`.
    Flushed { delta: Option<Delta>, acknowledged_us: i64 },
    /// Records that are not counted.
    Letters(Vec<Letter>),
    /// Everything before this lies in the deltas before it: a consistent cut of this worker at an epoch.
    Barrier { epoch: u64, cut: Cut },
    /// The worker's last message.
    Finished(Result<Ended, RunError>),
}

/// Where a worker stands, all state flushed.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    pub positions: Vec<Position>,
    /// Since the run's start, without what a checkpoint brought.
    pub ledger: Ledger,
}

/// Where a partition stands.
#[derive(Debug, Clone)]
pub(super) struct Position {
    pub partition: u32,
    /// The next offset to read; `None`: nothing was read yet.
    pub next_offset: Option<i64>,
    /// The leader's epoch of the record before it, where the source knows it.
    pub epoch: Option<i32>,
    pub clock: ClockState,
}

/// How a worker ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub cut: Cut,
    /// Preprocessors, then KPIs.
    pub costs: Vec<Cost>,
    /// Every partition was bounded and brought its last record; otherwise it was stopped.
    pub at_end: bool,
}
