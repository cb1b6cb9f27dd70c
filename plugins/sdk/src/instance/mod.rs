//! The loops: from one-row functions to calls over columns. The same code runs inside a component and natively.

mod kpi;
mod preprocessor;
mod runs;
mod scattered;

pub use kpi::{KpiDescription, KpiInstance, KpiRows};
pub use preprocessor::{Outcome, PreprocessorDescription, PreprocessorInstance};

/// Rows a turn of a loop: with limits on, wasmtime counts fuel and looks at the clock once a turn, which costs as much as a row.
const TURN: usize = 8;
