//! A KPI that goes wrong hurts only itself, wherever it does so.

use super::world::rows;
use crate::close::{Advance, CloseError, Closer};
use crate::delta::{Cell, Cells, Delta, GroupingDelta, KpiState};
use crate::fold::{FoldRows, Folder};
use crate::group::KeyValue;
use crate::plan::{FoldPlan, Grouping};
use crate::plugin::{Kpi, PluginErrorKind};
use crate::results::WindowContent;
use crate::testing::{Call, CountSum, Fault, Faulty};
use crate::time::TimeRules;
use crate::types::ScalarType;
use crate::window::Windowing;
use arrow_array::{ArrayRef, Int64Array};
use std::collections::BTreeMap;
use std::sync::Arc;

const RULES: TimeRules = TimeRules {
    max_out_of_orderness_us: 0,
    allowed_lateness_us: 100,
    max_time_jump_us: None,
    max_future_skew_us: None,
};

/// Two KPIs, hopping windows by an int64 key.
fn plan() -> Arc<FoldPlan> {
    let windowing = Windowing::hopping(20, 10).unwrap();
    let grouping = Grouping { windowing, key_types: vec![ScalarType::Int64] };
    Arc::new(FoldPlan::new(RULES, vec![grouping], vec![0, 0]).unwrap())
}

fn kpis(first: Box<dyn Kpi>) -> Vec<Box<dyn Kpi>> {
    vec![first, Box::<CountSum>::default()]
}

fn sound() -> Box<dyn Kpi> {
    Box::<CountSum>::default()
}

/// Folds one row a pane: event times 5, 15, 25 … of two keys, with the front at the row before.
fn fold(folder: &mut Folder, events: &[i64], watermark_us: i64) {
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(events.iter().map(|event| event % 2)));
    let values: ArrayRef = Arc::new(Int64Array::from(vec![1; events.len()]));
    let inputs = vec![vec![values]; 2];
    let watermarks = vec![watermark_us; events.len()];
    let rows = FoldRows { event_us: events, watermark_before: &watermarks, keys: &[vec![keys]], inputs: &inputs };
    let report = folder.fold(&rows).unwrap();
    assert_eq!(report.groupings[0].counted, events.len() as u64);
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// By KPI and window: what was published last; `None` where unavailable.
    windows: BTreeMap<(usize, i64), Option<Vec<i64>>>,
    /// How often, by KPI.
    publications: [usize; 2],
    quarantined: Vec<(usize, PluginErrorKind)>,
}

impl Outcome {
    fn take(&mut self, advance: Advance) {
        for closed in &advance.closed {
            for window in &closed.windows {
                let counts = match &window.content {
                    WindowContent::Rows(range) => {
                        Some(rows(closed, range.clone()).into_iter().map(|row| row.1[0]).collect())
                    }
                    WindowContent::Unavailable(reason) => {
                        assert!(!reason.is_empty());
                        None
                    }
                };
                self.windows.insert((closed.kpi, window.start_us), counts);
                self.publications[closed.kpi] += 1;
            }
        }
        self.quarantined
            .extend(advance.quarantined.into_iter().map(|quarantine| (quarantine.kpi, quarantine.error.kind)));
    }
}

/// Two flushes of two panes each, late records for the first windows, a checkpoint, and the end of time.
fn run(in_folder: Box<dyn Kpi>, in_closer: Box<dyn Kpi>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut folder = Folder::new(plan(), kpis(in_folder));
    let mut closer = Closer::new(plan(), kpis(in_closer));
    for (events, watermark_us) in [(&[5, 6, 15, 16][..], i64::MIN), (&[7, 8, 25, 26], 20), (&[35, 36, 9], 30)] {
        fold(&mut folder, events, watermark_us);
        let now_us = watermark_us.max(10) + 10;
        closer.absorb(folder.flush(now_us)).unwrap();
        outcome.take(closer.advance(now_us));
    }
    closer.absorb(folder.flush(i64::MAX)).unwrap();
    let state = closer.export();
    let mut again = Closer::new(plan(), kpis(sound()));
    again.restore(state).unwrap();
    let told = std::mem::take(&mut outcome.quarantined);
    outcome.take(again.advance(i64::MAX));
    let told_again = told.iter().all(|quarantine| outcome.quarantined.contains(quarantine));
    assert!(told.len() <= 1 && told_again, "told once, and once more after a restart");
    assert!(again.open_windows() == 0);
    outcome
}

