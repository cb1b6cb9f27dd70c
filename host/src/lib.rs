//! Weir.
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod decode;
pub mod pipeline;
pub mod plugin;
pub mod sink;
pub mod source;
pub mod telemetry;
