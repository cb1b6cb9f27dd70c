//! The floor: a consumer that polls the topic to its end and drops every message, in a process of its own.

use super::poll;
use super::run::Figures;
use super::topic::TOPIC;
use rustix::time::{ClockId, clock_gettime};
use std::process::Command;
use std::time::Instant;

/// The first argument of the child.
pub const MODE: &str = "--read-and-drop";

/// Runs it in a child of this process.
pub fn child(brokers: &str) -> Figures {
    let this = std::env::current_exe().expect("this program's path");
    let output = Command::new(this).args([MODE, brokers, TOPIC]).output().expect("the child starts");
    assert!(output.status.success(), "the child failed: {}", String::from_utf8_lossy(&output.stderr));
    Figures::from_json(&output.stdout)
}

/// What the child does; its figures go to standard output.
pub fn read_and_drop(brokers: &str, topic: &str) {
    let started = Instant::now();
    let mut first = None;
    let (events, bytes) =
        poll::read_and_drop(brokers, topic, || first = Some(started.elapsed().as_secs_f64())).expect("the topic");
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let figures = serde_json::json!({
        "read": events,
        "bytes": bytes,
        "seconds": started.elapsed().as_secs_f64(),
        "seconds_to_first_record": first,
        "cpu_seconds": cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
        "peak_memory_bytes": peak_memory_bytes(),
    });
    println!("{figures}");
}

/// The most memory that this process has held at once.
fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
}