#[test]
fn a_failing_kpi_is_quarantined_and_the_other_goes_on_as_if_alone() {
    let good = run(sound(), sound());
    assert_eq!(good.quarantined, []);
    assert_eq!(good.windows.keys().filter(|name| name.0 == 0).count(), 5);
    let calls = [Call::Update, Call::Merge, Call::State, Call::Evaluate, Call::Clear];
    for call in calls {
        for countdown in 1..=6 {
            for in_closer in [false, true] {
                let faulty: Box<dyn Kpi> = Box::new(Faulty::new(call, Fault::Error, countdown));
                let outcome = if in_closer { run(sound(), faulty) } else { run(faulty, sound()) };
                check(&outcome, &good, PluginErrorKind::Trap, &format!("{call:?} {countdown} {in_closer}"));
                // A folder neither merges nor evaluates, the closer does not update.
                let called = match call {
                    Call::Update => !in_closer,
                    Call::Merge | Call::Evaluate => in_closer,
                    Call::State | Call::Clear => true,
                };
                if !called || countdown <= 3 {
                    let met = !outcome.quarantined.is_empty();
                    assert_eq!(met, called, "{call:?} {countdown} {in_closer}");
                }
            }
        }
    }
}

/// The other KPI has every byte; the failed one owes the windows published before, and says so for the others.
fn check(outcome: &Outcome, good: &Outcome, kind: PluginErrorKind, case: &str) {
    let of = |outcome: &Outcome, kpi: usize| -> Vec<_> {
        outcome.windows.clone().into_iter().filter(|(name, _)| name.0 == kpi).collect()
    };
    assert_eq!(of(outcome, 1), of(good, 1), "{case}");
    assert_eq!(outcome.publications, good.publications, "one entry a window and publication: {case}");
    if outcome.quarantined.is_empty() {
        assert_eq!(of(outcome, 0), of(good, 0), "{case}");
        return;
    }
    assert_eq!(outcome.quarantined, [(0, kind)], "told once: {case}");
    let last = of(outcome, 0).pop().unwrap();
    assert_eq!(last.1, None, "windows published later are unavailable: {case}");
}

#[test]
fn malformed_output_is_a_quarantine() {
    let good = run(sound(), sound());
    for (call, fault) in [
        (Call::Evaluate, Fault::Short),
        (Call::Evaluate, Fault::FarPlace),
        (Call::Evaluate, Fault::FallingPlaces),
        (Call::State, Fault::Short),
    ] {
        let outcome = run(sound(), Box::new(Faulty::new(call, fault, 1)));
        assert_eq!(outcome.quarantined.len(), 1, "{call:?} {fault:?}");
        check(&outcome, &good, PluginErrorKind::Malformed, &format!("{call:?} {fault:?}"));
    }
}

#[test]
fn a_quarantine_without_due_state_is_told_before_the_next_acknowledgement() {
    let mut folder = Folder::new(plan(), kpis(Box::new(Faulty::new(Call::Update, Fault::Error, 1))));
    assert!(!folder.has_due(i64::MAX));
    fold(&mut folder, &[1_005], 0);
    assert!(folder.has_due(0), "nothing has ended, but the quarantine is to be told");
    let delta = folder.flush(0);
    assert!(matches!(delta.kpis[..], [KpiState::Quarantined(_), KpiState::States(_)]));
    assert!(!folder.has_due(0));
}

