//! Windows into rows: the cells of many windows are evaluated in few calls, and cut into closed windows again.
//!
//! Knows how cells combine and what a KPI gives back; it decides nothing about when.

use super::open::Open;
use crate::delta::SLOTS_PER_CALL_MAX;
use crate::group::GroupKey;
use crate::guard::{Guarded, malformed};
use crate::plugin::{KpiRows, PluginError};
use crate::results::{Closed, ClosedWindow, ResultTable, WindowContent};
use arrow_array::{Array, ArrayRef};
use std::ops::Range;
use std::sync::Arc;

/// (cell, temporary slot) pairs of a batch, about: it bounds what overlapping windows hold beside their cells.
const PAIRS_MAX: usize = 65_536;

/// Publishes these windows (starts rising) for these KPIs (with their places), and marks them so.
pub(super) fn publish(open: &mut Open, kpis: &mut [(usize, &mut Guarded)], due: &[i64]) -> Vec<Closed> {
    let mut tables: Vec<Table> = kpis.iter().map(|(kpi, _)| Table::new(*kpi)).collect();
    let mut batch = Batch::default();
    for &start_us in due {
        let cells = open.cells_of(start_us);
        if !batch.has_room(cells.len()) {
            batch.run(open, kpis, &mut tables, true);
        }
        let Some(revision) = open.mark_published(start_us) else {
            continue;
        };
        let window = ClosedWindow {
            start_us,
            end_us: start_us + open.windowing.size_us(),
            revision,
            content: WindowContent::Rows(0..0),
        };
        batch.begin(window);
        for cells in cells.chunk_by(|a, b| a.0 == b.0) {
            if !batch.has_room(1) {
                batch.run(open, kpis, &mut tables, false);
            }
            batch.add(cells, open);
        }
    }
    batch.run(open, kpis, &mut tables, true);
    tables.into_iter().flat_map(|table| table.done).collect()
}

/// Entries, each a window and a key, to be evaluated together.
#[derive(Default)]
struct Batch {
    /// By entry: the slot to evaluate, the window, the key.
    slots: Vec<u32>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    keys: Vec<u32>,
    /// Slots taken for entries of several cells, which are merged there first.
    temporary: Vec<u32>,
    from: Vec<u32>,
    to: Vec<u32>,
    /// The windows that begin in this batch.
    windows: Vec<ClosedWindow>,
    /// By window that has entries here: its first and the one after its last. The first may go on from the batch before.
    parts: Vec<Part>,
}

/// A window's entries in a batch.
struct Part {
    /// `false`: it began in an earlier batch.
    begins: bool,
    entries: Range<usize>,
}

impl Batch {
    fn has_room(&self, entries: usize) -> bool {
        self.slots.is_empty() || (self.slots.len() + entries <= SLOTS_PER_CALL_MAX && self.from.len() < PAIRS_MAX)
    }

    fn begin(&mut self, window: ClosedWindow) {
        self.windows.push(window);
        self.parts.push(Part { begins: true, entries: self.slots.len()..self.slots.len() });
    }

    /// Adds an entry to the last window: one key and its cells.
    fn add(&mut self, cells: &[(u32, u32)], open: &mut Open) {
        let (Some(window), Some(part), Some(&(key, first))) =
            (self.windows.last(), self.parts.last_mut(), cells.first())
        else {
            return;
        };
        let slot = if cells.len() == 1 {
            first
        } else {
            let temporary = open.table.numbers.take();
            self.temporary.push(temporary);
            self.from.extend(cells.iter().map(|cell| cell.1));
            self.to.resize(self.from.len(), temporary);
            temporary
        };
        self.slots.push(slot);
        self.starts.push(window.start_us);
        self.ends.push(window.end_us);
        self.keys.push(key);
        part.entries.end = self.slots.len();
    }

