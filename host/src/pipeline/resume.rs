//! From what was saved to what a run goes on from: the chain of records is read, compared with the pipeline as it is now, and put into
//! the places that KPIs and groupings have now.

use super::identity::{Discard, Identity, KpiIdentity, Taken};
use super::run::RunError;
use super::snapshot::{self, SavedPartition, SavedSink, Snapshot, State};
use super::tally::Tally;
use crate::checkpoint::Saved;
use crate::source::Partition;
use std::collections::BTreeSet;
use weir_core::close::Closer;
use weir_core::delta::{CloserChanges, CloserState, GroupingState, KpiState};
use weir_core::ledger::{KpiLedger, Ledger};
use weir_core::plan::FoldPlan;
use weir_core::plugin::PluginError;

/// What a run goes on from.
#[derive(Debug)]
pub(super) struct Resumed {
    pub epoch: u64,
    /// What has changed and does not matter to the state, and what to know, for the log.
    pub notes: Vec<String>,
    pub partitions: Vec<SavedPartition>,
    /// The chain's states, in the order of the records and the shape of the pipeline as it is now.
    states: Vec<State>,
    /// KPIs that are quarantined, by place, and why.
    pub quarantined: Vec<(usize, PluginError)>,
    pub watermark_us: i64,
    pub begins_us: Vec<Option<i64>>,
    pub ledger: Ledger,
    pub tally: Tally,
    pub letters: [u64; 2],
    /// What each sink put into the chain, in the order of the records.
    pub sinks: Vec<SavedParts>,
}

/// A sink's parts of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SavedParts {
    pub name: String,
    pub parts: Vec<Vec<u8>>,
}

/// The pipeline as it is now.
pub(super) struct Now<'a> {
    pub pipeline: &'a str,
    pub identity: &'a Identity,
    pub fold: &'a FoldPlan,
    pub partitions: &'a [Partition],
    /// Names of the sinks.
    pub sinks: Vec<&'a str>,
}

/// Takes up a chain; the error says what does not fit and what to do.
pub(super) fn take_up(saved: &Saved, now: &Now<'_>, discard: &Discard) -> Result<Resumed, RunError> {
    let mut records = saved.records.iter().map(|bytes| snapshot::decode(bytes)).collect::<Result<Vec<_>, _>>()?;
    let last = records.last().ok_or_else(|| RunError::Unreadable("it holds no record".to_owned()))?;
    last.is_of(now.pipeline, now.partitions)?;
    let taken = now.identity.take_up(&last.identity, discard)?;
    check_sinks(&last.sinks, &now.sinks)?;
    let places = Places::new(now, last, &taken.fresh);
    let boundary_us = boundary(&records);
    let states = records.iter_mut().map(|record| places.state(record)).collect::<Result<Vec<_>, _>>()?;
    let sinks = sinks(&mut records);
    let Some(mut last) = records.pop() else { return Err(RunError::Unreadable("it holds no record".to_owned())) };
    Ok(Resumed {
        epoch: saved.epoch,
        notes: notes(&taken, now, &states),
        quarantined: quarantined(&states),
        watermark_us: states.last().map_or(i64::MIN, watermark),
        begins_us: places.each(&last.begins_us, Some(boundary_us)),
        ledger: Ledger {
            kpis: places.each(&last.ledger.kpis, KpiLedger { before: last.ledger.kept, ..KpiLedger::default() }),
            ..last.ledger
        },
        tally: std::mem::take(&mut last.tally).moved(&places.kpis),
        partitions: last.partitions,
        letters: last.letters,
        sinks,
        states,
    })
}

impl Resumed {
    /// Brings a new closer to where the saved one was.
    pub fn restore(&mut self, closer: &mut Closer) -> Result<(), RunError> {
        for state in std::mem::take(&mut self.states) {
            match state {
                State::Whole(state) => closer.restore(state)?,
                State::Changes(changes) => closer.apply(changes)?,
            }
        }
        Ok(())
    }
}

fn notes(taken: &Taken, now: &Now<'_>, states: &[State]) -> Vec<String> {
    let quarantined = quarantined(states).into_iter().filter_map(|(kpi, _)| now.identity.kpis.get(kpi));
    let still = |kpi: &KpiIdentity| {
        format!(
            "KPI `{0}` is quarantined in the checkpoint and stays so; once it is mended, `--discard-state {0}` begins it anew",
            kpi.name
        )
    };
    taken.notes.iter().cloned().chain(quarantined.map(still)).collect()
}

fn quarantined(states: &[State]) -> Vec<(usize, PluginError)> {
    let kpis = match states.last() {
        Some(State::Whole(state)) => state.kpis.as_slice(),
        Some(State::Changes(changes)) => changes.kpis.as_slice(),
        None => &[],
    };
    let error = |(kpi, state): (usize, &KpiState)| match state {
        KpiState::Quarantined(error) => Some((kpi, error.clone())),
        KpiState::States(_) | KpiState::Fresh => None,
    };
    kpis.iter().enumerate().filter_map(error).collect()
}

