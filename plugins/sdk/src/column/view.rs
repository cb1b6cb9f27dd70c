//! A column of the contract, borrowed: from the lists that crossed the boundary, or from Arrow buffers in a native run.

use crate::bindings::exports::weir::plugin::types::{Column, Values};

/// A borrowed `column` of the contract; see `wit/v0.1/types.wit` for the layout of each part.
#[derive(Debug, Clone, Copy)]
pub struct ColumnRef<'a> {
    /// Offsets of a column of lists.
    pub lists: Option<&'a [u32]>,
    /// The values, or the elements of all lists.
    pub values: ValuesRef<'a>,
    /// Bitmap of rows that are not null; `None` where all are not.
    pub validity: Option<&'a [u8]>,
    /// The same for elements.
    pub element_validity: Option<&'a [u8]>,
}

/// Borrowed `values` of the contract.
#[derive(Debug, Clone, Copy)]
pub enum ValuesRef<'a> {
    /// Bitmap.
    Boolean(&'a [u8]),
    /// Whole numbers.
    Int64(&'a [i64]),
    /// Floats.
    Float64(&'a [f64]),
    /// Decimals of one scale.
    Decimal {
        /// Digits after the point.
        scale: u8,
        /// Whole numbers to be scaled.
        mantissas: &'a [i64],
    },
    /// Microseconds since 1970.
    Timestamp(&'a [i64]),
    /// Texts end to end.
    Text {
        /// One more than there are texts.
        offsets: &'a [u32],
        /// UTF-8.
        bytes: &'a [u8],
    },
}

impl<'a> ColumnRef<'a> {
    /// A column of one value a row, without nulls.
    pub fn of(values: ValuesRef<'a>) -> Self {
        Self { lists: None, values, validity: None, element_validity: None }
    }
}

impl ValuesRef<'_> {
    /// The name of the type, for messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "boolean",
            Self::Int64(_) => "int64",
            Self::Float64(_) => "float64",
            Self::Decimal { .. } => "decimal",
            Self::Timestamp(_) => "timestamp",
            Self::Text { .. } => "text",
        }
    }
}

impl<'a> From<&'a Column> for ColumnRef<'a> {
    fn from(column: &'a Column) -> Self {
        Self {
            lists: column.lists.as_deref(),
            values: ValuesRef::from(&column.values),
            validity: column.validity.as_deref(),
            element_validity: column.element_validity.as_deref(),
        }
    }
}

impl<'a> From<&'a Values> for ValuesRef<'a> {
    fn from(values: &'a Values) -> Self {
        match values {
            Values::Boolean(bits) => Self::Boolean(bits),
            Values::Int64(values) => Self::Int64(values),
            Values::Float64(values) => Self::Float64(values),
            Values::Decimal(decimals) => Self::Decimal { scale: decimals.scale, mantissas: &decimals.mantissas },
            Values::Timestamp(values) => Self::Timestamp(values),
            Values::Text(texts) => Self::Text { offsets: &texts.offsets, bytes: &texts.bytes },
        }
    }
}
