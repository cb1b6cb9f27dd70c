//! The folder: one per worker thread, it folds batches into cells and gives them up at a flush.
//!
//! Knows slots, keys, lateness and KPIs; knows no results, no other worker and no watermark but what it is handed.

use crate::assign::{Assigner, Flushed};
use crate::delta::{Delta, GroupingDelta, KpiState, Quarantine};
use crate::guard::{Guarded, newly_quarantined};
use crate::plan::FoldPlan;
use crate::plugin::{Cost, Kpi, PluginError};
use crate::sorted::{Sorted, Sorter};
use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::ArrowError;
use arrow_select::filter::FilterBuilder;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use thiserror::Error;

/// Folds one worker's rows.
///
/// # Protocol
/// For each block of a partition: judge time, preprocess, [`fold`](Self::fold), post the partition's watermark on the board, read
/// the pipeline's watermark `W`. If [`has_due`](Self::has_due)`(W)`, [`flush`](Self::flush)`(W)`; hand the delta and `W` to the
/// closer, in order. A worker may acknowledge `W` without a delta only when `has_due(W)` is false.
///
/// Why a record that is not late finds its window's state: let a window end at `e`, let `w` be the watermark of the record's
/// partition before it, and `C` the closer's watermark, the least that the workers have acknowledged. State of the window is
/// dropped when `C` reaches `e + allowed_lateness`. Everything that this worker folded before it acknowledged `W` and that counts
/// in a window that ends at or before `W` went with that acknowledgement, in order, so it was absorbed before `C` passed `W`.
/// A record folded later has `w >= W`: `W` was at most the watermark that the partition had posted then (the pipeline's is never
/// ahead of a live partition's), or the partition was aside and came back at a floor of at least `W`; and a partition's
/// watermark never goes back. So if the window takes the record, `C <= W <= w < e + allowed_lateness`, and its state is there.
/// In the same way a record that is in time (`w < e`) has `C < e`: the window was not published yet, and can change afterwards
/// only by late records that it takes, which are counted.
pub struct Folder {
    plan: Arc<FoldPlan>,
    groupings: Vec<Assigner>,
    kpis: Vec<Guarded>,
    sorter: Sorter,
    /// A quarantine that no delta has told.
    untold: bool,
}

/// Rows to fold: of one partition, in its order, and kept by the preprocessors.
#[derive(Debug, Clone, Copy)]
pub struct FoldRows<'a> {
    /// Event times, microseconds.
    pub event_us: &'a [i64],
    /// The partition's watermark before each row: what [`PartitionClock::judge`](crate::time::PartitionClock::judge) gave.
    pub watermark_before: &'a [i64],
    /// By grouping: its key columns.
    pub keys: &'a [Vec<ArrayRef>],
    /// By KPI: its input columns.
    pub inputs: &'a [Vec<ArrayRef>],
}

/// What became of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoldReport {
    /// By grouping of the plan. The same holds for each KPI of the grouping, also for a quarantined one.
    pub groupings: Vec<GroupingReport>,
    /// KPIs that failed since the last report.
    pub quarantined: Vec<Quarantine>,
}

/// What became of rows in a grouping: rows = counted + late.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupingReport {
    /// Records that count in one window or several.
    pub counted: u64,
    /// Records that every window refused.
    pub late: u64,
    /// Pairs of a record and a window that refused it.
    pub refused_pairs: u64,
    /// The records that some window or all refused, rising.
    pub late_rows: Vec<LateRow>,
}

/// A record that some window refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateRow {
    /// Its place among the rows.
    pub row: u32,
    /// How many windows refused it.
    pub refused: u32,
    /// Whether all did.
    pub wholly: bool,
}

/// Rows that do not fit the plan: ours.
#[derive(Debug, Error)]
pub enum FoldError {
    /// Key columns.
    #[error("rows do not fit the plan: {0}")]
    Keys(String),
    /// Numbers of rows, groupings or KPIs.
    #[error("rows do not fit the plan: {what} came {given} times and {wanted} were planned")]
    Length {
        /// Of what.
        what: &'static str,
        /// How many came.
        given: usize,
        /// How many belong.
        wanted: usize,
    },
    /// Columns that can't be filtered.
    #[error("columns can't be filtered: {0}")]
    Filter(#[from] ArrowError),
}

impl Folder {
    /// A folder with no state; `kpis` are this worker's instances, one a KPI of the plan.
    pub fn new(plan: Arc<FoldPlan>, kpis: Vec<Box<dyn Kpi>>) -> Self {
        debug_assert_eq!(plan.kpis().len(), kpis.len());
        let groupings = plan.groupings().iter().map(|grouping| Assigner::new(grouping, *plan.rules())).collect();
        let kpis = kpis.into_iter().map(Guarded::new).collect();
        Self { groupings, kpis, plan, sorter: Sorter::default(), untold: false }
    }

