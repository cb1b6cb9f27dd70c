//! Weir's core.
#![forbid(unsafe_code)]
pub mod block;
pub mod group;
pub mod plugin;
pub mod results;
pub mod types;
