//! The loops: from one-row functions to calls over columns. The same code runs inside a component and natively.

mod kpi;
mod preprocessor;

pub use kpi::{KpiDescription, KpiInstance, KpiRows};
pub use preprocessor::{Outcome, PreprocessorDescription, PreprocessorInstance};
