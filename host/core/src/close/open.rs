//! What is open in one grouping: cells, and the windows that may still be published.
//!
//! Knows no KPI; it says which slots are whose.

use super::CloseError;
use super::changed::Changed;
use crate::delta::{Cell, Cells, GroupingDelta, WindowState};
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
    pub(super) rules: TimeRules,
    keys: Vec<GroupKey>,
    numbers: HashMap<GroupKey, u32, foldhash::fast::RandomState>,
    pub(super) table: SlotTable,
    /// By start: every window in which a cell counts and that is not settled.
    pub(super) windows: BTreeMap<i64, Mark>,
    /// Windows behind the watermark that took late records since the last advance.
    touched: BTreeSet<i64>,
    pub(super) changed: Changed,
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

    pub(super) fn of(window: &WindowState) -> Self {
        Self { late_taken: window.late_taken, published: window.published }
    }

    /// As it goes into a checkpoint.
    pub(super) fn state((&start_us, mark): (&i64, &Self)) -> WindowState {
        WindowState { start_us, late_taken: mark.late_taken, published: mark.published }
    }

    /// Whether a window that stood so may stand like this later.
    pub(super) fn may_follow(&self, before: &Self) -> bool {
        self.late_taken >= before.late_taken
            && self.published >= before.published
            && self.published.is_none_or(|published| published <= self.late_taken)
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
            changed: Changed::default(),
        }
    }

    /// Gives each cell its slot and opens its windows. The cells' shape is checked.
    pub(super) fn take_in(&mut self, cells: &Cells, watermark_us: i64) -> Result<Vec<u32>, CloseError> {
        let numbers: Vec<u32> = cells.keys.iter().map(|key| self.number(key)).collect();
        let mut slots = Vec::with_capacity(cells.cells.len());
        for pane in cells.cells.chunk_by(|a, b| (a.pane_us, a.refused) == (b.pane_us, b.refused)) {
            let place = self.place(&pane[0], watermark_us)?;
            let keys = pane.iter().map(|cell| numbers[cell.key as usize]);
            let known = slots.len();
            slots.extend(keys.clone().map(|key| self.table.slot(place, key)));
            self.changed.mark((pane[0].pane_us, pane[0].refused), keys.zip(slots[known..].iter().copied()));
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
            for start_us in (cell.refused..windows.count()).map(|window| windows.start(window)) {
                self.windows.entry(start_us).or_insert_with(|| {
                    self.changed.mark_window(start_us);
                    Mark::default()
                });
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
            self.changed.mark_window(start_us);
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

    /// The windows behind the watermark with something that was not published: what a closer that goes on from exported state
    /// still owes.
    pub(super) fn touch(&mut self, watermark_us: i64) {
        let size_us = self.windowing.size_us();
        let behind = self.windows.iter().take_while(|(start_us, _)| **start_us + size_us <= watermark_us);
        self.touched = behind.filter(|(_, mark)| mark.is_new()).map(|(start_us, _)| *start_us).collect();
    }

    /// Marks a window as published with all that it has; gives the revision.
    pub(super) fn mark_published(&mut self, start_us: i64) -> Option<u64> {
        let mark = self.windows.get_mut(&start_us)?;
        mark.published = Some(mark.late_taken);
        self.changed.mark_window(start_us);
        mark.published
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

    /// How many keys have numbers.
    pub(super) fn keys_known(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn key(&self, number: u32) -> &GroupKey {
        &self.keys[number as usize]
    }

    /// Forgets settled windows, and the cells that count in no other; their slots are to be cleared and given back.
    pub(super) fn drop_settled(&mut self, watermark_us: i64) -> Vec<u32> {
        let settled_us = self.rules.settled_before(watermark_us);
        let size_us = self.windowing.size_us();
        while let Some(window) = self.windows.first_entry().filter(|window| window.key() + size_us <= settled_us) {
            self.changed.drop_window(*window.key());
            window.remove();
        }
        let is_settled = |pane_us| self.windowing.windows_of(pane_us).last_end() <= settled_us;
        // The last end rises with the pane.
        let gone: Vec<(i64, u32)> = self.table.panes().take_while(|&(pane_us, _)| is_settled(pane_us)).collect();
        let mut slots = Vec::new();
        for pane in gone {
            self.changed.drop_pane(pane);
            slots.extend(self.table.remove(pane.0, pane.1).into_iter().map(|(_, slot)| slot));
        }
        slots
    }

    /// The invariant behind forgetting, for assertions. It holds where windows are published, not where changes are applied: there
    /// the other closer has published them.
    pub(super) fn a_window_is_published_before_it_is_forgotten(&self, watermark_us: i64) -> bool {
        let settled_us = self.rules.settled_before(watermark_us);
        let size_us = self.windowing.size_us();
        let mut settled = self.windows.iter().take_while(|(start_us, _)| **start_us + size_us <= settled_us);
        settled.all(|(_, mark)| !mark.is_new())
    }

    /// Gives back slots that are cleared in every KPI.
    pub(super) fn give_back(&mut self, slots: &[u32]) {
        self.table.numbers.give_back(slots);
        if outgrown(self.keys.len(), self.table.live()) {
            let new_numbers = self.table.keys_in_use(self.keys.len());
            self.table.renumber(&new_numbers);
            self.changed.renumber(&new_numbers);
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
