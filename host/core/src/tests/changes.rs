//! Changes of the closer's state: slots and keys that are used again, marks, cost, and a KPI that fails on the way.

use super::replay::plain;
use crate::close::Closer;
use crate::delta::{Cell, Cells, CloserChanges, CloserState, Delta, GroupingDelta, KpiState, SLOTS_PER_CALL_MAX};
use crate::group::{GroupKey, KeyValue};
use crate::plan::{FoldPlan, Grouping};
use crate::plugin::{Cost, Kpi, KpiRows, PluginError};
use crate::results::WindowContent;
use crate::testing::{Call, CountSum, Fault, Faulty};
use crate::time::TimeRules;
use crate::types::ScalarType;
use crate::window::Windowing;
use arrow_array::{ArrayRef, Int64Array};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Two KPIs, tumbling windows of 10 µs by an int64 key.
pub fn plan(allowed_lateness_us: i64) -> Arc<FoldPlan> {
    let rules =
        TimeRules { max_out_of_orderness_us: 0, allowed_lateness_us, max_time_jump_us: None, max_future_skew_us: None };
    let grouping = Grouping { windowing: Windowing::tumbling(10).unwrap(), key_types: vec![ScalarType::Int64] };
    Arc::new(FoldPlan::new(rules, vec![grouping], vec![0, 0]).unwrap())
}

pub fn closer(allowed_lateness_us: i64) -> Closer {
    closer_with(allowed_lateness_us, Box::<CountSum>::default())
}

fn closer_with(allowed_lateness_us: i64, first: Box<dyn Kpi>) -> Closer {
    Closer::new(plan(allowed_lateness_us), vec![first, Box::<CountSum>::default()])
}

/// One row of value 1 in each of these cells (pane, key); late ones where the window is published.
pub fn delta(cells: &[(i64, i64)], late_taken: &[(i64, u64)]) -> Delta {
    let keys: Vec<GroupKey> = cells.iter().map(|cell| [KeyValue::Int64(cell.1)].into()).collect();
    let cell = |(key, cell): (usize, &(i64, i64))| Cell { pane_us: cell.0, refused: 0, key: key as u32 };
    let part = |cells: &[(i64, i64)]| -> Vec<ArrayRef> {
        let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; cells.len()]));
        vec![ones.clone(), ones]
    };
    let states = KpiState::States(cells.chunks(SLOTS_PER_CALL_MAX).map(part).collect());
    Delta {
        groupings: vec![GroupingDelta {
            cells: Cells { keys, cells: cells.iter().enumerate().map(cell).collect() },
            late_taken: late_taken.to_vec(),
        }],
        kpis: vec![states; 2],
    }
}

fn replayed(allowed_lateness_us: i64, base: &CloserState, changes: &[CloserChanges]) -> Closer {
    let mut again = closer(allowed_lateness_us);
    again.restore(base.clone()).unwrap();
    changes.iter().for_each(|changes| again.apply(changes.clone()).unwrap());
    again
}

/// (pane, key) of the cells that changes tell.
fn told(changes: &CloserChanges) -> Vec<(i64, i64)> {
    let cells = &changes.groupings[0].cells;
    let key = |cell: &Cell| match cells.keys[cell.key as usize][..] {
        [KeyValue::Int64(key)] => key,
        _ => panic!("{cell:?}"),
    };
    cells.cells.iter().map(|cell| (cell.pane_us, key(cell))).collect()
}

/// (start, late records taken, revision) of the windows that changes tell.
fn marks(changes: &CloserChanges) -> Vec<(i64, u64, Option<u64>)> {
    let windows = changes.groupings[0].windows.iter();
    windows.map(|window| (window.start_us, window.late_taken, window.published)).collect()
}

#[test]
fn nothing_new_is_nothing_told() {
    let mut closer = closer(5);
    closer.absorb(delta(&[(0, 1), (10, 1)], &[])).unwrap();
    let base = closer.export();
    let none = closer.export_changes();
    assert_eq!((none.cells(), marks(&none)), (0, vec![]));
    // A watermark that passes no end changes nothing but itself.
    closer.advance(9);
    let moved = closer.export_changes();
    assert_eq!((moved.cells(), marks(&moved), moved.watermark_us), (0, vec![], 9));
    let mut again = replayed(5, &base, &[none, moved]);
    assert_eq!((again.watermark_us(), again.live_cells()), (9, 2));
    assert_eq!(again.export_changes().cells(), 0, "what was applied is not a change");
    assert_eq!(plain(&again.export()), plain(&closer.export()));
}

