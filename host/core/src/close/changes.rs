//! The closer's changes out of and into plain data, so that a checkpoint costs what changed. Knows no format of bytes.

use super::open::{Mark, Open};
use super::{CloseError, Closer, drop_settled, of_grouping};
use crate::delta::{Cells, CloserChanges, GroupingState, WindowState};

impl Closer {
    /// What changed since the last `export`, `export_changes`, `restore` or `apply`, whichever came last; in a new closer since
    /// it was made. Costs what changed: a KPI is asked for the states of the changed cells only.
    ///
    /// It is told once: who loses it takes a whole `export` next. As with [`export`](Self::export), the folders first flush
    /// everything, and a KPI that fails in giving its state is quarantined, here and at the next advance.
    pub fn export_changes(&mut self) -> CloserChanges {
        let (groupings, slots): (Vec<_>, Vec<_>) = self.groupings.iter_mut().map(Open::export_changes).unzip();
        CloserChanges { watermark_us: self.watermark_us, groupings, kpis: self.states(&slots) }
    }

    /// Brings a closer that was restored (or is new), and had all changes before these applied in their order, to where the
    /// other one was when it told them. Publishes nothing. A KPI that refuses its state is quarantined, and told as in
    /// [`restore`](Self::restore).
    pub fn apply(&mut self, changes: CloserChanges) -> Result<(), CloseError> {
        self.check_changes(&changes)?;
        let mut slots = Vec::with_capacity(changes.groupings.len());
        for (place, (open, part)) in self.groupings.iter_mut().zip(&changes.groupings).enumerate() {
            let mut kpis = of_grouping(&mut self.kpis, &self.plan, place);
            let changed = open.take_in_changed(&part.cells, changes.watermark_us)?;
            kpis.iter_mut().for_each(|(_, kpi)| _ = kpi.clear(&changed));
            drop_settled(open, &mut kpis, changes.watermark_us);
            open.set_marks(&part.windows, changes.watermark_us)?;
            slots.push(changed);
        }
        self.merge(&slots, changes.kpis);
        self.begin_at(changes.watermark_us);
        Ok(())
    }

    /// Cells that hold state here, over all groupings: what a whole `export` has to carry. Cheap.
    pub fn live_cells(&self) -> usize {
        self.groupings.iter().map(|open| open.table.live()).sum()
    }

    /// Goes on from here: the watermark is this, and nothing has changed since.
    pub(super) fn begin_at(&mut self, watermark_us: i64) {
        self.watermark_us = watermark_us;
        for open in &mut self.groupings {
            open.touch(watermark_us);
            open.changed.take();
        }
    }

    fn check_changes(&self, changes: &CloserChanges) -> Result<(), CloseError> {
        let cells: Vec<_> = changes.groupings.iter().map(|grouping| &grouping.cells).collect();
        self.check(&cells, &changes.kpis)?;
        let (before_us, watermark_us) = (self.watermark_us, changes.watermark_us);
        if watermark_us < before_us {
            return Err(CloseError::Order(format!(
                "the watermark would go back from {before_us} to {watermark_us} µs"
            )));
        }
        if self.groupings.iter().any(|open| !open.changed.is_empty()) {
            return Err(CloseError::Order("the closer has gone on by itself since it was restored".to_owned()));
        }
        Ok(())
    }
}

impl Open {
    /// Cells and windows that changed, and the slots of the cells in order.
    fn export_changes(&mut self) -> (GroupingState, Vec<u32>) {
        let (panes, starts) = self.changed.take();
        debug_assert!(panes.keys().all(|pane| self.table.holds(*pane)), "what changed is live");
        let (cells, slots) = self.cells(
            panes.values().map(Vec::len).sum(),
            panes.iter().map(|(&(pane_us, refused), cells)| (pane_us, refused, &cells[..])),
        );
        let windows = starts.iter().filter_map(|start_us| self.windows.get_key_value(start_us));
        (GroupingState { cells, windows: windows.map(Mark::state).collect() }, slots)
    }

    /// Gives each changed cell its slot. Windows open that are settled by now; `drop_settled` is to follow.
    fn take_in_changed(&mut self, cells: &Cells, watermark_us: i64) -> Result<Vec<u32>, CloseError> {
        for cell in &cells.cells {
            let end_us = self.windowing.windows_of(cell.pane_us).last_end();
            if end_us <= self.rules.settled_before(watermark_us) {
                return Err(CloseError::Settled { end_us, watermark_us });
            }
        }
        // The first windows of a cell's pane may be settled while the later ones hold it.
        let slots = self.take_in(cells, i64::MIN)?;
        if self.changed.cells() != slots.len() {
            return Err(CloseError::Shape("a cell came twice".to_owned()));
        }
        Ok(slots)
    }

    /// The marks of these windows are these.
    fn set_marks(&mut self, windows: &[WindowState], watermark_us: i64) -> Result<(), CloseError> {
        if !windows.is_sorted_by(|a, b| a.start_us < b.start_us) {
            return Err(CloseError::Shape("starts of windows do not rise".to_owned()));
        }
        let size_us = self.windowing.size_us();
        for window in windows {
            let Some(mark) = self.windows.get_mut(&window.start_us) else {
                return Err(CloseError::no_cell(window.start_us));
            };
            let told = Mark::of(window);
            let early = told.published.is_some() && window.start_us + size_us > watermark_us;
            if early || !told.may_follow(mark) {
                return Err(CloseError::Order(format!("{window:?} at {watermark_us} µs can't follow {mark:?}")));
            }
            *mark = told;
        }
        Ok(())
    }
}
