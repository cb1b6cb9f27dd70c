//! Native KPIs for tests and benchmarks, here and in other crates: the oracle for plugins, and the cost of everything but them.
//!
//! Only behind the feature `testing`.

use crate::plugin::{Cost, Kpi, KpiRows, PluginError, PluginErrorKind};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, UInt32Array};
use std::sync::Arc;

/// Counts rows and sums one int64 column; nulls are counted and add nothing. State and outputs: count, sum (int64, int64).
#[derive(Debug, Default)]
pub struct CountSum {
    states: Vec<(i64, i64)>,
    cost: Cost,
}

impl Kpi for CountSum {
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError> {
        let values = int64(columns, 0, groups.len())?;
        reach(&mut self.states, groups);
        for (row, &group) in groups.iter().enumerate() {
            let state = &mut self.states[group as usize];
            let value = if values.is_null(row) { 0 } else { values.value(row) };
            *state = (state.0 + 1, add(state.1, value, row)?);
        }
        self.cost += Cost { rows: groups.len() as u64, calls: 1, ..Cost::default() };
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) -> Result<(), PluginError> {
        let (counts, sums) = (int64(state, 0, groups.len())?, int64(state, 1, groups.len())?);
        reach(&mut self.states, groups);
        for (row, &group) in groups.iter().enumerate() {
            let state = &mut self.states[group as usize];
            *state = (state.0 + counts.value(row), add(state.1, sums.value(row), row)?);
        }
        self.cost.calls += 1;
        Ok(())
    }

    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        self.cost.calls += 1;
        Ok(self.columns(groups))
    }

    fn evaluate(&mut self, groups: &[u32], _starts: &[i64], _ends: &[i64]) -> Result<KpiRows, PluginError> {
        self.cost.calls += 1;
        Ok(KpiRows { places: (0..groups.len() as u32).collect(), columns: self.columns(groups) })
    }

    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError> {
        clear(&mut self.states, groups);
        self.cost.calls += 1;
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

impl CountSum {
    fn columns(&self, groups: &[u32]) -> Vec<ArrayRef> {
        let state = |group: &u32| self.states.get(*group as usize).copied().unwrap_or_default();
        vec![
            Arc::new(Int64Array::from_iter_values(groups.iter().map(|group| state(group).0))),
            Arc::new(Int64Array::from_iter_values(groups.iter().map(|group| state(group).1))),
        ]
    }
}

/// Which remainders by 4 an int64 column has: none, one or several rows a slot, of which remainder 0 gives none. Output: the
/// remainder and how many rows have it. State: four counts.
#[derive(Debug, Default)]
pub struct Remainders {
    states: Vec<[i64; 4]>,
    cost: Cost,
}

impl Kpi for Remainders {
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError> {
        let values = int64(columns, 0, groups.len())?;
        reach(&mut self.states, groups);
        for (row, &group) in groups.iter().enumerate() {
            self.states[group as usize][values.value(row).rem_euclid(4) as usize] += 1;
        }
        self.cost += Cost { rows: groups.len() as u64, calls: 1, ..Cost::default() };
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) -> Result<(), PluginError> {
        reach(&mut self.states, groups);
        for remainder in 0..4 {
            let counts = int64(state, remainder, groups.len())?;
            for (row, &group) in groups.iter().enumerate() {
                self.states[group as usize][remainder] += counts.value(row);
            }
        }
        Ok(())
    }

    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        let column = |remainder: usize| {
            let counts =
                groups.iter().map(|group| self.states.get(*group as usize).map_or(0, |state| state[remainder]));
            Arc::new(Int64Array::from_iter_values(counts)) as ArrayRef
        };
        Ok((0..4).map(column).collect())
    }

    fn evaluate(&mut self, groups: &[u32], _starts: &[i64], _ends: &[i64]) -> Result<KpiRows, PluginError> {
        let mut rows: (Vec<u32>, Vec<i64>, Vec<i64>) = Default::default();
        for (place, &group) in groups.iter().enumerate() {
            let state = self.states.get(group as usize).copied().unwrap_or_default();
            for remainder in (1..4).filter(|remainder| state[*remainder] > 0) {
                rows.0.push(place as u32);
                rows.1.push(remainder as i64);
                rows.2.push(state[remainder]);
            }
        }
        Ok(KpiRows {
            places: rows.0,
            columns: vec![Arc::new(Int64Array::from(rows.1)), Arc::new(Int64Array::from(rows.2))],
        })
    }

    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError> {
        clear(&mut self.states, groups);
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// A call of [`Kpi`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `update`
    Update,
    /// `merge`
    Merge,
    /// `state`
    State,
    /// `evaluate`
    Evaluate,
    /// `clear`
    Clear,
}

/// What a [`Faulty`] KPI does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answers with an error.
    Error,
    /// Columns are a row short.
    Short,
    /// `evaluate` names a place that is not there.
    FarPlace,
    /// `evaluate` names places that fall.
    FallingPlaces,
}

