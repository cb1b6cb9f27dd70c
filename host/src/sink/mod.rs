//! Sinks: where rows go. One file per outside system; this page holds the contract.
//!
//! ```text
//! start:   recover(prepared of the checkpoint, or none)
//! flow:    accept(closed windows)*
//! epoch:   prepare() ─▶ bytes into the checkpoint ─▶ commit(bytes), which may be repeated and then changes nothing
//! ```

mod cells;
pub mod dead_letters;
mod folders;
mod instant;
pub mod json_files;
pub mod kafka;
pub mod row;
#[cfg(test)]
mod test_rows;

use arrow_schema::ArrowError;
use std::sync::Arc;
use thiserror::Error;
use weir_core::plugin::Output;
use weir_core::results::Closed;
use weir_core::types::Field;

/// A moment (microseconds since the epoch) as rows have it: `2020-09-18T10:55:00.000Z`.
pub fn timestamp_text(us: i64) -> String {
    let mut text = Vec::new();
    instant::push_micros(&mut text, us);
    String::from_utf8_lossy(&text).into_owned()
}

/// What a sink knows of a KPI whose rows it takes.
#[derive(Debug, Clone)]
pub struct KpiSchema {
    /// The KPI's name in the pipeline file.
    pub name: String,
    /// Its place in the pipeline file: `Closed::kpi`.
    pub kpi: usize,
    /// The group key's columns, in order.
    pub keys: Vec<Field>,
    /// The outputs to write, in order, each with its place in `ResultTable::columns`.
    pub outputs: Vec<(usize, Output)>,
}

/// A sink.
///
/// # Contract
/// * `recover` comes first and once. `accept` gets each published window whole; a window that comes again with a higher
///   revision replaces the one before. KPIs that the sink does not take are not passed.
/// * `prepare` makes all that was accepted durable, aside: nobody sees it yet. What it returns goes into the checkpoint.
/// * `commit` makes it visible. It may be called again after a crash with the same bytes, and then changes nothing.
/// * Bytes and names depend on the rows alone, not on the attempt.
pub trait Sink: Send {
    /// Takes up where the checkpoint left off; `None` on a first start.
    fn recover(&mut self, prepared: Option<&[u8]>) -> Result<(), SinkError>;
    /// Takes closed windows of one KPI.
    fn accept(&mut self, closed: &Closed) -> Result<(), SinkError>;
    /// Windows that end at or before this (microseconds) will not come again.
    fn settle(&mut self, before_us: i64);
    /// Makes everything accepted durable, aside.
    fn prepare(&mut self) -> Result<Vec<u8>, SinkError>;
    /// Makes what was prepared visible.
    fn commit(&mut self, prepared: &[u8]) -> Result<(), SinkError>;
    /// Where the rows are, for people.
    fn place(&self) -> String;
}

/// Why a sink can't go on.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The outside system failed; the message names the place.
    #[error("{place}: {source}")]
    Io {
        /// The file, table or key.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// What a checkpoint holds for this sink can't be read.
    #[error("the checkpoint's part for {place} can't be read: {reason}")]
    Recover {
        /// The sink.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Rows that can't be written: ours.
    #[error("rows of KPI `{kpi}` can't be written: {source}")]
    Rows {
        /// The KPI's name.
        kpi: Arc<str>,
        /// What Arrow said.
        source: ArrowError,
    },
}
