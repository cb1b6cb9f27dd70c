//! A checkpoint of 100,000 open groups, all of which change between two: how long from the cut to a durable record, and for how
//! long records and windows stand still.

use super::input;
use super::verdicts::{Verdict, median};
use super::weir_run::Site;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const GROUPS: u64 = 100_000;
const SECONDS: u64 = 20;
const WRITTEN_MS: f64 = 100.0;
const STOPPED_MS: f64 = 20.0;

/// Measures it.
pub fn measure(folder: &Path, target: &Path) -> Vec<Verdict> {
    let pattern = input::customers(target, GROUPS, SECONDS);
    let site = Site::new(folder, "groups", &pipeline(&pattern));
    let options = ["--until-end", "--workers", "2"];
    site.start("weir=debug", &options).wait();
    let gaps = gaps(&site.told("barrier passed"));
    let written = site.told("checkpoint written");
    println!(
        "\n{GROUPS} groups in one open window, {GROUPS} records a second over all of them, 2 workers; medians (worst), ms"
    );
    print!("{:<8} {:>6} {:>10}", "record", "count", "KB");
    COLUMNS.iter().for_each(|(name, _)| print!(" {name:>15}"));
    println!(" {:>15}", "worker's gap");
    let kinds = [true, false].map(|whole| Kind::of(whole, &written, &gaps));
    kinds.iter().for_each(Kind::print);
    kinds.iter().flat_map(Kind::verdicts).collect()
}

/// What the log tells of a checkpoint, in microseconds.
const COLUMNS: [(&str, &str); 4] = [
    ("keeper's cut", "cut_micros"),
    ("encode", "encode_micros"),
    ("write", "write_micros"),
    ("cut to durable", "durable_micros"),
];
const CUT: usize = 0;
const DURABLE: usize = 3;

/// Checkpoints of a kind, and for each the longest gap of a worker; milliseconds.
struct Kind {
    name: &'static str,
    kilobytes: f64,
    columns: [Vec<f64>; COLUMNS.len()],
    gaps: Vec<f64>,
}

impl Kind {
    fn of(whole: bool, written: &[Value], gaps: &BTreeMap<u64, f64>) -> Self {
        let ms = |value: &Value| value.as_f64().expect("microseconds") / 1e3;
        // All groups are open, and there was a barrier: the run's end has none.
        let counts = |line: &&Value| {
            let cells = line["cells"].as_u64().expect("cells");
            line["whole"] == whole && cells >= GROUPS * 9 / 10 && gaps.contains_key(&epoch(line))
        };
        let lines: Vec<&Value> = written.iter().filter(counts).collect();
        assert!(!lines.is_empty(), "no checkpoint of {GROUPS} groups was written");
        Self {
            name: if whole { "whole" } else { "changes" },
            kilobytes: median(lines.iter().map(|line| line["bytes"].as_f64().expect("bytes") / 1e3).collect()),
            columns: COLUMNS.map(|(_, field)| lines.iter().map(|line| ms(&line[field])).collect()),
            gaps: lines.iter().map(|line| gaps[&epoch(line)]).collect(),
        }
    }

    fn print(&self) {
        print!("{:<8} {:>6} {:>10.0}", self.name, self.gaps.len(), self.kilobytes);
        for values in self.columns.iter().chain([&self.gaps]) {
            let worst = values.iter().copied().fold(0.0, f64::max);
            print!(" {:>15}", format!("{:.1} ({worst:.1})", median(values.clone())));
        }
        println!();
    }

    /// Two things may stand still, one after the other: workers read on while the keeper cuts.
    fn verdicts(&self) -> [Verdict; 3] {
        let durable = median(self.columns[DURABLE].clone());
        let name = |what: &str| format!("{GROUPS} groups, {}: {what}, ms", self.name);
        [
            Verdict::at_most(name("from the cut to a durable record"), durable, WRITTEN_MS),
            Verdict::at_most(
                name("records stand still: a worker's longest gap"),
                median(self.gaps.clone()),
                STOPPED_MS,
            ),
            Verdict::at_most(name("windows stand still: keeper's cut"), median(self.columns[CUT].clone()), STOPPED_MS),
        ]
    }
}

/// By epoch: the longest gap of a worker, milliseconds. Every barrier makes an epoch here, so the two count alike.
fn gaps(barriers: &[Value]) -> BTreeMap<u64, f64> {
    let mut gaps = BTreeMap::new();
    for line in barriers {
        let gap: &mut f64 = gaps.entry(epoch(line)).or_default();
        *gap = gap.max(line["gap_micros"].as_f64().expect("microseconds") / 1e3);
    }
    gaps
}

fn epoch(line: &Value) -> u64 {
    line["epoch"].as_u64().expect("an epoch")
}

fn pipeline(pattern: &str) -> String {
    format!(
        r#"[pipeline]
name = "groups"

[source]
type = "file"
files = ["{pattern}"]
rate = {GROUPS}

{FIELDS}
window = "tumbling 1h"
"#
    )
}

/// What both pipelines of this benchmark ask for, up to the window's length.
pub const FIELDS: &str = r#"[schema]
fields.country = "text"
fields.timestamp = { type = "timestamp", format = "%Y-%m-%d %H:%M:%S", zone = "UTC" }
fields.type = "text"
fields."items[].unit_price" = "decimal(4)"
fields."items[].quantity" = "int64"

[time]
column = "timestamp"
max_out_of_orderness = "10m"

[checkpoint]
path = "checkpoint"
interval = "1s"

[[sink]]
type = "json-files"
path = "out"

[[preprocess]]
plugin = "order-totals"

[[kpi]]
name = "sales"
plugin = "sales"
by = ["country"]"#;
