//! What the operator knows of a KPI and a preprocessor: two traits and what they describe of themselves.
//!
//! Behind them stand WASM components in production and native code in tests and benchmarks; the operator never learns which.

use crate::types::{ColumnType, Field};
use arrow_array::{ArrayRef, BooleanArray};
use thiserror::Error;

/// A KPI: a state per slot, into which rows are folded and which merges with other states of its kind.
///
/// # Contract
/// * `groups[i]` is the slot of row `i`; slots are dense from 0, owned and re-used by the caller. A slot never named before
///   holds the state of no rows; `clear` sets it back to that.
/// * `columns` are `KpiDescription::inputs` in order, each as long as `groups`.
/// * `update` and `merge` in any order and any split give the same bytes from `evaluate` and equal results from `state`
///   once merged anew (associative, commutative).
/// * After an `Err` the instance may not be used again: its state is unknown.
/// * Cost: one crossing a call into a plugin; callers pass whole batches.
pub trait Kpi: Send {
    /// Folds row `i` into slot `groups[i]`.
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError>;
    /// Folds state `i` (columns as from `state`) into slot `groups[i]`.
    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) -> Result<(), PluginError>;
    /// The states of these slots as `KpiDescription::state` columns; the slots keep them.
    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError>;
    /// Results of these slots for windows `[starts[i], ends[i])` in microseconds; the slots keep their states.
    fn evaluate(&mut self, groups: &[u32], starts: &[i64], ends: &[i64]) -> Result<KpiRows, PluginError>;
    /// Sets these slots back to the state of no rows.
    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError>;
    /// What the instance has cost so far.
    fn cost(&self) -> Cost;
}

/// A step before the KPIs.
///
/// After an `Err` the instance may not be used again.
pub trait Preprocess: Send {
    /// Works on one batch of `rows` rows; `columns` are `PreprocessorDescription::inputs` in order.
    fn process(&mut self, rows: usize, columns: &[ArrayRef]) -> Result<Outcome, PluginError>;
    /// What the instance has cost so far.
    fn cost(&self) -> Cost;
}

/// What a preprocessor made of a batch.
#[derive(Debug)]
pub struct Outcome {
    /// `PreprocessorDescription::outputs` in order, each with as many rows as came in.
    pub columns: Vec<ArrayRef>,
    /// Rows to keep (no nulls); `None` keeps all.
    pub keep: Option<BooleanArray>,
    /// Rows that are wrong, rising, each with its reason.
    pub rejects: Vec<(u32, String)>,
}

/// Rows of results.
#[derive(Debug)]
pub struct KpiRows {
    /// For each row the place in `evaluate`'s arguments that it belongs to, rising; a place may have none or several.
    pub places: Vec<u32>,
    /// `KpiDescription::outputs` in order, each as long as `places`.
    pub columns: Vec<ArrayRef>,
}

/// What a KPI plugin says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct KpiDescription {
    /// The plugin's name.
    pub name: String,
    /// Its version, as semver.
    pub version: String,
    /// One sentence for people.
    pub summary: String,
    /// The columns it asks for.
    pub inputs: Vec<Field>,
    /// The columns of its rows.
    pub outputs: Vec<Output>,
    /// The format of its state.
    pub state_version: u32,
    /// The columns of its state.
    pub state: Vec<ColumnType>,
}

/// What a preprocessor plugin says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PreprocessorDescription {
    /// The plugin's name.
    pub name: String,
    /// Its version, as semver.
    pub version: String,
    /// One sentence for people.
    pub summary: String,
    /// The columns it asks for.
    pub inputs: Vec<Field>,
    /// The columns it adds.
    pub outputs: Vec<Output>,
}

/// A column that a plugin makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its name and type (`path` is a plain name here).
    pub field: Field,
    /// A unit for people: `orders/min`, `GBP`, `1`. KPIs only.
    pub unit: Option<String>,
    /// One sentence for people.
    pub description: String,
    /// Whether values may be summed over windows and groups. KPIs only.
    pub additive: bool,
}

/// What an instance of a plugin has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Deterministic instructions of the engine; 0 for native code.
    pub fuel: u64,
    /// Wall time inside calls, nanoseconds.
    pub nanos: u64,
    /// Rows passed to `update` or `process`.
    pub rows: u64,
    /// Calls of any kind.
    pub calls: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.fuel += other.fuel;
        self.nanos += other.nanos;
        self.rows += other.rows;
        self.calls += other.calls;
    }
}

/// Why a plugin could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct PluginError {
    /// A sentence that names the plugin's limit and value, or is the plugin's own words.
    pub reason: String,
    /// The row (or place) of the call's arguments that it is about, where it is about one.
    pub row: Option<u32>,
    /// Who must act.
    pub kind: PluginErrorKind,
}

/// Who must act on a `PluginError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginErrorKind {
    /// The plugin answered with a failure: its author or the data.
    Failure,
    /// The plugin trapped: its author.
    Trap,
    /// A limit was reached: the author, or the operator who may raise the key.
    Limit,
    /// The plugin broke the contract (lengths, types, UTF-8): its author.
    Malformed,
}
