//! What a KPI author writes.

use crate::column::Inputs;
use crate::number::Timestamp;
use crate::options::Options;
use crate::output::Outputs;
use crate::reason::Reason;
use crate::state::StateColumns;
use std::ops::Range;

/// The window that a result is for: from `start` until before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first microsecond.
    pub start: Timestamp,
    /// The first microsecond after it.
    pub end: Timestamp,
}

/// A KPI. The type itself is the state of one group in one window; `Default` is the state of no rows.
///
/// # Contract
/// * `merge` is associative and commutative, and folding rows into two states and merging them gives what folding all of them
///   into one gives: the same bytes of result. `testing::check_kpi` tries that on thousands of random cases.
/// * No clock, no randomness, no globals: `update` knows its row, `evaluate` its state and window.
/// * Overflow is an error, never a wrap; an `Err` names the row to the operator and stops the KPI.
pub trait Kpi: StateColumns + Default + 'static {
    /// Lower-case words joined by hyphens.
    const NAME: &'static str;
    /// Semver; `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// One sentence for people.
    const SUMMARY: &'static str;
    /// Raised when the state's columns change, or their meaning.
    const STATE_VERSION: u32 = 1;

    /// What stands under `options` in the pipeline file; `()` for none.
    type Options: Options;
    /// What one row brings: a struct with `#[derive(Inputs)]`.
    type Input<'a>: Inputs<'a>;
    /// The result of a slot: a struct with `#[derive(Outputs)]` in an `Option` or `Vec`: none, one or several rows.
    type Rows: IntoIterator<Item: Outputs>;

    /// Folds one row in.
    ///
    /// # Errors
    /// Where the row can't be worked on.
    fn update(&mut self, row: Self::Input<'_>, options: &Self::Options) -> Result<(), Reason>;

    /// Whether `update_run` is worth a look for runs of rows.
    const FOLDS_RUNS: bool = false;

    /// Folds a run of rows in at once, by whole columns (`column::run`), for a KPI that is worth it: where several KPIs share windows and
    /// keys, the host sorts rows, and a state meets many in a row. Set `FOLDS_RUNS` with it.
    ///
    /// `true`: every row is folded in, the same as `update` does. `false`: the state is untouched, and the run goes through `update` row by
    /// row, which also says what is wrong. Compare the two in a test; that of `sales` shows how.
    fn update_run<'a>(
        &mut self,
        _columns: &<Self::Input<'a> as Inputs<'a>>::Views,
        _rows: Range<usize>,
        _options: &Self::Options,
    ) -> bool {
        false
    }

    /// Folds another state in.
    ///
    /// # Errors
    /// Where the two don't fit into one.
    fn merge(&mut self, other: &Self, options: &Self::Options) -> Result<(), Reason>;

    /// The rows of this state for a window.
    ///
    /// # Errors
    /// Where the result can't be told: it does not fit its type.
    fn evaluate(&self, window: Window, options: &Self::Options) -> Result<Self::Rows, Reason>;
}

/// The rows' type.
pub(crate) type RowOf<K> = <<K as Kpi>::Rows as IntoIterator>::Item;
