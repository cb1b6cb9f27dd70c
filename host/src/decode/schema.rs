//! What is asked for: paths, types, how timestamps are written, limits. Knows no format of records and no TOML.

use std::fmt;
use weir_core::types::{ColumnType, ScalarType};

/// The asked-for fields and the limits of a record.
#[derive(Debug, Clone)]
pub struct DecodeSchema {
    /// The fields that somebody asked for, in the order of the columns to build.
    pub fields: Vec<DecodeField>,
    /// Nesting of objects and arrays at the most; the record itself is 1. Default 64.
    pub depth_max: usize,
    /// Bytes of a record at the most. Default 1 MiB.
    pub record_bytes_max: usize,
    /// Elements of an asked-for list at the most. Default 65,536.
    pub list_elements_max: usize,
}

impl DecodeSchema {
    /// The fields with the default limits.
    pub fn new(fields: Vec<DecodeField>) -> Self {
        Self { fields, depth_max: 64, record_bytes_max: 1 << 20, list_elements_max: 65_536 }
    }
}

/// An asked-for field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeField {
    /// `country`, `customer.id`, `items[].unit_price`, `tags[]`: keys joined by `.`, at most one of them followed by `[]`. A key
    /// that itself holds `.`, `[` or `]` can't be named.
    pub path: String,
    /// A list exactly where the path goes through `[]`.
    pub column_type: ColumnType,
    /// How it is written; exactly for timestamps.
    pub timestamp: Option<TimestampForm>,
    /// A null makes the record undecodable: a missing value, and for a list also a missing or null element.
    pub required: bool,
}

/// How a timestamp is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimestampForm {
    /// Text in a strftime format, local to `zone` unless the format holds an offset (`%z`, `%:z`).
    Format {
        /// For example `%Y-%m-%d %H:%M:%S`.
        format: String,
        /// An IANA name, `UTC`, or a fixed offset such as `+02:00`.
        zone: String,
    },
    /// Text by the `date-time` rule of RFC 3339.
    Rfc3339,
    /// A number of seconds since 1970-01-01T00:00:00Z, fractions allowed.
    EpochSeconds,
    /// A number of milliseconds, fractions allowed.
    EpochMillis,
    /// A whole number of microseconds.
    EpochMicros,
}

/// Everything that is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DecodeSchemaError {
    /// By field, rising.
    pub problems: Vec<FieldProblem>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Its place in [`DecodeSchema::fields`].
    pub field: usize,
    /// What is wrong and what to write instead; names the path.
    pub message: String,
}

impl fmt::Display for DecodeSchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.problems.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{}", problem.message)?;
        }
        Ok(())
    }
}

/// Keys on the way to a value at the most; deeper than any default record.
const SEGMENTS_MAX: usize = 64;

/// A step of a path: a key, and whether its value is an array to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) key: &'a str,
    pub(super) list: bool,
}

impl DecodeField {
    /// The path's steps, checked against the type.
    pub(super) fn segments(&self) -> Result<Vec<Segment<'_>>, String> {
        let path = &self.path;
        let segments: Vec<_> = path
            .split('.')
            .map(|step| match step.strip_suffix("[]") {
                Some(key) => Segment { key, list: true },
                None => Segment { key: step, list: false },
            })
            .collect();
        if segments.iter().any(|segment| segment.key.is_empty() || segment.key.contains(['[', ']'])) {
            return Err(format!(
                "`{path}` is not a path; write keys joined by `.`, a list as `items[].unit_price` or `tags[]`"
            ));
        }
        if segments.len() > SEGMENTS_MAX {
            return Err(format!("`{path}` has more than {SEGMENTS_MAX} keys"));
        }
        let lists = segments.iter().filter(|segment| segment.list).count();
        if lists > 1 {
            return Err(format!("`{path}` goes through more than one `[]`; lists of lists can't be asked for"));
        }
        match (lists, self.column_type) {
            (0, ColumnType::List(_)) => Err(format!("`{path}` is a list but has no `[]`; write `{path}[]`")),
            (1, ColumnType::Scalar(_)) => Err(format!("`{path}` goes through `[]`, so its type is a list")),
            _ => Ok(segments),
        }
    }

    /// Whether the type can be built and the timestamp form goes with it.
    pub(super) fn check_type(&self) -> Result<(), String> {
        let path = &self.path;
        match (self.column_type.scalar(), &self.timestamp) {
            (ScalarType::Timestamp, None) => {
                Err(format!("`{path}` is a timestamp without a form; give a format or `rfc3339`"))
            }
            (ScalarType::Timestamp, Some(_)) | (_, None) => self.check_scale(),
            (other, Some(_)) => Err(format!("`{path}` is {other} and can't have a timestamp form")),
        }
    }

    fn check_scale(&self) -> Result<(), String> {
        let path = &self.path;
        match self.column_type.scalar() {
            ScalarType::Decimal(None) => Err(format!("`{path}` is a decimal without a scale; write `decimal(2)`")),
            ScalarType::Decimal(Some(scale)) if scale > weir_core::types::DECIMAL_SCALE_MAX => Err(format!(
                "`{path}` has a decimal scale of {scale}; at most {} fit",
                weir_core::types::DECIMAL_SCALE_MAX
            )),
            _ => Ok(()),
        }
    }
}
