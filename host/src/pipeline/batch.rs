//! A batch on its way through the steps: columns, and for each row the record that it is.

use super::letters::Letter;
use super::run::RunError;
use super::shared::Shared;
use crate::sink::dead_letters::DeadLetterKind;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, BooleanArray};
use arrow_select::filter::FilterBuilder;
use weir_core::block::Block;
use weir_core::plugin::{Cost, Preprocess};

/// Rows of one partition, in its order.
pub(super) struct Batch<'a> {
    pub block: &'a Block,
    /// In the chain's order: decoded fields, then outputs of preprocessors.
    pub columns: Vec<ArrayRef>,
    /// For each row, its record's place in the block.
    pub rows: Vec<u32>,
    pub event_us: Vec<i64>,
    /// For each row, its partition's watermark from the records before it.
    pub watermark_before: Vec<i64>,
}

impl<'a> Batch<'a> {
    /// As decoded; the event-time column holds no nulls, since it was asked for as required.
    pub fn new(block: &'a Block, columns: Vec<ArrayRef>, rows: Vec<u32>, event_time: usize) -> Self {
        let event_us = columns[event_time].as_primitive::<TimestampMicrosecondType>().values().to_vec();
        Self { block, columns, rows, event_us, watermark_before: Vec::new() }
    }

    /// Columns by their places.
    pub fn pick(&self, places: &[usize]) -> Vec<ArrayRef> {
        places.iter().map(|&place| self.columns[place].clone()).collect()
    }

    /// Leaves only the rows that `keep` says.
    pub fn retain(&mut self, keep: &BooleanArray) -> Result<(), RunError> {
        let predicate = FilterBuilder::new(keep).optimize().build();
        for column in &mut self.columns {
            *column = predicate.filter(column)?;
        }
        retain(&mut self.rows, keep);
        retain(&mut self.event_us, keep);
        retain(&mut self.watermark_before, keep);
        Ok(())
    }
}

fn retain<T>(values: &mut Vec<T>, keep: &BooleanArray) {
    let mut at = 0;
    values.retain(|_| {
        at += 1;
        keep.value(at - 1)
    });
}

/// The preprocessors of one worker, in file order.
pub(super) struct Steps {
    pub steps: Vec<Step>,
}

/// One preprocessor.
pub(super) struct Step {
    pub name: String,
    pub plugin: Box<dyn Preprocess>,
    pub inputs: Vec<usize>,
}

impl Steps {
    /// Runs every step over the batch; rejected rows become letters, and the number of filtered ones is returned.
    pub fn run(&mut self, batch: &mut Batch<'_>, shared: &Shared, letters: &mut Vec<Letter>) -> Result<u64, RunError> {
        let mut filtered = 0;
        for step in &mut self.steps {
            if batch.rows.is_empty() {
                break;
            }
            filtered += step.run(batch, shared, letters)?;
        }
        Ok(filtered)
    }

    /// What each step has cost.
    pub fn costs(&self) -> Vec<Cost> {
        self.steps.iter().map(|step| step.plugin.cost()).collect()
    }
}

impl Step {
    fn run(&mut self, batch: &mut Batch<'_>, shared: &Shared, letters: &mut Vec<Letter>) -> Result<u64, RunError> {
        let rows = batch.rows.len();
        let outcome = self.plugin.process(rows, &batch.pick(&self.inputs)).map_err(|error| RunError::Preprocessor {
            plugin: self.name.clone(),
            place: shared.place_of(batch, error.row),
            source: error,
        })?;
        batch.columns.extend(outcome.columns);
        if outcome.keep.is_none() && outcome.rejects.is_empty() {
            return Ok(0);
        }
        let mut keep: Vec<bool> = match &outcome.keep {
            Some(mask) => mask.values().iter().collect(),
            None => vec![true; rows],
        };
        let mut filtered = keep.iter().filter(|kept| !**kept).count() as u64;
        for (row, reason) in outcome.rejects {
            let row = row as usize;
            // A row that is both filtered and rejected is wrong: it counts as rejected.
            filtered -= u64::from(!keep[row]);
            keep[row] = false;
            let reason = format!("{}: {reason}", self.name);
            letters.push(
                Letter::new(batch.block, batch.rows[row], DeadLetterKind::Rejected, reason).at(batch.event_us[row]),
            );
        }
        if keep.iter().any(|kept| !kept) {
            batch.retain(&BooleanArray::from(keep))?;
        }
        Ok(filtered)
    }
}
