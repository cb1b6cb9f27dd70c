//! From arrivals and rows to percentiles, as a table and as JSON.

use super::feed::Fed;
use super::rows::{KPIS, Seen};
use serde_json::{Value, json};
use std::path::Path;

/// Figures of one variant.
pub struct Figures {
    name: String,
    /// Invoices a second that were really sent.
    rate: f64,
    /// Milliseconds from arrival to row, rising: one a window and KPI.
    latencies: Vec<f64>,
    /// Windows whose rows did not come.
    missing: usize,
    /// CPU seconds a second that Weir took.
    cores: f64,
}

impl Figures {
    /// Leaves out the first seconds.
    pub fn of(name: &str, fed: &Fed, seen: &Seen, warm_up_seconds: i64, report: &Value) -> Self {
        let first = fed.arrivals.keys().next().map_or(i64::MAX, |second| second + warm_up_seconds);
        let mut latencies = Vec::new();
        let mut missing = 0;
        for (second, ended_ms) in fed.arrivals.range(first..).filter_map(|(&at, _)| Some((at, fed.ended_ms(at)?))) {
            for kpi in 0..KPIS.len() {
                match seen.get(&(kpi, second)) {
                    Some(seen_us) => latencies.push(*seen_us as f64 / 1e3 - ended_ms as f64),
                    None => missing += 1,
                }
            }
        }
        latencies.sort_by(f64::total_cmp);
        assert!(!latencies.is_empty(), "no window has closed");
        let float = |name: &str| report[name].as_f64().unwrap_or(f64::NAN);
        let cores = float("cpu_seconds") / float("seconds");
        Self { name: name.to_owned(), rate: fed.sent as f64 / fed.seconds, latencies, missing, cores }
    }

    /// The least latency that this share of the rows keeps.
    fn percentile(&self, share: f64) -> f64 {
        let rank = (self.latencies.len() as f64 * share).ceil() as usize;
        self.latencies[rank.clamp(1, self.latencies.len()) - 1]
    }
}

/// Prints the table.
pub fn print(all: &[Figures]) {
    let columns = ["p50 ms", "p99 ms", "worst ms", "rows of", "missing", "sent a second", "cores"];
    print!("{:<42}", "from arrival to row");
    columns.iter().for_each(|column| print!(" {column:>13}"));
    println!();
    for one in all {
        print!("{:<42}", one.name);
        [0.5, 0.99, 1.0].iter().for_each(|share| print!(" {:>13.1}", one.percentile(*share)));
        println!(" {:>13} {:>13} {:>13.0} {:>13.2}", one.latencies.len(), one.missing, one.rate, one.cores);
    }
}

/// Writes `latency.json` for the page.
pub fn keep(folder: &Path, capacity: u64, rate: u64, all: &[Figures]) {
    let variant = |one: &Figures| {
        json!({
            "name": one.name,
            "p50_ms": one.percentile(0.5),
            "p99_ms": one.percentile(0.99),
            "worst_ms": one.percentile(1.0),
            "rows": one.latencies.len(),
            "missing": one.missing,
            "rate": one.rate.round(),
            "cores": one.cores,
        })
    };
    let told = json!({
        "capacity": capacity,
        "rate": rate,
        "variants": all.iter().map(variant).collect::<Vec<_>>(),
    });
    let text = serde_json::to_string_pretty(&told).expect("plain values");
    std::fs::create_dir_all(folder).expect("target/bench");
    std::fs::write(folder.join("latency.json"), text + "\n").expect("latency.json");
}
