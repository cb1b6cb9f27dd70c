//! What else befalls a pipeline: a second instance, systems that are away, checkpoints that are damaged.

use crate::case::{Bench, Case, Ended};
use crate::compare::{Difference, Outcome};
use crate::kills::{Trial, Verdict, kill_at};
use crate::services::Services;
use crate::sinks::Kind;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Holds a run up at each block, so that things can happen in its middle: it then takes some seconds.
const SLOWLY: &str = "block-read=sleep(60)";

/// How long a run may take until it has written some checkpoints.
const UNDER_WAY_WAIT: Duration = Duration::from_secs(60);

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// A second run is started while the first is under way.
    SecondInstance,
    /// The sink's system hangs for a while, and goes on.
    Paused,
    /// The sink's system is killed, and comes back.
    Killed,
    /// The newest checkpoint lacks its second half.
    Torn,
    /// A bit of the newest checkpoint is another.
    Flipped,
    /// Killed in one folder, resumed in another; checkpoints are in HDFS.
    Moved,
}

/// All of them.
pub const ALL: [Scenario; 6] =
    [Scenario::SecondInstance, Scenario::Paused, Scenario::Killed, Scenario::Torn, Scenario::Flipped, Scenario::Moved];

impl Scenario {
    /// As the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SecondInstance => "second-instance",
            Self::Paused => "paused",
            Self::Killed => "killed",
            Self::Torn => "torn-checkpoint",
            Self::Flipped => "flipped-bit",
            Self::Moved => "moved",
        }
    }

    /// What it is, for the table.
    pub fn tells(self) -> &'static str {
        match self {
            Self::SecondInstance => "a second instance starts in mid run: the older one ends with code 1 and says why",
            Self::Paused => "the system hangs for some seconds in mid run",
            Self::Killed => "the system is killed in mid run, and comes back some seconds later",
            Self::Torn => "killed in mid run, and the newest checkpoint loses its second half",
            Self::Flipped => "killed in mid run, and one bit of the newest checkpoint is another",
            Self::Moved => "killed in one folder and resumed in another, with checkpoints in HDFS",
        }
    }

    /// The scenario of this name.
    pub fn named(name: &str) -> Result<Self, String> {
        let names = || ALL.map(Self::name).join(", ");
        ALL.into_iter()
            .find(|scenario| scenario.name() == name)
            .ok_or_else(|| format!("no scenario `{name}`: {}, none", names()))
    }

    /// Whether it makes sense with this sink.
    pub fn concerns(self, sink: Kind) -> bool {
        match self {
            Self::Paused => matches!(sink, Kind::Postgres | Kind::Redis | Kind::Hdfs),
            // A broker that is killed takes the source along.
            Self::Killed => sink != Kind::JsonFiles,
            Self::SecondInstance | Self::Torn | Self::Flipped | Self::Moved => true,
        }
    }

    /// Whether nothing else may use the services meanwhile.
    pub fn is_alone(self) -> bool {
        matches!(self, Self::Paused | Self::Killed)
    }

    /// Plays it beside other cases.
    pub fn play(self, trial: &Trial<'_>, sink: Kind) -> Verdict {
        let name = format!("{}_{}", self.name(), sink.name());
        trial.judged(&name, sink, |case| {
            match self {
                Self::SecondInstance => second_instance(case)?,
                Self::Torn => damaged(case, |bytes| bytes.truncate(bytes.len() / 2))?,
                Self::Flipped => damaged(case, |bytes| {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                })?,
                Self::Moved => moved(case, &trial.services.hdfs()?.url())?,
                Self::Paused | Self::Killed => return Err("it needs the services for itself".to_owned()),
            }
            Ok((1, false))
        })
    }
}

