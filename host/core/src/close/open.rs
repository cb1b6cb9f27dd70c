//! What is open in one grouping: cells, and the windows that may still be published.
//!
//! Knows no KPI; it says which slots are whose.

use super::CloseError;
use crate::delta::{Cell, Cells, GroupingDelta};
use crate::group::GroupKey;
use crate::plan::Grouping;
use crate::slots::{NONE, SlotTable, outgrown};
use crate::time::TimeRules;
use crate::window::Windowing;
use hashbrown::HashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Cells and windows of a grouping in the closer.
pub(super) struct Open {
    pub(super) windowing: Windowing,
    rules: TimeRules,
    keys: Vec<GroupKey>,
    numbers: HashMap<GroupKey, u32, foldhash::fast::RandomState>,
    pub(super) table: SlotTable,
    /// By start: every window in which a cell counts and that is not settled.
    pub(super) windows: BTreeMap<i64, Mark>,
    /// Windows behind the watermark that took late records since the last advance.
    touched: BTreeSet<i64>,
}

/// How a window stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) late_taken: u64,
    pub(super) published: Option<u64>,
}

impl Mark {
    /// Whether there is something that was not published.
    fn is_new(&self) -> bool {
        self.published.is_none_or(|published| published < self.late_taken)
    }
}

