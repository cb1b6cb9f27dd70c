//! A case: a folder of its own with a pipeline file, a place of its own in each sink, and runs of the binary that are killed or not.

use crate::compare::{Outcome, ledger};
use crate::services::Services;
use crate::sinks::{Held, Kind, files, lines};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A run that takes longer hangs; it takes one to three seconds on two idle cores.
const RUN_WAIT: Duration = Duration::from_secs(180);

/// Where a run is held up.
const PACED: &str = "block-read";

/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What all cases share.
#[derive(Debug)]
pub struct Bench {
    /// The binary with its points in it.
    pub weir: PathBuf,
    /// Where cases have their folders.
    pub folder: PathBuf,
    /// Where plugins and compiled code are.
    pub plugins: PathBuf,
    /// The topic that all read.
    pub topic: String,
    /// Whether folders and places stay.
    pub keep: bool,
}

/// One pipeline with its places.
#[derive(Debug)]
pub struct Case<'a> {
    bench: &'a Bench,
    /// Letters, digits and hyphens: it is the name of schemas and topics.
    name: String,
    sink: Kind,
    folder: PathBuf,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// By SIGKILL.
    Killed,
    /// By itself, with its exit code and what it wrote to standard error.
    Exited(ExitStatus, String),
    /// It had to be killed because it did not end.
    Hung(String),
}

impl<'a> Case<'a> {
    /// Makes the folder and the places; what an earlier torture left under the same name is taken away first.
    pub fn new(bench: &'a Bench, services: &Services, name: &str, sink: Kind) -> Result<Self, String> {
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let case = Self { bench, folder: bench.folder.join(&name), name, sink };
        let _ = fs::remove_dir_all(&case.folder);
        fs::create_dir_all(&case.folder).map_err(|error| format!("{}: {error}", case.folder.display()))?;
        sink.make(services, &case.name)?;
        let section = sink.section(services, &case.name)?;
        case.write(&pipeline(&case.name, services.bootstrap(), &bench.topic, &section))?;
        Ok(case)
    }

    fn write(&self, text: &str) -> Result<(), String> {
        fs::write(self.file(), text).map_err(|error| format!("{}: {error}", self.file().display()))
    }

    /// The pipeline file.
    fn file(&self) -> PathBuf {
        self.folder.join("pipeline.toml")
    }

    /// From now on checkpoints are below this address.
    pub fn keep_checkpoints_at(&self, address: &str) -> Result<(), String> {
        let text = fs::read_to_string(self.file()).map_err(|error| error.to_string())?;
        self.write(&text.replace("path = \"checkpoint\"", &format!("path = \"{address}/{}\"", self.name)))
    }

    /// Moves to another folder, as to another machine: files go along, checkpoints stay where they are.
    pub fn move_away(&mut self) -> Result<(), String> {
        let _ = fs::remove_dir_all(self.checkpoints());
        let folder = self.bench.folder.join(format!("{}-moved", self.name));
        fs::rename(&self.folder, &folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        self.folder = folder;
        Ok(())
    }

    /// The folder of checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    /// Has the plugins compiled, which no run is to be measured with.
    pub fn check(&self) -> Result<(), String> {
        let done = self.weir("check").stdout(Stdio::null()).status().map_err(|error| error.to_string())?;
        if done.success() { Ok(()) } else { Err(format!("{} does not pass `weir check`", self.file().display())) }
    }

    fn weir(&self, task: &str) -> Command {
        let mut weir = Command::new(&self.bench.weir);
        weir.args(["--log", "warn", task]).arg(self.file()).env_remove("WEIR_LOG").env("NO_COLOR", "1");
        weir.env("WEIR_PLUGIN_PATH", &self.bench.plugins).env("WEIR_CACHE_DIR", self.bench.folder.join("cache"));
        weir
    }

    /// Starts a run that is to be killed: at the pace that the sink needs, unless `points` says otherwise.
    pub fn start_paced(&self, points: &str) -> Result<Run, String> {
        let paced = points.starts_with(PACED);
        let pace = format!("{PACED}=sleep({});", self.sink.pace_ms());
        self.start(&format!("{}{points}", if paced { "" } else { &pace }))
    }

    /// Starts a run until the end of what the topic holds; `points` is what `FAILPOINTS` says.
    pub fn start(&self, points: &str) -> Result<Run, String> {
        let mut weir = self.weir("run");
        weir.args(["--until-end", "--view", "off", "--report"]).arg(self.report()).env("FAILPOINTS", points);
        // A file and no pipe: a pipe that nobody reads would hold up a run that says much.
        let log = self.folder.join(format!("run-{}.log", self.runs()));
        let file = fs::File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let child = weir.stdout(Stdio::null()).stderr(file).spawn();
        let child = child.map_err(|error| format!("{}: {error}", self.bench.weir.display()))?;
        Ok(Run { child, log, began: Instant::now() })
    }

    fn runs(&self) -> usize {
        (1..).find(|run| !self.folder.join(format!("run-{run}.log")).exists()).unwrap_or_default()
    }

    /// A run that is left alone has to end well.
    pub fn run_to_end(&self) -> Result<String, String> {
        well(self.start("")?.wait()?)
    }

    /// What a run gives that nobody kills, at the pace of those that are.
    pub fn run_paced(&self) -> Result<String, String> {
        well(self.start_paced("")?.wait()?)
    }

    /// What the runs gave, once one has ended by itself.
    pub fn outcome(&self, services: &Services) -> Result<Outcome, String> {
        let report = fs::read(self.report()).map_err(|error| format!("{}: {error}", self.report().display()))?;
        let report: Value =
            serde_json::from_slice(&report).map_err(|error| format!("{}: {error}", self.report().display()))?;
        let held = [
            (self.sink.name(), self.sink.held(services, &self.name, &self.folder)?),
            ("files beside", files::held(&self.folder.join("beside"))?),
            ("dead letters", letters(&self.folder.join("dead.jsonl"))?),
            ("late letters", letters(&self.folder.join("late.jsonl"))?),
        ];
        Ok(Outcome {
            held: held.into(),
            ledger: ledger(&report),
            epoch: report["checkpoint_epoch"].as_u64().unwrap_or(0),
        })
    }

    fn report(&self) -> PathBuf {
        self.folder.join("report.json")
    }

    /// Takes everything away, unless it is to be kept.
    pub fn clear(self, services: &Services) {
        if !self.bench.keep {
            let _ = fs::remove_dir_all(&self.folder);
            self.sink.clear(services, &self.name);
        }
    }
}

/// A run that is under way.
#[derive(Debug)]
pub struct Run {
    child: Child,
    log: PathBuf,
    began: Instant,
}

impl Run {
    /// Waits until it ends.
    pub fn wait(mut self) -> Result<Ended, String> {
        loop {
            if let Some(ended) = self.look()? {
                return Ok(ended);
            }
            if self.began.elapsed() > RUN_WAIT {
                self.child.kill().and_then(|()| self.child.wait()).map_err(|error| error.to_string())?;
                return Ok(Ended::Hung(self.said()));
            }
            sleep(LOOK);
        }
    }

