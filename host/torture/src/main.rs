//! `cargo xtask torture`: kill -9 at every named point with every sink, kills at random, and what else befalls a pipeline; on a real broker
//! and real servers. After each death the same pipeline runs again, and what its sinks hold, its letters and its ledger have to be those of a run
//! that was left alone.

mod args;
mod built;
mod case;
mod compare;
mod crew;
mod kills;
mod page;
mod points;
mod random;
mod scenarios;
mod services;
mod sinks;
mod table;
mod workload;

use args::Args;
use case::{Bench, Case};
use clap::Parser;
use compare::Outcome;
use kills::{Trial, Verdict};
use scenarios::Scenario;
use services::Services;
use sinks::Kind;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use table::Table;

/// Epochs that a run has to make, so that its passes and what came before them fit in.
const EPOCHS_MIN: u64 = 5;

/// How long systems are away.
const AWAY: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(20));

fn main() -> ExitCode {
    match torture(&Args::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("error: {failed} cases failed");
            ExitCode::FAILURE
        }
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What is asked for.
struct Asked {
    sinks: Vec<Kind>,
    points: Vec<points::Point>,
    scenarios: Vec<Scenario>,
}

/// Cases that failed.
fn torture(args: &Args) -> Result<u64, String> {
    let asked = Asked { sinks: args.sinks()?, points: args.points()?, scenarios: args.scenarios()? };
    let (began, version) = (Instant::now(), page::version());
    let folder = fresh_folder()?;
    println!("cases are in {}; seed {}", folder.display(), args.seed);
    let mut services = Services::start(&folder, &asked.sinks, asked.scenarios.contains(&Scenario::Moved))?;
    let bench = Bench {
        weir: built::weir(),
        plugins: built::root().join("pipelines/plugins"),
        topic: "torture".to_owned(),
        keep: args.keep,
        folder,
    };
    workload::fill(services.bootstrap(), &bench.topic, args.records, args.seed).map_err(|error| error.to_string())?;
    let references = references(&bench, &services, &asked.sinks)?;
    let points = points_table(args, &asked, &trial(&bench, &services, &references, args));
    let mut others = others_table(args, &asked, &trial(&bench, &services, &references, args));
    systems_away(args, &asked, &mut services, &bench, &references, &mut others);
    tell(args, &asked, &version, (&points, &others), began.elapsed())
}

fn trial<'a>(
    bench: &'a Bench,
    services: &'a Services,
    references: &'a BTreeMap<Kind, (Outcome, Duration)>,
    args: &Args,
) -> Trial<'a> {
    Trial { bench, services, references, seed: args.seed }
}

