//! What a checkpoint holds, and its bytes: a JSON header, then the columns of states and the sinks' parts as they are.
//!
//! ```text
//! header length (u32, little endian) │ header (JSON; names blobs by number) │ blob lengths are in the header │ blobs
//! ```

#[cfg(test)]
mod tests;
mod wire;

use super::message::{Cut, Position};
use super::run::RunError;
use super::tally::Tally;
use crate::source::Partition;
use weir_core::delta::CloserState;
use weir_core::ledger::Ledger;
use weir_core::time::ClockState;

pub(super) use wire::{decode, encode};

/// One consistent cut through a run.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub pipeline: String,
    /// What shapes the numbers, by name: each preprocessor, the fields that are decoded, each KPI.
    pub identities: Vec<(String, String)>,
    /// In the source's order.
    pub partitions: Vec<SavedPartition>,
    pub closer: CloserState,
    pub ledger: Ledger,
    pub tally: Tally,
    /// Lengths of the dead-letter file and of the late file.
    pub letters: [u64; 2],
    /// What each sink prepared, by its place.
    pub sinks: Vec<(String, Vec<u8>)>,
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

    /// Whether it belongs to this pipeline and source; the error says what differs and what to do.
    pub fn fits(&self, pipeline: &str, now: &[(String, String)], partitions: &[Partition]) -> Result<(), RunError> {
        let advice = "use another [checkpoint] path, or remove the folder to begin anew";
        if self.pipeline != pipeline {
            return Err(RunError::Mismatch(format!(
                "it is of pipeline `{}`, not `{pipeline}`; {advice}",
                self.pipeline
            )));
        }
        if let Some((name, _)) = self.identities.iter().find(|(name, _)| !now.iter().any(|(known, _)| known == name)) {
            return Err(RunError::Mismatch(format!("it holds {name}, which the file no longer has; {advice}")));
        }
        for (name, identity) in now {
            match self.identities.iter().find(|(known, _)| known == name) {
                None => return Err(RunError::Mismatch(format!("it does not hold {name}; {advice}"))),
                Some((_, saved)) if saved != identity => {
                    let what = format!("{name} has changed: saved {saved}, now {identity}");
                    return Err(RunError::Mismatch(format!("{what}; {advice}")));
                }
                Some(_) => {}
            }
        }
        if self.identities != now {
            return Err(RunError::Mismatch(format!("the KPIs stand in another order; {advice}")));
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
