//! From a batch's event times, watermarks and keys to slots, once for all KPIs of a grouping; here lateness is judged.
//!
//! Knows no KPI: it numbers cells and counts records.

use crate::delta::{Cell, Cells};
use crate::fold::{FoldError, GroupingReport, LateRow};
use crate::keys::KeyTable;
use crate::plan::Grouping;
use crate::slots::{NONE, SlotTable, outgrown};
use crate::time::TimeRules;
use crate::window::{PaneWindows, Windowing};
use arrow_array::ArrayRef;
use hashbrown::HashMap;

/// Recently used panes, by the low bits of their number: rows that hop between neighbouring panes find them without a search.
const RECENT: usize = 256;

/// The cells of a grouping in one folder.
///
/// Invariants: a record is late for exactly the windows whose end plus `allowed_lateness` its partition's watermark before it
/// has reached; these are the first of its pane. A window's late-taken count is the number of records that it took although
/// their watermark had reached its end.
pub(crate) struct Assigner {
    windowing: Windowing,
    rules: TimeRules,
    keys: KeyTable,
    pub(crate) table: SlotTable,
    late_taken: HashMap<i64, u64, foldhash::fast::RandomState>,
    /// The least window end at which something here is due; `i64::MAX` where nothing is.
    due_us: i64,
    recent: Vec<Pane>,
    numbers: Vec<u32>,
    /// The slots of the batch's counted rows, in order.
    pub(crate) slots: Vec<u32>,
}

/// A pane at hand.
#[derive(Debug, Clone, Copy)]
struct Pane {
    start_us: i64,
    end_us: i64,
    /// Below this watermark nothing in the pane is late: the end of its first window.
    in_time_before_us: i64,
    /// Its cells that no window refuses, in the table; `NONE` until one is needed.
    place: u32,
}

/// Holds no time.
const NO_PANE: Pane = Pane { start_us: i64::MAX, end_us: i64::MIN, in_time_before_us: i64::MIN, place: NONE };

impl Pane {
    #[inline]
    fn holds(&self, event_us: i64) -> bool {
        self.start_us <= event_us && event_us < self.end_us
    }
}

/// What a flush takes out of a grouping.
pub(crate) struct Flushed {
    pub(crate) cells: Cells,
    /// The cells' slots, in order; still taken.
    pub(crate) slots: Vec<u32>,
    pub(crate) late_taken: Vec<(i64, u64)>,
}

