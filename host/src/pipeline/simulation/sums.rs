//! A native KPI that tells any record lost, doubled or misplaced: it counts records and sums what their ids hash to.

use super::chance::mix;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array};
use std::sync::Arc;
use weir_core::plugin::{Cost, Kpi, KpiDescription, KpiRows, Output, PluginError};
use weir_core::types::{ColumnType, Field, ScalarType};

#[derive(Debug, Default)]
pub struct Sums {
    states: Vec<(i64, i64)>,
}

/// What an id adds to a sum.
pub fn print(id: i64) -> i64 {
    mix(id as u64) as i64
}

pub fn description() -> KpiDescription {
    let int64 = ColumnType::Scalar(ScalarType::Int64);
    let field = |path: &str| Field { path: path.into(), column_type: int64, nullable: false };
    let output = |path| Output { field: field(path), unit: None, description: String::new(), additive: true };
    KpiDescription {
        name: "sums".into(),
        version: "1.0.0".into(),
        summary: String::new(),
        inputs: vec![field("id")],
        outputs: vec![output("count"), output("sum")],
        state_version: 1,
        state: vec![int64, int64],
    }
}

impl Sums {
    fn add(&mut self, group: u32, (count, sum): (i64, i64)) {
        let group = group as usize;
        self.states.resize(self.states.len().max(group + 1), (0, 0));
        let state = &mut self.states[group];
        *state = (state.0 + count, state.1.wrapping_add(sum));
    }

    fn columns(&self, groups: &[u32]) -> Vec<ArrayRef> {
        let state = |group: &u32| self.states.get(*group as usize).copied().unwrap_or_default();
        let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
        vec![
            column(groups.iter().map(|group| state(group).0).collect()),
            column(groups.iter().map(|group| state(group).1).collect()),
        ]
    }
}

fn int64(columns: &[ArrayRef], place: usize) -> &[i64] {
    columns[place].as_primitive::<Int64Type>().values()
}

impl Kpi for Sums {
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError> {
        groups.iter().zip(int64(columns, 0)).for_each(|(group, id)| self.add(*group, (1, print(*id))));
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) -> Result<(), PluginError> {
        let states = int64(state, 0).iter().zip(int64(state, 1));
        groups.iter().zip(states).for_each(|(group, (count, sum))| self.add(*group, (*count, *sum)));
        Ok(())
    }

    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        Ok(self.columns(groups))
    }

    fn evaluate(&mut self, groups: &[u32], _starts: &[i64], _ends: &[i64]) -> Result<KpiRows, PluginError> {
        Ok(KpiRows { places: (0..groups.len() as u32).collect(), columns: self.columns(groups) })
    }

    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError> {
        for group in groups {
            if let Some(state) = self.states.get_mut(*group as usize) {
                *state = (0, 0);
            }
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }
}
