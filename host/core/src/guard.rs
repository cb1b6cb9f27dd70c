//! A KPI that may fail: after its first error it is never called again, and everything else goes on.
//!
//! Knows the contract of [`Kpi`] and checks what comes back against it; knows no windows and no keys.

use crate::delta::{KpiState, Quarantine, SLOTS_PER_CALL_MAX};
use crate::plugin::{Cost, Kpi, KpiRows, PluginError, PluginErrorKind};
use arrow_array::{Array, ArrayRef};

/// A KPI's instance and, once it has failed, why.
pub(crate) struct Guarded {
    kpi: Box<dyn Kpi>,
    fault: Option<PluginError>,
    told: bool,
}

impl Guarded {
    pub(crate) fn new(kpi: Box<dyn Kpi>) -> Self {
        Self { kpi, fault: None, told: false }
    }

    /// Why it is quarantined.
    pub(crate) fn fault(&self) -> Option<&PluginError> {
        self.fault.as_ref()
    }

    pub(crate) fn cost(&self) -> Cost {
        self.kpi.cost()
    }

    /// The first reason stays.
    pub(crate) fn quarantine(&mut self, error: PluginError) {
        self.fault.get_or_insert(error);
    }

    /// Says the reason anew, with what the caller knows of the record.
    pub(crate) fn explain(&mut self, error: PluginError) {
        self.fault = Some(error);
    }

    /// The reason, once.
    pub(crate) fn newly(&mut self) -> Option<PluginError> {
        if std::mem::replace(&mut self.told, self.fault.is_some()) { None } else { self.fault.clone() }
    }

    /// A call, unless the KPI is quarantined, in which case (or if it is from now on) `None`.
    fn call<T>(&mut self, call: impl FnOnce(&mut dyn Kpi) -> Result<T, PluginError>) -> Option<T> {
        if self.fault.is_some() {
            return None;
        }
        // The row of another call than `update` is a slot's place, which is nobody's record.
        call(&mut *self.kpi).map_err(|error| self.quarantine(PluginError { row: None, ..error })).ok()
    }

    /// `place_of` turns a row of this call into the row that the caller's caller knows.
    pub(crate) fn update(&mut self, slots: &[u32], columns: &[ArrayRef], place_of: impl Fn(u32) -> u32) -> Option<()> {
        let result = match self.fault {
            None => self.kpi.update(slots, columns),
            Some(_) => return None,
        };
        result.map_err(|error| self.quarantine(PluginError { row: error.row.map(place_of), ..error })).ok()
    }

    pub(crate) fn merge(&mut self, slots: &[u32], state: &[ArrayRef]) -> Option<()> {
        self.call(|kpi| kpi.merge(slots, state))
    }

    pub(crate) fn clear(&mut self, slots: &[u32]) -> Option<()> {
        for slots in slots.chunks(SLOTS_PER_CALL_MAX) {
            self.call(|kpi| kpi.clear(slots))?;
        }
        self.fault.is_none().then_some(())
    }

    /// The states of at most `SLOTS_PER_CALL_MAX` slots.
    pub(crate) fn state(&mut self, slots: &[u32]) -> Option<Vec<ArrayRef>> {
        self.call(|kpi| {
            let columns = kpi.state(slots)?;
            check_lengths("state", &columns, slots.len())?;
            Ok(columns)
        })
    }

    /// The states of these slots, in calls of at most `SLOTS_PER_CALL_MAX`.
    pub(crate) fn states(&mut self, slots: &[u32]) -> KpiState {
        let chunks: Option<Vec<_>> = slots.chunks(SLOTS_PER_CALL_MAX).map(|slots| self.state(slots)).collect();
        match (chunks, &self.fault) {
            (Some(chunks), None) => KpiState::States(chunks),
            (_, Some(fault)) => KpiState::Quarantined(fault.clone()),
            (None, None) => KpiState::States(Vec::new()),
        }
    }

    pub(crate) fn evaluate(&mut self, slots: &[u32], starts: &[i64], ends: &[i64]) -> Option<KpiRows> {
        self.call(|kpi| {
            let rows = kpi.evaluate(slots, starts, ends)?;
            check_places(&rows.places, slots.len())?;
            check_lengths("evaluate", &rows.columns, rows.places.len())?;
            Ok(rows)
        })
    }
}

/// What became quarantined since it was last asked.
pub(crate) fn newly_quarantined(kpis: &mut [Guarded]) -> Vec<Quarantine> {
    kpis.iter_mut()
        .enumerate()
        .filter_map(|(kpi, guarded)| guarded.newly().map(|error| Quarantine { kpi, error }))
        .collect()
}

pub(crate) fn malformed(reason: String) -> PluginError {
    PluginError { reason, row: None, kind: PluginErrorKind::Malformed }
}

fn check_lengths(call: &str, columns: &[ArrayRef], rows: usize) -> Result<(), PluginError> {
    match columns.iter().enumerate().find(|(_, column)| column.len() != rows) {
        Some((place, column)) => {
            Err(malformed(format!("`{call}` gave column {place} with {} values where {rows} belong", column.len())))
        }
        None => Ok(()),
    }
}

fn check_places(places: &[u32], slots: usize) -> Result<(), PluginError> {
    if !places.is_sorted() {
        return Err(malformed("`evaluate` gave rows whose places do not rise".to_owned()));
    }
    match places.last() {
        Some(&last) if last as usize >= slots => {
            Err(malformed(format!("`evaluate` gave a row for place {last} of {slots}")))
        }
        _ => Ok(()),
    }
}
