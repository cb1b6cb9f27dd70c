//! Rows of a batch by slot: sorted and gathered once for a grouping, when several KPIs ask for the same columns.
//!
//! A KPI folds a run of rows of one slot for less than half of what scattered rows cost, because the run's state stays in registers.
//! The sort is stable, so a slot meets its rows in the order in which they came, and even a sum of floats has the same bits.
//!
//! Knows columns and slots; knows no KPI, no keys and no time.

use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_schema::{ArrowError, DataType};
use arrow_select::take::take;
use hashbrown::HashMap;

/// KPIs that must gain before rows are sorted: sorting costs what one KPI gains, gathering a column less than that.
const KPIS_MIN: usize = 3;
/// Rows that a slot must have in the mean: below, a run's beginning and end cost what its rows gain.
const ROWS_PER_SLOT_MIN: usize = 32;

/// Something of each column, by the column's address.
type ByAddress<T> = HashMap<usize, T, foldhash::fast::RandomState>;

/// Sorts; keeps its vectors from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Sorter {
    /// By slot: how many rows, then where its next row goes.
    places: Vec<u32>,
    slots: Vec<u32>,
}

/// Rows sorted by slot, and the columns that KPIs share.
#[derive(Debug)]
pub(crate) struct Sorted<'a> {
    /// The slots, never falling.
    pub(crate) slots: &'a [u32],
    /// Where each row stood in the batch.
    order: UInt32Array,
    /// By their addresses in the batch.
    columns: ByAddress<ArrayRef>,
}

impl Sorter {
    /// Sorts rows of these `slots`, one for each row that is `in_time`, for KPIs with these `inputs`.
    /// `None` where it does not pay.
    pub(crate) fn sort<'a, 'b>(
        &'a mut self,
        slots: &[u32],
        inputs: impl Iterator<Item = &'b [ArrayRef]> + Clone,
        in_time: Option<&BooleanArray>,
    ) -> Result<Option<Sorted<'a>>, ArrowError> {
        let shared = shared(inputs.clone());
        let gaining = inputs.filter(|inputs| inputs.iter().all(|column| shared.contains_key(&address(column)))).count();
        if gaining < KPIS_MIN || !self.count(slots) {
            return Ok(None);
        }
        let order = UInt32Array::from(self.order(slots, in_time));
        let gathered = shared.into_iter().map(|(address, column)| Ok((address, take(column, &order, None)?)));
        let columns = gathered.collect::<Result<_, ArrowError>>()?;
        Ok(Some(Sorted { slots: &self.slots, order, columns }))
    }

    /// Counts the rows of each slot; says whether they are few enough slots.
    fn count(&mut self, slots: &[u32]) -> bool {
        let largest = slots.iter().fold(0, |largest, slot| largest.max(*slot)) as usize;
        // Also bounds the memory and the time of what follows.
        if largest >= slots.len() {
            return false;
        }
        self.places.clear();
        self.places.resize(largest + 1, 0);
        slots.iter().for_each(|slot| self.places[*slot as usize] += 1);
        let met = self.places.iter().filter(|count| **count > 0).count();
        met.saturating_mul(ROWS_PER_SLOT_MIN) <= slots.len()
    }

    /// The rows of the batch, by slot and then as they came. Leaves the slots in the same order.
    fn order(&mut self, slots: &[u32], in_time: Option<&BooleanArray>) -> Vec<u32> {
        self.slots.clear();
        for (slot, place) in self.places.iter_mut().enumerate() {
            let (start, count) = (self.slots.len(), *place as usize);
            self.slots.resize(start + count, slot as u32);
            *place = start as u32;
        }
        let mut order = vec![0; slots.len()];
        let mut put = |row: usize, slot: u32| {
            let place = &mut self.places[slot as usize];
            order[*place as usize] = row as u32;
            *place += 1;
        };
        match in_time {
            None => slots.iter().enumerate().for_each(|(row, slot)| put(row, *slot)),
            Some(in_time) => in_time.values().set_indices().zip(slots).for_each(|(row, slot)| put(row, *slot)),
        }
        debug_assert!(self.slots.is_sorted(), "slots never fall");
        order
    }
}

impl Sorted<'_> {
    /// The gathered columns of a KPI with these inputs; `None` if some were not gathered, because few ask for them.
    pub(crate) fn inputs(&self, inputs: &[ArrayRef]) -> Option<Vec<ArrayRef>> {
        inputs.iter().map(|column| self.columns.get(&address(column)).cloned()).collect()
    }

    /// Where a row stood in the batch.
    pub(crate) fn row(&self, sorted: u32) -> u32 {
        self.order.values().get(sorted as usize).copied().unwrap_or(sorted)
    }
}

/// The columns that enough KPIs ask for. Lists are left out: to gather them costs more than their few rows gain.
fn shared<'b>(inputs: impl Iterator<Item = &'b [ArrayRef]>) -> ByAddress<&'b ArrayRef> {
    let mut uses: ByAddress<(usize, &ArrayRef)> = HashMap::default();
    for column in inputs.flatten().filter(|column| !matches!(column.data_type(), DataType::List(_))) {
        uses.entry(address(column)).or_insert((0, column)).0 += 1;
    }
    uses.into_iter()
        .filter(|(_, (uses, _))| *uses >= KPIS_MIN)
        .map(|(address, (_, column))| (address, column))
        .collect()
}

/// Tells columns apart while the batch lives: KPIs that ask for the same one hold the same allocation.
fn address(column: &ArrayRef) -> usize {
    std::sync::Arc::as_ptr(column).cast::<()>() as usize
}

#[cfg(test)]
#[path = "sorted_tests.rs"]
mod tests;