impl Open {
    pub(super) fn new(grouping: &Grouping, rules: TimeRules) -> Self {
        Self {
            windowing: grouping.windowing,
            rules,
            keys: Vec::new(),
            numbers: HashMap::default(),
            table: SlotTable::default(),
            windows: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    /// Gives each cell its slot and opens its windows. The cells' shape is checked.
    pub(super) fn take_in(&mut self, cells: &Cells, watermark_us: i64) -> Result<Vec<u32>, CloseError> {
        let numbers: Vec<u32> = cells.keys.iter().map(|key| self.number(key)).collect();
        let mut slots = Vec::with_capacity(cells.cells.len());
        let (mut at, mut place) = ((i64::MAX, 0), NONE);
        for cell in &cells.cells {
            if at != (cell.pane_us, cell.refused) || place == NONE {
                at = (cell.pane_us, cell.refused);
                place = self.place(cell, watermark_us)?;
            }
            slots.push(self.table.slot(place, numbers[cell.key as usize]));
        }
        Ok(slots)
    }

    /// The place of a cell's pane in the table; its windows are open from now on.
    fn place(&mut self, cell: &Cell, watermark_us: i64) -> Result<u32, CloseError> {
        let windows = self.windowing.windows_of(cell.pane_us);
        let end_us = windows.end(cell.refused);
        if end_us <= self.rules.settled_before(watermark_us) {
            return Err(CloseError::Settled { end_us, watermark_us });
        }
        let (place, new) = self.table.pane(cell.pane_us, cell.refused);
        if new {
            for window in cell.refused..windows.count() {
                self.windows.entry(windows.start(window)).or_default();
            }
        }
        Ok(place)
    }

    /// Counts late records taken, of windows in which a cell counts.
    pub(super) fn take_late(&mut self, late_taken: &[(i64, u64)], watermark_us: i64) -> Result<(), CloseError> {
        for &(start_us, records) in late_taken {
            let end_us = start_us.saturating_add(self.windowing.size_us());
            let Some(mark) = self.windows.get_mut(&start_us) else {
                return Err(CloseError::Settled { end_us, watermark_us });
            };
            mark.late_taken += records;
            if end_us <= watermark_us {
                self.touched.insert(start_us);
            }
        }
        Ok(())
    }

    /// Starts of the windows to publish as the watermark moves, rising.
    pub(super) fn due(&mut self, before_us: i64, watermark_us: i64) -> Vec<i64> {
        let size_us = self.windowing.size_us();
        // Starts of windows that end in (before, watermark]; all that end earlier were published, or are touched.
        let ending = match (before_us.saturating_sub(size_us).saturating_add(1), watermark_us.saturating_sub(size_us)) {
            (first_us, last_us) if first_us <= last_us => {
                self.windows.range(first_us..=last_us).map(|(start_us, _)| *start_us).collect()
            }
            _ => BTreeSet::new(),
        };
        let touched = std::mem::take(&mut self.touched);
        let mut due: Vec<i64> = touched.union(&ending).copied().collect();
        due.retain(|start_us| self.windows.get(start_us).is_some_and(Mark::is_new));
        debug_assert!(
            due.iter().all(|start_us| start_us + size_us <= watermark_us),
            "no window is published before its end"
        );
        due
    }

    /// The cells that count in a window, as (key, slot), in the order of the keys.
    pub(super) fn cells_of(&self, start_us: i64) -> Vec<(u32, u32)> {
        let mut cells = Vec::new();
        for (pane_us, refused, pane) in self.table.range(start_us, start_us + self.windowing.size_us()) {
            if self.windowing.windows_of(pane_us).place_of(start_us) >= refused {
                cells.extend_from_slice(pane);
            }
        }
        // The slot settles ties, so that a key's cells lie side by side.
        cells.sort_unstable_by(|a, b| self.key(a.0).cmp(self.key(b.0)).then(a.1.cmp(&b.1)));
        cells
    }

    pub(super) fn key(&self, number: u32) -> &GroupKey {
        &self.keys[number as usize]
    }

    /// Forgets settled windows, and the cells that count in no other; their slots are to be cleared and given back.
    pub(super) fn drop_settled(&mut self, watermark_us: i64) -> Vec<u32> {
        let settled_us = self.rules.settled_before(watermark_us);
        let size_us = self.windowing.size_us();
        while let Some(window) = self.windows.first_entry().filter(|window| window.key() + size_us <= settled_us) {
            debug_assert!(!window.get().is_new(), "a window is published before it is forgotten");
            window.remove();
        }
        let windowing = self.windowing;
        let last_end = |pane_us: i64| {
            let windows = windowing.windows_of(pane_us);
            windows.end(windows.count() - 1)
        };
        // The last end rises with the pane.
        let gone: Vec<(i64, u32)> =
            self.table.panes().take_while(|&(pane_us, _)| last_end(pane_us) <= settled_us).collect();
        gone.into_iter()
            .flat_map(|(pane_us, refused)| self.table.remove(pane_us, refused))
            .map(|(_, slot)| slot)
            .collect()
    }

    /// Gives back slots that are cleared in every KPI.
    pub(super) fn give_back(&mut self, slots: &[u32]) {
        self.table.numbers.give_back(slots);
        if outgrown(self.keys.len(), self.table.live()) {
            let new_numbers = self.table.keys_in_use(self.keys.len());
            self.table.renumber(&new_numbers);
            self.renumber(&new_numbers);
        }
    }

    /// Starts of the windows that were never published, rising.
    pub(super) fn unpublished(&self) -> impl Iterator<Item = i64> + '_ {
        self.windows.iter().filter(|(_, mark)| mark.published.is_none()).map(|(start_us, _)| *start_us)
    }

    /// The invariant behind revisions, for assertions: a cell that reaches a published window brings late records for it.
    pub(super) fn published_windows_change_by_late_records_only(
        &self,
        part: &GroupingDelta,
        watermark_us: i64,
    ) -> bool {
        part.cells.cells.iter().all(|cell| {
            let windows = self.windowing.windows_of(cell.pane_us);
            let mut behind = cell.refused..windows.ended_by(watermark_us).max(cell.refused);
            behind.all(|window| part.late_taken.binary_search_by_key(&windows.start(window), |late| late.0).is_ok())
        })
    }

    #[cfg(test)]
    pub(super) fn keys_known(&self) -> usize {
        self.keys.len()
    }

    fn number(&mut self, key: &GroupKey) -> u32 {
        if let Some(&number) = self.numbers.get(key) {
            return number;
        }
        let number = self.keys.len() as u32;
        self.keys.push(key.clone());
        self.numbers.insert(key.clone(), number);
        number
    }

    fn renumber(&mut self, new_numbers: &[u32]) {
        let mut kept: Vec<(u32, GroupKey)> =
            new_numbers.iter().copied().zip(std::mem::take(&mut self.keys)).filter(|(new, _)| *new != NONE).collect();
        kept.sort_unstable_by_key(|(new, _)| *new);
        self.numbers = kept.iter().map(|(new, key)| (key.clone(), *new)).collect();
        self.keys = kept.into_iter().map(|(_, key)| key).collect();
    }
}
