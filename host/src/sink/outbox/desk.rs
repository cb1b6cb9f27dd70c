//! The desk between the pipeline and the courier: epochs whose rows are not known to be safe in their system, oldest first.

use super::clock::Clock;
use super::{Prepared, SinkState, Trouble};
use crate::sink::wire::{Reader, push_bytes, push_len, push_u64};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const MAGIC: &[u8; 8] = b"weirOB\x00\x01";

#[derive(Debug)]
pub(super) struct Desk {
    /// How long after it took an epoch the system may lose it.
    keep_for: Duration,
    clock: Arc<dyn Clock>,
    papers: Mutex<Papers>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Papers {
    /// By rising epoch.
    epochs: VecDeque<Entry>,
    /// The last epoch that left the desk, safe in its system.
    left: u64,
    /// Up to this epoch rows may be handed over.
    committed: u64,
    /// The last epoch that the system is known to hold.
    held: Option<u64>,
    waiting: Option<String>,
    failure: Option<Trouble>,
    stopped: bool,
}

#[derive(Debug)]
struct Entry {
    epoch: u64,
    rows: Arc<[u8]>,
    /// When the system took it.
    applied: Option<Instant>,
    /// It will not lose it any more.
    safe: bool,
}

/// What the courier has to do next.
pub enum Errand {
    Apply {
        epoch: u64,
        rows: Arc<[u8]>,
    },
    /// Ask what the system holds: rows that it took some time ago may leave the desk if it still has them.
    Confirm,
    Stop,
}

impl Desk {
    pub fn new(keep_for: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { keep_for, clock, papers: Mutex::default(), changed: Condvar::new() }
    }

    /// Lays out what a checkpoint of this epoch held.
    pub fn restore(&self, bytes: &[u8], epoch: u64) -> Result<(), String> {
        let Part { left, epochs } = Part::decode(bytes)?;
        let entry = |(epoch, rows): (u64, &[u8])| Entry { epoch, rows: rows.into(), applied: None, safe: false };
        let epochs = epochs.into_iter().map(entry).collect();
        *self.papers() = Papers { epochs, left, committed: epoch, ..Papers::default() };
        Ok(())
    }

    /// The system says what it holds. What it lost and the desk still has is handed over again; what neither has is a failure.
    pub fn opened(&self, held: Option<u64>) {
        let mut papers = self.papers();
        let (known, now) = (held.unwrap_or(0), self.clock.now());
        if known < papers.left {
            papers.failure = Some(Trouble::Final(lost(held, papers.left)));
        }
        for entry in &mut papers.epochs {
            entry.applied = (entry.epoch <= known).then(|| entry.applied.unwrap_or(now));
            // What it held for long and has lost is not safe any more.
            let safe = entry.safe;
            entry.safe = entry.applied.is_some_and(|applied| safe || now.duration_since(applied) >= self.keep_for);
        }
        (papers.held, papers.waiting) = (held, None);
        self.changed.notify_all();
    }

    /// Adds an epoch; what a checkpoint has to hold now: the whole desk, or what the records before it do not hold yet.
    pub fn prepare(&self, epoch: u64, rows: Vec<u8>, whole: bool) -> Prepared {
        let mut papers = self.papers();
        while let Some(entry) = papers.epochs.front().filter(|entry| entry.safe) {
            papers.left = entry.epoch;
            papers.epochs.pop_front();
        }
        if !rows.is_empty() {
            papers.epochs.push_back(Entry { epoch, rows: rows.into(), applied: None, safe: false });
        }
        let told = papers.epochs.iter().filter(|entry| whole || entry.epoch == epoch);
        let part = Part { left: papers.left, epochs: told.map(|entry| (entry.epoch, &*entry.rows)).collect() };
        Prepared { bytes: part.encode(), undelivered: papers.bytes(|entry| entry.applied.is_none()) }
    }

    /// Epochs up to this one may be handed over.
    pub fn commit(&self, epoch: u64) {
        let mut papers = self.papers();
        papers.committed = papers.committed.max(epoch);
        self.changed.notify_all();
    }

