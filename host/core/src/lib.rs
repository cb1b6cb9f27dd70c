//! Weir's core: event time, windows, slots, state, rows. Everything that decides what is counted where.
//!
//! Synchronous and without a world: no files, threads, clocks, wasm or Kafka. Whoever calls it brings columns, arrival times and
//! watermarks, so property tests can try every interleaving against a naive oracle (`tests/`).
//!
//! ```text
//! time     a partition's clock: front, watermark, jumps          board: the pipeline's watermark
//! assign   event time → pane (window), group key → number (keys), both → slot (slots); here lateness is judged
//! fold     Folder, one a worker: folds batches, gives up deltas (delta)
//! close    Closer, one a pipeline: merges deltas, publishes windows (results), exports its state for a checkpoint
//! plugin   Kpi and Preprocess: what the core knows of a plugin; guard stops calling one that failed
//! ledger   what became of every record
//! ```
//!
//! [`fold::Folder`] says how folders, board and closer work together, and why a record that is not late always finds its window.

#![forbid(unsafe_code)]

/// What a source hands over.
pub mod block;
/// Merges and publishes.
pub mod close;
/// What travels from folders to the closer and into a checkpoint.
pub mod delta;
/// Folds one worker's rows.
pub mod fold;
/// Group keys.
pub mod group;
/// What became of every record.
pub mod ledger;
/// What folder and closer have to agree on.
pub mod plan;
/// KPIs and preprocessors as the core knows them.
pub mod plugin;
/// What the closer publishes.
pub mod results;
/// Native KPIs and generators for tests and benchmarks.
#[cfg(any(test, feature = "testing"))]
pub mod testing;
/// Fronts, watermarks, the rules of time.
pub mod time;
/// Types of values and columns.
pub mod types;
/// Windows and panes.
pub mod window;

mod assign;
mod guard;
mod keys;
mod slots;
#[cfg(test)]
mod tests;
