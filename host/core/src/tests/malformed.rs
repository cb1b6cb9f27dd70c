//! Changes that do not fit: an error or a quarantine, never a panic and never a wrong number.

use super::changes::{closer, delta};
use crate::close::{CloseError, Closer};
use crate::delta::{Cell, Cells, CloserChanges, GroupingState, KpiState, WindowState};
use crate::group::{GroupKey, KeyValue};
use arrow_array::{ArrayRef, BooleanArray, Int64Array};
use proptest::prelude::*;
use std::sync::Arc;

const LATENESS_US: i64 = 5;

/// One cell (0, key 1) of a published window; watermark 12.
fn origin() -> Closer {
    let mut closer = closer(LATENESS_US);
    closer.absorb(delta(&[(0, 1)], &[])).unwrap();
    closer.advance(12);
    closer
}

/// A closer that was restored from it.
fn restored() -> Closer {
    let mut again = closer(LATENESS_US);
    again.restore(origin().export()).unwrap();
    again
}

/// A late record of the cell, and a new one, at watermark 13.
fn changes() -> CloserChanges {
    let mut closer = origin();
    closer.export();
    closer.absorb(delta(&[(0, 1), (10, 2)], &[(0, 1)])).unwrap();
    closer.advance(13);
    closer.export_changes()
}

fn with(change: impl FnOnce(&mut CloserChanges)) -> Result<(), CloseError> {
    let mut changes = changes();
    change(&mut changes);
    restored().apply(changes)
}

#[test]
fn what_fits_is_taken() {
    assert_eq!(with(|_| ()), Ok(()));
    let mut again = restored();
    again.apply(changes()).unwrap();
    // They are whole states and marks: the same again changes nothing.
    assert_eq!(again.apply(changes()), Ok(()));
}

#[test]
fn what_is_not_of_the_plan_is_refused() {
    let shape = |result| matches!(result, Err(CloseError::Shape(_)));
    let cell = |pane_us, refused, key| Cell { pane_us, refused, key };
    assert!(shape(with(|changes| changes.groupings.clear())));
    assert!(shape(with(|changes| changes.kpis.truncate(1))));
    for bad in [cell(1, 0, 0), cell(0, 1, 0), cell(0, 0, 2), cell(i64::MIN, 0, 0), cell(0, u32::MAX, u32::MAX)] {
        assert!(shape(with(|changes| changes.groupings[0].cells.cells[1] = bad)), "{bad:?}");
    }
    assert!(shape(with(|changes| changes.groupings[0].cells.keys[0] = [KeyValue::Boolean(true)].into())));
    assert!(shape(with(|changes| changes.groupings[0].cells.keys[0] = [].into())));
    // The same cell twice, also by two names of its key.
    assert!(shape(with(|changes| changes.groupings[0].cells.cells[1] = cell(0, 0, 0))));
    assert!(shape(with(|changes| {
        changes.groupings[0].cells.keys[1] = [KeyValue::Int64(1)].into();
        changes.groupings[0].cells.cells[1] = cell(0, 0, 1);
    })));
    assert!(shape(with(|changes| changes.groupings[0].windows.reverse())));
    for start_us in [-10, 1, 20, i64::MAX, i64::MIN] {
        let window = WindowState { start_us, late_taken: 0, published: None };
        assert!(shape(with(|changes| changes.groupings[0].windows = vec![window])), "{start_us}");
    }
}

#[test]
fn what_does_not_follow_is_refused() {
    let order = |result| matches!(result, Err(CloseError::Order(_)));
    assert!(order(with(|changes| changes.watermark_us = 11)));
    // The window from 0 was published, the one from 10 is not at its end.
    for (place, late_taken, published) in [(0, 1, None), (0, 0, Some(1)), (0, 1, Some(2)), (1, 0, Some(0))] {
        let change = |changes: &mut CloserChanges| {
            let window = &mut changes.groupings[0].windows[place];
            (window.late_taken, window.published) = (late_taken, published);
        };
        assert!(order(with(change)), "{place} {late_taken} {published:?}");
    }
    let mut gone_on = restored();
    gone_on.absorb(delta(&[(10, 1)], &[])).unwrap();
    assert!(order(gone_on.apply(changes())));
    // At 15 nothing of the window from 0 is kept.
    let settled = CloseError::Settled { end_us: 10, watermark_us: 15 };
    assert_eq!(with(|changes| changes.watermark_us = 15), Err(settled));
}

#[test]
fn states_that_do_not_fit_their_cells_are_a_quarantine() {
    let ones = |len| -> ArrayRef { Arc::new(Int64Array::from(vec![1; len])) };
    let bools: ArrayRef = Arc::new(BooleanArray::from(vec![true; 2]));
    let parts = [
        vec![],
        vec![vec![ones(2), ones(1)]],
        vec![vec![ones(1)], vec![ones(1)]],
        vec![vec![]],
        vec![vec![bools.clone(), bools]],
    ];
    for part in parts {
        let (mut again, mut changes) = (restored(), changes());
        changes.kpis[0] = KpiState::States(part);
        again.apply(changes).unwrap();
        let faults: Vec<bool> = again.quarantined().iter().map(Option::is_some).collect();
        assert_eq!(faults, [true, false]);
    }
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![6 => (-3i64..6).prop_map(|tens| tens * 10), 2 => -30i64..60, 1 => prop::sample::select(vec![i64::MIN, i64::MAX, 1 << 61, -(1 << 61)])]
}

prop_compose! {
    fn any_changes()(
        watermark_us in time(),
        keys in prop::collection::vec(0i64..4, 0..4),
        cells in prop::collection::vec((time(), 0u32..2, 0u32..4), 0..6),
        mut windows in prop::collection::vec((time(), 0u64..3, prop::option::of(0u64..3)), 0..4),
        rows in prop::option::weighted(0.2, 0usize..4),
    ) -> CloserChanges {
        let rows = rows.unwrap_or(cells.len());
        let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; rows]));
        let states = if rows == 0 { vec![] } else { vec![vec![ones.clone(), ones]] };
        windows.sort_unstable();
        let window = |(start_us, late_taken, published)| WindowState { start_us, late_taken, published };
        let keys = keys.into_iter().map(|key| -> GroupKey { [KeyValue::Int64(key)].into() }).collect();
        let cells = cells.into_iter().map(|(pane_us, refused, key)| Cell { pane_us, refused, key }).collect();
        CloserChanges {
            watermark_us,
            groupings: vec![GroupingState { cells: Cells { keys, cells }, windows: windows.into_iter().map(window).collect() }],
            kpis: vec![KpiState::States(states); 2],
        }
    }
}

proptest! {
    #[test]
    fn no_changes_bring_a_closer_down(chain in prop::collection::vec(any_changes(), 1..4)) {
        let mut closer = restored();
        for changes in chain {
            if closer.apply(changes).is_err() {
                return Ok(());
            }
        }
        closer.export_changes();
        closer.export();
        closer.advance(i64::MAX);
        prop_assert_eq!(closer.live_cells(), 0);
    }
}
