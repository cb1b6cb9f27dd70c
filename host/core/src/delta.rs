//! What travels from the folders to the closer, and from the closer into a checkpoint: cells, their states, counts. Plain data.

use crate::group::GroupKey;
use crate::plugin::PluginError;
use arrow_array::ArrayRef;

/// Slots of one call of `state`, `merge`, `evaluate` or `clear` at the most: it bounds what a call allocates and returns.
pub const SLOTS_PER_CALL_MAX: usize = 8_192;

/// What a folder gives up at a flush.
#[derive(Debug, Clone)]
pub struct Delta {
    /// By grouping of the plan.
    pub groupings: Vec<GroupingDelta>,
    /// By KPI of the plan: the states of its grouping's cells. A quarantined KPI is told in every delta; the cells tell which
    /// windows it owes.
    pub kpis: Vec<KpiState>,
}

/// A grouping's part of a delta.
#[derive(Debug, Clone, Default)]
pub struct GroupingDelta {
    /// The cells.
    pub cells: Cells,
    /// Window starts (microseconds, rising) and how many late records the window has taken since the last flush.
    pub late_taken: Vec<(i64, u64)>,
}

/// Cells of a grouping: what is folded together.
///
/// A record that is late for some of its pane's windows but not for all is refused by the first of them, so a cell is told by
/// its pane, the number of windows that refuse it, and its key; a window merges the cells of its panes that do not refuse it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells {
    /// The keys that the cells name, each once.
    pub keys: Vec<GroupKey>,
    /// Each cell once.
    pub cells: Vec<Cell>,
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Start of the pane, microseconds.
    pub pane_us: i64,
    /// How many of the pane's windows, from the first on, refuse it; less than all.
    pub refused: u32,
    /// Its key's place in [`Cells::keys`].
    pub key: u32,
}

/// A KPI's part of a delta or of a checkpoint.
#[derive(Debug, Clone)]
pub enum KpiState {
    /// State columns of the grouping's cells, in their order, [`SLOTS_PER_CALL_MAX`] cells a part and the rest in the last one.
    States(Vec<Vec<ArrayRef>>),
    /// It has none any more.
    Quarantined(PluginError),
    /// It begins anew: its slots of these cells are empty. Only where a closer takes up a state that was not made by its own plan.
    Fresh,
}

/// A KPI that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Its place in the plan.
    pub kpi: usize,
    /// Why.
    pub error: PluginError,
}

/// All that a closer knows, for a checkpoint.
#[derive(Debug, Clone)]
pub struct CloserState {
    /// The watermark up to which windows are published.
    pub watermark_us: i64,
    /// By grouping of the plan.
    pub groupings: Vec<GroupingState>,
    /// By KPI of the plan.
    pub kpis: Vec<KpiState>,
}

/// What changed in a closer since its state was told last, so that a checkpoint costs what changed. With the state before, it
/// tells all of the state now.
///
/// What is gone is not told: a window leaves with the watermark that settles it, and a cell with the last window that it counts in
/// (see [`TimeRules::settled_before`](crate::time::TimeRules::settled_before)), and neither comes again.
#[derive(Debug, Clone)]
pub struct CloserChanges {
    /// The watermark up to which windows are published, microseconds; not less than before.
    pub watermark_us: i64,
    /// By grouping of the plan: the live cells whose state is new or another, and the live windows whose mark is new or another.
    pub groupings: Vec<GroupingState>,
    /// By KPI of the plan: the whole states of its grouping's cells here, in place of what they were. A quarantined KPI is told in
    /// all changes.
    pub kpis: Vec<KpiState>,
}

impl CloserChanges {
    /// How many cells it tells, over all groupings.
    pub fn cells(&self) -> usize {
        self.groupings.iter().map(|grouping| grouping.cells.cells.len()).sum()
    }
}

/// A grouping's part of a checkpoint: all of it, or what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupingState {
    /// The cells.
    pub cells: Cells,
    /// The windows that may still be published, starts rising.
    pub windows: Vec<WindowState>,
}

/// A window that may still be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowState {
    /// Its start, microseconds.
    pub start_us: i64,
    /// Late records that it has taken: its revision when it is published next.
    pub late_taken: u64,
    /// The revision with which it was published last.
    pub published: Option<u64>,
}
