//! A KPI over columns: a vector of states, and the loops of the five calls.

use super::{TURN, runs, scattered};
use crate::bindings::exports::weir::plugin::types::{Column, ColumnType, Failure, Input, Setting};
use crate::column::{ColumnRef, Inputs, column_count};
use crate::kpi::{Kpi, RowOf, Window};
use crate::number::Timestamp;
use crate::options::read_options;
use crate::output::{OutputDescription, Outputs};

/// What a KPI says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct KpiDescription {
    /// The plugin's name.
    pub name: String,
    /// Its version, as semver.
    pub version: String,
    /// One sentence for people.
    pub summary: String,
    /// The columns it asks for.
    pub inputs: Vec<Input>,
    /// The columns of its rows.
    pub outputs: Vec<OutputDescription>,
    /// The format of its state.
    pub state_version: u32,
    /// The columns of its state.
    pub state: Vec<ColumnType>,
}

/// Rows of results.
#[derive(Debug, Clone, PartialEq)]
pub struct KpiRows {
    /// For each row the place in `evaluate`'s arguments, rising.
    pub places: Vec<u32>,
    /// The described outputs.
    pub columns: Vec<Column>,
}

/// An instance of a KPI: a state a slot, as `aggregator` of the contract. After an `Err` its states are unknown.
pub struct KpiInstance<K: Kpi> {
    options: K::Options,
    slots: Vec<K>,
}

impl<K: Kpi> KpiInstance<K> {
    /// What the KPI says of itself, given these options.
    ///
    /// # Errors
    /// Names the option and what to write instead.
    pub fn describe(settings: &[Setting]) -> Result<KpiDescription, String> {
        read_options::<K::Options>(settings)?;
        let mut state = Vec::new();
        K::describe(&mut state);
        Ok(KpiDescription {
            name: K::NAME.to_owned(),
            version: K::VERSION.to_owned(),
            summary: K::SUMMARY.to_owned(),
            inputs: K::Input::describe(),
            outputs: RowOf::<K>::describe(),
            state_version: K::STATE_VERSION,
            state,
        })
    }

    /// An instance with these options and no state.
    ///
    /// # Errors
    /// Names the option and what to write instead.
    pub fn new(settings: &[Setting]) -> Result<Self, String> {
        Ok(Self { options: read_options(settings)?, slots: Vec::new() })
    }

    /// Folds row `i` into slot `groups[i]`.
    ///
    /// # Errors
    /// Names the row that can't be worked on, or the column that is not as described.
    pub fn update(&mut self, groups: &[u32], columns: &[ColumnRef<'_>]) -> Result<(), Failure> {
        let views = K::Input::open(columns, groups.len())?;
        let slots = reach(&mut self.slots, groups);
        match K::FOLDS_RUNS && runs::few(groups) {
            true => runs::fold(slots, groups, &views, &self.options),
            false => scattered::fold(slots, groups, &views, &self.options),
        }
    }

    /// Folds state `i` into slot `groups[i]`.
    ///
    /// # Errors
    /// Names the state that can't be read or merged.
    pub fn merge(&mut self, groups: &[u32], state: &[ColumnRef<'_>]) -> Result<(), Failure> {
        let mut rest = state;
        let views = K::open(&mut rest, groups.len())?;
        column_count(state.len(), state.len() - rest.len())?;
        let slots = reach(&mut self.slots, groups);
        for (row, group) in groups.iter().enumerate() {
            let other = K::read(&views, row).map_err(|reason| reason.at_row(row))?;
            slots[*group as usize].merge(&other, &self.options).map_err(|reason| reason.at_row(row))?;
        }
        Ok(())
    }

    /// The states of these slots, as the described columns.
    ///
    /// # Errors
    /// Names the place of a state that can't travel: a float in it is not finite.
    pub fn state(&mut self, groups: &[u32]) -> Result<Vec<Column>, Failure> {
        let slots = reach(&mut self.slots, groups);
        let mut builders = K::Builders::default();
        for (place, group) in groups.iter().enumerate() {
            slots[*group as usize].write(&mut builders).map_err(|reason| reason.at_row(place))?;
        }
        let mut columns = Vec::new();
        K::finish(builders, &mut columns).map_err(|(place, reason)| reason.at_row(place))?;
        Ok(columns)
    }

    /// The results of these slots for the windows `[starts[i], ends[i])`, microseconds.
    ///
    /// # Errors
    /// Names the place whose result can't be told.
    pub fn evaluate(&mut self, groups: &[u32], starts: &[i64], ends: &[i64]) -> Result<KpiRows, Failure> {
        if starts.len() != groups.len() || ends.len() != groups.len() {
            return Err(Failure::Other(format!(
                "{} slots, {} starts and {} ends",
                groups.len(),
                starts.len(),
                ends.len()
            )));
        }
        let slots = reach(&mut self.slots, groups);
        let mut places = Vec::with_capacity(groups.len());
        let mut builders = <RowOf<K> as Outputs>::Builders::default();
        for (place, ((group, start), end)) in groups.iter().zip(starts).zip(ends).enumerate() {
            let window = Window { start: Timestamp(*start), end: Timestamp(*end) };
            let rows = slots[*group as usize].evaluate(window, &self.options).map_err(|reason| reason.at_row(place))?;
            for row in rows {
                row.write(&mut builders).map_err(|reason| reason.at_row(place))?;
                places.push(place as u32);
            }
        }
        let columns = RowOf::<K>::finish(builders)
            .map_err(|(row, reason)| reason.at_row(places.get(row).map_or(row, |place| *place as usize)))?;
        Ok(KpiRows { places, columns })
    }

    /// Sets these slots back to the state of no rows.
    pub fn clear(&mut self, groups: &[u32]) {
        for group in groups {
            // A slot beyond the vector was never named: it holds the state of no rows already.
            if let Some(slot) = self.slots.get_mut(*group as usize) {
                *slot = K::default();
            }
        }
    }
}

/// The slots, every named one among them, so that the loops only index. A fold: `Iterator::max` stays a call a row.
fn reach<'a, K: Kpi>(slots: &'a mut Vec<K>, groups: &[u32]) -> &'a mut [K] {
    let (turns, rest) = groups.as_chunks::<TURN>();
    let largest_of = |groups: &[u32]| groups.iter().fold(0, |largest, group| largest.max(*group));
    let largest = turns.iter().fold(largest_of(rest), |largest, turn| largest.max(largest_of(turn))) as usize;
    if !groups.is_empty() && largest >= slots.len() {
        slots.resize_with(largest.saturating_add(1), K::default);
    }
    slots
}