    /// Folds rows into every KPI that is not quarantined. A KPI that fails is quarantined, and the others go on.
    /// An error leaves the folder unfit for use.
    pub fn fold(&mut self, rows: &FoldRows<'_>) -> Result<FoldReport, FoldError> {
        self.check(rows)?;
        let mut report = FoldReport::default();
        for place in 0..self.groupings.len() {
            let (before, rest) = self.groupings.split_at_mut(place);
            let Some(grouping) = rest.first_mut() else { break };
            let like = like(&self.plan, place, rows).and_then(|like| before.get(like));
            let counts = grouping.assign(rows.event_us, rows.watermark_before, &rows.keys[place], like)?;
            debug_assert_eq!(counts.counted + counts.late, rows.event_us.len() as u64, "kept = counted + late");
            let in_time = counts.in_time(rows.event_us.len());
            let slots = std::mem::take(&mut grouping.slots);
            self.update(place, &slots, rows, in_time.as_ref())?;
            self.groupings[place].slots = slots;
            report.groupings.push(counts);
        }
        report.quarantined = newly_quarantined(&mut self.kpis);
        self.untold |= !report.quarantined.is_empty();
        Ok(report)
    }

    /// Folds the rows of a grouping into each of its KPIs that is not quarantined.
    fn update(
        &mut self,
        grouping: usize,
        slots: &[u32],
        rows: &FoldRows<'_>,
        in_time: Option<&BooleanArray>,
    ) -> Result<(), FoldError> {
        if slots.is_empty() {
            return Ok(());
        }
        let (kpis, of_grouping) = (&self.kpis, |(_, of): &(_, &usize)| **of == grouping);
        let live =
            self.plan.kpis().iter().enumerate().filter(of_grouping).filter(|(kpi, _)| kpis[*kpi].fault().is_none());
        let sorted = self.sorter.sort(slots, live.map(|(kpi, _)| rows.inputs[kpi].as_slice()), in_time)?;
        for (kpi, _) in self.plan.kpis().iter().enumerate().filter(of_grouping) {
            let (guarded, inputs) = (&mut self.kpis[kpi], &rows.inputs[kpi]);
            if guarded.fault().is_some() {
                continue;
            }
            match sorted.as_ref().and_then(|sorted| Some((sorted, sorted.inputs(inputs)?))) {
                Some((sorted, columns)) => update_sorted(guarded, sorted, &columns),
                None => update(guarded, slots, inputs, in_time)?,
            }
        }
        Ok(())
    }

    /// Whether a flush up to here has something to tell. Cheap.
    pub fn has_due(&self, up_to_us: i64) -> bool {
        self.untold || self.groupings.iter().any(|grouping| grouping.has_due(up_to_us))
    }

    /// Gives up every cell that counts in some window that ends at or before `up_to_us`, and these windows' counts of late
    /// records taken. `i64::MAX` gives up everything, for a checkpoint or the end of time.
    pub fn flush(&mut self, up_to_us: i64) -> Delta {
        let flushed = self.groupings.iter_mut().map(|grouping| grouping.flush(up_to_us)).collect();
        self.untold = false;
        self.delta(flushed)
    }

    /// Gives up some cells, at most so many of each grouping: who has to give up all of them soon may do so bit by bit, and go on folding in
    /// between. What is left, and all that late records have changed, comes with a `flush`.
    pub fn flush_some(&mut self, cells: usize) -> Delta {
        let flushed = self.groupings.iter_mut().map(|grouping| grouping.flush_some(cells)).collect();
        self.delta(flushed)
    }

    /// How many cells hold something, in the grouping that has the most.
    pub fn live_cells(&self) -> usize {
        self.groupings.iter().map(Assigner::live).max().unwrap_or(0)
    }

    fn delta(&mut self, flushed: Vec<Flushed>) -> Delta {
        let mut kpis = Vec::with_capacity(self.kpis.len());
        for (guarded, &grouping) in self.kpis.iter_mut().zip(self.plan.kpis()) {
            kpis.push(give_up(guarded, &flushed[grouping].slots));
        }
        let mut groupings = Vec::with_capacity(flushed.len());
        for (grouping, flushed) in self.groupings.iter_mut().zip(flushed) {
            grouping.give_back(&flushed.slots);
            groupings.push(GroupingDelta { cells: flushed.cells, late_taken: flushed.late_taken });
        }
        Delta { groupings, kpis }
    }

