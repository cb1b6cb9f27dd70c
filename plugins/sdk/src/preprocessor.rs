//! What the author of a preprocessor writes.

use crate::column::Inputs;
use crate::options::Options;
use crate::output::Outputs;
use crate::reason::Reason;
use std::ops::Range;

/// What becomes of a row that is not wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<T> {
    /// It goes on, with these added columns.
    Keep(T),
    /// It is left out, and counted as filtered.
    Filter,
}

/// A step before the KPIs: adds columns, keeps, filters or rejects rows. A row's outcome depends on that row alone.
pub trait Preprocessor: Sized + 'static {
    /// Lower-case words joined by hyphens.
    const NAME: &'static str;
    /// Semver; `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// One sentence for people.
    const SUMMARY: &'static str;

    /// What stands under `options` in the pipeline file; `()` for none.
    type Options: Options;
    /// What one row brings: a struct with `#[derive(Inputs)]`.
    type Input<'a>: Inputs<'a>;
    /// The columns that it adds: a struct with `#[derive(Outputs)]`.
    type Output: Outputs;

    /// An instance with these options.
    ///
    /// # Errors
    /// Names the option and what to write instead.
    fn new(options: Self::Options) -> Result<Self, String>;

    /// Works on one row.
    ///
    /// # Errors
    /// The row is wrong: it goes to the dead letters with the reason.
    fn process(&self, row: Self::Input<'_>) -> Result<Verdict<Self::Output>, Reason>;

    /// Works on a block of rows by whole columns (`column::whole`), for a preprocessor that is worth it: `process` costs a call and
    /// some branches a row.
    ///
    /// `true`: every row of the block is kept, and its outputs are appended, the same as `process` gives. `false`: a row is out of the
    /// ordinary, nothing is appended, and the block goes through `process` row by row. Compare the two in a test; that of
    /// `order-totals` shows how.
    fn process_block<'a>(
        &self,
        _columns: &<Self::Input<'a> as Inputs<'a>>::Views,
        _rows: Range<usize>,
        _outputs: &mut <Self::Output as Outputs>::Builders,
    ) -> bool {
        false
    }
}
