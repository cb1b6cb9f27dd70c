//! `weir run`: opens, runs with a view beside it, and tells how it ended.

use super::args::{RunArgs, View};
use super::{Failure, check, say, view};
use crate::pipeline::{self, Discard, PrepareOptions, Progress, Report, RunOptions, Shutdown};
use crate::telemetry;
use crate::telemetry::failpoint;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Runs a pipeline; the exit code of its report.
pub fn run(args: &RunArgs) -> Result<u8, Failure> {
    let started = Instant::now();
    if args.stages {
        telemetry::stages::measure();
    }
    let options = PrepareOptions {
        plugin_path: args.plugins.plugin_path.clone(),
        workers: args.workers.map(usize::from),
        batch_rows_max: args.batch_rows.map(|rows| rows as usize),
    };
    let plan = check::load(&args.file)?;
    failpoint!("plan-read");
    let job = pipeline::prepare(plan, &options, args.until_end).map_err(check::failure)?;
    let shutdown = Shutdown::on_signals().map_err(|error| Failure::run(&error))?;
    let progress = Arc::new(Progress::new(&job, args.view != View::Off));
    let shown = view::start(args.view, &job, Arc::clone(&progress));
    let places = job.places();
    let options = RunOptions {
        discard: Discard {
            state: args.discard_state.iter().cloned().collect(),
            rows: args.discard_rows.iter().cloned().collect(),
        },
        stop_after: args.stop_after,
        started,
    };
    let outcome = pipeline::run(job, &options, &shutdown, &progress);
    shown.stop();
    let report = outcome.map_err(|error| Failure::run(&error))?;
    failpoint!("run-ended");
    if let Some(path) = &args.report {
        write_report(path, &report)?;
    }
    if args.report.as_deref() != Some(Path::new("-")) {
        say(&view::summary(&report, &places));
    }
    Ok(report.exit_code())
}

fn write_report(path: &Path, report: &Report) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(|error| Failure::run(&error))?;
    if path == Path::new("-") {
        return writeln!(std::io::stdout(), "{text}")
            .map_err(|error| Failure { text: format!("error: report: {error}"), code: 1 });
    }
    std::fs::write(path, text + "\n")
        .map_err(|error| Failure { text: format!("error: report {}: {error}", path.display()), code: 1 })
}
