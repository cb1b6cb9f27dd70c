//! The closer's state out of and into plain data, for a checkpoint. Knows no format of bytes.

use super::open::{Mark, Open};
use super::{CloseError, Closer};
use crate::delta::{Cell, Cells, CloserState, GroupingState, KpiState, WindowState};
use crate::group::KeyValue;
use crate::slots::NONE;
use crate::types::ScalarType;
use hashbrown::HashMap;

impl Closer {
    /// All that the closer knows. For a checkpoint the folders first flush everything (`i64::MAX`) and it is absorbed; then
    /// this is all the state there is, and any number of workers may go on from it. A KPI that fails in giving its state is
    /// quarantined, and told by the next advance.
    pub fn export(&mut self) -> CloserState {
        let (groupings, slots): (Vec<_>, Vec<_>) = self.groupings.iter_mut().map(Open::export).unzip();
        CloserState { watermark_us: self.watermark_us, groupings, kpis: self.states(&slots) }
    }

    /// Goes on from a state, in a closer that is new. A KPI that refuses its state is quarantined. The next advance tells of
    /// every quarantined KPI, also of those that were so before; tell the folders, which otherwise go on calling them.
    pub fn restore(&mut self, state: CloserState) -> Result<(), CloseError> {
        let cells: Vec<_> = state.groupings.iter().map(|grouping| &grouping.cells).collect();
        self.check(&cells, &state.kpis)?;
        let mut slots = Vec::with_capacity(state.groupings.len());
        for (open, part) in self.groupings.iter_mut().zip(&state.groupings) {
            // The cells of windows that are settled are kept for the later windows of their panes.
            slots.push(open.take_in(&part.cells, i64::MIN)?);
            open.restore_windows(&part.windows)?;
        }
        self.merge(&slots, state.kpis);
        self.begin_at(state.watermark_us);
        Ok(())
    }

    /// By KPI: the states of its grouping's slots.
    pub(super) fn states(&mut self, slots: &[Vec<u32>]) -> Vec<KpiState> {
        let kpis = self.kpis.iter_mut().zip(self.plan.kpis()).map(|(kpi, &grouping)| match kpi.fault() {
            Some(fault) => KpiState::Quarantined(fault.clone()),
            None => kpi.states(&slots[grouping]),
        });
        kpis.collect()
    }

    /// Whether cells and states have the plan's shape, so that nothing below has to ask.
    pub(super) fn check(&self, cells: &[&Cells], kpis: &[KpiState]) -> Result<(), CloseError> {
        if cells.len() != self.groupings.len() || kpis.len() != self.kpis.len() {
            let (groupings, planned) = (cells.len(), self.groupings.len());
            return Err(CloseError::Shape(format!(
                "{groupings} groupings of {planned} and {} KPIs of {}",
                kpis.len(),
                self.kpis.len()
            )));
        }
        for ((open, grouping), cells) in self.groupings.iter().zip(self.plan.groupings()).zip(cells) {
            if let Some(key) = cells.keys.iter().find(|key| !fits(key, &grouping.key_types)) {
                return Err(CloseError::Shape(format!("group key {key:?} is not of types {:?}", grouping.key_types)));
            }
            if let Some(cell) = cells.cells.iter().find(|cell| !open.is_cell(cell, cells.keys.len())) {
                return Err(CloseError::Shape(format!("there is no such cell: {cell:?}")));
            }
        }
        Ok(())
    }
}

impl Open {
    fn is_cell(&self, cell: &Cell, keys: usize) -> bool {
        self.windowing.is_pane(cell.pane_us)
            && cell.refused < self.windowing.windows_of(cell.pane_us).count()
            && (cell.key as usize) < keys
    }

    /// Cells and windows, and the slots of the cells in order.
    fn export(&mut self) -> (GroupingState, Vec<u32>) {
        self.changed.take();
        let (cells, slots) = self.cells(self.table.live(), self.table.all());
        (GroupingState { cells, windows: self.windows.iter().map(Mark::state).collect() }, slots)
    }

    /// These panes' cells as (pane, refused windows, (key, slot)), so many in all, and their slots in order.
    pub(super) fn cells<'a>(
        &self,
        count: usize,
        panes: impl Iterator<Item = (i64, u32, &'a [(u32, u32)])>,
    ) -> (Cells, Vec<u32>) {
        let mut told = Cells { keys: Vec::new(), cells: Vec::with_capacity(count) };
        let mut slots = Vec::with_capacity(count);
        let mut places = Places::new(count, self.keys_known());
        for (pane_us, refused, cells) in panes {
            for &(key, slot) in cells {
                let place = places.of(key);
                if *place == NONE {
                    *place = told.keys.len() as u32;
                    told.keys.push(self.key(key).clone());
                }
                let place = *place;
                told.cells.push(Cell { pane_us, refused, key: place });
                slots.push(slot);
            }
        }
        (told, slots)
    }

    /// The windows are these; those that the cells opened beyond them are settled.
    fn restore_windows(&mut self, windows: &[WindowState]) -> Result<(), CloseError> {
        let opened = std::mem::take(&mut self.windows);
        for window in windows {
            if !opened.contains_key(&window.start_us) {
                return Err(CloseError::no_cell(window.start_us));
            }
            self.windows.insert(window.start_us, Mark::of(window));
        }
        Ok(())
    }
}

/// For each key its place among those told, `NONE` at first. What is told of few of many keys must not cost all of them.
enum Places {
    Dense(Vec<u32>),
    Sparse(HashMap<u32, u32, foldhash::fast::RandomState>),
}

impl Places {
    fn new(count: usize, keys: usize) -> Self {
        if count >= keys / 64 { Self::Dense(vec![NONE; keys]) } else { Self::Sparse(HashMap::default()) }
    }

    fn of(&mut self, key: u32) -> &mut u32 {
        match self {
            Self::Dense(places) => &mut places[key as usize],
            Self::Sparse(places) => places.entry(key).or_insert(NONE),
        }
    }
}

fn fits(key: &[KeyValue], types: &[ScalarType]) -> bool {
    key.len() == types.len() && key.iter().zip(types).all(|(value, key_type)| is_of(value, *key_type))
}

fn is_of(value: &KeyValue, key_type: ScalarType) -> bool {
    match value {
        KeyValue::Null => true,
        KeyValue::Boolean(_) => key_type == ScalarType::Boolean,
        KeyValue::Int64(_) => key_type == ScalarType::Int64,
        KeyValue::Float64(_) => key_type == ScalarType::Float64,
        KeyValue::Decimal(_, scale) => key_type == ScalarType::Decimal(Some(*scale)),
        KeyValue::Timestamp(_) => key_type == ScalarType::Timestamp,
        KeyValue::Text(_) => key_type == ScalarType::Text,
    }
}
