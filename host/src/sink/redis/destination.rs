//! Redis as a destination of the outbox: takes over, and hands an epoch over in calls that are short for the server.

use super::server::Server;
use super::steps::Steps;
use super::{RedisSettings, windows};
use crate::sink::Claim;
use crate::sink::outbox::{Destination, Opening, Trouble};
use crate::telemetry;
use ::redis::{Cmd, Script, cmd};
use std::time::Duration;

const OPEN: &str = include_str!("open.lua");
const APPLY: &str = include_str!("apply.lua");

/// Rows that a call may touch: those that it brings, laid aside and shown, and as many that others lose.
const CALL_BUDGET: usize = 4 * super::steps::CALL_ROWS_MAX;

/// With `appendfsync everysec` a server may lose a second, or two where its disk is slow.
const KEEP_FOR: Duration = Duration::from_secs(3);

/// A server, and whose rows go there.
pub(super) struct RedisDestination {
    server: Server,
    place: String,
    marker: String,
    /// What keys of rows begin with.
    base: String,
    windows_max: String,
    open: Script,
    apply: Script,
    /// This run among those of its generation.
    run: String,
    connections: u64,
    /// Whose the marker was before this run.
    before: String,
    claim: Option<Claim>,
}

impl RedisDestination {
    /// Fails where the system has no randomness.
    pub fn new(server: Server, settings: &RedisSettings) -> Result<Self, String> {
        let RedisSettings { prefix, pipeline, sink, .. } = settings;
        let mut run = [0; 8];
        getrandom::fill(&mut run).map_err(|error| error.to_string())?;
        Ok(Self {
            place: format!("{} prefix {prefix}", server.place()),
            server,
            marker: format!("{{{prefix}:{pipeline}}}:weir:epoch:{sink}"),
            base: format!("{{{prefix}:{pipeline}}}:"),
            windows_max: settings.history_windows_max.to_string(),
            open: Script::new(OPEN),
            apply: Script::new(APPLY),
            run: format!("{:016x}", u64::from_le_bytes(run)),
            connections: 0,
            before: String::new(),
            claim: None,
        })
    }

    fn session(&self) -> String {
        format!("{}:{}", self.run, self.connections)
    }

    /// One call of the script with the steps that fit into it; whether the epoch is done.
    fn call(&mut self, epoch: u64, part: u64, steps: &mut Steps<'_>) -> Result<bool, Trouble> {
        let Some(claim) = &self.claim else { return Err(Trouble::Passing("not connected".to_owned())) };
        let (count, last) = steps.next_call();
        let session = self.session();
        let words = |call: &mut Cmd| {
            call.arg(&claim.lineage).arg(claim.generation).arg(&session).arg(epoch).arg(u8::from(last)).arg(part);
            call.arg(&self.base).arg(&self.windows_max).arg(CALL_BUDGET);
            steps.words(count, |word| {
                call.arg(word);
            });
        };
        telemetry::failpoint!("redis-before-script");
        let answer = self.server.run(&self.apply, APPLY, &self.marker, words)?;
        telemetry::failpoint!("redis-after-script");
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        match answer.as_slice() {
            ["held"] => Ok(true),
            ["done"] => {
                steps.done(count);
                Ok(last)
            }
            ["more", place, phase, cursor] => {
                steps.done(place.parse::<usize>().unwrap_or(1).saturating_sub(1));
                steps.go_on_from(phase.as_bytes(), cursor.as_bytes());
                Ok(false)
            }
            ["fenced", owner @ ..] => Err(self.not_ours(owner)),
            other => Err(unknown(other)),
        }
    }

    /// The marker is another's. One that is only behind, or gone, is of a server that lost something: `open` finds out.
    fn not_ours(&self, owner: &[&str]) -> Trouble {
        let [lineage, generation, session] = owner else { return unknown(owner) };
        let Some(claim) = &self.claim else { return Trouble::Passing("not connected".to_owned()) };
        let older = *lineage == claim.lineage && generation.parse().unwrap_or(u64::MAX) < claim.generation;
        let own = session.split(':').next() == Some(&self.run);
        if lineage.is_empty() || older || own || *session == self.before {
            return Trouble::Passing("it has forgotten this connection".to_owned());
        }
        fenced(&claim.lineage, lineage, generation)
    }
}

impl Destination for RedisDestination {
    fn reach(&mut self) -> Result<(), Trouble> {
        let reached = self.server.connect();
        self.server.close();
        reached
    }

    fn open(&mut self, opening: &Opening) -> Result<Option<u64>, Trouble> {
        self.server.connect()?;
        self.connections += 1;
        let Claim { pipeline, lineage, generation } = &opening.claim;
        let (session, before) = (self.session(), self.before.clone());
        let words = |call: &mut Cmd| {
            call.arg(pipeline).arg(lineage).arg(*generation).arg(&session).arg(u8::from(opening.again)).arg(&before);
        };
        telemetry::failpoint!("redis-before-open");
        let answer = self.server.run(&self.open, OPEN, &self.marker, words)?;
        let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
        let (held, previous) = match answer.as_slice() {
            ["open", held, previous] => (*held, *previous),
            ["fenced", owner, newest, _] => return Err(fenced(lineage, owner, newest)),
            other => return Err(unknown(other)),
        };
        if previous.split(':').next() != Some(&self.run) {
            self.before = previous.to_owned();
        }
        self.claim = Some(opening.claim.clone());
        if !opening.again {
            self.server.risks()?.iter().for_each(|risk| telemetry::sink_may_lose(&self.place, risk));
        }
        Ok(held.parse().ok())
    }

    fn apply(&mut self, epoch: u64, rows: &[u8]) -> Result<(), Trouble> {
        let unreadable =
            |reason| Trouble::Final(format!("the checkpoint's rows of epoch {epoch} can't be read: {reason}"));
        let windows = windows::read(rows).map_err(unreadable)?;
        let mut steps = Steps::of(&windows);
        let mut part = 1;
        while !self.call(epoch, part, &mut steps)? {
            part += 1;
        }
        Ok(())
    }

    fn close(&mut self) {
        self.server.close();
        self.claim = None;
    }

    fn keep_for(&self) -> Duration {
        KEEP_FOR
    }

    fn confirm(&mut self) -> Result<Option<u64>, Trouble> {
        let mut get = cmd("HMGET");
        get.arg(&self.marker).arg("lineage").arg("generation").arg("session").arg("epoch");
        let marker: Vec<Option<String>> = self.server.ask(&get)?;
        let marker: Vec<&str> = marker.iter().map(|word| word.as_deref().unwrap_or_default()).collect();
        let [lineage, generation, session, epoch] = marker.as_slice() else { return Err(unknown(&marker)) };
        if *session != self.session() {
            return Err(self.not_ours(&[*lineage, *generation, *session]));
        }
        Ok(epoch.parse().ok())
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

fn fenced(own: &str, lineage: &str, generation: &str) -> Trouble {
    Trouble::Fenced(if lineage == own {
        format!("its marker is of generation {generation}")
    } else {
        "its marker is of a run that began anew, without this one's checkpoint".to_owned()
    })
}

fn unknown(answer: &[&str]) -> Trouble {
    let shown: String = answer.join(" ").chars().take(100).collect();
    Trouble::Final(format!("it answered `{shown}`, which is not of this version of the sink"))
}