#[test]
fn a_mark_is_told_when_the_window_opens_is_published_and_takes_late_records() {
    let mut closer = closer(100);
    closer.absorb(delta(&[(0, 1)], &[])).unwrap();
    let opened = closer.export_changes();
    assert_eq!((told(&opened), marks(&opened)), (vec![(0, 1)], vec![(0, 0, None)]));
    closer.advance(10);
    let published = closer.export_changes();
    assert_eq!((told(&published), marks(&published)), (vec![], vec![(0, 0, Some(0))]));
    closer.absorb(delta(&[(0, 1)], &[(0, 1)])).unwrap();
    let late = closer.export_changes();
    assert_eq!((told(&late), marks(&late)), (vec![(0, 1)], vec![(0, 1, Some(0))]));
    // Told between a late record and the advance that publishes it: the window is still owed.
    let mut again = self::closer(100);
    [opened, published, late].into_iter().for_each(|changes| again.apply(changes).unwrap());
    for closer in [&mut closer, &mut again] {
        let advance = closer.advance(10);
        let revisions: Vec<u64> = advance.closed.iter().map(|closed| closed.windows[0].revision).collect();
        assert_eq!(revisions, [1, 1]);
    }
}

#[test]
fn a_slot_that_is_used_again_is_told_for_its_new_cell_only() {
    let mut closer = closer(0);
    closer.absorb(delta(&[(0, 1), (0, 2)], &[])).unwrap();
    let base = closer.export();
    // Both are changed, then dropped, and their slots go to others, of which one was never told.
    closer.absorb(delta(&[(0, 1), (0, 2)], &[])).unwrap();
    closer.advance(10);
    closer.absorb(delta(&[(10, 3)], &[])).unwrap();
    let first = closer.export_changes();
    assert_eq!((told(&first), marks(&first)), (vec![(10, 3)], vec![(10, 0, None)]));
    closer.absorb(delta(&[(10, 4)], &[])).unwrap();
    let second = closer.export_changes();
    assert_eq!((told(&second), marks(&second)), (vec![(10, 4)], vec![]));
    let mut again = replayed(0, &base, &[first, second]);
    assert_eq!(again.live_cells(), 2);
    assert_eq!(plain(&again.export()), plain(&closer.export()));
    // Nothing of them is left for cells to come.
    for closer in [&mut closer, &mut again] {
        closer.advance(20);
        closer.absorb(delta(&[(20, 1), (20, 2), (20, 3)], &[])).unwrap();
    }
    assert_eq!(plain(&again.export()), plain(&closer.export()));
}

#[test]
fn changed_cells_keep_their_keys_when_keys_are_renumbered() {
    let mut closer = closer(0);
    let many: Vec<(i64, i64)> = (0..5_000).map(|key| (0, key)).collect();
    closer.absorb(delta(&many, &[])).unwrap();
    let base = closer.export();
    closer.absorb(delta(&[(10, 4_999), (10, 6_000), (0, 7)], &[])).unwrap();
    assert_eq!(closer.keys_known(0), 5_001);
    closer.advance(10);
    assert_eq!(closer.keys_known(0), 2, "renumbered");
    closer.absorb(delta(&[(10, 7)], &[])).unwrap();
    let changes = closer.export_changes();
    assert_eq!(told(&changes), [(10, 4_999), (10, 6_000), (10, 7)]);
    let mut again = replayed(0, &base, &[changes]);
    assert_eq!(again.keys_known(0), 3, "renumbered there too");
    assert_eq!(plain(&again.export()), plain(&closer.export()));
}

/// Counts the slots of which it is asked the state.
struct Asked(CountSum, Arc<AtomicUsize>);

