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
    /// The pipeline is as it was: until a record is read, the saved checkpoint says all.
    says_all: bool,
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
    pub sinks: Vec<SinkNow>,
}

/// A sink of the pipeline.
pub(super) struct SinkNow {
    pub name: String,
    /// Its place, where that says which it is.
    pub place: Option<String>,
}

/// Takes up a chain; the error says what does not fit and what to do.
pub(super) fn take_up(saved: &Saved, now: &Now<'_>, discard: &Discard) -> Result<Resumed, RunError> {
    let mut records = saved.records.iter().map(|bytes| snapshot::decode(bytes)).collect::<Result<Vec<_>, _>>()?;
    let last = records.last().ok_or_else(|| RunError::Unreadable("it holds no record".to_owned()))?;
    last.is_of(now.pipeline, now.partitions)?;
    let taken = now.identity.take_up(&last.identity, discard)?;
    let kept = kept_sinks(&last.sinks, &now.sinks);
    check_sinks(&last.sinks, &kept, discard)?;
    let places = Places::new(now, last, &taken.fresh);
    let boundary_us = boundary(&records);
    let states = records.iter_mut().map(|record| places.state(record)).collect::<Result<Vec<_>, _>>()?;
    let sinks = sinks(&mut records, &kept);
    let Some(mut last) = records.pop() else { return Err(RunError::Unreadable("it holds no record".to_owned())) };
    let notes = notes(&taken, now, &states);
    let same_sinks = last.sinks.len() == now.sinks.len()
        && last.sinks.iter().zip(&now.sinks).all(|(saved, now)| saved.name == now.name && saved.place == now.place);
    Ok(Resumed {
        epoch: saved.epoch,
        says_all: notes.is_empty() && taken.fresh.is_empty() && same_sinks,
        notes,
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
    /// Where its partitions stand, if no new record is needed before one of them moves. A run that reads nothing new has to leave the
    /// checkpoint as it is: what it publishes at the end of bounded input is told apart by what came after the checkpoint.
    pub fn settled_offsets(&self) -> Vec<Option<i64>> {
        if !self.says_all {
            return Vec::new();
        }
        self.partitions.iter().map(|partition| partition.next_offset).collect()
    }

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

/// For each sink of the last record: the name that it has now, if it is still there. Files are known by their place, so that another name,
/// or another order of sinks without names, takes nobody's state; where no sink has that place, the folder has moved, and the name tells.
fn kept_sinks(saved: &[SavedSink], now: &[SinkNow]) -> Vec<Option<String>> {
    let mut kept = vec![None; saved.len()];
    let name = |saved: &SavedSink, now: &SinkNow| saved.name == now.name;
    let place = |saved: &SavedSink, now: &SinkNow| saved.place.is_some() && saved.place == now.place;
    let same = |saved: &SavedSink, now: &SinkNow| saved.name == now.name && saved.place == now.place;
    // The likeliest first: several sinks of files may share a place.
    let rules: [fn(&SavedSink, &SinkNow) -> bool; 3] = [same, place, name];
    let mut free: Vec<&SinkNow> = now.iter().collect();
    for rule in rules {
        for (sink, kept) in saved.iter().zip(&mut kept).filter(|(_, kept)| kept.is_none()) {
            if let Some(found) = free.iter().position(|other| rule(sink, other)) {
                *kept = Some(free.swap_remove(found).name.clone());
            }
        }
    }
    kept
}

/// The parts of each sink that is still there; those of records from before it was there don't exist. `kept`: by the last record's sinks.
fn sinks(records: &mut [Snapshot], kept: &[Option<String>]) -> Vec<SavedParts> {
    let Some(last) = records.last() else { return Vec::new() };
    let known: Vec<(String, Option<String>)> =
        last.sinks.iter().zip(kept).map(|(sink, name)| (sink.name.clone(), name.clone())).collect();
    let mut sinks = Vec::new();
    for (saved, name) in known.into_iter().filter_map(|(saved, name)| Some((saved, name?))) {
        let of = |record: &mut Snapshot| {
            let part = record.sinks.iter_mut().find(|sink| sink.name == saved);
            part.map(|sink| std::mem::take(&mut sink.prepared.bytes))
        };
        sinks.push(SavedParts { name, parts: records.iter_mut().filter_map(of).collect() });
    }
    sinks
}

/// A sink that is gone must have nothing left that only the checkpoint holds.
fn check_sinks(saved: &[SavedSink], kept: &[Option<String>], discard: &Discard) -> Result<(), RunError> {
    let still_there = |name: &&String| saved.iter().zip(kept).any(|(sink, kept)| sink.name == **name && kept.is_some());
    if let Some(name) = discard.rows.iter().find(still_there) {
        let text = "the file still has that sink; take it out, or give it another `name`";
        return Err(RunError::Mismatch(format!("--discard-rows {name}: {text}")));
    }
    let mut gone = saved.iter().zip(kept).filter(|(_, kept)| kept.is_none()).map(|(sink, _)| sink);
    match gone.find(|sink| sink.prepared.undelivered > 0 && !discard.rows.contains(&sink.name)) {
        Some(SavedSink { name, prepared, .. }) => Err(RunError::Mismatch(format!(
            "{} bytes of rows for the sink `{name}` are not delivered yet, and the file no longer has it: put it back until they are, or let \
             them go with --discard-rows {name}",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Prepared;

    #[test]
    fn sinks_of_files_are_known_by_their_place() {
        let saved = |name: &str, place: Option<&str>| SavedSink {
            name: name.into(),
            place: place.map(Into::into),
            prepared: Prepared::default(),
        };
        let kept = |was: &[(&str, Option<&str>)], now: &[(&str, Option<&str>)]| {
            let was: Vec<_> = was.iter().map(|(name, place)| saved(name, *place)).collect();
            let sink = |(name, place): &(&str, Option<&str>)| SinkNow {
                name: (*name).to_owned(),
                place: place.map(Into::into),
            };
            let now: Vec<_> = now.iter().map(sink).collect();
            kept_sinks(&was, &now).into_iter().map(Option::unwrap_or_default).collect::<Vec<String>>()
        };
        let (out, db) = (("json-files", Some("/out")), ("postgres", None));
        assert_eq!(kept(&[out, db], &[out, db]), ["json-files", "postgres"]);
        assert_eq!(kept(&[out, db], &[("files", Some("/out")), db]), ["files", "postgres"], "another name");
        assert_eq!(kept(&[out], &[("json-files", Some("/new")), ("json-files-2", Some("/out"))]), ["json-files-2"]);
        assert_eq!(kept(&[out], &[("json-files", Some("/moved/out"))]), ["json-files"], "another folder");
        assert_eq!(kept(&[db], &[("tables", None)]), [""], "a table's marker is called by the name");
        let (first, second) = (("first", Some("/out")), ("second", Some("/out")));
        assert_eq!(kept(&[first, second], &[second, first]), ["first", "second"], "two in one folder");
    }

    #[test]
    fn rows_that_wait_for_a_sink_that_is_gone_are_let_go_when_asked() {
        let prepared = Prepared { undelivered: 7, ..Prepared::default() };
        let saved = [SavedSink { name: "db".into(), place: None, prepared }];
        let discard =
            |rows: &[&str]| Discard { rows: rows.iter().map(ToString::to_string).collect(), ..Discard::default() };
        let refused = |kept: Option<&str>, rows: &[&str]| {
            check_sinks(&saved, &[kept.map(Into::into)], &discard(rows)).err().map(|error| error.to_string())
        };
        assert!(refused(None, &[]).unwrap().contains("--discard-rows db"));
        assert!(refused(None, &["other"]).unwrap().contains("--discard-rows db"));
        assert_eq!(refused(None, &["db"]), None);
        assert_eq!(refused(Some("db"), &[]), None);
        assert!(refused(Some("db"), &["db"]).unwrap().contains("still has"));
    }
}
