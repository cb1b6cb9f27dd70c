//! What was measured, as it is kept in `target/bench`: plain data, written by the runs and read by the page.

use super::machine::Machine;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The file of the peers.
pub const PEERS: &str = "peers.json";
/// The file that `host/benches/latency.rs` writes.
pub const LATENCY: &str = "latency.json";

/// The file that `host/benches/epochs.rs` writes.
pub const EPOCHS: &str = "epochs.json";

/// A measurement of peers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Peers {
    pub machine: Machine,
    /// As it was typed.
    pub command: String,
    /// Sizes of the topics, rising.
    pub sizes: Vec<u64>,
    pub rounds: u32,
    /// Memory of each Java process.
    pub heap: String,
    pub runs: Vec<Run>,
    /// By peer that was asked for: why it was not run.
    pub not_run: BTreeMap<String, String>,
    /// Peers that were not asked for.
    pub left_out: Vec<String>,
}

/// One run of one peer on one topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub peer: String,
    pub events: u64,
    pub took: Took,
    /// How its rows compare with Weir's; the floor has none.
    pub rows: Option<Rows>,
}

/// What `bench/peers/measure.py` tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Took {
    pub status: i32,
    pub wall_s: f64,
    pub user_s: f64,
    pub system_s: f64,
    pub peak_bytes: u64,
    /// From the process' start to the first record.
    pub start_s: Option<f64>,
    pub marks: BTreeMap<String, String>,
}

impl Took {
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }
}

/// What `bench/peers/check.py` tells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rows {
    pub global: Compared,
    pub country: Compared,
}

/// Rows of one KPI beside Weir's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compared {
    pub rows: u64,
    pub wanted: u64,
    /// Counted in the rows.
    pub invoices: u64,
    pub wrong: u64,
    pub missing: u64,
    /// Missing because nothing closed their windows at the end of the topic.
    pub open: u64,
    pub extra: u64,
    pub repeated: u64,
}

/// The latency benchmark.
#[derive(Debug, Serialize, Deserialize)]
pub struct Latency {
    pub capacity: u64,
    pub rate: u64,
    pub variants: Vec<Variant>,
}

/// A pipeline whose latency was measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Variant {
    pub name: String,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub worst_ms: f64,
    pub rows: u64,
    pub missing: u64,
    pub rate: f64,
    pub cores: f64,
}

/// The benchmark of checkpoints.
#[derive(Debug, Serialize, Deserialize)]
pub struct Epochs {
    /// Processor, cores and load.
    pub machine: String,
    pub verdicts: Vec<Wish>,
}

/// A figure beside what was wanted of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Wish {
    pub what: String,
    pub measured: f64,
    pub wanted: f64,
    /// Else at least.
    pub at_most: bool,
    pub met: bool,
}

/// Reads figures; `None` where they were not measured yet.
pub fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, String> {
    let path = folder.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| format!("{}: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Keeps figures.
pub fn write(folder: &Path, name: &str, figures: &impl Serialize) -> Result<(), String> {
    let path = folder.join(name);
    let text = serde_json::to_string_pretty(figures).map_err(|error| error.to_string())?;
    std::fs::write(&path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
}
