//! One random case, and the laws that it must keep.

use super::cells::{Cell, column};
use crate::bindings::exports::weir::plugin::types::{Column, Failure, Setting, Values};
use crate::column::{ColumnRef, Inputs};
use crate::instance::KpiInstance;
use crate::kpi::Kpi;

/// Slots that rows are folded into.
pub(super) const GROUPS: u32 = 3;
/// Parts that rows are split into, as workers would.
pub(super) const PARTS: u32 = 4;
/// The window of every evaluation, microseconds.
const WINDOW: (i64, i64) = (1_600_000_000_000_000, 1_600_000_060_000_000);

/// A row: its inputs, its group, the part that it falls to, and its place in the other order.
pub(super) type Row = (Vec<Cell>, u32, u32, u16);

pub(super) struct Case<'a, K: Kpi> {
    options: &'a [Setting],
    rows: Vec<Row>,
    whole: KpiInstance<K>,
}

impl<'a, K: Kpi> Case<'a, K> {
    /// Folds all rows at once; an error where the KPI refuses one, which is its right.
    pub(super) fn new(options: &'a [Setting], rows: Vec<Row>) -> Result<Self, String> {
        let mut whole = KpiInstance::new(options)?;
        fold(&mut whole, &rows.iter().collect::<Vec<_>>(), |row| row.1)?;
        Ok(Self { options, rows, whole })
    }

    /// Checks every law.
    pub(super) fn check(mut self) -> Result<(), String> {
        let expected = results(&mut self.whole);
        self.any_order_of_rows(&expected)?;
        self.a_row_a_batch(&expected)?;
        self.any_order_of_merging(&expected)?;
        self.any_grouping_of_merging(&expected)?;
        self.update_after_merge(&expected)?;
        self.empty_state_changes_nothing(&expected)?;
        self.state_survives_travel(&expected)?;
        self.evaluate_and_clear(&expected)
    }

    fn instance(&self) -> Result<KpiInstance<K>, String> {
        KpiInstance::new(self.options)
    }

    fn any_order_of_rows(&self, expected: &[String]) -> Result<(), String> {
        let mut rows = self.rows.iter().collect::<Vec<_>>();
        rows.sort_by_key(|row| row.3);
        let mut instance = self.instance()?;
        fold(&mut instance, &rows, |row| row.1)?;
        same("another order of the rows gives another result", expected, &results(&mut instance))
    }

    fn a_row_a_batch(&self, expected: &[String]) -> Result<(), String> {
        let mut instance = self.instance()?;
        for row in &self.rows {
            fold(&mut instance, &[row], |row| row.1)?;
        }
        same("batches of one row give another result", expected, &results(&mut instance))
    }

    /// The rows of every part in slots of its own: slot = part × GROUPS + group.
    fn parts(&self) -> Result<KpiInstance<K>, String> {
        let mut parts = self.instance()?;
        fold(&mut parts, &self.rows.iter().collect::<Vec<_>>(), |row| row.2 * GROUPS + row.1)?;
        Ok(parts)
    }

    fn any_order_of_merging(&self, expected: &[String]) -> Result<(), String> {
        let slots = (0..PARTS * GROUPS).collect::<Vec<_>>();
        let backwards = slots.iter().rev().copied().collect::<Vec<_>>();
        for order in [slots, backwards] {
            let mut merged = self.instance()?;
            move_state(&mut self.parts()?, &order, &mut merged, |slot| slot % GROUPS)?;
            same("states merged one by one give another result", expected, &results(&mut merged))?;
        }
        Ok(())
    }

    /// (p0 + p1) + (p2 + p3), each bracket in an instance of its own.
    fn any_grouping_of_merging(&self, expected: &[String]) -> Result<(), String> {
        let (low, high) = (0..2 * GROUPS, 2 * GROUPS..PARTS * GROUPS);
        let mut brackets = [low, high].map(|slots| (slots.collect::<Vec<_>>(), self.instance()));
        let mut merged = self.instance()?;
        for (slots, bracket) in &mut brackets {
            let bracket = bracket.as_mut().map_err(|e| e.clone())?;
            move_state(&mut self.parts()?, slots, bracket, |slot| slot % GROUPS)?;
            move_state(bracket, &groups(), &mut merged, |slot| slot)?;
        }
        same("merging is not associative", expected, &results(&mut merged))
    }