/// An empty folder; compiled plugins of earlier tortures stay beside it.
fn fresh_folder() -> Result<PathBuf, String> {
    let folder = built::folder().join("cases");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// What each sink has to hold, by a run that was left alone, and how long that takes.
fn references(
    bench: &Bench,
    services: &Services,
    sinks: &[Kind],
) -> Result<BTreeMap<Kind, (Outcome, Duration)>, String> {
    let mut references = BTreeMap::new();
    for sink in sinks {
        let case = Case::new(bench, services, &format!("reference_{}", sink.name()), *sink)?;
        case.check()?;
        let began = Instant::now();
        case.run_paced()?;
        let took = began.elapsed();
        let outcome = case.outcome(services)?;
        let held: usize = outcome.held.values().flat_map(|held| held.rows.values()).map(Vec::len).sum();
        println!(
            "reference {}: {held} rows and letters, {} epochs, {:.1} s; {}",
            sink.name(),
            outcome.epoch,
            took.as_secs_f64(),
            outcome.ledger
        );
        if outcome.epoch < EPOCHS_MIN {
            return Err(format!("{} epochs are too few to be killed between: take more --records", outcome.epoch));
        }
        references.insert(*sink, (outcome, took));
        case.clear(services);
    }
    Ok(references)
}

fn points_table(args: &Args, asked: &Asked, trial: &Trial<'_>) -> Table {
    let mut cases = Vec::new();
    for point in &asked.points {
        let sinks = asked.sinks.iter().filter(|sink| point.concerns(**sink));
        cases.extend(sinks.flat_map(|sink| (1..=args.rounds).map(move |round| (*point, *sink, round))));
    }
    let counter = Counter::of(cases.len());
    let verdicts = crew::each(args.parallel, &cases, |(point, sink, round)| {
        let verdict = trial.at_point(*point, *sink, *round);
        let replay = format!("--points {} --sinks {} --rounds {round}", point.name, sink.name());
        counter.tell(&format!("{} {} {round}", point.name, sink.name()), &verdict, &replay, args);
        verdict
    });
    let mut table = Table::default();
    cases.iter().zip(&verdicts).for_each(|((point, sink, _), verdict)| {
        table.add(&format!("`{}`: {}", point.name, point.tells), *sink, verdict);
    });
    table
}

/// Random kills, and the scenarios that leave the services alone.
fn others_table(args: &Args, asked: &Asked, trial: &Trial<'_>) -> Table {
    let mut table = Table::default();
    let counter = Counter::of(0);
    let sinks = asked.sinks.len() as u64;
    let verdicts = crew::each(args.parallel, &asked.sinks, |sink| {
        let place = asked.sinks.iter().position(|other| other == sink).unwrap_or_default() as u64;
        let wanted = args.random() / sinks + u64::from(place < args.random() % sinks);
        let (mut kills, mut verdicts) = (0, Vec::new());
        // A chain may be over before it is killed; not every one, though.
        for chain in 0..wanted * 4 {
            if kills >= wanted {
                break;
            }
            let verdict = trial.at_random(*sink, chain);
            let replay = format!("--points none --random {wanted} --sinks {}", sink.name());
            counter.tell(&format!("random {} {chain}", sink.name()), &verdict, &replay, args);
            kills += verdict.kills;
            verdicts.push(verdict);
        }
        verdicts
    });
    for (sink, verdicts) in asked.sinks.iter().zip(&verdicts) {
        verdicts.iter().for_each(|verdict| table.add("killed at random, up to four times in a row", *sink, verdict));
    }
    let scenarios = asked.scenarios.iter().filter(|scenario| !scenario.is_alone());
    let cases: Vec<_> = scenarios.flat_map(|scenario| asked.sinks.iter().map(move |sink| (*scenario, *sink))).collect();
    let verdicts = crew::each(args.parallel, &cases, |(scenario, sink)| {
        let verdict = scenario.play(trial, *sink);
        tell_scenario(&counter, *scenario, *sink, &verdict, args);
        verdict
    });
    cases.iter().zip(&verdicts).for_each(|((scenario, sink), verdict)| table.add(scenario.tells(), *sink, verdict));
    table
}

/// The scenarios that need the services for themselves, one after the other.
fn systems_away(
    args: &Args,
    asked: &Asked,
    services: &mut Services,
    bench: &Bench,
    references: &BTreeMap<Kind, (Outcome, Duration)>,
    table: &mut Table,
) {
    let time = if args.long { AWAY.1 } else { AWAY.0 };
    let counter = Counter::of(0);
    for scenario in asked.scenarios.iter().filter(|scenario| scenario.is_alone()) {
        for sink in asked.sinks.iter().filter(|sink| scenario.concerns(**sink)) {
            let Some((expected, _)) = references.get(sink) else { continue };
            let verdict = scenarios::away(*scenario, bench, expected, services, *sink, time);
            tell_scenario(&counter, *scenario, *sink, &verdict, args);
            table.add(scenario.tells(), *sink, &verdict);
        }
    }
}

fn tell_scenario(counter: &Counter, scenario: Scenario, sink: Kind, verdict: &Verdict, args: &Args) {
    let replay = format!("--scenarios {} --sinks {}", scenario.name(), sink.name());
    counter.tell(&format!("{} {}", scenario.name(), sink.name()), verdict, &replay, args);
}

/// One line a case, as it ends.
struct Counter {
    of: usize,
    done: AtomicUsize,
}

impl Counter {
    fn of(of: usize) -> Self {
        Self { of, done: AtomicUsize::new(0) }
    }

    fn tell(&self, case: &str, verdict: &Verdict, replay: &str, args: &Args) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let place = if self.of == 0 { String::new() } else { format!("[{done}/{}] ", self.of) };
        let difference = &verdict.difference;
        if difference.is_none() {
            let how = if verdict.not_reached { "not reached" } else { "passed" };
            println!("{place}{case}: {how}, {} kills", verdict.kills);
            return;
        }
        println!("{place}{case}: FAILED, {} rows lost, {} twice", difference.lost, difference.twice);
        difference.notes.iter().for_each(|note| println!("    {note}"));
        println!("    again: cargo xtask torture {replay} --seed {} --records {}", args.seed, args.records);
    }
}

/// Prints the tables, and writes the page; cases that failed.
fn tell(
    args: &Args,
    asked: &Asked,
    version: &str,
    (points, others): (&Table, &Table),
    took: Duration,
) -> Result<u64, String> {
    let text = page::tables(points, others, &asked.sinks);
    println!("\n{text}");
    println!("in {:.0} s", took.as_secs_f64());
    if let Some(path) = &args.page {
        let path = built::root().join(path);
        std::fs::write(&path, page::text(args, version, &text, took))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        println!("the page: {}", path.display());
    }
    Ok(points.totals().2 + others.totals().2)
}
