use super::*;
use crate::delta::{Delta, KpiState};
use crate::fold::{FoldRows, Folder};
use crate::plan::{FoldPlan, Grouping};
use crate::plugin::{Cost, Kpi, KpiRows, PluginError, PluginErrorKind};
use crate::time::TimeRules;
use crate::types::ScalarType;
use crate::window::Windowing;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{BooleanArray, Float64Array, Int64Array, StringArray};
use proptest::prelude::*;
use std::sync::{Arc, Mutex};

/// What an instance was given: the slots of each call, and by slot a sum of floats that tells in which order they came.
#[derive(Default)]
struct Seen {
    calls: Vec<Vec<u32>>,
    sums: Vec<f64>,
    bits: Vec<u64>,
}

/// Adds floats naively, which shows the order, and writes down flags and nulls; fails at a float below -9e5.
struct Naive(Arc<Mutex<Seen>>);

impl Kpi for Naive {
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError> {
        let mut seen = self.0.lock().unwrap();
        seen.calls.push(groups.to_vec());
        let (values, flags) = (columns[0].as_primitive::<Float64Type>(), columns[1].as_boolean());
        for (row, &group) in groups.iter().enumerate() {
            let group = group as usize;
            let length = seen.sums.len().max(group + 1);
            seen.sums.resize(length, 0.0);
            seen.bits.resize(length, 0);
            if values.value(row) < -9e5 {
                let kind = PluginErrorKind::Failure;
                return Err(PluginError { reason: "odd".into(), row: Some(row as u32), kind });
            }
            seen.sums[group] += if values.is_null(row) { 0.5 } else { values.value(row) };
            let text = columns[2].as_string::<i32>().value(row).len() as u64;
            seen.bits[group] = seen.bits[group].wrapping_mul(31) + u64::from(flags.value(row)) + 2 * text;
        }
        Ok(())
    }

    fn merge(&mut self, _: &[u32], _: &[ArrayRef]) -> Result<(), PluginError> {
        Ok(())
    }

    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        let seen = self.0.lock().unwrap();
        let of =
            |group: &u32| (seen.sums[*group as usize].to_bits() ^ seen.bits[*group as usize].rotate_left(32)) as i64;
        Ok(vec![Arc::new(Int64Array::from_iter_values(groups.iter().map(of)))])
    }

    fn evaluate(&mut self, _: &[u32], _: &[i64], _: &[i64]) -> Result<KpiRows, PluginError> {
        Ok(KpiRows { places: Vec::new(), columns: Vec::new() })
    }

    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError> {
        let mut seen = self.0.lock().unwrap();
        for &group in groups {
            seen.sums[group as usize] = 0.0;
            seen.bits[group as usize] = 0;
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }
}

const RULES: TimeRules =
    TimeRules { max_out_of_orderness_us: 0, allowed_lateness_us: 0, max_time_jump_us: None, max_future_skew_us: None };

/// (event time, key, value, flag)
type Row = (i64, i64, Option<f64>, bool);

struct World {
    folder: Folder,
    seen: Vec<Arc<Mutex<Seen>>>,
}

impl World {
    fn new(kpis: usize) -> Self {
        let grouping = Grouping { windowing: Windowing::tumbling(100).unwrap(), key_types: vec![ScalarType::Int64] };
        let plan = FoldPlan::new(RULES, vec![grouping], vec![0; kpis]).unwrap();
        let seen: Vec<Arc<Mutex<Seen>>> = (0..kpis).map(|_| Arc::default()).collect();
        let instances = seen.iter().map(|seen| Box::new(Naive(Arc::clone(seen))) as Box<dyn Kpi>).collect();
        Self { folder: Folder::new(Arc::new(plan), instances), seen }
    }

