//! The binary on a pipeline file of its own, in a folder of its own.

use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A folder with a pipeline file, its rows, its checkpoint.
pub struct Site(PathBuf);

impl Site {
    /// Makes the folder.
    pub fn new(parent: &Path, name: &str, pipeline: &str) -> Self {
        let folder = parent.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("pipeline.toml"), pipeline).expect("a pipeline file");
        Self(folder)
    }

    /// Where the pipeline files of this benchmark keep their checkpoint.
    pub fn checkpoint(&self) -> PathBuf {
        self.0.join("checkpoint")
    }

    /// Forgets all runs before.
    pub fn clean(&self) {
        for folder in [self.0.join("out"), self.checkpoint()] {
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    /// Starts it; what it logs goes to a file.
    pub fn start(&self, log: &str, options: &[&str]) -> Running<'_> {
        let stderr = File::options().create(true).append(true).open(self.log()).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["--log", log, "--log-json", "run", "pipeline.toml", "--view", "off", "--report", "report.json"])
            .args(options)
            .arg("--plugin-path")
            .arg(pipelines().join("plugins"))
            .current_dir(&self.0)
            .env("WEIR_CACHE_DIR", self.0.join("cache"))
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("the binary starts");
        Running { site: self, child }
    }

    /// The fields of the log lines that say this.
    pub fn told(&self, message: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.log()).expect("a log");
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.map(|line| line["fields"].clone()).filter(|fields| fields["message"] == message).collect()
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }
}

/// A run.
pub struct Running<'a> {
    site: &'a Site,
    child: Child,
}

impl Running<'_> {
    /// Waits for its end, which must be in order; its report.
    pub fn wait(&mut self) -> Value {
        let status = self.child.wait().expect("a child");
        assert!(
            status.success(),
            "weir failed: {status}; {}",
            std::fs::read_to_string(self.site.log()).expect("a log")
        );
        let report = std::fs::read(self.site.0.join("report.json")).expect("a report");
        serde_json::from_slice(&report).expect("a report")
    }

    /// `kill -9`, and its end.
    pub fn kill(&mut self) {
        self.child.kill().expect("it still runs");
        self.child.wait().expect("a child");
    }

    /// Whether it has not ended.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }
}

impl Drop for Running<'_> {
    /// Where the benchmark stops at a surprise, it leaves nothing running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The repository's pipeline files.
pub fn pipelines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines")
}
