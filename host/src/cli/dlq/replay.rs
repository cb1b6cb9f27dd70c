//! `weir dlq replay`: from what was typed to a replay, and what came of it in words.

use super::args::ReplayArgs;
use super::{count, shown, tell};
use crate::cli::{Failure, check, say};
use crate::config::{self, ExpandError};
use crate::pipeline::replay::{self, ReplayError, ReplayOptions, ReplayReport, Target};
use std::collections::BTreeMap;

/// Names of records told one by one at the most.
const TOLD_MAX: usize = 100;

/// Feeds letters again, and tells what came of it.
pub fn replay(args: &ReplayArgs) -> Result<u8, Failure> {
    let options = ReplayOptions {
        files: args.select.files.clone(),
        selection: args.select.selection(args.from_topic.as_ref()),
        limit: args.select.limit.map(|limit| limit as usize),
        mended: args.mended.clone(),
        partly_counted: args.partly_counted,
        dry_run: args.dry_run,
        target: target(args)?,
    };
    let report = replay::replay(&options).map_err(failure)?;
    tell_left_out(&report);
    say(&summary(&report, &options));
    Ok(u8::from(!report.refused.is_empty() || !report.unreadable.is_empty()))
}

fn failure(error: ReplayError) -> Failure {
    match error {
        ReplayError::Usage(text) => Failure::configuration(format!("error: {text}")),
        other => Failure::run(&other),
    }
}

fn target(args: &ReplayArgs) -> Result<Target, Failure> {
    if let Some(file) = &args.pipeline {
        return Target::pipeline(&check::load(file)?).map_err(failure);
    }
    let properties = properties(&args.properties)?;
    match (&args.topic, &args.out, &args.brokers) {
        (Some(topic), _, Some(brokers)) => Ok(Target::topic(brokers, topic, properties)),
        (_, Some(out), brokers) => Ok(Target::file(out.clone(), brokers.as_deref(), properties)),
        _ => Err(Failure::configuration("error: name `--pipeline`, `--topic` with `--brokers`, or `--out`".to_owned())),
    }
}

/// Properties as typed; what stands in `${…}` comes from the environment, so that no secret is seen in a list of processes.
fn properties(typed: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let property = |text: &String| {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::configuration(format!("error: `--property {text}` has no value; write NAME=VALUE")));
        };
        let expanded = config::expand(value, &variable).map_err(|error| {
            Failure::configuration(match error {
                ExpandError::Unset(variable) => {
                    format!("error: `--property {name}`: the environment variable {variable} is not set")
                }
                _ => format!("error: `--property {name}`: what begins with `${{` must be `${{NAME}}`"),
            })
        })?;
        Ok((name.to_owned(), expanded.value))
    };
    typed.iter().map(property).collect()
}

fn tell_left_out(report: &ReplayReport) {
    for (path, wrong) in report.unreadable.iter().take(TOLD_MAX) {
        tell(&format!("{}:{}: not a letter, left out: {}", path.display(), wrong.line, wrong.reason));
    }
    for (name, reason) in report.refused.iter().take(TOLD_MAX) {
        tell(&format!("{}: not fed: {}", shown(name), shown(reason)));
    }
    let told = report.unreadable.len().min(TOLD_MAX) + report.refused.len().min(TOLD_MAX);
    let more = report.unreadable.len() + report.refused.len() - told;
    if more > 0 {
        tell(&format!("and {more} more"));
    }
}

fn summary(report: &ReplayReport, options: &ReplayOptions) -> String {
    let place = options.target.place();
    let mut lines = Vec::new();
    if report.found_out > 0 {
        let found = count(report.found_out, "record");
        lines.push(format!("found out first: an earlier call that broke off had fed {found}"));
    }
    let verb = if options.dry_run { "would feed" } else { "fed" };
    lines.push(format!("{verb} {} into {place}", count(report.fed, "record")));
    for (number, what) in [
        (report.fed_before, "fed before, left out"),
        (report.unchanged, "mended, but unchanged: left out"),
        (report.repeated, "told by two letters: counted once"),
        (report.refused.len(), "not fed, see above"),
    ] {
        if number > 0 {
            lines.push(format!("  {number} {what}"));
        }
    }
    if report.fed + report.found_out > 0 && !options.dry_run {
        lines.push(format!("  noted in {}", report.journals.join(", ")));
    }
    if report.late > 0 {
        let now = options.target.allowed_lateness().map_or_else(String::new, |wait| format!(" (now {wait:?})"));
        let late = count(report.late, "late record");
        let warning = "late again unless the pipeline runs with a higher `allowed_lateness`";
        lines.push(format!("warning: {late} among them: {warning}{now}"));
    }
    lines.join("\n")
}
