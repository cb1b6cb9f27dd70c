//! Weir's core.
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
#[cfg(test)]
mod tests;
