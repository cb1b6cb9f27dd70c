//! Slots: the small dense numbers that stand for (pane, refused windows, key) in a KPI's vector of states.
//!
//! Knows no times and no keys, only their numbers. Memory follows what is live: many panes with few keys cost little each, and
//! one pane with many keys is a plain vector.

use hashbrown::HashMap;
use std::collections::BTreeMap;

/// No slot, no pane.
pub(crate) const NONE: u32 = u32::MAX;

/// Hands out slot numbers, the last given back first, so that they stay dense.
#[derive(Debug, Default)]
pub(crate) struct SlotNumbers {
    next: u32,
    free: Vec<u32>,
}

impl SlotNumbers {
    pub(crate) fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }

    /// The slots must have been cleared in every KPI.
    pub(crate) fn give_back(&mut self, slots: &[u32]) {
        self.free.extend_from_slice(slots);
        debug_assert!(self.free.len() <= self.next as usize, "a slot is given back once");
        if self.free.len() == self.next as usize {
            self.next = 0;
            self.free.clear();
        }
    }
}

/// The cells of a pane of which the first `refused` windows are refused: key number to slot.
#[derive(Debug, Default)]
pub(crate) struct PaneSlots {
    /// (key, slot), in the order of their coming.
    pub(crate) cells: Vec<(u32, u32)>,
    /// Slots of the small key numbers, `NONE` where none.
    dense: Vec<u32>,
    /// Slots of the others.
    sparse: HashMap<u32, u32, foldhash::fast::RandomState>,
}

/// `dense` may be this many times as long as there are cells.
const DENSE_FACTOR: usize = 4;
/// and this long at any rate.
const DENSE_MIN: usize = 32;

impl PaneSlots {
    fn get(&self, key: u32) -> Option<u32> {
        match self.dense.get(key as usize) {
            Some(&slot) => (slot != NONE).then_some(slot),
            None => self.sparse.get(&key).copied(),
        }
    }

    fn insert(&mut self, key: u32, slot: u32) {
        self.cells.push((key, slot));
        let wanted = (key as usize + 1).next_power_of_two();
        if wanted > self.dense.len() && wanted <= DENSE_MIN.max(self.cells.len() * DENSE_FACTOR) {
            self.grow(wanted);
        }
        match self.dense.get_mut(key as usize) {
            Some(place) => *place = slot,
            None => {
                self.sparse.insert(key, slot);
            }
        }
    }

    /// Takes so many cells out, the last ones first.
    fn take_last(&mut self, count: usize) -> Vec<(u32, u32)> {
        let taken = self.cells.split_off(self.cells.len().saturating_sub(count));
        for (key, _) in &taken {
            match self.dense.get_mut(*key as usize) {
                Some(place) => *place = NONE,
                None => _ = self.sparse.remove(key),
            }
        }
        taken
    }

    fn grow(&mut self, wanted: usize) {
        self.dense.resize(wanted, NONE);
        let dense = &mut self.dense;
        self.sparse.retain(|&key, slot| match dense.get_mut(key as usize) {
            Some(place) => {
                *place = *slot;
                false
            }
            None => true,
        });
    }

    fn renumber(&mut self, new_keys: &[u32]) {
        let cells = std::mem::take(&mut self.cells);
        *self = Self::default();
        for (key, slot) in cells {
            self.insert(new_keys[key as usize], slot);
        }
    }
}

/// All live cells of a grouping.
#[derive(Debug, Default)]
pub(crate) struct SlotTable {
    /// (pane start, refused windows) to its place in `arena`.
    panes: BTreeMap<(i64, u32), u32>,
    arena: Vec<PaneSlots>,
    free: Vec<u32>,
    pub(crate) numbers: SlotNumbers,
    live: usize,
}

impl SlotTable {
    /// Live cells.
    pub(crate) fn live(&self) -> usize {
        self.live
    }

