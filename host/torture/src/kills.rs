//! Kills: at a named point in its nth pass, or at any moment, and then a run that is left alone.

use crate::case::{Bench, Case, Ended, well};
use crate::compare::{Difference, Outcome};
use crate::points::Point;
use crate::random::Random;
use crate::services::Services;
use crate::sinks::Kind;
use std::collections::BTreeMap;
use std::time::Duration;

/// Passes to choose from.
const PASSES: u64 = 4;

/// A chain of random kills is at most this long before a run is left alone.
const CHAIN_MAX: u64 = 4;

/// What all cases are judged by.
#[derive(Debug)]
pub struct Trial<'a> {
    /// Where cases run.
    pub bench: &'a Bench,
    /// What they write to.
    pub services: &'a Services,
    /// What each sink has to hold in the end, and how long a run takes that is left alone.
    pub references: &'a BTreeMap<Kind, (Outcome, Duration)>,
    /// Of the draw.
    pub seed: u64,
}

/// What a case showed.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Kills that happened.
    pub kills: u64,
    /// The point was not passed (often enough) before the run ended.
    pub not_reached: bool,
    /// What is wrong.
    pub difference: Difference,
}

impl Verdict {
    /// A case that could not be judged has failed.
    pub fn failed(error: String) -> Self {
        let difference = Difference { notes: vec![error], ..Difference::default() };
        Self { difference, ..Self::default() }
    }
}

impl Trial<'_> {
    /// Kills at a point in one of its first passes; every other round the run goes on from an earlier death, so that the points of a
    /// start are met with something to recover.
    pub fn at_point(&self, point: Point, sink: Kind, round: u64) -> Verdict {
        let mut random = Random::of(self.seed, &[point.name, sink.name(), &round.to_string()]);
        let earlier = round.is_multiple_of(2).then(|| kill_at("epoch-committed", 2 + random.below(6)));
        let pass = 1 + random.below(PASSES);
        let name = format!("{}_{}_{round}", point.name, sink.name());
        self.judged(&name, sink, |case| {
            let killed = kill(case, earlier.as_deref(), &kill_at(point.name, pass))?;
            Ok((killed, killed == 0))
        })
        // Some points are passed once in a run.
        .unless_reached(|| {
            self.judged(&format!("{name}_first"), sink, |case| {
                let killed = kill(case, earlier.as_deref(), &kill_at(point.name, 1))?;
                Ok((killed, killed == 0))
            })
        })
    }

    /// Kills several times in a row, each at any moment of a run.
    pub fn at_random(&self, sink: Kind, chain: u64) -> Verdict {
        let mut random = Random::of(self.seed, &["random", sink.name(), &chain.to_string()]);
        let Some((_, takes)) = self.references.get(&sink) else { return Verdict::failed("no reference".to_owned()) };
        let millis = u64::try_from(takes.as_millis()).unwrap_or(u64::MAX);
        self.judged(&format!("random_{}_{chain}", sink.name()), sink, |case| {
            let mut kills = 0;
            for _ in 0..=random.below(CHAIN_MAX) {
                match case.start_paced("")?.kill_after(Duration::from_millis(random.below(millis)))? {
                    Ended::Killed => kills += 1,
                    ended => drop(well(ended)?),
                }
            }
            Ok((kills, false))
        })
    }

    /// Makes a case, has it killed, lets a run go to the end, and compares.
    pub fn judged(
        &self,
        name: &str,
        sink: Kind,
        kills: impl FnOnce(&mut Case<'_>) -> Result<(u64, bool), String>,
    ) -> Verdict {
        let judge = || {
            let mut case = Case::new(self.bench, self.services, name, sink)?;
            let (kills, not_reached) = kills(&mut case)?;
            case.run_to_end()?;
            let got = case.outcome(self.services)?;
            let (expected, _) = self.references.get(&sink).ok_or("no reference")?;
            let difference = Difference::between(expected, &got);
            // What is wrong can be looked at.
            if difference.is_none() {
                case.clear(self.services);
            }
            Ok(Verdict { kills, not_reached, difference })
        };
        judge().unwrap_or_else(Verdict::failed)
    }
}

impl Verdict {
    /// Another try where the point was not reached and nothing is wrong.
    fn unless_reached(self, again: impl FnOnce() -> Self) -> Self {
        if self.not_reached && self.difference.is_none() { again() } else { self }
    }
}

/// What `FAILPOINTS` says for a death at the nth pass.
pub fn kill_at(point: &str, pass: u64) -> String {
    match pass {
        0 | 1 => format!("{point}=1*return(kill)"),
        _ => format!("{point}={}*off->1*return(kill)", pass - 1),
    }
}

/// Dies as `earlier` says, if it does, then as `points` says; how often the latter happened.
fn kill(case: &Case<'_>, earlier: Option<&str>, points: &str) -> Result<u64, String> {
    if let Some(earlier) = earlier {
        match case.start_paced(earlier)?.wait()? {
            Ended::Killed => {}
            ended => drop(well(ended)?),
        }
    }
    match case.start_paced(points)?.wait()? {
        Ended::Killed => Ok(1),
        ended => well(ended).map(|_| 0),
    }
}