    /// Says anew why a KPI that failed here is quarantined, before a flush tells it: with the record that brought it down.
    pub fn explain(&mut self, kpi: usize, error: PluginError) {
        if let Some(guarded) = self.kpis.get_mut(kpi).filter(|guarded| guarded.fault().is_some()) {
            guarded.explain(error);
        }
    }

    /// Stops calling a KPI that failed elsewhere: in another worker, in the closer, before a restart.
    pub fn quarantine(&mut self, kpi: usize, error: PluginError) {
        if let Some(guarded) = self.kpis.get_mut(kpi) {
            guarded.quarantine(error);
            // It is known already.
            guarded.newly();
        }
    }

    /// Adds (grouping, window start) of every window in which something here counts; for people.
    pub fn open_windows(&self, into: &mut BTreeSet<(usize, i64)>) {
        for (place, grouping) in self.groupings.iter().enumerate() {
            into.extend(grouping.windows().map(|start_us| (place, start_us)));
        }
    }

    /// What a KPI's instance has cost here.
    pub fn cost(&self, kpi: usize) -> Cost {
        self.kpis.get(kpi).map_or_else(Cost::default, Guarded::cost)
    }

    #[cfg(test)]
    pub(crate) fn keys_known(&self, grouping: usize) -> usize {
        self.groupings[grouping].keys_known()
    }

    fn check(&self, rows: &FoldRows<'_>) -> Result<(), FoldError> {
        let lengths = [
            ("watermarks", rows.watermark_before.len(), rows.event_us.len()),
            ("key columns", rows.keys.len(), self.groupings.len()),
            ("input columns", rows.inputs.len(), self.kpis.len()),
        ];
        match lengths.into_iter().find(|(_, given, wanted)| given != wanted) {
            Some((what, given, wanted)) => Err(FoldError::Length { what, given, wanted }),
            None => Ok(()),
        }
    }
}

impl GroupingReport {
    /// Which of the rows count; `None` if all do.
    fn in_time(&self, rows: usize) -> Option<BooleanArray> {
        if self.late == 0 {
            return None;
        }
        let mut in_time = vec![true; rows];
        for late in self.late_rows.iter().filter(|late| late.wholly) {
            in_time[late.row as usize] = false;
        }
        Some(BooleanArray::from(in_time))
    }
}

/// An earlier grouping with the very same key columns. Without a key there is nothing to look up.
fn like(plan: &FoldPlan, place: usize, rows: &FoldRows<'_>) -> Option<usize> {
    let keys = rows.keys.get(place).filter(|keys| !keys.is_empty())?;
    let same = |&other: &usize| {
        let others = &rows.keys[other];
        plan.groupings()[other].key_types == plan.groupings()[place].key_types
            && others.len() == keys.len()
            && others.iter().zip(keys).all(|(a, b)| Arc::ptr_eq(a, b))
    };
    (0..place).find(same)
}

/// Where the `nth` row that is in time stands among all rows.
fn nth_in_time(in_time: &BooleanArray, nth: u32) -> u32 {
    let places = in_time.values().set_indices().nth(nth as usize);
    places.and_then(|place| u32::try_from(place).ok()).unwrap_or(nth)
}

fn update(
    guarded: &mut Guarded,
    slots: &[u32],
    inputs: &[ArrayRef],
    in_time: Option<&BooleanArray>,
) -> Result<(), FoldError> {
    let columns = match in_time {
        None => Cow::Borrowed(inputs),
        Some(in_time) => {
            let filter = FilterBuilder::new(in_time).optimize().build();
            Cow::Owned(inputs.iter().map(|column| filter.filter(column)).collect::<Result<Vec<_>, _>>()?)
        }
    };
    guarded.update(slots, &columns, |row| match in_time {
        None => row,
        Some(in_time) => nth_in_time(in_time, row),
    });
    Ok(())
}

fn update_sorted(guarded: &mut Guarded, sorted: &Sorted<'_>, columns: &[ArrayRef]) {
    guarded.update(sorted.slots, columns, |row| sorted.row(row));
}

/// The states of these slots, which are empty afterwards.
fn give_up(guarded: &mut Guarded, slots: &[u32]) -> KpiState {
    let states = guarded.states(slots);
    guarded.clear(slots);
    match guarded.fault() {
        Some(fault) => KpiState::Quarantined(fault.clone()),
        None => states,
    }
}
