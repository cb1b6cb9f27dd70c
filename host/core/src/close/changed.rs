//! Which cells and windows of a grouping changed since its state was last exported.
//!
//! Knows numbers only: no states, no keys, no marks.

use std::collections::{BTreeMap, BTreeSet};

/// By (pane start, refused windows): the cells as (key, slot), in the order of their first change.
pub(super) type ChangedPanes = BTreeMap<(i64, u32), Vec<(u32, u32)>>;

/// What changed. It grows with what is live at the most, also where nobody ever exports.
///
/// Invariant: what changed is live. A pane or window that is dropped leaves, and so a slot that is used again is not told for
/// the cell that had it before.
#[derive(Debug, Default)]
pub(super) struct Changed {
    panes: ChangedPanes,
    /// A bit a slot: whether it stands in `panes`.
    marked: Vec<u64>,
    /// Starts of the windows whose mark is new or another.
    windows: BTreeSet<i64>,
}

impl Changed {
    /// Cells of a pane changed.
    pub(super) fn mark(&mut self, pane: (i64, u32), cells: impl Iterator<Item = (u32, u32)>) {
        let changed = self.panes.entry(pane).or_default();
        for (key, slot) in cells {
            let (word, bit) = place(slot);
            if word >= self.marked.len() {
                self.marked.resize(word + 1, 0);
            }
            if self.marked[word] & bit == 0 {
                self.marked[word] |= bit;
                changed.push((key, slot));
            }
        }
    }

    /// A window's mark changed.
    pub(super) fn mark_window(&mut self, start_us: i64) {
        self.windows.insert(start_us);
    }

    /// The pane is dropped.
    pub(super) fn drop_pane(&mut self, pane: (i64, u32)) {
        let cells = self.panes.remove(&pane);
        unmark(&mut self.marked, cells.iter().flatten());
    }

    /// The window is dropped.
    pub(super) fn drop_window(&mut self, start_us: i64) {
        self.windows.remove(&start_us);
    }

    /// Gives every key its new number; the keys of live cells have one.
    pub(super) fn renumber(&mut self, new_keys: &[u32]) {
        for (key, _) in self.panes.values_mut().flatten() {
            *key = new_keys[*key as usize];
        }
    }

    /// How many cells changed.
    pub(super) fn cells(&self) -> usize {
        self.panes.values().map(Vec::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.panes.is_empty() && self.windows.is_empty()
    }

    /// All that changed; from now on nothing has.
    pub(super) fn take(&mut self) -> (ChangedPanes, BTreeSet<i64>) {
        let panes = std::mem::take(&mut self.panes);
        unmark(&mut self.marked, panes.values().flatten());
        debug_assert!(self.marked.iter().all(|word| *word == 0), "a bit stands for a cell that changed");
        (panes, std::mem::take(&mut self.windows))
    }
}

fn unmark<'a>(marked: &mut [u64], cells: impl Iterator<Item = &'a (u32, u32)>) {
    for &(_, slot) in cells {
        let (word, bit) = place(slot);
        marked[word] &= !bit;
    }
}

/// Where a slot's bit stands.
fn place(slot: u32) -> (usize, u64) {
    (slot as usize / 64, 1 << (slot % 64))
}
