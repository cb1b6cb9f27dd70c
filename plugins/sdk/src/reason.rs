//! Why a row, a slot or a window could not be worked on, in the author's words.
//!
//! Knows nothing of the row's number: the loops add it, and turn both into a failure of the contract.

use crate::bindings::exports::weir::plugin::types::{Failure, RowFailure};
use std::borrow::Cow;
use std::fmt;

/// A sentence in lower case without a full stop: what is wrong, with the value. `"text".into()` or `format!(…).into()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// The same with the place in front: `total_sale_volume: 1e30 does not fit …`.
    pub fn within(self, place: &str) -> Self {
        Self(Cow::Owned(format!("{place}: {}", self.0)))
    }

    /// The sentence.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The failure of the contract that names the row (or place) of a call.
    #[cold]
    pub(crate) fn at_row(self, row: usize) -> Failure {
        Failure::AtRow(RowFailure { row: u32::try_from(row).unwrap_or(u32::MAX), reason: self.0.into_owned() })
    }
}

impl From<&'static str> for Reason {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Reason {}
