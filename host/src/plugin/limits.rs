//! What a plugin may use. Each limit has a default, a key of the pipeline file, a unit in its name, and a message.
//!
//! Fuel is deterministic and gives the verdict; the deadline is the wall-clock backstop. Knows nothing of columns.

use super::engine::ticks;
use std::time::Duration;
use thiserror::Error;
use wasmtime::{ResourceLimiter, Store};

/// Core instances, tables and memories in one component: a Python component has some twenty; nobody needs to set these.
const INSTANCES_MAX: usize = 256;
const TABLES_MAX: usize = 256;
const MEMORIES_MAX: usize = 64;
/// Elements of all tables together; a JavaScript engine has some ten thousand.
const TABLE_ELEMENTS_MAX: usize = 200_000;

/// What one instance of a plugin may use. The fields are the keys of `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all linear memories together.
    pub memory_bytes_max: u64,
    /// Fuel that a call gets for each of its rows. One instruction is about one; it is asked for at loops and calls, so the last few of a call can
    /// pass without. What a call takes is the same on every machine …
    pub fuel_per_row_max: u64,
    /// … beside this much for the call itself.
    pub fuel_per_call_max: u64,
    /// Wall time of a call.
    pub deadline: Duration,
    /// Bytes that the host takes from a call, counted as they lie in the host's memory.
    pub result_bytes_max: u64,
    /// Bytes of stack. wasmtime fixes it per engine, so each distinct value in a pipeline costs an engine.
    pub stack_bytes_max: u64,
    /// Resource handles alive at once.
    pub handles_max: u32,
    /// Bytes of the component file.
    pub component_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 << 20,
            // A Rust plugin uses 5 to 50 a row, an interpreted one some thousands.
            fuel_per_row_max: 10_000,
            fuel_per_call_max: 10_000_000,
            deadline: Duration::from_secs(1),
            // About twice the widest batch: 65,536 rows of sixty 8-byte columns.
            result_bytes_max: 64 << 20,
            stack_bytes_max: 512 << 10,
            handles_max: 1_000,
            // A Python component is 18 MiB.
            component_bytes_max: 32 << 20,
        }
    }
}

impl Limits {
    /// Fuel of a call on this many rows.
    pub(super) fn fuel(&self, rows: usize) -> u64 {
        self.fuel_per_row_max.saturating_mul(rows as u64).saturating_add(self.fuel_per_call_max)
    }

    /// Sets the limits that hold from the first instruction on: `start` and `realloc` can loop, too.
    pub(super) fn install(&self, store: &mut Store<Guard>) -> wasmtime::Result<()> {
        store.limiter(|guard| guard);
        store.set_hostcall_fuel(usize::try_from(self.result_bytes_max).unwrap_or(usize::MAX));
        store.set_max_component_handles(self.handles_max as usize);
        self.refill(store, 0)
    }

    /// Fills up fuel and time for one call.
    pub(super) fn refill(&self, store: &mut Store<Guard>, rows: usize) -> wasmtime::Result<()> {
        store.set_epoch_deadline(ticks(self.deadline));
        store.set_fuel(self.fuel(rows))
    }
}

/// Counts what the instances of one store hold.
#[derive(Debug)]
pub(super) struct Guard {
    memory_bytes_max: usize,
    memory_bytes: usize,
    table_elements: usize,
}

impl Guard {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            memory_bytes_max: usize::try_from(limits.memory_bytes_max).unwrap_or(usize::MAX),
            memory_bytes: 0,
            table_elements: 0,
        }
    }
}

/// A plugin asked for more memory than it may have.
#[derive(Debug, Clone, Copy, Error)]
#[error("asked for {wanted} bytes of memory")]
pub(super) struct MemoryRefused {
    pub(super) wanted: usize,
}

/// A plugin asked for more table elements than any plugin needs.
#[derive(Debug, Clone, Copy, Error)]
#[error("asked for {0} table elements; at most {TABLE_ELEMENTS_MAX} are allowed")]
pub(super) struct TableRefused(usize);

impl ResourceLimiter for Guard {
    /// Refusal ends the call: a guest told `-1` would go on, mostly to an abort without a reason.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let wanted = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if wanted > self.memory_bytes_max {
            return Err(MemoryRefused { wanted }.into());
        }
        self.memory_bytes = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let wanted = self.table_elements.saturating_add(desired.saturating_sub(current));
        if wanted > TABLE_ELEMENTS_MAX {
            return Err(TableRefused(wanted).into());
        }
        self.table_elements = wanted;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_counted_over_all_memories() {
        let mut guard = Guard::new(&Limits { memory_bytes_max: 3 << 16, ..Limits::default() });
        assert!(guard.memory_growing(0, 1 << 16, None).expect("first"));
        assert!(guard.memory_growing(0, 2 << 16, None).expect("second, to the last byte"));
        let error = guard.memory_growing(2 << 16, 3 << 16, None).expect_err("above");
        assert_eq!(error.downcast_ref::<MemoryRefused>().map(|refused| refused.wanted), Some(4 << 16));
    }

    #[test]
    fn a_growth_that_fails_anyway_is_not_counted() {
        let mut guard = Guard::new(&Limits { memory_bytes_max: 1 << 20, ..Limits::default() });
        assert!(!guard.memory_growing(0, 2 << 16, Some(1 << 16)).expect("refused by its own maximum"));
        assert!(guard.memory_growing(0, 1 << 20, None).expect("all is still free"));
    }

    #[test]
    fn tables_are_limited() {
        let mut guard = Guard::new(&Limits::default());
        assert!(guard.table_growing(0, TABLE_ELEMENTS_MAX, None).expect("to the last"));
        assert!(guard.table_growing(0, 1, None).is_err());
    }

    #[test]
    fn fuel_does_not_wrap() {
        let limits = Limits { fuel_per_row_max: u64::MAX, ..Limits::default() };
        assert_eq!(limits.fuel(0), limits.fuel_per_call_max);
        assert_eq!(limits.fuel(3), u64::MAX);
    }
}