/// The parts of each sink of the last record; those of records from before it was there don't exist.
fn sinks(records: &mut [Snapshot]) -> Vec<SavedParts> {
    let Some((last, _)) = records.split_last() else { return Vec::new() };
    let names: Vec<String> = last.sinks.iter().map(|sink| sink.name.clone()).collect();
    let mut sinks: Vec<SavedParts> = names.into_iter().map(|name| SavedParts { name, parts: Vec::new() }).collect();
    for record in records {
        for saved in std::mem::take(&mut record.sinks) {
            if let Some(sink) = sinks.iter_mut().find(|sink| sink.name == saved.name) {
                sink.parts.push(saved.prepared.bytes);
            }
        }
    }
    sinks
}

/// A sink that is gone must have nothing left that only the checkpoint holds.
fn check_sinks(saved: &[SavedSink], now: &[&str]) -> Result<(), RunError> {
    let gone = saved.iter().find(|sink| sink.prepared.undelivered > 0 && !now.contains(&sink.name.as_str()));
    match gone {
        Some(SavedSink { name, prepared }) => Err(RunError::Mismatch(format!(
            "{} bytes of rows for the sink `{name}` are not delivered yet, and the file no longer has it: put it back until they are",
            prepared.undelivered
        ))),
        None => Ok(()),
    }
}

/// Where the KPIs and groupings of now stood in the saved pipeline.
struct Places {
    /// For each KPI of now: its place then; `None`: it begins anew.
    kpis: Vec<Option<usize>>,
    /// For each grouping of now.
    groupings: Vec<Option<usize>>,
}

impl Places {
    fn new(now: &Now<'_>, saved: &Snapshot, fresh: &BTreeSet<String>) -> Self {
        let before = &saved.identity.kpis;
        let place = |name: &String| before.iter().position(|kpi| kpi.name == *name && !fresh.contains(name));
        let kpis = now.identity.kpis.iter().map(|kpi| place(&kpi.name)).collect();
        let grouping = |grouping: usize| {
            let here = now.identity.kpis.iter().zip(now.fold.kpis()).find(|(_, of)| **of == grouping)?.0;
            let then = before.iter().position(|kpi| kpi.window == here.window && kpi.by == here.by)?;
            saved.groupings.get(then).copied()
        };
        // Fields of another type under the same name, or other rules, leave nothing to go on from.
        let all_fresh = now.identity.kpis.iter().all(|kpi| fresh.contains(&kpi.name));
        let groupings = (0..now.fold.groupings().len()).map(|place| grouping(place).filter(|_| !all_fresh)).collect();
        Self { kpis, groupings }
    }

    fn state(&self, record: &mut Snapshot) -> Result<State, RunError> {
        let missing = || RunError::Unreadable("a KPI or a grouping is missing".to_owned());
        let groupings = |saved: &[GroupingState]| {
            let one = |place: &Option<usize>| match place {
                None => Ok(GroupingState::default()),
                Some(place) => saved.get(*place).cloned().ok_or_else(missing),
            };
            self.groupings.iter().map(one).collect::<Result<Vec<_>, _>>()
        };
        let kpis = |saved: &[KpiState]| {
            let one = |place: &Option<usize>| match place {
                None => Ok(KpiState::Fresh),
                Some(place) => saved.get(*place).cloned().ok_or_else(missing),
            };
            self.kpis.iter().map(one).collect::<Result<Vec<_>, _>>()
        };
        Ok(match &record.state {
            State::Whole(state) => State::Whole(CloserState {
                watermark_us: state.watermark_us,
                groupings: groupings(&state.groupings)?,
                kpis: kpis(&state.kpis)?,
            }),
            State::Changes(changes) => State::Changes(CloserChanges {
                watermark_us: changes.watermark_us,
                groupings: groupings(&changes.groupings)?,
                kpis: kpis(&changes.kpis)?,
            }),
        })
    }

    /// One of each KPI of now.
    fn each<T: Clone>(&self, saved: &[T], fresh: T) -> Vec<T> {
        let one = |place: &Option<usize>| place.and_then(|place| saved.get(place).cloned());
        self.kpis.iter().map(|place| one(place).unwrap_or_else(|| fresh.clone())).collect()
    }
}

/// Windows that start at or before this may hold records from before the checkpoint: the fronts, and, for records that jumped ahead of
/// them, the last moment of the windows that took those.
fn boundary(records: &[Snapshot]) -> i64 {
    let fronts = records.last().into_iter().flat_map(|last| &last.partitions).filter_map(|place| place.clock.front_us);
    let windows = records.iter().flat_map(|record| {
        let groupings = match &record.state {
            State::Whole(state) => &state.groupings,
            State::Changes(changes) => &changes.groupings,
        };
        let sizes = record.windows_us.iter().map(|(size_us, _)| *size_us);
        groupings.iter().zip(sizes).filter_map(|(grouping, size_us)| {
            grouping.windows.iter().map(|window| window.start_us.saturating_add(size_us - 1)).max()
        })
    });
    fronts.chain(windows).max().unwrap_or(i64::MIN)
}

/// The watermark up to which windows were published.
pub(super) fn watermark(state: &State) -> i64 {
    match state {
        State::Whole(state) => state.watermark_us,
        State::Changes(changes) => changes.watermark_us,
    }
}
