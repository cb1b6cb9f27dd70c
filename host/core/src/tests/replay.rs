//! A closer that is killed at any moment and goes on from a base and its changes is the closer that was not.

use super::scenario::{Scenario, scenarios};
use super::world::{Fed, World};
use crate::close::{Advance, Closer};
use crate::delta::{Cells, CloserChanges, CloserState, KpiState, SLOTS_PER_CALL_MAX, WindowState};
use crate::group::GroupKey;
use crate::plugin::{PluginError, PluginErrorKind};
use crate::results::ClosedWindow;
use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What happens to the closer that is interrupted.
#[derive(Debug, Clone)]
enum Act {
    /// It is fed so much.
    Go(usize),
    /// Its whole state is told.
    Base,
    /// Its changes are told.
    Changes,
    /// It goes on from what was told last.
    Kill,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (1usize..8).prop_map(Act::Go),
        1 => Just(Act::Base),
        4 => Just(Act::Changes),
        2 => Just(Act::Kill),
    ]
}

proptest! {
    #[test]
    fn a_base_and_its_changes_are_the_closer_itself(
        scenario in scenarios(),
        acts in prop::collection::vec(act(), 0..80),
        stop in 0usize..=100,
        quarantine in prop::option::of((0usize..5, 0usize..100)),
    ) {
        let mut fed = World::run(&scenario).fed;
        fed.truncate(fed.len() * stop / 100);
        quarantine.into_iter().for_each(|(kpi, from)| quarantine_from(&mut fed, kpi, from));
        let mut closer = new(&scenario);
        let advances: Vec<_> = fed.iter().map(|fed| feed(&mut closer, fed)).collect();
        let mut life = Life::new(&scenario, &fed, &advances);
        acts.iter().for_each(|act| life.act(act));
        life.go(usize::MAX);
        prop_assert_eq!(life.closer.live_cells(), closer.live_cells());
        prop_assert_eq!(plain(&life.closer.export()), plain(&closer.export()));
    }
}

fn new(scenario: &Scenario) -> Closer {
    Closer::new(scenario.plan(), Scenario::kpis())
}

fn feed(closer: &mut Closer, fed: &Fed) -> Option<Advance> {
    match fed {
        Fed::Delta(delta) => {
            closer.absorb(delta.clone()).unwrap();
            None
        }
        Fed::Watermark(watermark_us) => Some(closer.advance(*watermark_us)),
    }
}

/// From some percent on the folders tell a quarantine.
fn quarantine_from(fed: &mut [Fed], kpi: usize, percent: usize) {
    let error = PluginError { reason: "gone".to_owned(), row: None, kind: PluginErrorKind::Trap };
    let from = fed.len() * percent / 100;
    for fed in &mut fed[from..] {
        if let Fed::Delta(delta) = fed {
            delta.kpis[kpi] = KpiState::Quarantined(error.clone());
        }
    }
}

/// A closer that is interrupted, beside what the uninterrupted one published.
struct Life<'a> {
    scenario: &'a Scenario,
    fed: &'a [Fed],
    advances: &'a [Option<Advance>],
    closer: Closer,
    at: usize,
    base: Option<CloserState>,
    changes: Vec<CloserChanges>,
    saved_at: usize,
}

