//! One case: a pipeline file made for it, the binary run on it, the stages of its report.

use super::messages::Topic;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// The stages that `weir run --stages` tells, in the order of the way.
pub const STAGES: [&str; 10] =
    ["fetch", "frame", "decode", "judge", "preprocess", "fold", "flush", "close", "sink", "checkpoint"];

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Native,
    Librdkafka,
}

/// Uses of `sales` by country.
#[derive(Debug, Clone, Copy)]
pub enum Kpis {
    /// So many, all with windows of a minute.
    Same(usize),
    /// So many, with windows of one minute, two, three and so on.
    OtherWindows(usize),
}

/// A cell of the matrix.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub topic: Topic,
    pub kpis: Kpis,
    pub client: Client,
}

/// CPU nanoseconds an event.
#[derive(Debug, Clone)]
pub struct Figures {
    pub stages: [f64; STAGES.len()],
    /// Inside of one KPI's plugin, in the mean of all: a part of fold, flush and close. By the clock, not of the CPU.
    pub each_kpi: f64,
    pub all: f64,
}

impl Case {
    pub fn new(topic: Topic, kpis: Kpis) -> Self {
        Self { topic, kpis, client: Client::Native }
    }

    /// For people.
    pub fn name(&self) -> String {
        let kpis = match self.kpis {
            Kpis::Same(1) => "1 KPI".to_owned(),
            Kpis::Same(count) => format!("{count} KPIs"),
            Kpis::OtherWindows(count) => format!("{count} windows"),
        };
        let client = if self.client == Client::Librdkafka { ", librdkafka" } else { "" };
        format!("{}, {kpis}{client}", self.topic.name())
    }

    /// Runs the binary to the ends of the topic; every event must be counted.
    pub fn run(&self, brokers: &str, folder: &Path) -> Figures {
        let folder = folder.join("case");
        let _ = std::fs::remove_dir_all(folder.join("out"));
        let _ = std::fs::remove_dir_all(folder.join("checkpoint"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("case.toml"), self.pipeline(brokers)).expect("a pipeline file");
        let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines/plugins");
        let output = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["--log", "warn", "run", "case.toml", "--until-end", "--view", "off", "--stages", "--workers", "1"])
            .args(["--report", "report.json", "--plugin-path"])
            .arg(plugins)
            .current_dir(&folder)
            .env("WEIR_CACHE_DIR", folder.join("cache"))
            .output()
            .expect("the binary starts");
        assert!(output.status.success(), "weir failed: {}", String::from_utf8_lossy(&output.stderr));
        let bytes = std::fs::read(folder.join("report.json")).expect("a report");
        let report: Value = serde_json::from_slice(&bytes).expect("a report");
        assert!(
            report["balanced"] == true && report["kept"] == report["read"],
            "not every event was counted: {report}"
        );
        let events = report["read"].as_f64().expect("events");
        let ns = |name: &&str| report["stages"][*name].as_f64().expect("a stage") / events;
        let plugins = report["plugins"].as_object().expect("plugins");
        let kpis: Vec<f64> = plugins
            .iter()
            .filter(|(name, _)| name.starts_with("kpi "))
            .filter_map(|(_, cost)| cost["ns"].as_f64())
            .collect();
        Figures {
            each_kpi: kpis.iter().sum::<f64>() / kpis.len() as f64 / events,
            stages: std::array::from_fn(|stage| ns(&STAGES[stage])),
            all: report["cpu_seconds"].as_f64().expect("seconds") * 1e9 / events,
        }
    }

    fn pipeline(&self, brokers: &str) -> String {
        let client = if self.client == Client::Native { "native" } else { "librdkafka" };
        let mut text = format!(
            r#"[pipeline]
name = "matrix"

[source]
type = "kafka"
brokers = "{brokers}"
topic = "{}"
client = "{client}"

[schema]
fields.country = "text"
fields.timestamp = {{ type = "timestamp", format = "%Y-%m-%d %H:%M:%S", zone = "UTC" }}
fields.type = "text"
fields."items[].unit_price" = "decimal(4)"
fields."items[].quantity" = "int64"

[time]
column = "timestamp"
max_out_of_orderness = "10m"

[[preprocess]]
plugin = "order-totals"

[checkpoint]
path = "checkpoint"
interval = "1s"

[[sink]]
type = "json-files"
path = "out"
"#,
            self.topic.id()
        );
        let (Kpis::Same(count) | Kpis::OtherWindows(count)) = self.kpis;
        for kpi in 1..=count {
            let minutes = if matches!(self.kpis, Kpis::Same(_)) { 1 } else { kpi };
            let written = write!(
                text,
                "\n[[kpi]]\nname = \"sales-{kpi}\"\nplugin = \"sales\"\nby = [\"country\"]\nwindow = \"tumbling {minutes}m\"\n"
            );
            written.expect("a text grows");
        }
        text
    }
}

/// The middle one.
pub fn median(figures: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = figures.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
