//! What the closer publishes: windows of a KPI with their rows, sorted, ready for any sink.

use crate::group::GroupKey;
use arrow_array::ArrayRef;
use std::ops::Range;
use std::sync::Arc;

/// Closed windows of one KPI, in rising order of start; one evaluation may close many.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The KPI's place in the pipeline file, from 0.
    pub kpi: usize,
    /// The windows, rising.
    pub windows: Vec<ClosedWindow>,
    /// The rows of all of them.
    pub table: Arc<ResultTable>,
}

/// One window of one KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedWindow {
    /// First microsecond.
    pub start_us: i64,
    /// First microsecond after it.
    pub end_us: i64,
    /// The late records that the window has taken; 0 at first publication without any.
    pub revision: u64,
    /// Its rows.
    pub content: WindowContent,
}

/// What a window holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WindowContent {
    /// These rows of the table, sorted by group key; rows of one key in the plugin's order. May be empty.
    Rows(Range<usize>),
    /// The KPI is quarantined, for this reason.
    Unavailable(String),
}

/// Rows of a KPI.
#[derive(Debug, Clone)]
pub struct ResultTable {
    /// The group key of each row.
    pub keys: Vec<GroupKey>,
    /// The KPI's outputs in its own declared order, each as long as `keys`.
    pub columns: Vec<ArrayRef>,
}
