//! What went wrong in a call, in words: which limit, with its key and value, or which trap, and whose job it is.
//!
//! The caller adds which KPI and pipeline it was.

use super::limits::{Limits, MemoryRefused, TableRefused};
use super::sandbox::Call;
use super::setting::tame;
use wasmtime::{Trap, WasmBacktrace};
use weir_core::plugin::{PluginError, PluginErrorKind};

/// wasmtime keeps the type of these two errors to itself, so they are known by their words; a test of each would notice a change.
const RESULT_TOO_LARGE: &str = "fuel allocated for hostcalls has been exhausted";
const TOO_MANY_HANDLES: &str = "store handle limit exceeded";

/// The error of a call that did not come back with an answer.
pub(super) fn explain(error: &wasmtime::Error, label: &str, call: Call, limits: &Limits) -> PluginError {
    let (kind, what) = limit(error, call, limits)
        .map(|what| (PluginErrorKind::Limit, what))
        .or_else(|| trap(error).map(|what| (PluginErrorKind::Trap, what)))
        .unwrap_or_else(|| {
            (PluginErrorKind::Malformed, format!("broke the contract: {}", tame(&error.root_cause().to_string())))
        });
    let rows = match call.rows {
        0 => String::new(),
        rows => format!(" of {rows} rows"),
    };
    let reason = format!("plugin `{label}`: `{}`{rows} {what}", call.name);
    PluginError { reason, row: None, kind }
}

fn limit(error: &wasmtime::Error, call: Call, limits: &Limits) -> Option<String> {
    if let Some(refused) = error.downcast_ref::<MemoryRefused>() {
        let Limits { memory_bytes_max, .. } = limits;
        return Some(format!(
            "asked for {} bytes of memory, above memory_bytes_max = {memory_bytes_max}",
            refused.wanted
        ));
    }
    if let Some(refused) = error.downcast_ref::<TableRefused>() {
        return Some(refused.to_string());
    }
    if has_words(error, RESULT_TOO_LARGE) {
        return Some(format!("gave back more than result_bytes_max = {} bytes", limits.result_bytes_max));
    }
    if has_words(error, TOO_MANY_HANDLES) {
        return Some(format!("held more resource handles than handles_max = {}", limits.handles_max));
    }
    match error.downcast_ref::<Trap>()? {
        Trap::OutOfFuel => Some(format!(
            "used up its fuel of {}: fuel_per_row_max = {} for each row and fuel_per_call_max = {}",
            limits.fuel(call.rows),
            limits.fuel_per_row_max,
            limits.fuel_per_call_max
        )),
        Trap::Interrupt => Some(format!("was stopped at its deadline = {} ms", limits.deadline.as_millis())),
        Trap::StackOverflow => Some(format!("needed more stack than stack_bytes_max = {}", limits.stack_bytes_max)),
        _ => None,
    }
}

fn has_words(error: &wasmtime::Error, words: &str) -> bool {
    error.chain().any(|cause| cause.to_string().contains(words))
}

/// The trap, and the functions in which it happened, the innermost first.
fn trap(error: &wasmtime::Error) -> Option<String> {
    let trap = error.downcast_ref::<Trap>()?;
    let trail = error.downcast_ref::<WasmBacktrace>().map(trail).unwrap_or_default();
    Some(format!("trapped: {}{trail}", trap.to_string().trim_start_matches("wasm trap: ")))
}

fn trail(backtrace: &WasmBacktrace) -> String {
    const FRAMES: usize = 3;
    // How a panic comes about is the same for all; where it does is what the author wants to know.
    const MACHINERY: [&str; 4] = ["__rustc::", "alloc::", "core::", "std::"];
    let names: Vec<String> = backtrace
        .frames()
        .iter()
        .filter_map(|frame| frame.func_name())
        .map(|name| format!("{:#}", rustc_demangle::demangle(name)))
        .filter(|name| !MACHINERY.iter().any(|machinery| name.trim_start_matches('<').starts_with(machinery)))
        .take(FRAMES)
        .map(|name| format!("`{}`", tame(&name)))
        .collect();
    if names.is_empty() { String::new() } else { format!(", in {}", names.join(" from ")) }
}