    fn fold(&mut self, rows: &[Row], watermark_us: i64) -> crate::fold::FoldReport {
        let event_us: Vec<i64> = rows.iter().map(|row| row.0).collect();
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| Some(row.3)).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|row| Some("x".repeat(row.1 as usize))).collect::<StringArray>()),
        ];
        let inputs = vec![columns; self.seen.len()];
        let watermark_before = vec![watermark_us; rows.len()];
        let rows =
            FoldRows { event_us: &event_us, watermark_before: &watermark_before, keys: &[vec![keys]], inputs: &inputs };
        self.folder.fold(&rows).unwrap()
    }

    fn last_call(&self, kpi: usize) -> Vec<u32> {
        self.seen[kpi].lock().unwrap().calls.last().cloned().unwrap_or_default()
    }

    /// The first KPI's states, as numbers, with what the delta says of its cells.
    fn flush(&mut self) -> (Vec<Vec<i64>>, Delta) {
        let delta = self.folder.flush(i64::MAX);
        let states = |state: &KpiState| match state {
            KpiState::States(chunks) => {
                chunks.iter().flat_map(|chunk| chunk[0].as_primitive::<Int64Type>().values().to_vec()).collect()
            }
            KpiState::Quarantined(_) | KpiState::Fresh => Vec::new(),
        };
        (delta.kpis.iter().map(states).collect(), delta)
    }
}

/// A float whose sums depend on the order.
fn row() -> impl Strategy<Value = Row> {
    (0..400_i64, 0..4_i64, prop::option::weighted(0.9, -1e5..1e5_f64), any::<bool>())
}

proptest! {
    #[test]
    fn sorted_and_unsorted_rows_give_the_same_states(
        batches in prop::collection::vec((prop::collection::vec(row(), 1..300), 0..300_i64), 1..4)
    ) {
        let (mut one, mut many) = (World::new(1), World::new(KPIS_MIN));
        for (rows, watermark_us) in &batches {
            prop_assert_eq!(one.fold(rows, *watermark_us), many.fold(rows, *watermark_us));
        }
        let ((alone, _), (together, _)) = (one.flush(), many.flush());
        for states in together {
            prop_assert_eq!(&states, &alone[0]);
        }
    }
}

fn rows(count: usize) -> Vec<Row> {
    (0..count)
        .map(|row| ((row * 37 % 400) as i64, (row * 7 % 3) as i64, Some(row as f64 * 0.1), row % 3 == 0))
        .collect()
}

#[test]
fn rows_are_sorted_where_enough_kpis_gain() {
    for kpis in 1..=KPIS_MIN {
        let mut world = World::new(kpis);
        world.fold(&rows(400), i64::MIN);
        assert_eq!(world.last_call(0).is_sorted(), kpis == KPIS_MIN, "{kpis} KPIs");
    }
}

#[test]
fn rows_are_sorted_where_slots_have_enough_of_them() {
    let slots = 12;
    for (count, sorted) in [(slots * ROWS_PER_SLOT_MIN, true), (slots * ROWS_PER_SLOT_MIN - 1, false)] {
        let mut world = World::new(KPIS_MIN);
        world.fold(&rows(count), i64::MIN);
        let call = world.last_call(0);
        assert_eq!(call.iter().max(), Some(&(slots as u32 - 1)));
        assert_eq!(call.is_sorted(), sorted, "{count} rows");
    }
}

#[test]
fn a_failure_in_sorted_rows_names_the_row_of_the_batch() {
    let mut rows = rows(400);
    rows[123].2 = Some(-1e6);
    for (watermark_us, late) in [(i64::MIN, 0), (100, 100)] {
        let mut world = World::new(KPIS_MIN);
        rows[123].0 = 250;
        let report = world.fold(&rows, watermark_us);
        assert!(report.groupings[0].late >= late && world.last_call(0).is_sorted());
        let failed: Vec<_> = report.quarantined.iter().map(|failed| failed.error.row).collect();
        assert_eq!(failed, [Some(123); KPIS_MIN]);
    }
}

#[test]
fn a_column_of_one_kpi_and_lists_are_not_gathered() {
    let column = |value| Arc::new(Int64Array::from(vec![value; 100])) as ArrayRef;
    let (common, own) = (column(1), column(2));
    let mut inputs = vec![vec![common.clone()]; KPIS_MIN];
    inputs.push(vec![common, own]);
    let mut sorter = Sorter::default();
    let sorted = sorter.sort(&[0; 100], inputs.iter().map(Vec::as_slice), None).unwrap().unwrap();
    assert!(sorted.inputs(&inputs[0]).is_some() && sorted.inputs(&inputs[KPIS_MIN]).is_none());
    let list = arrow_array::ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1)]); 100]);
    let lists = vec![vec![Arc::new(list) as ArrayRef]; KPIS_MIN];
    assert!(sorter.sort(&[0; 100], lists.iter().map(Vec::as_slice), None).unwrap().is_none());
}
