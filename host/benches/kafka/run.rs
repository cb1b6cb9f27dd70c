//! One run of the binary on the repository's retail pipeline, and the figures of its report.

use super::topic::TOPIC;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Figures of a process that read the topic.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub events: u64,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub first_record_s: Option<f64>,
    pub peak_bytes: u64,
}

impl Figures {
    /// Of a report.
    pub fn from_json(bytes: &[u8]) -> Self {
        let report: Value = serde_json::from_slice(bytes).expect("a report");
        let float = |name: &str| report[name].as_f64();
        Self {
            events: report["read"].as_u64().expect("read"),
            seconds: float("seconds").expect("seconds"),
            cpu_seconds: float("cpu_seconds").expect("cpu_seconds"),
            first_record_s: float("seconds_to_first_record"),
            peak_bytes: report["peak_memory_bytes"].as_u64().expect("peak_memory_bytes"),
        }
    }

    pub fn events_per_cpu_second(&self) -> f64 {
        self.events as f64 / self.cpu_seconds
    }
}

/// The middle one.
pub fn median(figures: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The binary, with a copy of the pipeline file in a folder of its own, because output lies beside the file.
pub struct Weir {
    folder: PathBuf,
    brokers: String,
}

impl Weir {
    /// Copies the file.
    pub fn new(folder: &Path, brokers: &str) -> Self {
        let folder = folder.join("weir");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::copy(pipelines().join("retail.toml"), folder.join("retail.toml")).expect("the pipeline file");
        Self { folder, brokers: brokers.to_owned() }
    }

    /// Runs to the ends of the topic; the ledger must balance and hold every event.
    pub fn run(&self, workers: u16, events: u64) -> Figures {
        let report = self.folder.join("report.json");
        let output = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["--log", "warn", "run", "retail.toml", "--until-end", "--view", "off", "--report", "report.json"])
            .args(["--workers", &workers.to_string(), "--plugin-path"])
            .arg(pipelines().join("plugins"))
            .current_dir(&self.folder)
            .env("KAFKA_BROKERS", &self.brokers)
            .env("KAFKA_TOPIC", TOPIC)
            .env("WEIR_CACHE_DIR", self.folder.join("cache"))
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "weir failed: {}", String::from_utf8_lossy(&output.stderr));
        let bytes = std::fs::read(report).expect("a report");
        let told: Value = serde_json::from_slice(&bytes).expect("a report");
        assert!(
            told["balanced"] == true && told["kept"].as_u64() == Some(events),
            "not every event was counted: {told}"
        );
        std::fs::remove_dir_all(self.folder.join("out")).expect("rows were written");
        Figures::from_json(&bytes)
    }
}

fn pipelines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines")
}
