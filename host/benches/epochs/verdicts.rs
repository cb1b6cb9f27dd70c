//! What was wanted, what was measured, and on which machine; as a table and as JSON.

use serde_json::json;
use std::path::Path;

/// A figure beside what was wanted of it.
pub struct Verdict {
    what: String,
    measured: f64,
    wanted: f64,
    at_most: bool,
}

impl Verdict {
    pub fn at_least(what: String, measured: f64, wanted: f64) -> Self {
        Self { what, measured, wanted, at_most: false }
    }

    pub fn at_most(what: String, measured: f64, wanted: f64) -> Self {
        Self { what, measured, wanted, at_most: true }
    }

    fn is_met(&self) -> bool {
        if self.at_most { self.measured <= self.wanted } else { self.measured >= self.wanted }
    }
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Processor, cores and how busy it is.
pub fn machine() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": ?");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores, load before the start {}", name.trim_start_matches(['\t', ' ', ':']), load())
}

/// Load over the last minute, five and fifteen.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Prints the table.
pub fn print(all: &[Verdict]) {
    println!("\n{:<84} {:>9} {:>9}", "", "measured", "wanted");
    for verdict in all {
        let (sign, met) = (if verdict.at_most { "<=" } else { ">=" }, if verdict.is_met() { "met" } else { "MISSED" });
        // Ratios are told to the third digit, times to the first.
        let digits = if verdict.at_most { 1 } else { 3 };
        let wanted = format!("{sign} {}", verdict.wanted);
        println!("{:<84} {:>9.digits$} {wanted:>9} {met}", verdict.what, verdict.measured);
    }
}

/// Writes `epochs.json` for the page.
pub fn keep(folder: &Path, machine: &str, all: &[Verdict]) {
    let verdict = |one: &Verdict| json!({"what": one.what, "measured": one.measured, "wanted": one.wanted, "at_most": one.at_most, "met": one.is_met()});
    let told = json!({"machine": machine, "verdicts": all.iter().map(verdict).collect::<Vec<_>>()});
    let text = serde_json::to_string_pretty(&told).expect("plain values");
    std::fs::create_dir_all(folder).expect("target/bench");
    std::fs::write(folder.join("epochs.json"), text + "\n").expect("epochs.json");
}