/// A [`CountSum`] that goes wrong at its `countdown`th call of a kind, from 1; it panics if it is called after it has failed.
#[derive(Debug)]
pub struct Faulty {
    inner: CountSum,
    call: Call,
    fault: Fault,
    countdown: u32,
    failed: bool,
}

impl Faulty {
    /// Goes wrong at that call.
    pub fn new(call: Call, fault: Fault, countdown: u32) -> Self {
        Self { inner: CountSum::default(), call, fault, countdown, failed: false }
    }

    fn meets(&mut self, call: Call) -> Result<bool, PluginError> {
        assert!(!self.failed, "a KPI that has failed is not called again");
        if call != self.call {
            return Ok(false);
        }
        self.countdown = self.countdown.saturating_sub(1);
        self.failed = self.countdown == 0;
        match self.fault {
            Fault::Error if self.failed => {
                Err(PluginError { reason: format!("{call:?} failed"), row: None, kind: PluginErrorKind::Trap })
            }
            _ => Ok(self.failed),
        }
    }
}

impl Kpi for Faulty {
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError> {
        self.meets(Call::Update)?;
        self.inner.update(groups, columns)
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) -> Result<(), PluginError> {
        self.meets(Call::Merge)?;
        self.inner.merge(groups, state)
    }

    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        let fails = self.meets(Call::State)?;
        let columns = self.inner.state(groups)?;
        Ok(if fails { columns.iter().map(|column| column.slice(0, column.len() - 1)).collect() } else { columns })
    }

    fn evaluate(&mut self, groups: &[u32], starts: &[i64], ends: &[i64]) -> Result<KpiRows, PluginError> {
        let fails = self.meets(Call::Evaluate)?;
        let mut rows = self.inner.evaluate(groups, starts, ends)?;
        match self.fault {
            Fault::Short if fails => rows.columns[0] = rows.columns[0].slice(0, groups.len() - 1),
            Fault::FarPlace if fails => rows.places[groups.len() - 1] = groups.len() as u32,
            Fault::FallingPlaces if fails => {
                let places = UInt32Array::from_iter_values(rows.places.iter().rev().copied().chain([0]));
                rows.places = places.values().to_vec();
                let zeros: ArrayRef = Arc::new(Int64Array::from(vec![0; rows.places.len()]));
                rows.columns = vec![zeros.clone(), zeros];
                rows.places[0] = 1.min(groups.len() as u32 - 1);
            }
            _ => {}
        }
        Ok(rows)
    }

    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError> {
        self.meets(Call::Clear)?;
        self.inner.clear(groups)
    }

    fn cost(&self) -> Cost {
        self.inner.cost()
    }
}

fn failure(reason: String, row: Option<usize>) -> PluginError {
    PluginError { reason, row: row.map(|row| row as u32), kind: PluginErrorKind::Failure }
}

fn int64(columns: &[ArrayRef], place: usize, rows: usize) -> Result<&Int64Array, PluginError> {
    let column = columns
        .get(place)
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .filter(|column| column.len() == rows);
    column.ok_or_else(|| failure(format!("column {place} is not {rows} values of int64"), None))
}

fn add(sum: i64, value: i64, row: usize) -> Result<i64, PluginError> {
    sum.checked_add(value).ok_or_else(|| failure("the sum does not fit 64 bits".to_owned(), Some(row)))
}

fn reach<T: Default + Clone>(states: &mut Vec<T>, groups: &[u32]) {
    let wanted = groups.iter().max().map_or(0, |group| *group as usize + 1);
    if wanted > states.len() {
        states.resize(wanted, T::default());
    }
}

fn clear<T: Default>(states: &mut [T], groups: &[u32]) {
    for &group in groups {
        if let Some(state) = states.get_mut(group as usize) {
            *state = T::default();
        }
    }
}