    fn update_after_merge(&self, expected: &[String]) -> Result<(), String> {
        let (first, rest): (Vec<&Row>, Vec<&Row>) = self.rows.iter().partition(|row| row.2 == 0);
        let (mut before, mut after) = (self.instance()?, self.instance()?);
        fold(&mut before, &first, |row| row.1)?;
        move_state(&mut before, &groups(), &mut after, |slot| slot)?;
        fold(&mut after, &rest, |row| row.1)?;
        same("rows folded into a merged state give another result", expected, &results(&mut after))
    }

    fn empty_state_changes_nothing(&mut self, expected: &[String]) -> Result<(), String> {
        let mut empty = self.instance()?;
        move_state(&mut empty, &groups(), &mut self.whole, |slot| slot)?;
        same("merging the state of no rows changes the result", expected, &results(&mut self.whole))
    }

    fn state_survives_travel(&mut self, expected: &[String]) -> Result<(), String> {
        let mut copy = self.instance()?;
        move_state(&mut self.whole, &groups(), &mut copy, |slot| slot)?;
        same("a state that travelled gives another result", expected, &results(&mut copy))?;
        let mut again = self.instance()?;
        let once = copy.state(&groups()).map_err(told)?;
        move_state(&mut copy, &groups(), &mut again, |slot| slot)?;
        let twice = again.state(&groups()).map_err(told)?;
        same("a state that travelled is another one", &[format!("{once:?}")], &[format!("{twice:?}")])
    }

    fn evaluate_and_clear(&mut self, expected: &[String]) -> Result<(), String> {
        same("evaluate changes the state", expected, &results(&mut self.whole))?;
        self.whole.clear(&groups());
        same("a cleared slot is not as new", &results(&mut self.instance()?), &results(&mut self.whole))
    }
}

fn groups() -> Vec<u32> {
    (0..GROUPS).collect()
}

/// Folds rows in one call.
fn fold<K: Kpi>(instance: &mut KpiInstance<K>, rows: &[&Row], slot: impl Fn(&Row) -> u32) -> Result<(), String> {
    let inputs = K::Input::describe();
    let columns = inputs.iter().enumerate().map(|(i, input)| {
        let cells = rows.iter().filter_map(|row| row.0.get(i)).collect::<Vec<_>>();
        column(input.type_, &cells).map_err(|what| format!("{}: {what}", input.path))
    });
    let columns = columns.collect::<Result<Vec<Column>, String>>()?;
    let slots = rows.iter().map(|row| slot(row)).collect::<Vec<_>>();
    instance.update(&slots, &columns.iter().map(ColumnRef::from).collect::<Vec<_>>()).map_err(told)
}

/// Merges slots of one instance into slots of another, by way of columns.
fn move_state<K: Kpi>(
    from: &mut KpiInstance<K>,
    slots: &[u32],
    to: &mut KpiInstance<K>,
    target: impl Fn(u32) -> u32,
) -> Result<(), String> {
    let columns = from.state(slots).map_err(told)?;
    let targets = slots.iter().map(|slot| target(*slot)).collect::<Vec<_>>();
    to.merge(&targets, &columns.iter().map(ColumnRef::from).collect::<Vec<_>>()).map_err(told)
}

/// What each group gives, rows or a failure, to the last bit: `Debug` tells -0.0 from 0.0 and every float from every other.
fn results<K: Kpi>(instance: &mut KpiInstance<K>) -> Vec<String> {
    let mut result = |group| {
        let mut rows = instance.evaluate(&[group], &[WINDOW.0], &[WINDOW.1]);
        rows.iter_mut().flat_map(|rows| &mut rows.columns).for_each(least_scale);
        format!("{rows:?}")
    };
    groups().into_iter().map(&mut result).collect()
}

/// Decimals without trailing zeros: the host writes none, and a batch's scale depends on what else is in it.
fn least_scale(column: &mut Column) {
    let Values::Decimal(decimals) = &mut column.values else {
        return;
    };
    while decimals.scale > 0 && decimals.mantissas.iter().all(|mantissa| mantissa % 10 == 0) {
        decimals.mantissas.iter_mut().for_each(|mantissa| *mantissa /= 10);
        decimals.scale -= 1;
    }
}

fn same(law: &str, expected: &[String], found: &[String]) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{law}:\n  at once: {expected:?}\n  now:     {found:?}")),
    }
}

fn told(failure: Failure) -> String {
    match failure {
        Failure::AtRow(at) => format!("row {}: {}", at.row, at.reason),
        Failure::Other(what) => what,
    }
}
