//! The types of values and columns, as the schema, the plugins and the sinks name them, and their Arrow layouts.
//!
//! Knows Arrow's types and nothing of JSON, TOML or WIT; those rooms convert to and from here, once.

use arrow_schema::{DataType, Field as ArrowField, TimeUnit};
use std::fmt;
use std::sync::Arc;

/// The largest scale of a decimal: 10^18 still fits a 64-bit mantissa.
pub const DECIMAL_SCALE_MAX: u8 = 18;

/// The type of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarType {
    /// True or false.
    Boolean,
    /// A 64-bit whole number.
    Int64,
    /// An IEEE 754 binary64; finite, but in results of KPIs.
    Float64,
    /// A 64-bit mantissa times 10^-scale. `None` where a plugin takes any scale, or gives it with each column.
    Decimal(Option<u8>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// UTF-8.
    Text,
}

/// The type of a column: a value a row, or a list of values a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// One value a row.
    Scalar(ScalarType),
    /// A list of values a row, from a path through an array.
    List(ScalarType),
}

/// A named, typed column: a field of the schema or an output of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// `country`, `customer.id`, `items[].unit_price`.
    pub path: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether rows may be null here.
    pub nullable: bool,
}

impl ScalarType {
    /// The Arrow type in which columns of this type travel through the host. A decimal without a scale has scale 0 here;
    /// real columns carry their own.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Decimal(scale) => DataType::Decimal64(DECIMAL_SCALE_MAX, scale.unwrap_or(0) as i8),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Text => DataType::Utf8,
        }
    }

    /// The type that an Arrow array of values has, if it is one of ours.
    pub fn of_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Int64 => Self::Int64,
            DataType::Float64 => Self::Float64,
            DataType::Decimal64(_, scale) => Self::Decimal(Some(u8::try_from(*scale).ok()?)),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Self::Timestamp,
            DataType::Utf8 => Self::Text,
            _ => return None,
        })
    }

    /// Whether a column of type `given` serves where this type is asked for: the same, or any scale where none is named.
    pub fn takes(self, given: Self) -> bool {
        self == given || matches!((self, given), (Self::Decimal(None), Self::Decimal(_)))
    }
}

impl ColumnType {
    /// The type of its values.
    pub fn scalar(self) -> ScalarType {
        match self {
            Self::Scalar(scalar) | Self::List(scalar) => scalar,
        }
    }

    /// The Arrow type: the scalar's, or `List` of it with nullable elements in a field named `item`.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Scalar(scalar) => scalar.arrow(),
            Self::List(scalar) => DataType::List(Arc::new(ArrowField::new("item", scalar.arrow(), true))),
        }
    }

    /// The type that an Arrow array has, if it is one of ours.
    pub fn of_arrow(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::List(item) => ScalarType::of_arrow(item.data_type()).map(Self::List),
            other => ScalarType::of_arrow(other).map(Self::Scalar),
        }
    }

    /// Whether a column of type `given` serves where this type is asked for.
    pub fn takes(self, given: Self) -> bool {
        match (self, given) {
            (Self::Scalar(a), Self::Scalar(b)) | (Self::List(a), Self::List(b)) => a.takes(b),
            _ => false,
        }
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Int64 => f.write_str("int64"),
            Self::Float64 => f.write_str("float64"),
            Self::Decimal(Some(scale)) => write!(f, "decimal({scale})"),
            Self::Decimal(None) => f.write_str("decimal"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Text => f.write_str("text"),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => write!(f, "{scalar}"),
            Self::List(scalar) => write!(f, "list of {scalar}"),
        }
    }
}
