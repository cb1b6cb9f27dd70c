//! The end of a run as data: for scripts and CI (`--report FILE`), and for the last lines on the terminal.

use serde::Serialize;
use std::collections::BTreeMap;

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The pipeline's name.
    pub pipeline: String,
    /// Records that the source handed over.
    pub read: u64,
    /// Not a record of the schema.
    pub undecodable: u64,
    /// Dated more than `max_future_skew` ahead of their arrival.
    pub future_dated: u64,
    /// Refused by a preprocessor, with a reason.
    pub rejected: u64,
    /// Left out by a preprocessor.
    pub filtered: u64,
    /// Went to the KPIs.
    pub kept: u64,
    /// Whether read = undecodable + future_dated + rejected + filtered + kept, and kept = counted + late for each KPI.
    pub balanced: bool,
    /// By the KPI's name.
    pub kpis: BTreeMap<String, KpiReport>,
    /// By `preprocess[0] order-totals`, `kpi sales`.
    pub plugins: BTreeMap<String, PluginReport>,
    /// Worker threads.
    pub workers: usize,
    /// Why the run ended: `end of input`, `signal`, `record limit`.
    pub ended_by: &'static str,
    /// Windows that are open at the end (in the checkpoint, if one is kept).
    pub open_windows: usize,
    /// The epoch of the last checkpoint.
    pub checkpoint_epoch: Option<u64>,
    /// Wall time from the process's start, seconds.
    pub seconds: f64,
    /// Wall time from the process's start to the first record, seconds.
    pub seconds_to_first_record: Option<f64>,
    /// CPU time of the process, user and system, seconds.
    pub cpu_seconds: f64,
    /// `read / cpu_seconds`.
    pub events_per_cpu_second: f64,
    /// CPU time by stage, nanoseconds, where `--stages` asked for it; see [`crate::telemetry::stages::Stage`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<BTreeMap<&'static str, u64>>,
    /// The most memory held at once, bytes.
    pub peak_memory_bytes: Option<u64>,
}

/// A KPI's part of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KpiReport {
    /// Records kept before the KPI began, where it began later than the pipeline: kept = before + counted + late.
    #[serde(skip_serializing_if = "is_zero")]
    pub before: u64,
    /// Records counted in at least one window.
    pub counted: u64,
    /// Records that every window refused.
    pub late: u64,
    /// Pairs of record and window that were refused, also of records counted elsewhere.
    pub refused_pairs: u64,
    /// Windows published, each once.
    pub windows: u64,
    /// Rows of these windows, as they stand now.
    pub rows: u64,
    /// Late records that windows have taken, over all windows: the sum of their revisions.
    pub revisions: u64,
    /// Why it is quarantined.
    pub quarantined: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a plugin cost, over all its instances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PluginReport {
    /// Deterministic instructions.
    pub fuel: u64,
    /// Wall time inside calls, nanoseconds.
    pub ns: u64,
    /// Rows passed.
    pub rows: u64,
    /// Calls.
    pub calls: u64,
}

impl From<weir_core::plugin::Cost> for PluginReport {
    fn from(cost: weir_core::plugin::Cost) -> Self {
        Self { fuel: cost.fuel, ns: cost.nanos, rows: cost.rows, calls: cost.calls }
    }
}

impl Report {
    /// 3 where a KPI is quarantined, else 0.
    pub fn exit_code(&self) -> u8 {
        if self.kpis.values().any(|kpi| kpi.quarantined.is_some()) { 3 } else { 0 }
    }
}