impl<'a> Life<'a> {
    fn new(scenario: &'a Scenario, fed: &'a [Fed], advances: &'a [Option<Advance>]) -> Self {
        Self { scenario, fed, advances, closer: new(scenario), at: 0, base: None, changes: Vec::new(), saved_at: 0 }
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Go(steps) => self.go(steps),
            Act::Base => {
                self.base = Some(self.closer.export());
                self.changes.clear();
                self.saved_at = self.at;
            }
            Act::Changes => {
                let changes = self.closer.export_changes();
                self.tells_the_cells_that_changed_and_live(&changes);
                self.changes.push(changes);
                self.saved_at = self.at;
            }
            Act::Kill => {
                self.closer = new(self.scenario);
                self.base.iter().for_each(|base| self.closer.restore(base.clone()).unwrap());
                self.changes.iter().for_each(|changes| self.closer.apply(changes.clone()).unwrap());
                self.at = self.saved_at;
            }
        }
    }

    fn go(&mut self, steps: usize) {
        for (fed, expected) in self.fed.iter().zip(self.advances).skip(self.at).take(steps) {
            let advance = feed(&mut self.closer, fed);
            assert_eq!(advance.as_ref().map(published), expected.as_ref().map(published));
            self.at += 1;
        }
    }

    fn tells_the_cells_that_changed_and_live(&self, changes: &CloserChanges) {
        for (grouping, told) in changes.groupings.iter().enumerate() {
            let settled_us = self.scenario.rules.settled_before(self.closer.watermark_us());
            let windowing = self.scenario.windowings[grouping];
            let lives = |pane_us: i64| {
                let windows = windowing.windows_of(pane_us);
                windows.end(windows.count() - 1) > settled_us
            };
            let mut changed = BTreeSet::new();
            for fed in &self.fed[self.saved_at..self.at] {
                if let Fed::Delta(delta) = fed {
                    changed.extend(names(&delta.groupings[grouping].cells).filter(|name| lives(name.0)));
                }
            }
            assert_eq!(names(&told.cells).collect::<BTreeSet<_>>(), changed);
            assert_eq!(told.cells.cells.len(), changed.len(), "each cell once");
        }
    }
}

type Name = (i64, u32, GroupKey);

fn names(cells: &Cells) -> impl Iterator<Item = Name> + '_ {
    cells.cells.iter().map(|cell| (cell.pane_us, cell.refused, cells.keys[cell.key as usize].clone()))
}

type Published<'a> = (usize, &'a [ClosedWindow], &'a [GroupKey], &'a [ArrayRef]);

/// All that an advance publishes. A quarantine is told again after a restart, and is no part of it.
fn published(advance: &Advance) -> (i64, Vec<Published<'_>>) {
    let closed = advance
        .closed
        .iter()
        .map(|closed| (closed.kpi, &closed.windows[..], &closed.table.keys[..], &closed.table.columns[..]));
    (advance.settled_before_us, closed.collect())
}

/// A state without the order of its cells and keys.
#[derive(Debug, PartialEq)]
pub struct Plain {
    watermark_us: i64,
    windows: Vec<Vec<WindowState>>,
    cells: Vec<BTreeSet<Name>>,
    kpis: Vec<Result<BTreeMap<Name, Vec<i64>>, PluginError>>,
}

pub fn plain(state: &CloserState) -> Plain {
    // A state does not name the grouping of a KPI; unit tests have one, properties the scenario's.
    let of_kpi = |kpi: usize| if state.groupings.len() == 1 { 0 } else { super::scenario::KPIS[kpi] };
    let values = |kpi: usize, part: &KpiState| match part {
        KpiState::Quarantined(error) => Err(error.clone()),
        KpiState::Fresh => unreachable!("a closer tells no such state"),
        KpiState::States(parts) => {
            let names = names(&state.groupings[of_kpi(kpi)].cells);
            Ok(names.enumerate().map(|(row, name)| (name, row_of(parts, row))).collect())
        }
    };
    Plain {
        watermark_us: state.watermark_us,
        windows: state.groupings.iter().map(|grouping| grouping.windows.clone()).collect(),
        cells: state.groupings.iter().map(|grouping| names(&grouping.cells).collect()).collect(),
        kpis: state.kpis.iter().enumerate().map(|(kpi, part)| values(kpi, part)).collect(),
    }
}

fn row_of(parts: &[Vec<ArrayRef>], row: usize) -> Vec<i64> {
    let part = &parts[row / SLOTS_PER_CALL_MAX];
    part.iter().map(|column| column.as_primitive::<Int64Type>().value(row % SLOTS_PER_CALL_MAX)).collect()
}