impl Kpi for Asked {
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError> {
        self.0.update(groups, columns)
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) -> Result<(), PluginError> {
        self.0.merge(groups, state)
    }

    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        assert!(groups.len() <= SLOTS_PER_CALL_MAX);
        self.1.fetch_add(groups.len(), Ordering::Relaxed);
        self.0.state(groups)
    }

    fn evaluate(&mut self, groups: &[u32], starts: &[i64], ends: &[i64]) -> Result<KpiRows, PluginError> {
        self.0.evaluate(groups, starts, ends)
    }

    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError> {
        self.0.clear(groups)
    }

    fn cost(&self) -> Cost {
        self.0.cost()
    }
}

#[test]
fn a_kpi_is_asked_for_what_changed_and_not_for_what_is_live() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut closer = closer_with(0, Box::new(Asked(CountSum::default(), asked.clone())));
    let all: Vec<(i64, i64)> = (0..10_000).map(|cell| (cell / 100 * 10, cell % 100)).collect();
    closer.absorb(delta(&all, &[])).unwrap();
    let base = closer.export();
    assert_eq!((closer.live_cells(), asked.swap(0, Ordering::Relaxed)), (10_000, 10_000));
    let some: Vec<(i64, i64)> = all.iter().copied().step_by(1_000).collect();
    (0..3).for_each(|_| closer.absorb(delta(&some, &[])).unwrap());
    let changes = closer.export_changes();
    assert_eq!((changes.cells(), asked.swap(0, Ordering::Relaxed)), (10, 10));
    assert_eq!(told(&changes), some);
    assert_eq!(plain(&replayed(0, &base, &[changes]).export()), plain(&closer.export()));
    // More than one call takes.
    closer.absorb(delta(&all, &[])).unwrap();
    asked.store(0, Ordering::Relaxed);
    let changes = closer.export_changes();
    assert_eq!((changes.cells(), asked.load(Ordering::Relaxed)), (10_000, 10_000));
    assert_eq!(plain(&replayed(0, &base, &[changes]).export()), plain(&closer.export()));
}

/// Whether the two KPIs' windows have rows.
fn sound(closer: &mut Closer) -> [bool; 2] {
    let closed = closer.advance(i64::MAX).closed;
    [0, 1].map(|kpi| {
        let mut windows = closed.iter().filter(|closed| closed.kpi == kpi).flat_map(|closed| &closed.windows);
        windows.all(|window| matches!(window.content, WindowContent::Rows(_)))
    })
}

#[test]
fn a_kpi_that_fails_when_asked_is_told_as_quarantined() {
    let mut closer = closer_with(0, Box::new(Faulty::new(Call::State, Fault::Error, 2)));
    closer.absorb(delta(&[(0, 1)], &[])).unwrap();
    let base = closer.export();
    closer.absorb(delta(&[(0, 1), (10, 2)], &[])).unwrap();
    let changes = closer.export_changes();
    assert!(matches!(changes.kpis[..], [KpiState::Quarantined(_), KpiState::States(_)]));
    assert_eq!(closer.quarantined().iter().filter(|fault| fault.is_some()).count(), 1);
    let mut again = replayed(0, &base, &[changes]);
    assert_eq!(again.advance(0).quarantined.len(), 1, "told once more after a restart");
    assert_eq!((sound(&mut closer), sound(&mut again)), ([false, true], [false, true]));
}

#[test]
fn a_kpi_that_fails_when_changes_are_applied_is_quarantined_and_the_other_goes_on() {
    let mut origin = closer(0);
    origin.absorb(delta(&[(0, 1)], &[])).unwrap();
    let base = origin.export();
    origin.absorb(delta(&[(0, 1), (10, 2)], &[])).unwrap();
    let changes = origin.export_changes();
    for (call, countdown) in [(Call::Clear, 1), (Call::Merge, 2)] {
        let mut again = closer_with(0, Box::new(Faulty::new(call, Fault::Error, countdown)));
        again.restore(base.clone()).unwrap();
        again.apply(changes.clone()).unwrap();
        assert_eq!(again.advance(0).quarantined.len(), 1, "{call:?}");
        assert_eq!(sound(&mut again), [false, true], "{call:?}");
    }
}