    /// The place of a pane's cells; the flag says that it is new.
    pub(crate) fn pane(&mut self, start_us: i64, refused: u32) -> (u32, bool) {
        if let Some(&place) = self.panes.get(&(start_us, refused)) {
            return (place, false);
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.arena.push(PaneSlots::default());
            self.arena.len() as u32 - 1
        });
        self.panes.insert((start_us, refused), place);
        (place, true)
    }

    /// The slots of the small key numbers in the pane at `place`, `NONE` where none.
    #[inline]
    pub(crate) fn dense(&self, place: u32) -> &[u32] {
        &self.arena[place as usize].dense
    }

    /// The slot of a key in the pane at `place`, which is live.
    #[inline]
    pub(crate) fn slot(&mut self, place: u32, key: u32) -> u32 {
        match self.dense(place).get(key as usize) {
            Some(&slot) if slot != NONE => slot,
            _ => self.slot_beyond(place, key).0,
        }
    }

    /// The same for any key; the flag says that the slot is new.
    #[inline(never)]
    pub(crate) fn slot_beyond(&mut self, place: u32, key: u32) -> (u32, bool) {
        let pane = &mut self.arena[place as usize];
        if let Some(slot) = pane.get(key) {
            return (slot, false);
        }
        let slot = self.numbers.take();
        pane.insert(key, slot);
        self.live += 1;
        (slot, true)
    }

    /// Whether cells of this pane with so many refused windows are live.
    pub(crate) fn holds(&self, pane: (i64, u32)) -> bool {
        self.panes.contains_key(&pane)
    }

    /// The panes with their refused windows, rising.
    pub(crate) fn panes(&self) -> impl Iterator<Item = (i64, u32)> + '_ {
        self.panes.keys().copied()
    }

    /// The cells of the panes that start in `[start_us, end_us)`, rising.
    pub(crate) fn range(&self, start_us: i64, end_us: i64) -> impl Iterator<Item = (i64, u32, &[(u32, u32)])> + '_ {
        self.panes
            .range((start_us, 0)..(end_us, 0))
            .map(|(&(pane_us, refused), &place)| (pane_us, refused, self.arena[place as usize].cells.as_slice()))
    }

    /// All cells, panes rising.
    pub(crate) fn all(&self) -> impl Iterator<Item = (i64, u32, &[(u32, u32)])> + '_ {
        self.panes
            .iter()
            .map(|(&(pane_us, refused), &place)| (pane_us, refused, self.arena[place as usize].cells.as_slice()))
    }

    /// Takes a pane's cells out; their slots are still taken.
    pub(crate) fn remove(&mut self, start_us: i64, refused: u32) -> Vec<(u32, u32)> {
        let Some(place) = self.panes.remove(&(start_us, refused)) else {
            return Vec::new();
        };
        self.free.push(place);
        let cells = std::mem::take(&mut self.arena[place as usize]).cells;
        self.live -= cells.len();
        if self.panes.is_empty() {
            self.arena = Vec::new();
            self.free = Vec::new();
        }
        cells
    }

    /// Takes at most so many cells out of a pane, which stays; their slots are still taken.
    pub(crate) fn remove_some(&mut self, start_us: i64, refused: u32, count: usize) -> Vec<(u32, u32)> {
        let Some(&place) = self.panes.get(&(start_us, refused)) else {
            return Vec::new();
        };
        let cells = self.arena[place as usize].take_last(count);
        self.live -= cells.len();
        cells
    }

    /// Which of `keys` key numbers are in use: their new numbers from 0, `NONE` for the others.
    pub(crate) fn keys_in_use(&self, keys: usize) -> Vec<u32> {
        let mut numbers = vec![NONE; keys];
        let mut next = 0;
        for (_, _, cells) in self.all() {
            for &(key, _) in cells {
                if numbers[key as usize] == NONE {
                    numbers[key as usize] = next;
                    next += 1;
                }
            }
        }
        numbers
    }

    /// Gives every key its new number.
    pub(crate) fn renumber(&mut self, new_keys: &[u32]) {
        for &place in self.panes.values() {
            self.arena[place as usize].renumber(new_keys);
        }
    }
}

/// Whether a table of this many keys has grown so far beyond the live cells that it is worth a rebuild. Together with the
/// rebuild this bounds it: at most 4 × the live cells and 1,024, and what one batch adds.
pub(crate) fn outgrown(keys: usize, live_cells: usize) -> bool {
    keys > 1_024 && keys / 4 > live_cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn memory_follows_what_is_live() {
        let mut table = SlotTable::default();
        for pane in 0..8_000 {
            let (place, _) = table.pane(pane, 0);
            table.slot(place, 19_999);
            table.slot(place, 1);
        }
        let dense: usize = table.arena.iter().map(|pane| pane.dense.capacity()).sum();
        assert!(dense <= 8_000 * DENSE_MIN, "{dense}");
        let (place, _) = table.pane(-1, 0);
        for key in 0..20_000 {
            table.slot(place, key);
        }
        let pane = &table.arena[place as usize];
        assert!(pane.dense.len() >= 20_000 && pane.dense.len() <= 80_000 && pane.sparse.is_empty());
        for pane in -1..8_000 {
            let slots: Vec<u32> = table.remove(pane, 0).iter().map(|cell| cell.1).collect();
            table.numbers.give_back(&slots);
        }
        assert_eq!((table.live(), table.arena.len(), table.numbers.next), (0, 0, 0));
    }

    proptest! {
        #[test]
        fn a_cell_has_one_slot_and_a_slot_one_cell(steps in prop::collection::vec((0i64..6, 0u32..3, 0u32..200, prop::bool::weighted(0.1)), 1..150)) {
            let mut table = SlotTable::default();
            let mut naive: std::collections::HashMap<(i64, u32, u32), u32> = Default::default();
            for (pane, refused, key, remove) in steps {
                if remove {
                    let mut removed = table.remove(pane, refused);
                    removed.sort_unstable();
                    let slots: Vec<u32> = removed.iter().map(|cell| cell.1).collect();
                    table.numbers.give_back(&slots);
                    let mut expected: Vec<(u32, u32)> = naive.iter().filter(|(cell, _)| (cell.0, cell.1) == (pane, refused)).map(|(cell, slot)| (cell.2, *slot)).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(removed, expected);
                    naive.retain(|cell, _| (cell.0, cell.1) != (pane, refused));
                } else {
                    let (place, _) = table.pane(pane, refused);
                    let slot = table.slot(place, key);
                    prop_assert_eq!(*naive.entry((pane, refused, key)).or_insert(slot), slot);
                }
                let distinct: std::collections::HashSet<u32> = naive.values().copied().collect();
                prop_assert_eq!(distinct.len(), naive.len());
                prop_assert_eq!(table.live(), naive.len());
                if naive.len() % 7 == 3 {
                    let numbers = table.keys_in_use(200);
                    // Back and forth: the cells keep their slots.
                    let mut back = vec![NONE; 200];
                    for (old, &new) in numbers.iter().enumerate().filter(|(_, new)| **new != NONE) {
                        back[new as usize] = old as u32;
                    }
                    table.renumber(&numbers);
                    table.renumber(&back);
                }
            }
        }
    }
}
