//! What was measured on and with: the machine, and the versions of everything.

use crate::command::{command, root};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A machine and what is installed on it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Machine {
    /// Day of the measurement, UTC.
    pub day: String,
    pub processor: String,
    pub cores: usize,
    pub memory_gib: f64,
    pub system: String,
    /// Load over the last minute, five and fifteen before anything was begun: what else went on.
    pub load: String,
    /// Names and versions.
    pub versions: Vec<(String, String)>,
}

impl Machine {
    /// Whether other work stood in the way: more than a quarter of a core.
    pub fn is_busy(&self) -> bool {
        self.load.split(' ').next().and_then(|load| load.parse::<f64>().ok()).is_some_and(|load| load > 0.25)
    }

    /// This one, now.
    pub fn this() -> Machine {
        let memory_kb = line("/proc/meminfo", "MemTotal").trim_end_matches("kB").trim().parse().unwrap_or(0.0);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Machine {
            day: told("date", &["-u", "+%F"]),
            processor: line("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: memory_kb / f64::from(1 << 20),
            system: format!("{}, Linux {}", system(), read("/proc/sys/kernel/osrelease")),
            load: load.split(' ').take(3).collect::<Vec<_>>().join(" "),
            versions: versions(),
        }
    }
}

fn versions() -> Vec<(String, String)> {
    let java = root().join("bench/peers/java/pom.xml");
    let spark = root().join("bench/peers/spark/pom.xml");
    let list = [
        ("Weir", told("git", &["describe", "--always", "--dirty"])),
        ("rustc", told("rustc", &["--version"]).trim_start_matches("rustc ").to_owned()),
        ("Kafka broker", weir_services::kafka::VERSION.to_owned()),
        ("Java", java_version()),
        ("Flink", property(&java, "flink.version")),
        ("Flink's Kafka connector", property(&java, "flink.kafka.version")),
        ("Kafka Streams", property(&java, "kafka.version")),
        ("fastjson2", property(&java, "fastjson2.version")),
        ("Spark", property(&spark, "spark.version")),
    ];
    list.into_iter().map(|(name, version)| (name.to_owned(), version)).collect()
}

/// Java tells its version on standard error: `openjdk version "17.0.15" 2025-04-15`.
fn java_version() -> String {
    let output = command("java", &["-version"]).output();
    let text = output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stderr).into_owned());
    text.split('"').nth(1).unwrap_or("not installed").to_owned()
}

/// A version as the build of the peers has it.
pub fn property(pom: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(pom).unwrap_or_default();
    let value = text.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split('<').next());
    value.unwrap_or("?").to_owned()
}

fn told(program: &str, arguments: &[&str]) -> String {
    let output = command(program, arguments).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or("?".to_owned(), |text| String::from_utf8_lossy(&text).trim().to_owned())
}

fn system() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("Linux").trim_matches('"').to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The value of the first line `key : value`.
fn line(path: &str, key: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().filter(|line| line.starts_with(key)).find_map(|line| line.split_once(':'));
    value.map_or("?".to_owned(), |(_, value)| value.trim().to_owned())
}
