//! What a record of a checkpoint holds, and its bytes: a JSON header, then the group keys and cells, the columns of states and
//! the sinks' parts as they are.
//!
//! ```text
//! header length (u32, little endian) │ header (JSON; names blobs by number) │ blob lengths are in the header │ blobs
//! ```

mod cells;
#[cfg(test)]
mod tests;
mod wire;

use super::identity::Identity;
use super::message::{Cut, Position};
use super::run::RunError;
use super::tally::Tally;
use crate::sink::Prepared;
use crate::source::Partition;
use weir_core::delta::{CloserChanges, CloserState};
use weir_core::ledger::Ledger;
use weir_core::time::ClockState;

pub(super) use wire::{decode, encode, state_bytes};

/// One consistent cut through a run.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub pipeline: String,
    pub identity: Identity,
    /// For each KPI, its place among the groupings of `state`.
    pub groupings: Vec<usize>,
    /// For each grouping: size and hop of its windows, microseconds; for people who look.
    pub windows_us: Vec<(i64, i64)>,
    /// Windows that end at or before this will not come again.
    pub settled_us: i64,
    /// In the source's order.
    pub partitions: Vec<SavedPartition>,
    pub state: State,
    /// For each KPI: windows that start at or before this (microseconds) began before it did, and are not whole.
    pub begins_us: Vec<Option<i64>>,
    pub ledger: Ledger,
    pub tally: Tally,
    /// Lengths of the dead-letter file and of the late file.
    pub letters: [u64; 2],
    pub sinks: Vec<SavedSink>,
}

/// The closer's state: whole, or what changed since the record before.
#[derive(Debug, Clone)]
pub(super) enum State {
    Whole(CloserState),
    Changes(CloserChanges),
}

/// What a sink put into a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SavedSink {
    pub name: String,
    /// Where its rows are, if that and not its name says which it is.
    pub place: Option<String>,
    pub prepared: Prepared,
}

/// A partition's place in a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SavedPartition {
    pub name: String,
    pub id: i32,
    pub next_offset: Option<i64>,
    /// The leader's epoch of the record before it, where the source knows it.
    pub epoch: Option<i32>,
    /// Whose offset that is; `None` where the source has no such thing, and in checkpoints of before it was saved.
    pub identity: Option<String>,
    pub clock: ClockState,
}

/// The partitions as the workers left them.
pub(super) fn partitions(known: &[Partition], cuts: &[Cut]) -> Vec<SavedPartition> {
    let positions: Vec<&Position> = cuts.iter().flat_map(|cut| &cut.positions).collect();
    let saved = |(place, partition): (usize, &Partition)| {
        let position = positions.iter().find(|position| position.partition as usize == place);
        SavedPartition {
            name: partition.name.clone(),
            id: partition.id,
            identity: partition.identity.clone(),
            next_offset: position.and_then(|position| position.next_offset),
            epoch: position.and_then(|position| position.epoch),
            clock: position.map_or_else(ClockState::default, |position| position.clock),
        }
    };
    known.iter().enumerate().map(saved).collect()
}

impl Snapshot {
    /// Whether it stands alone.
    pub fn is_whole(&self) -> bool {
        matches!(self.state, State::Whole(_))
    }

    /// The record that this one builds on: none where it is whole, else the last one, which must be there.
    pub fn builds_on(&self, last: Option<u64>) -> Result<Option<u64>, RunError> {
        match (&self.state, last) {
            (State::Whole(_), _) => Ok(None),
            (State::Changes(_), Some(last)) => Ok(Some(last)),
            (State::Changes(_), None) => {
                Err(RunError::Unreadable("changes without a state that they change".to_owned()))
            }
        }
    }

    /// Cells whose state it tells, over all groupings.
    pub fn cells(&self) -> usize {
        let (State::Whole(CloserState { groupings, .. }) | State::Changes(CloserChanges { groupings, .. })) =
            &self.state;
        groupings.iter().map(|grouping| grouping.cells.cells.len()).sum()
    }

    /// The next offset of each partition that has one, by its place.
    pub fn offsets(&self) -> Vec<(u32, i64)> {
        let offset = |(place, saved): (usize, &SavedPartition)| Some((u32::try_from(place).ok()?, saved.next_offset?));
        self.partitions.iter().enumerate().filter_map(offset).collect()
    }

    /// Offsets of a topic that was deleted and made anew under its name mean other records.
    fn same_topics(&self, partitions: &[Partition]) -> Result<(), RunError> {
        for (saved, now) in self.partitions.iter().zip(partitions) {
            if let (Some(then), Some(id)) = (&saved.identity, &now.identity)
                && saved.name == now.name
                && then != id
            {
                return Err(RunError::Mismatch(format!(
                    "topic `{}` was deleted and made anew since the checkpoint (id {then} then, {id} now): its offsets mean other records; to \
                     count the new topic, use another [checkpoint] path and other sink paths, so that what was counted of the old one stays",
                    now.name
                )));
            }
        }
        Ok(())
    }

    /// Whether its offsets are of this pipeline's source.
    pub fn is_of(&self, pipeline: &str, partitions: &[Partition]) -> Result<(), RunError> {
        let advice = "set another [checkpoint] path";
        if self.pipeline != pipeline {
            return Err(RunError::Mismatch(format!(
                "it is of pipeline `{}`, not `{pipeline}`; {advice}",
                self.pipeline
            )));
        }
        self.same_topics(partitions)?;
        // Partitions may be added at the end of the list; one that is gone took records with it.
        let same = |(saved, now): (&SavedPartition, &Partition)| saved.name == now.name && saved.id == now.id;
        if self.partitions.len() > partitions.len() || !self.partitions.iter().zip(partitions).all(same) {
            return Err(RunError::Mismatch(format!("the source's partitions are others than those saved; {advice}")));
        }
        Ok(())
    }
}
