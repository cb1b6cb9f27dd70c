//! The pipeline: builds a job from a plan and runs it. The only room that has met everyone.
//!
//! ```text
//! plan ─▶ build (plugins open, columns connected) ─▶ job ─▶ run
//!
//!   worker thread, one or several          keeper thread, one                  delivery thread, one
//!   reader → decode → judge → steps →      absorb deltas → close windows  ──▶  sinks accept
//!   fold → post watermark → flush    ──▶   letters, barriers → cut        ──▶  letters; prepare → checkpoint → commit
//! ```
//!
//! Backwards go fullness (the bounded channel), the watermark (the board) and the epoch wanted.

mod batch;
mod build;
mod chain;
mod clock;
mod delivery;
mod epoch;
mod gap;
mod identity;
mod job;
mod keeper;
mod late;
mod letters;
mod message;
mod partitions;
mod progress;
pub mod replay;
mod report;
mod resolve;
mod resume;
mod run;
mod shared;
mod shutdown;
#[cfg(test)]
mod simulation;
mod sinks;
mod snapshot;
mod start;
mod state;
mod storage;
mod tally;
mod translate;
mod watch;
mod worker;

#[cfg(test)]
mod crash_states;

pub use crate::sink::timestamp_text;
pub use build::{Checked, PrepareError, PrepareOptions, check, plugin_host, prepare, source_ends};
pub use identity::Discard;
pub use job::{Job, Places};
pub use progress::{Count, Live, Progress, SinkLine, Total};
pub use report::{KpiReport, PluginReport, Report};
pub use run::{RunError, RunOptions, run};
pub use shutdown::Shutdown;
pub use state::{KpiPicture, PartitionPicture, Picture, SinkPicture, StateError, StatePlace, look};
