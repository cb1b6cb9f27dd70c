//! `cargo xtask bench`.

use crate::command::Done;
use clap::Args;

/// `cargo xtask bench`
#[derive(Debug, Args)]
pub struct BenchArgs {}

/// Runs the suite.
pub fn bench(_args: &BenchArgs) -> Done {
    Err("not built yet".into())
}
