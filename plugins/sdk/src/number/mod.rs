//! Numbers whose sums do not depend on the order of addition: decimals, exact sums of floats, ratios right to the last bit.
//!
//! Pure arithmetic: nothing here knows columns or plugins.

mod decimal;
mod decimal_sum;
mod exact_sum;
mod ratio;

pub use decimal::{Decimal, SCALE_MAX};
pub use decimal_sum::DecimalSum;
pub use exact_sum::ExactSum;
pub use ratio::ratio_to_f64;

/// Microseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);
