//! Weir's core: event time, windows, slots, state, rows. Everything that decides what is counted where.
//!
//! Synchronous and without a world: no files, threads, clocks, wasm or Kafka. Whoever calls it brings columns, arrival times and
//! watermarks, so property tests can try every interleaving against a naive oracle (`tests/`).
//!
//! ```text
//! time     a partition's clock: front, watermark, jumps          board: the pipeline's watermark
//! assign   event time → pane (window), group key → number (keys), both → slot (slots); here lateness is judged
//! sorted   rows by slot, where several KPIs share a grouping and their columns
//! fold     Folder, one a worker: folds batches, gives up deltas (delta)
//! close    Closer, one a pipeline: merges deltas, publishes windows (results), exports its state, or what changed of it, for a checkpoint
//! plugin   Kpi and Preprocess: what the core knows of a plugin; guard stops calling one that failed
//! ledger   what became of every record
//! ```
//!
//! [`fold::Folder`] says how folders, board and closer work together, and why a record that is not late always finds its window.

#![forbid(unsafe_code)]

pub mod block;
pub mod close;
pub mod delta;
pub mod fold;
pub mod group;
pub mod ledger;
pub mod plan;
pub mod plugin;
pub mod results;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod types;
pub mod window;

mod assign;
mod guard;
mod keys;
mod slots;
mod sorted;
#[cfg(test)]
mod tests;
