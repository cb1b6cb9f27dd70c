//! `[time]`: the event-time column and the rules of lateness. Whether the column is declared is for `check`.

use crate::config::item::Text;
use crate::config::read::Table;
use crate::config::units::DURATION_MAX_US;
use std::time::Duration;

/// An hour: more than clocks and brokers disagree by, less than a wrong time zone.
const HOUR_US: i64 = 3_600_000_000;

/// `[time]`.
pub struct Time {
    pub column: Option<Text>,
    /// Has no default: none late and no waiting can't be had together, and which matters only the operator knows.
    pub max_out_of_orderness_us: Option<i64>,
    pub allowed_lateness_us: i64,
    pub idle_timeout: Duration,
    pub max_future_skew_us: Option<i64>,
    pub max_time_jump_us: Option<i64>,
}

pub fn read(table: Table<'_>) -> Time {
    let column = table.need("column", "\"timestamp\"").and_then(|item| item.word("timestamp"));
    let disorder =
        table.need("max_out_of_orderness", "\"10m\"").and_then(|item| item.duration(0, DURATION_MAX_US, "10m"));
    let lateness = table.get("allowed_lateness").and_then(|item| item.duration(0, DURATION_MAX_US, "1h"));
    let idle = table.get("idle_timeout").and_then(|item| item.duration(1, DURATION_MAX_US, "30s"));
    let skew = table.get("max_future_skew").and_then(|item| item.duration_or_off("1h"));
    let jump = table.get("max_time_jump").and_then(|item| item.duration_or_off("1h"));
    table.finish();
    Time {
        column,
        max_out_of_orderness_us: disorder,
        allowed_lateness_us: lateness.unwrap_or(0),
        idle_timeout: idle.map_or(Duration::from_secs(30), |us| Duration::from_micros(us.unsigned_abs())),
        max_future_skew_us: skew.unwrap_or(Some(HOUR_US)),
        max_time_jump_us: jump.unwrap_or(Some(HOUR_US)),
    }
}
