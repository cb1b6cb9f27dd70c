//! The closer: merges what the folders give up, and publishes windows as the watermark passes their ends.
//!
//! Knows no records, no partitions and no sinks. There is one in a pipeline; [`Folder`](crate::fold::Folder) says how the two
//! work together.

mod changed;
mod changes;
mod open;
mod publish;
mod state;

use crate::delta::{Delta, KpiState, Quarantine, SLOTS_PER_CALL_MAX};
use crate::guard::{Guarded, malformed, newly_quarantined};
use crate::plan::FoldPlan;
use crate::plugin::{Cost, Kpi, PluginError};
use crate::results::Closed;
use open::Open;
use std::collections::BTreeSet;
use std::sync::Arc;
use thiserror::Error;

/// Merges and publishes.
///
/// Invariants:
/// * a window is published when the watermark reaches its end, whole, if at least one record counts in it, and never before;
/// * it is published again, whole, when it has taken late records since, and then only; its revision is the number of late
///   records that it has taken, also at its first publication;
/// * so what is published last depends on what was folded, not on when it was flushed or the watermark moved;
/// * a window that is settled does not come again.
///
/// A KPI that fails is never called again; its windows that are published from then on, for the first time or anew, are
/// unavailable, and the other KPIs go on.
pub struct Closer {
    plan: Arc<FoldPlan>,
    groupings: Vec<Open>,
    kpis: Vec<Guarded>,
    watermark_us: i64,
}

/// What a move of the watermark brought.
#[derive(Debug, Default)]
pub struct Advance {
    /// Closed windows, KPIs rising, and for each KPI windows rising over all its entries.
    pub closed: Vec<Closed>,
    /// Windows that end at or before this (microseconds) will not come again.
    pub settled_before_us: i64,
    /// KPIs that failed since the last advance, here or in a folder; after `restore`, also those that had failed before.
    pub quarantined: Vec<Quarantine>,
}

/// What a closer can't take: ours, or a checkpoint that is not of this plan. The closer is unfit for use afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CloseError {
    /// The shape is not the plan's.
    #[error("state does not fit the plan: {0}")]
    Shape(String),
    /// State came for a window whose state is dropped: the protocol between folders and closer was broken. Going on would
    /// publish a wrong number.
    #[error("state came for a window that ended at {end_us} µs and is settled at watermark {watermark_us} µs")]
    Settled {
        /// The window's end.
        end_us: i64,
        /// The closer's watermark.
        watermark_us: i64,
    },
    /// Changes that were not told of this state.
    #[error("changes do not follow on this state: {0}")]
    Order(String),
}

impl CloseError {
    fn no_cell(start_us: i64) -> Self {
        Self::Shape(format!("no cell counts in the window that starts at {start_us} µs"))
    }
}

impl Closer {
    /// A closer with no state; `kpis` are its own instances, one a KPI of the plan.
    pub fn new(plan: Arc<FoldPlan>, kpis: Vec<Box<dyn Kpi>>) -> Self {
        debug_assert_eq!(plan.kpis().len(), kpis.len());
        let groupings = plan.groupings().iter().map(|grouping| Open::new(grouping, *plan.rules())).collect();
        Self { plan, groupings, kpis: kpis.into_iter().map(Guarded::new).collect(), watermark_us: i64::MIN }
    }

    /// Takes what a folder gave up. Each folder's deltas come in the order in which it made them.
    pub fn absorb(&mut self, delta: Delta) -> Result<(), CloseError> {
        let cells: Vec<_> = delta.groupings.iter().map(|grouping| &grouping.cells).collect();
        self.check(&cells, &delta.kpis)?;
        let mut slots = Vec::with_capacity(delta.groupings.len());
        for (open, part) in self.groupings.iter_mut().zip(&delta.groupings) {
            slots.push(open.take_in(&part.cells, self.watermark_us)?);
            open.take_late(&part.late_taken, self.watermark_us)?;
            debug_assert!(open.published_windows_change_by_late_records_only(part, self.watermark_us));
        }
        self.merge(&slots, delta.kpis);
        Ok(())
    }

