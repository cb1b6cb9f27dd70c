//! Columns as an author's types see them: borrowed views to read rows from, and builders to write rows to.
//!
//! A column's type, length and nulls are checked once a call, in `open`; after that a value is an index into a slice. Knows the
//! contract's columns and nothing of KPIs or preprocessors.

mod bitmap;
mod build;
mod decimals;
mod element;
mod input;
mod list;
pub mod run;
mod scalar;
mod view;
pub mod whole;

pub use build::{Build, OutputValue};
pub use element::Element;
pub use input::{FromColumn, Inputs};
pub use list::{List, ListIter};
pub use scalar::{Scalar, Texts};
pub use view::{ColumnRef, ValuesRef};

pub use bitmap::Bits;
pub use decimals::DecimalBuilder;
#[doc(hidden)]
pub use input::column_count;

use crate::bindings::exports::weir::plugin::types::Failure;
use crate::reason::Reason;

/// Why a column can't be read as the type that an author gave it.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// The host broke the contract: another type, other lengths.
    Column(String),
    /// One row holds a null where the type takes none.
    Row(usize, Reason),
}

impl Mismatch {
    /// The failure that names the column.
    #[cold]
    pub fn failure(self, name: &str) -> Failure {
        match self {
            Self::Column(what) => Failure::Other(format!("column `{name}`: {what}")),
            Self::Row(row, reason) => reason.within(name).at_row(row),
        }
    }
}

#[cfg(test)]
mod tests;
