//! The command line.

use crate::points::{self, Point};
use crate::scenarios::{self, Scenario};
use crate::sinks::{self, Kind};
use clap::Parser;
use std::path::PathBuf;

/// Random kills, where nothing is said.
const RANDOM: u64 = 200;

/// Kills weir at every named point and at random, on a real broker and real servers, and compares with a run that was left alone
#[derive(Debug, Parser)]
#[command(name = "cargo xtask torture")]
pub struct Args {
    /// Deaths at each point with each sink
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub rounds: u64,
    /// Deaths at random moments, dealt to the sinks; 200, or none with --points or --scenarios
    #[arg(long, value_name = "N")]
    random: Option<u64>,
    /// The sinks; all, if left out
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    sinks: Vec<String>,
    /// The points, or `none`; all, or none with --scenarios, if left out
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    points: Vec<String>,
    /// The further scenarios, or `none`; all, or none with --points, if left out
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    scenarios: Vec<String>,
    /// What passes and moments are drawn from, and the records
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Records in the topic
    #[arg(long, value_name = "N", default_value_t = 24_000)]
    pub records: u64,
    /// Cases at once
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub parallel: usize,
    /// Systems are away for 20 s instead of 3
    #[arg(long)]
    pub long: bool,
    /// Torture the release build
    // These three are for `cargo xtask`, which has heeded them.
    #[arg(long)]
    release: bool,
    /// Torture what the last torture built
    #[arg(long)]
    as_built: bool,
    /// Only what needs no servers: 100,000 simulated epochs, and 100,000 states of a disk after a crash. A run of everything ends with them
    #[arg(long)]
    in_memory: bool,
    /// Keep the folders and places of cases that passed, too
    #[arg(long)]
    pub keep: bool,
    /// Write the page of this run, to host/decisions/torture.md or FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "host/decisions/torture.md")]
    pub page: Option<PathBuf>,
}

impl Args {
    /// The sinks that are meant.
    pub fn sinks(&self) -> Result<Vec<Kind>, String> {
        if self.sinks.is_empty() {
            return Ok(sinks::ALL.to_vec());
        }
        self.sinks.iter().map(|name| Kind::named(name)).collect()
    }

    /// The points that are meant.
    pub fn points(&self) -> Result<Vec<Point>, String> {
        let all = points::all();
        match (self.points.is_empty(), self.scenarios.iter().all(|name| name == "none")) {
            (true, true) => Ok(all),
            (true, false) => Ok(Vec::new()),
            (false, _) if self.points == ["none"] => Ok(Vec::new()),
            (false, _) => self.points.iter().map(|name| point(&all, name)).collect(),
        }
    }

    /// The scenarios that are meant.
    pub fn scenarios(&self) -> Result<Vec<Scenario>, String> {
        match (self.points.is_empty(), self.scenarios.as_slice()) {
            (true, []) => Ok(scenarios::ALL.to_vec()),
            (false, []) => Ok(Vec::new()),
            (_, [none]) if none == "none" => Ok(Vec::new()),
            (_, names) => names.iter().map(|name| Scenario::named(name)).collect(),
        }
    }

    /// Random kills.
    pub fn random(&self) -> u64 {
        let all = self.points.is_empty() && self.scenarios.iter().all(|name| name == "none");
        self.random.unwrap_or(if all { RANDOM } else { 0 })
    }
}

fn point(all: &[Point], name: &str) -> Result<Point, String> {
    let names = || all.iter().map(|point| point.name).collect::<Vec<_>>().join(", ");
    all.iter().find(|point| point.name == name).copied().ok_or_else(|| format!("no point `{name}`: {}", names()))
}
