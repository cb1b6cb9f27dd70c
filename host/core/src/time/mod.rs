//! Event time: what is dated in the future, how far a partition has come, how far the pipeline has come.
//!
//! Knows no clock, no windows and no threads: every time is an argument, in microseconds since 1970-01-01T00:00:00Z. The pipeline
//! room puts the one [`Watermarks`] under a lock.
//!
//! ```text
//! record ─▶ TimeRules::is_future_dated ─▶ PartitionClock (front, watermark) ─▶ Watermarks (least of the live ones)
//! ```

mod board;
mod clock;
mod rules;

pub use board::{PartitionMark, Standing, Watermarks, WatermarksState};
pub use clock::{ClockState, JUMPS_BELIEVED, PartitionClock};
pub use rules::TimeRules;
