//! What an author's struct of inputs is made of: fields that can be read from a column.

use super::Mismatch;
use super::bitmap::{bit, bitmap};
use super::element::{Element, refuse_nulls};
use super::list::{List, Lists};
use super::view::ColumnRef;
use crate::bindings::exports::weir::plugin::types::{ColumnType, Failure, Input};

/// A type that a field of an input may have: a scalar, `List` of scalars, or `Option` of either.
pub trait FromColumn<'a>: Sized {
    /// Its type in the contract.
    const TYPE: ColumnType;
    /// Whether rows may be null here.
    const NULLABLE: bool;
    /// The whole column, its type known.
    type View: Copy;

    /// Checks the column, once a call.
    ///
    /// # Errors
    /// Where it is not of this type or of `rows` rows.
    fn open(column: ColumnRef<'a>, rows: usize) -> Result<Self::View, Mismatch>;

    /// The value of a row below `rows`.
    fn get(view: &Self::View, row: usize) -> Self;
}

impl<'a, E: Element<'a>> FromColumn<'a> for E {
    const TYPE: ColumnType = ColumnType::Scalar(E::TYPE);
    const NULLABLE: bool = E::NULLABLE;
    type View = E::Values;

    #[inline]
    fn open(column: ColumnRef<'a>, rows: usize) -> Result<Self::View, Mismatch> {
        if column.lists.is_some() {
            return Err(Mismatch::Column("asked for one value a row, was given lists".to_owned()));
        }
        E::open(column.values, column.validity, rows)
    }

    #[inline(always)]
    fn get(view: &Self::View, row: usize) -> Self {
        E::get(view, row)
    }
}

impl<'a, E: Element<'a>> FromColumn<'a> for List<'a, E> {
    const TYPE: ColumnType = ColumnType::ListOf(E::TYPE);
    const NULLABLE: bool = false;
    type View = Lists<'a, E>;

    fn open(column: ColumnRef<'a>, rows: usize) -> Result<Self::View, Mismatch> {
        if let Some(validity) = column.validity {
            refuse_nulls(validity, rows)?;
        }
        Lists::open(column, rows)
    }

    #[inline]
    fn get(view: &Self::View, row: usize) -> Self {
        view.get(row)
    }
}

impl<'a, E: Element<'a>> FromColumn<'a> for Option<List<'a, E>> {
    const TYPE: ColumnType = ColumnType::ListOf(E::TYPE);
    const NULLABLE: bool = true;
    type View = (Lists<'a, E>, Option<&'a [u8]>);

    fn open(column: ColumnRef<'a>, rows: usize) -> Result<Self::View, Mismatch> {
        let validity = column.validity.map(|bytes| bitmap(bytes, rows)).transpose().map_err(Mismatch::Column)?;
        Ok((Lists::open(column, rows)?, validity))
    }

    #[inline]
    fn get((lists, validity): &Self::View, row: usize) -> Self {
        match validity {
            Some(validity) if !bit(validity, row) => None,
            _ => Some(lists.get(row)),
        }
    }
}

/// What one row brings; made by `#[derive(Inputs)]`.
pub trait Inputs<'a>: Sized {
    /// All columns, their types known.
    type Views;

    /// The columns to ask the host for, in order.
    fn describe() -> Vec<Input>;

    /// Checks the columns, once a call.
    ///
    /// # Errors
    /// Names the column.
    fn open(columns: &[ColumnRef<'a>], rows: usize) -> Result<Self::Views, Failure>;

    /// The inputs of one row below `rows`.
    fn row(views: &Self::Views, row: usize) -> Self;
}

/// No inputs: a KPI that only counts.
impl<'a> Inputs<'a> for () {
    type Views = ();

    fn describe() -> Vec<Input> {
        Vec::new()
    }

    fn open(columns: &[ColumnRef<'a>], _rows: usize) -> Result<(), Failure> {
        column_count(columns.len(), 0)
    }

    fn row(_views: &(), _row: usize) {}
}

/// Refuses another number of columns than was described.
pub fn column_count(given: usize, described: usize) -> Result<(), Failure> {
    match given == described {
        true => Ok(()),
        false => Err(Failure::Other(format!("{given} columns were given where {described} were described"))),
    }
}