#[test]
fn a_window_of_more_keys_than_a_call_takes_is_one_window() {
    let keys = 20_001;
    let windowing = Windowing::hopping(20, 10).unwrap();
    let grouping = Grouping { windowing, key_types: vec![ScalarType::Int64] };
    let plan = Arc::new(FoldPlan::new(RULES, vec![grouping], vec![0]).unwrap());
    let mut folder = Folder::new(plan.clone(), vec![sound()]);
    let mut closer = Closer::new(plan, vec![sound()]);
    for pane in 0..2 {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values((0..keys).rev()));
        let events = vec![pane * 10; keys as usize];
        let watermarks = vec![i64::MIN; keys as usize];
        let rows = FoldRows {
            event_us: &events,
            watermark_before: &watermarks,
            keys: &[vec![column.clone()]],
            inputs: &[vec![column]],
        };
        folder.fold(&rows).unwrap();
    }
    closer.absorb(folder.flush(i64::MAX)).unwrap();
    let advance = closer.advance(i64::MAX);
    let mut seen = Vec::new();
    for closed in &advance.closed {
        for window in &closed.windows {
            let WindowContent::Rows(range) = &window.content else { panic!() };
            let count = if window.start_us == 0 { 2 } else { 1 };
            let expected = (0..keys).map(|key| ([KeyValue::Int64(key)].into(), vec![count, key * count]));
            assert_eq!(rows(closed, range.clone()), expected.collect::<Vec<_>>());
            seen.push(window.start_us);
        }
    }
    assert_eq!(seen, [-10, 0, 10]);
}

#[test]
fn state_that_does_not_fit_is_refused() {
    let delta = |pane_us, refused, key: &[KeyValue]| Delta {
        groupings: vec![GroupingDelta {
            cells: Cells { keys: vec![key.into()], cells: vec![Cell { pane_us, refused, key: 0 }] },
            late_taken: vec![],
        }],
        kpis: vec![
            KpiState::States(vec![vec![
                Arc::new(Int64Array::from(vec![1])),
                Arc::new(Int64Array::from(vec![1]))
            ]]);
            2
        ],
    };
    let closer = || Closer::new(plan(), kpis(sound()));
    let key = [KeyValue::Int64(1)];
    assert_eq!(closer().absorb(delta(10, 1, &key)), Ok(()));
    assert_eq!(closer().absorb(delta(10, 0, &[KeyValue::Null])), Ok(()));
    for bad in [delta(10, 2, &key), delta(11, 0, &key), delta(10, 0, &[]), delta(10, 0, &[KeyValue::Boolean(true)])] {
        assert!(matches!(closer().absorb(bad), Err(CloseError::Shape(_))));
    }
    // The first window of pane 0 is [-10, 10), and nothing of it is kept from 110 on.
    let mut late = closer();
    late.advance(109);
    assert_eq!(late.watermark_us(), 109);
    let settled = CloseError::Settled { end_us: 10, watermark_us: 110 };
    late.advance(110);
    assert_eq!(late.absorb(delta(0, 0, &key)), Err(settled));
}

#[test]
fn tables_of_keys_stay_bounded_while_keys_come_and_go() {
    let plan = plan();
    let mut folder = Folder::new(plan.clone(), kpis(sound()));
    let mut closer = Closer::new(plan, kpis(sound()));
    for round in 0..40i64 {
        let events = vec![round * 10; 500];
        let watermarks = vec![round * 10 - 10; 500];
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(round * 500..round * 500 + 500));
        let inputs = vec![vec![keys.clone()]; 2];
        folder
            .fold(&FoldRows { event_us: &events, watermark_before: &watermarks, keys: &[vec![keys]], inputs: &inputs })
            .unwrap();
        closer.absorb(folder.flush(round * 10)).unwrap();
        closer.advance(round * 10);
        assert!(folder.keys_known(0) <= 3_000, "{}", folder.keys_known(0));
        // Cells stay here for as long as lateness is allowed.
        assert!(closer.keys_known(0) <= 4 * 500 * 14, "{}", closer.keys_known(0));
    }
    closer.absorb(folder.flush(i64::MAX)).unwrap();
    closer.advance(i64::MAX);
    assert_eq!(closer.keys_known(0), 0);
}
