//! Each limit from both sides.

use super::support::{EVIL, HOST, assert_quarantined, error_of, kpi, open, options, update};
use std::time::{Duration, Instant};
use weir::plugin::{Limits, PluginOpenError, UseError};
use weir_core::plugin::{PluginError, PluginErrorKind};

#[track_caller]
fn assert_limit(error: &PluginError, key_and_value: &str) {
    assert_eq!(error.kind, PluginErrorKind::Limit, "{}", error.reason);
    assert!(error.reason.contains("plugin `evil`") && error.reason.contains(key_and_value), "{}", error.reason);
}

/// `below` passes in `update`, `above` is stopped by the limit that the message names.
#[track_caller]
fn assert_both_sides(limits: Limits, mode: &str, below: u64, above: u64, key_and_value: &str) {
    let plugin = open(limits);
    update(kpi(&plugin, mode, "update", below).as_mut()).expect("below the limit");
    let mut evil = kpi(&plugin, mode, "update", above);
    let error = update(evil.as_mut()).expect_err("above the limit");
    assert_limit(&error, key_and_value);
    assert_quarantined(evil.as_mut(), limits);
}

#[test]
fn fuel_is_deterministic() {
    let plugin = open(Limits::default());
    let fuel = || {
        let mut kpi = kpi(&plugin, "spin", "update", 1_000);
        update(kpi.as_mut()).expect("update");
        kpi.cost().fuel
    };
    assert_eq!(fuel(), fuel());
}

#[test]
fn memory() {
    let limits = Limits { memory_bytes_max: 4 << 20, ..Limits::default() };
    assert_both_sides(limits, "memory", 2 << 20, 4 << 20, "memory_bytes_max = 4194304");
    let limits = Limits { memory_bytes_max: 64 << 10, ..Limits::default() };
    let UseError::Plugin(error) = error_of(open(limits).kpi(&[])) else { panic!("not the plugin") };
    assert_limit(&error, "memory_bytes_max = 65536");
}

/// What one `update` of three rows takes.
fn fuel_of_update(limits: Limits, mode: &str, amount: u64) -> u64 {
    let mut kpi = kpi(&open(limits), mode, "update", amount);
    let before = kpi.cost().fuel;
    update(kpi.as_mut()).expect("within its budget");
    kpi.cost().fuel - before
}

#[test]
fn fuel_for_a_call() {
    let needed = fuel_of_update(Limits::default(), "spin", 100_000);
    let exact = Limits { fuel_per_call_max: needed, fuel_per_row_max: 0, ..Limits::default() };
    assert_eq!(fuel_of_update(exact, "spin", 100_000), needed, "to the last drop");
    // Fuel is asked for at loops and calls, so that the last few instructions of a call can pass without.
    let fuel_per_call_max = needed - needed / 100;
    let less = Limits { fuel_per_call_max, ..exact };
    let error = update(kpi(&open(less), "spin", "update", 100_000).as_mut()).expect_err("one in a hundred too few");
    assert_limit(&error, &format!("fuel_per_call_max = {fuel_per_call_max}"));
    assert_both_sides(exact, "spin", 100_000, 200_000, "fuel_per_row_max = 0");
}

#[test]
fn fuel_for_a_row() {
    let needed = fuel_of_update(Limits { fuel_per_row_max: 10_000_000, ..Limits::default() }, "spin-per-row", 100_000);
    let fuel_per_call_max = 200_000;
    let fuel_per_row_max = (needed - fuel_per_call_max).div_ceil(3);
    let exact = Limits { fuel_per_call_max, fuel_per_row_max, ..Limits::default() };
    assert_eq!(fuel_of_update(exact, "spin-per-row", 100_000), needed);
    let fuel_per_row_max = fuel_per_row_max - fuel_per_row_max / 100;
    let less = Limits { fuel_per_row_max, ..exact };
    let error =
        update(kpi(&open(less), "spin-per-row", "update", 100_000).as_mut()).expect_err("one in a hundred too few");
    assert_limit(&error, &format!("fuel_per_row_max = {fuel_per_row_max}"));
}

