//! Group keys: the values of the `by` columns of a row.

use std::sync::Arc;

/// One value of a group key. The order is the order of rows in every sink: null first, then by value; texts by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyValue {
    /// A null is a group of its own.
    Null,
    /// False before true.
    Boolean(bool),
    /// Int64.
    Int64(i64),
    /// A float64's bits, mapped so that whole order is numeric order (`-0.0` is made `0.0` first).
    Float64(u64),
    /// Mantissa and scale; one column has one scale.
    Decimal(i64, u8),
    /// Microseconds since the epoch.
    Timestamp(i64),
    /// UTF-8.
    Text(Arc<str>),
}

/// The values of the `by` columns, in the order of the pipeline file; empty for a global KPI.
pub type GroupKey = Arc<[KeyValue]>;
