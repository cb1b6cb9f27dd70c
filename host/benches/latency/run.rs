//! The binary on `bench/pipelines/latency.toml`, live, in a folder of its own.

use super::rows::KPIS;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A run that goes on until it is stopped.
pub struct Weir {
    folder: PathBuf,
    out: PathBuf,
    child: Child,
}

impl Weir {
    /// Starts it on a topic; `checkpoint` is the interval, if it keeps one.
    pub fn start(folder: &Path, brokers: &str, topic: &str, checkpoint: Option<&str>, options: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let out = folder.join("out");
        KPIS.iter().for_each(|kpi| std::fs::create_dir_all(out.join(kpi)).expect("a folder of rows"));
        let mut file = std::fs::read_to_string(root.join("bench/pipelines/latency.toml")).expect("the pipeline file");
        if let Some(interval) = checkpoint {
            file += &format!("\n[checkpoint]\npath = \"checkpoint\"\ninterval = \"{interval}\"\n");
        }
        std::fs::write(folder.join("latency.toml"), file).expect("the pipeline file");
        let child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["--log", "warn", "run", "latency.toml", "--view", "off", "--report", "report.json", "--plugin-path"])
            .arg(root.join("pipelines/plugins"))
            .args(options)
            .current_dir(folder)
            .env("KAFKA_BROKERS", brokers)
            .env("KAFKA_TOPIC", topic)
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        Self { folder: folder.to_owned(), out, child }
    }

    /// Where the folders of rows are.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// Stops it in order; its report.
    pub fn stop(&mut self) -> Value {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it still runs");
        self.wait()
    }

    /// Waits for its end; its report.
    pub fn wait(&mut self) -> Value {
        let status = self.child.wait().expect("a child");
        assert!(status.success(), "weir failed: {status}");
        let report = std::fs::read(self.folder.join("report.json")).expect("a report");
        serde_json::from_slice(&report).expect("a report")
    }
}

impl Drop for Weir {
    /// Where the benchmark stops at a surprise, it leaves nothing running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