    /// Evaluates the batch in every KPI. `whole`: the last window has all its entries; else it goes on in the next batch.
    fn run(&mut self, open: &mut Open, kpis: &mut [(usize, &mut Guarded)], tables: &mut [Table], whole: bool) {
        if self.windows.is_empty() {
            return;
        }
        for ((_, kpi), table) in kpis.iter_mut().zip(tables) {
            let rows = self.evaluate(kpi);
            table.take(self, open, rows.as_ref());
            if whole {
                table.finish(kpi);
            }
        }
        open.table.numbers.give_back(&self.temporary);
        let last = self.windows.pop();
        *self = Self::default();
        if let Some(window) = last.filter(|_| !whole) {
            self.windows.push(window);
            self.parts.push(Part { begins: false, entries: 0..0 });
        }
    }

    fn evaluate(&self, kpi: &mut Guarded) -> Option<KpiRows> {
        for (from, to) in self.from.chunks(SLOTS_PER_CALL_MAX).zip(self.to.chunks(SLOTS_PER_CALL_MAX)) {
            let state = kpi.state(from)?;
            kpi.merge(to, &state)?;
        }
        let rows = kpi.evaluate(&self.slots, &self.starts, &self.ends)?;
        kpi.clear(&self.temporary)?;
        Some(rows)
    }
}

/// The rows of one KPI, as they come.
struct Table {
    kpi: usize,
    windows: Vec<ClosedWindow>,
    keys: Vec<GroupKey>,
    columns: Vec<Vec<ArrayRef>>,
    failed: bool,
    done: Vec<Closed>,
}

impl Table {
    fn new(kpi: usize) -> Self {
        Self { kpi, windows: Vec::new(), keys: Vec::new(), columns: Vec::new(), failed: false, done: Vec::new() }
    }

    /// Takes a batch's rows; `None` where the KPI failed.
    fn take(&mut self, batch: &Batch, open: &Open, rows: Option<&KpiRows>) {
        self.failed |= rows.is_none();
        let places = rows.map_or(&[][..], |rows| &rows.places);
        let mut windows = batch.windows.iter().skip(usize::from(batch.parts.first().is_some_and(|part| !part.begins)));
        let mut row = 0;
        for part in &batch.parts {
            if part.begins {
                let content = WindowContent::Rows(self.keys.len()..self.keys.len());
                self.windows.extend(windows.next().map(|window| ClosedWindow { content, ..window.clone() }));
            }
            while let Some(&place) = places.get(row).filter(|place| (**place as usize) < part.entries.end) {
                self.keys.push(open.key(batch.keys[place as usize]).clone());
                row += 1;
            }
            if let Some(ClosedWindow { content: WindowContent::Rows(range), .. }) = self.windows.last_mut() {
                range.end = self.keys.len();
            }
        }
        self.columns.extend(rows.map(|rows| rows.columns.clone()));
    }

    /// All windows have all their rows, or the KPI has failed.
    fn finish(&mut self, kpi: &mut Guarded) {
        let mut windows = std::mem::take(&mut self.windows);
        let keys = std::mem::take(&mut self.keys);
        let columns = std::mem::take(&mut self.columns);
        if windows.is_empty() {
            return;
        }
        let columns = if self.failed { None } else { concat(&columns).map_err(|error| kpi.quarantine(error)).ok() };
        let table = match columns {
            Some(columns) => ResultTable { keys, columns },
            None => {
                self.failed = true;
                let reason = kpi.fault().map_or_else(String::new, |fault| fault.reason.clone());
                windows.iter_mut().for_each(|window| window.content = WindowContent::Unavailable(reason.clone()));
                ResultTable { keys: Vec::new(), columns: Vec::new() }
            }
        };
        self.done.push(Closed { kpi: self.kpi, windows, table: Arc::new(table) });
    }
}

/// Parts under each other.
fn concat(parts: &[Vec<ArrayRef>]) -> Result<Vec<ArrayRef>, PluginError> {
    let [first, others @ ..] = parts else {
        return Ok(Vec::new());
    };
    if others.is_empty() {
        return Ok(first.clone());
    }
    if others.iter().any(|part| part.len() != first.len()) {
        return Err(malformed("`evaluate` gave another number of columns than before".to_owned()));
    }
    let column = |place: usize| {
        let arrays: Vec<&dyn Array> = parts.iter().map(|part| &*part[place] as &dyn Array).collect();
        arrow_select::concat::concat(&arrays)
            .map_err(|error| malformed(format!("`evaluate` gave columns that don't go together: {error}")))
    };
    (0..first.len()).map(column).collect()
}