/// A system is away in the middle of a run, which has to go on by itself. Needs the services for itself.
pub fn away(
    scenario: Scenario,
    bench: &Bench,
    expected: &Outcome,
    services: &mut Services,
    sink: Kind,
    time: Duration,
) -> Verdict {
    let name = format!("{}_{}", scenario.name(), sink.name());
    let mut play = || {
        let case = Case::new(bench, services, &name, sink)?;
        let run = case.start(SLOWLY)?;
        under_way(&case)?;
        match scenario {
            Scenario::Paused => services.pause(sink)?,
            _ => services.kill(sink),
        }
        sleep(time);
        let back = match scenario {
            Scenario::Paused => services.resume(sink),
            _ => services.restart(sink),
        };
        back?;
        let ended = run.wait()?;
        let mut notes = Vec::new();
        match ended {
            Ended::Exited(status, _) if status.success() => {}
            ended => notes.push(format!("the run did not go on by itself: {ended:?}")),
        }
        if !notes.is_empty() {
            case.run_to_end()?;
        }
        let mut difference = Difference::between(expected, &case.outcome(services)?);
        difference.notes.extend(notes);
        if difference.is_none() {
            case.clear(services);
        }
        Ok(Verdict { kills: 1, not_reached: false, difference })
    };
    play().unwrap_or_else(Verdict::failed)
}

/// The newer run fences the older.
fn second_instance(case: &Case<'_>) -> Result<(), String> {
    let older = case.start(SLOWLY)?;
    under_way(case)?;
    let newer = case.start("")?;
    match older.wait()? {
        Ended::Exited(status, said) if status.code() == Some(1) && said.contains("newer run") => {}
        ended => return Err(format!("the older run did not end with code 1 and words on the newer: {ended:?}")),
    }
    match newer.wait()? {
        Ended::Exited(status, _) if status.success() => Ok(()),
        ended => Err(format!("the newer run did not end well: {ended:?}")),
    }
}

/// Another machine goes on from the checkpoint.
fn moved(case: &mut Case<'_>, hdfs: &str) -> Result<(), String> {
    case.keep_checkpoints_at(&format!("{hdfs}/checkpoints"))?;
    match case.start(&format!("{SLOWLY};{}", kill_at("epoch-committed", 3)))?.wait()? {
        Ended::Killed => case.move_away(),
        ended => Err(format!("the run was not killed: {ended:?}")),
    }
}

/// The newest checkpoint can't be read: the one before it is taken, with a warning.
fn damaged(case: &Case<'_>, damage: impl FnOnce(&mut Vec<u8>)) -> Result<(), String> {
    match case.start(&format!("{SLOWLY};{}", kill_at("epoch-committed", 4)))?.wait()? {
        Ended::Killed => {}
        ended => return Err(format!("the run was not killed: {ended:?}")),
    }
    let newest = records(case)?.pop().ok_or("there is no checkpoint to damage")?.1;
    let mut bytes = fs::read(&newest).map_err(|error| error.to_string())?;
    damage(&mut bytes);
    fs::write(&newest, bytes).map_err(|error| error.to_string())?;
    let said = case.run_to_end()?;
    if said.contains("taking the one before") { Ok(()) } else { Err("nothing was said of the damage".to_owned()) }
}

/// Waits until a run has written some checkpoints.
fn under_way(case: &Case<'_>) -> Result<(), String> {
    let began = Instant::now();
    while records(case).map_or(0, |records| records.last().map_or(0, |(epoch, _)| *epoch)) < 4 {
        if began.elapsed() > UNDER_WAY_WAIT {
            return Err("a run did not get under way".to_owned());
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Checkpoints by epoch, rising: `checkpoint/generation-<g>/epoch-<n>.ckpt`.
fn records(case: &Case<'_>) -> Result<Vec<(u64, PathBuf)>, String> {
    let mut records = Vec::new();
    for generation in fs::read_dir(case.checkpoints()).map_err(|error| error.to_string())?.flatten() {
        // The folder of one that was fenced just now is gone.
        for record in fs::read_dir(generation.path()).into_iter().flatten().flatten() {
            let name = record.file_name().to_string_lossy().into_owned();
            let epoch = name.strip_prefix("epoch-").and_then(|rest| rest.strip_suffix(".ckpt"));
            records.extend(epoch.and_then(|epoch| epoch.parse().ok()).map(|epoch: u64| (epoch, record.path())));
        }
    }
    records.sort();
    Ok(records)
}
