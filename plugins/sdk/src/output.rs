//! What a row of results, or of added columns, is made of.

use crate::bindings::exports::weir::plugin::types::{Column, ColumnType};
use crate::reason::Reason;

/// A column that a plugin makes.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputDescription {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether rows may be null here.
    pub nullable: bool,
    /// A unit for people: `orders/min`, `GBP`, `1` for a ratio. KPIs only.
    pub unit: Option<String>,
    /// One sentence for people.
    pub description: String,
    /// Whether values may be summed over windows and groups. KPIs only.
    pub additive: bool,
}

/// One row of outputs; made by `#[derive(Outputs)]`.
pub trait Outputs: Sized {
    /// Columns being written.
    type Builders: Default;

    /// The columns, in order.
    fn describe() -> Vec<OutputDescription>;

    /// Appends a row.
    ///
    /// # Errors
    /// Names the output whose value the contract does not take.
    fn write(self, builders: &mut Self::Builders) -> Result<(), Reason>;

    /// Appends a row that is not looked at.
    fn nothing(builders: &mut Self::Builders);

    /// Makes room for this many rows.
    fn reserve(builders: &mut Self::Builders, rows: usize);

    /// The columns, or the row of a value that does not fit in with the others.
    ///
    /// # Errors
    /// Where decimals of one column can't share a scale.
    fn finish(builders: Self::Builders) -> Result<Vec<Column>, (usize, Reason)>;
}

/// No outputs: a preprocessor that only filters and rejects.
impl Outputs for () {
    type Builders = ();

    fn describe() -> Vec<OutputDescription> {
        Vec::new()
    }

    fn write(self, _builders: &mut ()) -> Result<(), Reason> {
        Ok(())
    }

    fn nothing(_builders: &mut ()) {}

    fn reserve(_builders: &mut (), _rows: usize) {}

    fn finish(_builders: ()) -> Result<Vec<Column>, (usize, Reason)> {
        Ok(Vec::new())
    }
}