    /// Moves the watermark (going back is ignored) and publishes. Pass the least that the workers have acknowledged, once their
    /// deltas up to it are absorbed; `i64::MAX` ends time.
    pub fn advance(&mut self, watermark_us: i64) -> Advance {
        let before_us = self.watermark_us;
        self.watermark_us = before_us.max(watermark_us);
        let mut closed = Vec::new();
        for (place, open) in self.groupings.iter_mut().enumerate() {
            let mut kpis = of_grouping(&mut self.kpis, &self.plan, place);
            let due = open.due(before_us, self.watermark_us);
            closed.extend(publish::publish(open, &mut kpis, &due));
            debug_assert!(open.a_window_is_published_before_it_is_forgotten(self.watermark_us));
            drop_settled(open, &mut kpis, self.watermark_us);
        }
        // Stable, so that each KPI's windows go on rising.
        closed.sort_by_key(|closed| closed.kpi);
        Advance {
            closed,
            settled_before_us: self.plan.rules().settled_before(self.watermark_us),
            quarantined: newly_quarantined(&mut self.kpis),
        }
    }

    /// The watermark up to which windows are published.
    pub fn watermark_us(&self) -> i64 {
        self.watermark_us
    }

    /// How many windows hold state here that was not published yet, over all groupings; folders hold more.
    pub fn open_windows(&self) -> usize {
        self.groupings.iter().map(|open| open.unpublished().count()).sum()
    }

    /// Adds (grouping, window start) of every such window; for people.
    pub fn open_windows_into(&self, into: &mut BTreeSet<(usize, i64)>) {
        for (place, open) in self.groupings.iter().enumerate() {
            into.extend(open.unpublished().map(|start_us| (place, start_us)));
        }
    }

    /// By KPI: why it is quarantined, if it is.
    pub fn quarantined(&self) -> Vec<Option<&PluginError>> {
        self.kpis.iter().map(Guarded::fault).collect()
    }

    /// What a KPI's instance has cost here.
    pub fn cost(&self, kpi: usize) -> Cost {
        self.kpis.get(kpi).map_or_else(Cost::default, Guarded::cost)
    }

    #[cfg(test)]
    pub(crate) fn keys_known(&self, grouping: usize) -> usize {
        self.groupings[grouping].keys_known()
    }

    /// Merges states into the slots of their grouping's cells. A KPI whose states don't fit the cells is quarantined.
    fn merge(&mut self, slots: &[Vec<u32>], states: Vec<KpiState>) {
        for ((guarded, state), &grouping) in self.kpis.iter_mut().zip(states).zip(self.plan.kpis()) {
            match state {
                KpiState::Quarantined(error) => guarded.quarantine(error),
                KpiState::States(parts) => merge_parts(guarded, &slots[grouping], &parts),
                KpiState::Fresh => {}
            }
        }
    }
}

/// A grouping's KPIs with their places in the plan.
fn of_grouping<'a>(kpis: &'a mut [Guarded], plan: &FoldPlan, grouping: usize) -> Vec<(usize, &'a mut Guarded)> {
    kpis.iter_mut().enumerate().filter(|(kpi, _)| plan.kpis()[*kpi] == grouping).collect()
}

/// Forgets what no record reaches any more.
fn drop_settled(open: &mut Open, kpis: &mut [(usize, &mut Guarded)], watermark_us: i64) {
    let dropped = open.drop_settled(watermark_us);
    kpis.iter_mut().for_each(|(_, kpi)| _ = kpi.clear(&dropped));
    open.give_back(&dropped);
}

fn merge_parts(guarded: &mut Guarded, slots: &[u32], parts: &[Vec<arrow_array::ArrayRef>]) {
    if parts.len() != slots.len().div_ceil(SLOTS_PER_CALL_MAX) {
        guarded.quarantine(malformed(format!("{} cells came with {} parts of state", slots.len(), parts.len())));
        return;
    }
    for (slots, part) in slots.chunks(SLOTS_PER_CALL_MAX).zip(parts) {
        if part.iter().any(|column| column.len() != slots.len()) {
            guarded.quarantine(malformed(format!("{} cells came with state columns of another length", slots.len())));
        }
        guarded.merge(slots, part);
    }
}