#[test]
fn deadline() {
    let limits = Limits { deadline: Duration::from_secs(2), fuel_per_call_max: u64::MAX, ..Limits::default() };
    let began = Instant::now();
    assert_both_sides(limits, "spin", 1_000, u64::MAX >> 1, "deadline = 2000 ms");
    assert!(began.elapsed() >= Duration::from_secs(2) && began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_deadline_counts_anew_for_each_call() {
    let limits = Limits { deadline: Duration::from_secs(1), ..Limits::default() };
    let mut kpi = kpi(&open(limits), "none", "update", 0);
    std::thread::sleep(Duration::from_millis(1_500));
    update(kpi.as_mut()).expect("time between calls is not its own");
}

#[test]
fn result_size() {
    let limits = Limits { result_bytes_max: 1 << 20, ..Limits::default() };
    let plugin = open(limits);
    let evaluate = |amount| kpi(&plugin, "result", "update", amount).evaluate(&[0], &[0], &[60]);
    // The rest is for the other columns.
    evaluate((1 << 20) - 1_000).expect("below");
    assert_limit(&evaluate(1 << 20).expect_err("above"), "result_bytes_max = 1048576");
}

#[test]
fn stack() {
    let limits = Limits { stack_bytes_max: 128 << 10, ..Limits::default() };
    assert_both_sides(limits, "recurse", 100, 100_000, "stack_bytes_max = 131072");
    let more = Limits { stack_bytes_max: 1 << 20, ..Limits::default() };
    update(kpi(&open(more), "recurse", "update", 2_000).as_mut()).expect("on a larger stack");
    let error = HOST.open("evil", &EVIL, Limits { stack_bytes_max: 1 << 30, ..Limits::default() }).err();
    assert!(error.is_some_and(|error| { error.to_string().contains("stack_bytes_max = 1073741824 is out of range") }));
}

#[test]
fn handles() {
    let limits = Limits { handles_max: 100, ..Limits::default() };
    // The instance itself is one, and it is lent to the call.
    assert_both_sides(limits, "handles", 98, 99, "handles_max = 100");
}

#[test]
fn component_size() {
    let size = EVIL.len() as u64;
    open(Limits { component_bytes_max: size, ..Limits::default() });
    let limits = Limits { component_bytes_max: size - 1, ..Limits::default() };
    let error = HOST.open("evil", &EVIL, limits).err().expect("one byte too many");
    assert!(matches!(error, PluginOpenError::TooLarge { .. }));
    assert!(error.to_string().contains(&format!("plugin `evil` is larger than component_bytes_max = {}", size - 1)));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &*EVIL).expect("written");
    assert!(matches!(HOST.open_file("evil", file.path(), limits), Err(PluginOpenError::TooLarge { .. })));
    HOST.open_file("evil", file.path(), Limits { component_bytes_max: size, ..limits }).expect("opens");
}

#[test]
fn limits_hold_in_every_call() {
    let limits = Limits { memory_bytes_max: 4 << 20, ..Limits::default() };
    let plugin = open(limits);
    for call in ["describe", "create"] {
        let UseError::Plugin(error) = error_of(plugin.kpi(&options("memory", call, 4 << 20))) else {
            panic!("not the plugin")
        };
        assert_limit(&error, "memory_bytes_max");
        assert!(error.reason.contains(&format!("`{call}`")), "{}", error.reason);
    }
    let run = |call: &str| -> Result<(), PluginError> {
        let mut kpi = kpi(&plugin, "memory", call, 4 << 20);
        update(kpi.as_mut())?;
        let state = kpi.state(&[0])?;
        kpi.merge(&[1], &state)?;
        kpi.evaluate(&[0], &[0], &[60])?;
        kpi.clear(&[0])
    };
    for call in ["update", "state", "merge", "evaluate", "clear"] {
        let error = run(call).expect_err(call);
        assert_limit(&error, "memory_bytes_max");
        assert!(error.reason.contains(&format!("`{call}`")), "{}", error.reason);
    }
}
