//! `weir check`: every problem of a pipeline file and its plugins at once.

use super::args::CheckArgs;
use super::{Failure, say};
use crate::config::plan::Plan;
use crate::config::{self, ConfigError};
use crate::pipeline::{self, PrepareError, PrepareOptions};
use std::io::IsTerminal;
use std::path::Path;

/// Checks; prints what the pipeline will do, in short, or fails with the problems.
pub fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let options = PrepareOptions { plugin_path: args.plugins.plugin_path.clone(), ..PrepareOptions::default() };
    let checked = pipeline::check(load(&args.file)?, &options).map_err(failure)?;
    say(&checked.summary());
    Ok(0)
}

/// Loads a pipeline file; what is wrong becomes a failure with all problems rendered.
pub fn load(file: &Path) -> Result<Plan, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    config::load(file, &variable).map_err(|error| match error {
        ConfigError::Problems(problems) => Failure::configuration(problems.render(colour())),
        other => Failure::configuration(format!("error: {other}")),
    })
}

/// What stands in the way of a job.
pub fn failure(error: PrepareError) -> Failure {
    match error {
        PrepareError::Problems(problems) => Failure::configuration(problems.render(colour())),
        other => Failure::run(&other),
    }
}

fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