impl Assigner {
    pub(crate) fn new(grouping: &Grouping, rules: TimeRules) -> Self {
        Self {
            windowing: grouping.windowing,
            rules,
            keys: KeyTable::new(grouping.key_types.clone()),
            table: SlotTable::default(),
            late_taken: HashMap::default(),
            due_us: i64::MAX,
            recent: vec![NO_PANE; RECENT],
            numbers: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Gives each row its slot, or writes it down as late. `like` is a grouping with the same key, which has these rows already.
    pub(crate) fn assign(
        &mut self,
        events_us: &[i64],
        watermarks_us: &[i64],
        keys: &[ArrayRef],
        like: Option<&Self>,
    ) -> Result<GroupingReport, FoldError> {
        let mut numbers = std::mem::take(&mut self.numbers);
        match like {
            Some(like) => self.keys.number_like(&like.keys, &like.numbers, &mut numbers),
            None => self.keys.number(keys, events_us.len(), &mut numbers).map_err(FoldError::Keys)?,
        }
        let mut report = GroupingReport::default();
        let mut slots = std::mem::take(&mut self.slots);
        slots.clear();
        slots.reserve(events_us.len());
        let (mut row, mut pane) = (0, NO_PANE);
        while row < events_us.len() {
            if !pane.holds(events_us[row]) {
                pane = self.pane_at(events_us[row]);
            }
            if watermarks_us[row] >= pane.in_time_before_us {
                if let Some(refused) = self.judge(pane.start_us, watermarks_us[row], row as u32, &mut report) {
                    let place = self.place(pane.start_us, refused);
                    slots.push(self.table.slot(place, numbers[row]));
                }
                row += 1;
                continue;
            }
            if pane.place == NONE {
                pane.place = self.place(pane.start_us, 0);
            }
            let run = self.run(&pane, &events_us[row..], &watermarks_us[row..], &numbers[row..], &mut slots);
            if run == 0 {
                slots.push(self.table.slot(pane.place, numbers[row]));
            }
            row += run.max(1);
        }
        self.numbers = numbers;
        self.slots = slots;
        report.counted = self.slots.len() as u64;
        Ok(report)
    }

    /// Gives slots to the first rows, as long as they stay in the pane, in time, and have small keys that are known there. This
    /// is the loop in which most rows are met, so it holds nothing but reads, and is a function of its own: inlined it would run out
    /// of registers.
    #[inline(never)]
    fn run(
        &self,
        pane: &Pane,
        events_us: &[i64],
        watermarks_us: &[i64],
        numbers: &[u32],
        slots: &mut Vec<u32>,
    ) -> usize {
        let dense = self.table.dense(pane.place);
        let before = slots.len();
        let rows = events_us.iter().zip(watermarks_us).zip(numbers);
        slots.extend(rows.map_while(|((&event_us, &watermark_us), &key)| {
            let slot = dense.get(key as usize).copied().unwrap_or(NONE);
            (pane.holds(event_us) && watermark_us < pane.in_time_before_us && slot != NONE).then_some(slot)
        }));
        slots.len() - before
    }

    /// A row whose watermark has reached the end of a window of its pane: how many windows refuse it; `None` if all do.
    #[inline(never)]
    fn judge(&mut self, pane_us: i64, watermark_us: i64, row: u32, report: &mut GroupingReport) -> Option<u32> {
        let windows = self.windowing.windows_of(pane_us);
        let ended = windows.ended_by(watermark_us);
        let refused = windows.ended_by(watermark_us.saturating_sub(self.rules.allowed_lateness_us));
        debug_assert!(
            (0..windows.count())
                .all(|place| (watermark_us >= self.rules.gone_at(windows.end(place))) == (place < refused)),
            "the refused windows are the first"
        );
        let wholly = refused == windows.count();
        if refused > 0 {
            report.refused_pairs += u64::from(refused);
            report.late += u64::from(wholly);
            report.late_rows.push(LateRow { row, refused, wholly });
        }
        for place in refused..ended {
            *self.late_taken.entry(windows.start(place)).or_default() += 1;
            self.due_us = self.due_us.min(windows.end(place));
        }
        (!wholly).then_some(refused)
    }

    fn pane_at(&mut self, event_us: i64) -> Pane {
        let number = self.windowing.pane_number(event_us);
        let start_us = self.windowing.pane_start(number);
        let recent = &mut self.recent[recent_place(number)];
        if recent.start_us != start_us {
            let windows = self.windowing.windows_of(start_us);
            *recent = Pane {
                start_us,
                end_us: start_us + self.windowing.pane_us(),
                in_time_before_us: windows.end(0),
                place: NONE,
            };
        }
        *recent
    }

    /// The place of a pane's cells in the table.
    fn place(&mut self, pane_us: i64, refused: u32) -> u32 {
        let (place, new) = self.table.pane(pane_us, refused);
        if new {
            self.due_us = self.due_us.min(self.windowing.windows_of(pane_us).end(refused));
        }
        let recent = &mut self.recent[recent_place(self.windowing.pane_number(pane_us))];
        if refused == 0 && recent.start_us == pane_us {
            recent.place = place;
        }
        place
    }

    /// Whether a flush up to here would bring anything.
    pub(crate) fn has_due(&self, up_to_us: i64) -> bool {
        // No window ends at `i64::MAX`: it stands for none.
        self.due_us <= up_to_us && self.due_us < i64::MAX
    }

    /// Takes out every cell that counts in a window that ends at or before `up_to_us`, and these windows' late-taken counts.
    pub(crate) fn flush(&mut self, up_to_us: i64) -> Flushed {
        let mut flushed = Flushed { cells: Cells::default(), slots: Vec::new(), late_taken: Vec::new() };
        if !self.has_due(up_to_us) {
            return flushed;
        }
        let windowing = self.windowing;
        let due: Vec<(i64, u32)> = self
            .table
            .panes()
            .filter(|&(pane_us, refused)| windowing.windows_of(pane_us).end(refused) <= up_to_us)
            .collect();
        let mut places = vec![NONE; self.keys.len()];
        for (pane_us, refused) in due {
            let cells = self.table.remove(pane_us, refused);
            self.tell(&mut flushed, &mut places, (pane_us, refused), cells);
        }
        let size_us = windowing.size_us();
        flushed.late_taken = self.late_taken.extract_if(|start_us, _| *start_us + size_us <= up_to_us).collect();
        flushed.late_taken.sort_unstable();
        self.recent.fill(NO_PANE);
        self.due_us = self.least_due();
        flushed
    }

    /// Takes out some cells, at most so many: of panes without late records taken, whose counts have to come with the cells.
    pub(crate) fn flush_some(&mut self, count: usize) -> Flushed {
        let mut flushed = Flushed { cells: Cells::default(), slots: Vec::new(), late_taken: Vec::new() };
        let mut places = vec![NONE; self.keys.len()];
        let has_late = |&(pane_us, refused): &(i64, u32)| {
            let windows = self.windowing.windows_of(pane_us);
            (refused..windows.count()).any(|place| self.late_taken.contains_key(&windows.start(place)))
        };
        let panes: Vec<(i64, u32)> = self.table.panes().filter(|pane| !has_late(pane)).collect();
        for (pane_us, refused) in panes {
            let cells = self.table.remove_some(pane_us, refused, count - flushed.slots.len());
            self.tell(&mut flushed, &mut places, (pane_us, refused), cells);
            if flushed.slots.len() == count {
                break;
            }
        }
        flushed
    }

    /// Cells that hold something.
    pub(crate) fn live(&self) -> usize {
        self.table.live()
    }

    fn tell(&mut self, flushed: &mut Flushed, places: &mut [u32], pane: (i64, u32), cells: Vec<(u32, u32)>) {
        for (key, slot) in cells {
            let place = &mut places[key as usize];
            if *place == NONE {
                *place = flushed.cells.keys.len() as u32;
                flushed.cells.keys.push(self.keys.group(key));
            }
            flushed.cells.cells.push(Cell { pane_us: pane.0, refused: pane.1, key: *place });
            flushed.slots.push(slot);
        }
    }

    /// Gives back the slots of a flush, once they are cleared in every KPI.
    pub(crate) fn give_back(&mut self, slots: &[u32]) {
        self.table.numbers.give_back(slots);
        if outgrown(self.keys.len(), self.table.live()) {
            let new_numbers = self.table.keys_in_use(self.keys.len());
            self.table.renumber(&new_numbers);
            self.keys.renumber(&new_numbers);
        }
    }

    /// Starts of the windows in which something here counts; rising by pane, some several times.
    pub(crate) fn windows(&self) -> impl Iterator<Item = i64> + '_ {
        self.table.panes().flat_map(|(pane_us, refused)| {
            let windows: PaneWindows = self.windowing.windows_of(pane_us);
            (refused..windows.count()).map(move |place| windows.start(place))
        })
    }

    #[cfg(test)]
    pub(crate) fn keys_known(&self) -> usize {
        self.keys.len()
    }

    fn least_due(&self) -> i64 {
        let cells = self.table.panes().map(|(pane_us, refused)| self.windowing.windows_of(pane_us).end(refused));
        let late = self.late_taken.keys().map(|start_us| start_us + self.windowing.size_us());
        cells.chain(late).min().unwrap_or(i64::MAX)
    }
}

fn recent_place(pane_number: i64) -> usize {
    pane_number.rem_euclid(RECENT as i64) as usize
}
