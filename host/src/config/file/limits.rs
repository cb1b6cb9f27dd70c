//! `[limits]` and the `limits = { … }` of a KPI or step: what a plugin may take. Each with its range; the reasons for the defaults stand in
//! `docs/pipeline-file.md`.

use crate::config::plan::LimitsPlan;
use crate::config::read::Table;
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The limits of a file that sets none.
pub const DEFAULTS: LimitsPlan = LimitsPlan {
    memory_bytes_max: 64 * MIB,
    fuel_per_row_max: 10_000,
    fuel_per_call_max: 10_000_000,
    deadline: Duration::from_secs(1),
    result_bytes_max: 64 * MIB,
    stack_bytes_max: 512 * KIB,
    handles_max: 1_000,
    component_bytes_max: 32 * MIB,
};

/// Fuel for a row times the rows of the largest batch, and a call's own on top, fit 64 bits.
const FUEL_PER_ROW_MAX: u64 = 1_000_000_000_000;
const FUEL_PER_CALL_MAX: u64 = 1_000_000_000_000_000;

/// The base, with what the table sets on top.
pub fn read(table: Option<Table<'_>>, base: LimitsPlan) -> LimitsPlan {
    let Some(table) = table else { return base };
    // One page of linear memory to all that 32 bits can name.
    let memory = table.get("memory_bytes_max").and_then(|item| item.size(64 * KIB..=4 * GIB, "64MiB"));
    let per_row = table.get("fuel_per_row_max").and_then(|item| item.integer(0..=FUEL_PER_ROW_MAX, 10_000));
    let per_call = table.get("fuel_per_call_max").and_then(|item| item.integer(1..=FUEL_PER_CALL_MAX, 10_000_000));
    let deadline = table.get("deadline").and_then(|item| item.duration(1_000, 3_600_000_000, "1s"));
    let result = table.get("result_bytes_max").and_then(|item| item.size(1..=4 * GIB, "64MiB"));
    // The thread that calls the plugin has 2 MiB by default, and the host's own frames stand on it too.
    let stack = table.get("stack_bytes_max").and_then(|item| item.size(16 * KIB..=MIB, "512KiB"));
    let handles = table.get("handles_max").and_then(|item| item.integer(1..=100_000, 1_000));
    let component = table.get("component_bytes_max").and_then(|item| item.size(1..=256 * MIB, "32MiB"));
    table.finish();
    LimitsPlan {
        memory_bytes_max: memory.unwrap_or(base.memory_bytes_max),
        fuel_per_row_max: per_row.unwrap_or(base.fuel_per_row_max),
        fuel_per_call_max: per_call.unwrap_or(base.fuel_per_call_max),
        deadline: deadline.map_or(base.deadline, |us| Duration::from_micros(us.unsigned_abs())),
        result_bytes_max: result.unwrap_or(base.result_bytes_max),
        stack_bytes_max: stack.unwrap_or(base.stack_bytes_max),
        handles_max: handles.and_then(|count| u32::try_from(count).ok()).unwrap_or(base.handles_max),
        component_bytes_max: component.unwrap_or(base.component_bytes_max),
    }
}