    /// Kills it once it has run for so long; it may have ended before.
    pub fn kill_after(mut self, time: Duration) -> Result<Ended, String> {
        while self.began.elapsed() < time {
            if let Some(ended) = self.look()? {
                return Ok(ended);
            }
            sleep(LOOK.min(time.saturating_sub(self.began.elapsed())));
        }
        self.child.kill().map_err(|error| error.to_string())?;
        self.wait()
    }

    /// Whether it has ended, and how.
    pub fn look(&mut self) -> Result<Option<Ended>, String> {
        let status = self.child.try_wait().map_err(|error| error.to_string())?;
        Ok(status.map(|status| match status.signal() {
            Some(9) => Ended::Killed,
            _ => Ended::Exited(status, self.said()),
        }))
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// What a run said that had to end well.
pub fn well(ended: Ended) -> Result<String, String> {
    match ended {
        Ended::Exited(status, said) if status.success() => Ok(said),
        Ended::Exited(status, said) => Err(format!("a run ended with {status}: {}", said.trim())),
        Ended::Killed => Err("a run was killed by somebody else".to_owned()),
        Ended::Hung(said) => Err(format!("a run hung: {}", said.trim())),
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Ended already, where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Letters of several workers stand in the order in which they came; each has to be there once.
fn letters(path: &Path) -> Result<Held, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut rows = lines(&bytes);
    rows.sort();
    Ok(Held { rows: [("letters".to_owned(), rows)].into(), again: 0 })
}

fn pipeline(name: &str, bootstrap: &str, topic: &str, sink: &str) -> String {
    format!(
        r#"[pipeline]
name = "{name}"
workers = 2
# Small blocks and short epochs: a run of a second is dozens of each.
batch_rows_max = 256
[source]
type = "kafka"
brokers = "{bootstrap}"
topic = "{topic}"
[schema]
format = "json"
fields.country = "text"
fields.timestamp = {{ type = "timestamp", format = "epoch_ms" }}
fields.type = "text"
fields."items[].unit_price" = "decimal(4)"
fields."items[].quantity" = "int64"
[time]
column = "timestamp"
max_out_of_orderness = "1m"
allowed_lateness = "5m"
# Whoever is away is not idle, however long it takes.
idle_timeout = "1h"
[[preprocess]]
plugin = "order-totals"
[[kpi]]
name = "sales"
plugin = "sales"
window = "tumbling 1m"
[[kpi]]
name = "sales-by-country"
plugin = "sales"
by = ["country"]
window = "tumbling 1m"
[[kpi]]
name = "sales-hopping"
plugin = "sales"
by = ["country"]
window = "hopping 10m every 5m"
[dead_letters]
path = "dead.jsonl"
late_path = "late.jsonl"
[checkpoint]
path = "checkpoint"
interval = "20ms"
[[sink]]
{sink}
name = "tortured"
# For the places between two sinks, and so that they have to agree.
[[sink]]
type = "json-files"
name = "beside"
path = "beside"
kpis = ["sales"]
"#
    )
}