    /// Waits for work.
    pub fn next(&self) -> Errand {
        let mut papers = self.papers();
        loop {
            papers = match self.due(&papers) {
                Ok(errand) => return errand,
                Err(Some(wait)) => self.changed.wait_timeout(papers, wait).unwrap_or_else(PoisonError::into_inner).0,
                Err(None) => self.changed.wait(papers).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Work, if there is some now.
    #[cfg(test)]
    pub fn peek(&self) -> Option<Errand> {
        self.due(&self.papers()).ok()
    }

    /// What is to be done; else how long until there will be something, `None` where only a change brings it.
    fn due(&self, papers: &Papers) -> Result<Errand, Option<Duration>> {
        if papers.stopped || papers.failure.is_some() {
            return Ok(Errand::Stop);
        }
        let due = papers.epochs.iter().find(|entry| entry.applied.is_none() && entry.epoch <= papers.committed);
        if let Some(Entry { epoch, rows, .. }) = due {
            return Ok(Errand::Apply { epoch: *epoch, rows: Arc::clone(rows) });
        }
        let unsafe_since = papers.epochs.iter().filter(|entry| !entry.safe).find_map(|entry| entry.applied);
        let passed = unsafe_since.map(|applied| self.clock.now().duration_since(applied));
        match passed.map(|passed| self.keep_for.saturating_sub(passed)) {
            Some(wait) if wait.is_zero() => Ok(Errand::Confirm),
            wait => Err(wait),
        }
    }

    pub fn applied(&self, epoch: u64) {
        let mut papers = self.papers();
        if let Some(entry) = papers.epochs.iter_mut().find(|entry| entry.epoch == epoch) {
            entry.applied = Some(self.clock.now());
            entry.safe = self.keep_for.is_zero();
        }
        papers.held = papers.held.max(Some(epoch));
        papers.waiting = None;
        self.changed.notify_all();
    }

    /// The system is away, for this reason.
    pub fn away(&self, reason: String) {
        self.papers().waiting = Some(reason);
    }

    /// Waits for a while before the next try, unless stopped. False: stopped.
    pub fn pause(&self, pause: Duration) -> bool {
        let mut papers = self.papers();
        let until = Instant::now() + pause;
        while !papers.stopped {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return true;
            };
            papers = self.changed.wait_timeout(papers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    pub fn fail(&self, trouble: Trouble) {
        self.papers().failure.get_or_insert(trouble);
        self.changed.notify_all();
    }

    pub fn failure(&self) -> Option<Trouble> {
        self.papers().failure.clone()
    }

    pub fn stop(&self) {
        self.papers().stopped = true;
        self.changed.notify_all();
    }

    /// Waits so long at the most; whether everything committed was handed over by then.
    pub fn wait_until_empty(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        let mut papers = self.papers();
        loop {
            let committed = papers.committed;
            if !papers.epochs.iter().any(|entry| entry.applied.is_none() && entry.epoch <= committed) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || papers.failure.is_some() {
                return false;
            }
            papers = self.changed.wait_timeout(papers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub fn state(&self, backlog_bytes_max: u64) -> SinkState {
        let papers = self.papers();
        SinkState {
            waiting: papers.waiting.clone(),
            undelivered_bytes: papers.bytes(|entry| entry.applied.is_none()),
            at_risk_bytes: papers.bytes(|entry| entry.applied.is_some() && !entry.safe),
            full: papers.bytes(|entry| !entry.safe) > backlog_bytes_max,
            epoch: papers.held,
        }
    }

    fn papers(&self) -> MutexGuard<'_, Papers> {
        // Each change is a few plain assignments: nothing is left half-done by a panic elsewhere.
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Papers {
    fn bytes(&self, of: impl Fn(&Entry) -> bool) -> u64 {
        self.epochs.iter().filter(|entry| of(entry)).map(|entry| entry.rows.len() as u64).sum()
    }
}

/// What one record of a checkpoint tells of the desk.
struct Part<'a> {
    left: u64,
    epochs: Vec<(u64, &'a [u8])>,
}

impl<'a> Part<'a> {
    fn encode(&self) -> Vec<u8> {
        let rows: usize = self.epochs.iter().map(|(_, rows)| rows.len() + 16).sum();
        let mut bytes = Vec::with_capacity(rows + 24);
        bytes.extend_from_slice(MAGIC);
        push_u64(&mut bytes, self.left);
        push_len(&mut bytes, self.epochs.len());
        for (epoch, rows) in &self.epochs {
            push_u64(&mut bytes, *epoch);
            push_bytes(&mut bytes, rows);
        }
        bytes
    }

    fn decode(bytes: &'a [u8]) -> Result<Self, String> {
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err("it is not of this version of the sink: resume with the version that wrote it".to_owned());
        }
        let left = reader.u64()?;
        let epochs = reader.list(|reader| Ok((reader.u64()?, reader.bytes()?)))?;
        reader.end()?;
        Ok(Self { left, epochs })
    }
}

/// The desk as the records of a chain tell it together: each epoch of theirs that had not left it by the last.
pub(super) fn join(parts: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let parts = parts.iter().map(|part| Part::decode(part)).collect::<Result<Vec<_>, _>>()?;
    let left = parts.last().map_or(0, |part| part.left);
    let all: BTreeMap<u64, &[u8]> = parts.iter().flat_map(|part| part.epochs.iter().copied()).collect();
    Ok(Part { left, epochs: all.into_iter().filter(|(epoch, _)| *epoch > left).collect() }.encode())
}

fn lost(held: Option<u64>, left: u64) -> String {
    let holds =
        held.map_or_else(|| "it holds no epoch of this pipeline".to_owned(), |held| format!("it holds epoch {held}"));
    format!(
        "{holds}, but everything up to epoch {left} had been delivered and is no longer in the checkpoint: it was emptied, restored from \
         an older state, or is another system. Restore it; or give this [[sink]] another `name`, and it goes on with the rows from now on (those that still wait are let go with \
         --discard-rows and the old name)"
    )
}
