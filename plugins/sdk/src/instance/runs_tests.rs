use super::super::scattered;
use super::*;
use crate::column::{ColumnRef, ValuesRef};
use crate::prelude::*;
use proptest::prelude::*;

#[derive(Inputs)]
struct Amount {
    amount: f64,
}

/// A sum whose bits tell the order, and a money sum of several scales.
#[derive(Debug, Clone, Copy, Default, PartialEq, State)]
struct Last {
    sum: f64,
    money: DecimalSum,
}

#[derive(Outputs)]
struct LastRow {
    /// The sum.
    sum: f64,
}

impl Kpi for Last {
    const NAME: &'static str = "last";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "A sum that depends on the order.";
    type Options = ();
    type Input<'a> = Amount;
    type Rows = [LastRow; 1];

    fn update(&mut self, row: Amount, _: &()) -> Result<(), Reason> {
        if row.amount == -1.0 {
            return Err("odd".into());
        }
        self.sum += row.amount;
        let scale = (row.amount.to_bits() % 5) as u8;
        self.money.add(Decimal::new(row.amount as i64, scale).ok_or("no decimal")?)
    }

    fn merge(&mut self, other: &Self, _: &()) -> Result<(), Reason> {
        self.sum += other.sum;
        self.money.merge(&other.money)
    }

    fn evaluate(&self, _window: Window, _: &()) -> Result<[LastRow; 1], Reason> {
        Ok([LastRow { sum: self.sum }])
    }
}

/// A state that owns memory is folded where it lies.
#[derive(Debug, Clone, Default, PartialEq, State)]
struct Heap {
    words: std::collections::BTreeMap<i64, i64>,
}

impl Kpi for Heap {
    const NAME: &'static str = "heap";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "How often each whole number came.";
    type Options = ();
    type Input<'a> = Amount;
    type Rows = [LastRow; 1];

    fn update(&mut self, row: Amount, _: &()) -> Result<(), Reason> {
        *self.words.entry(row.amount as i64).or_default() += 1;
        Ok(())
    }

    fn merge(&mut self, _other: &Self, _: &()) -> Result<(), Reason> {
        Ok(())
    }

    fn evaluate(&self, _window: Window, _: &()) -> Result<[LastRow; 1], Reason> {
        Ok([LastRow { sum: 0.0 }])
    }
}

/// The states after both folds.
fn both<K: for<'a> Kpi<Input<'a> = Amount>>(groups: &[u32], values: &[f64], options: &K::Options) -> [Vec<K>; 2] {
    let columns = [ColumnRef::of(ValuesRef::Float64(values))];
    let views = Amount::open(&columns, groups.len()).unwrap();
    let mut folded: [Vec<K>; 2] = std::array::from_fn(|_| (0..9).map(|_| K::default()).collect());
    fold(&mut folded[0], groups, &views, options).unwrap();
    scattered::fold(&mut folded[1], groups, &views, options).unwrap();
    folded
}

proptest! {
    #[test]
    fn runs_and_scattered_rows_give_the_same_states(runs in prop::collection::vec((0..9_u32, 0..40_usize, -1e9..1e9_f64), 0..30)) {
        let groups: Vec<u32> = runs.iter().flat_map(|run| std::iter::repeat_n(run.0, run.1)).collect();
        let values: Vec<f64> = runs.iter().flat_map(|run| (0..run.1).map(|row| run.2 / (row + 1) as f64)).collect();
        let [in_runs, one_by_one] = both::<Last>(&groups, &values, &());
        prop_assert_eq!(in_runs, one_by_one);
        let [in_runs, one_by_one] = both::<Heap>(&groups, &values, &());
        prop_assert_eq!(in_runs, one_by_one);
    }

    #[test]
    fn borders_are_counted(groups in prop::collection::vec(0..3_u32, 0..200)) {
        let borders = groups.windows(2).filter(|pair| pair[0] != pair[1]).count();
        prop_assert_eq!(few(&groups), !groups.is_empty() && (borders + 1) * ROWS_MIN <= groups.len());
        if let Some(first) = groups.first() {
            prop_assert_eq!(length(&groups, *first), groups.iter().take_while(|group| *group == first).count());
        }
    }
}

#[test]
fn a_run_names_the_row_that_fails() {
    for row in [0, 5, 20, 39] {
        let mut values = [1.0; 40];
        values[row] = -1.0;
        let columns = [ColumnRef::of(ValuesRef::Float64(&values))];
        let views = Amount::open(&columns, 40).unwrap();
        let groups: Vec<u32> = (0..40).map(|row| u32::from(row >= 19)).collect();
        match fold::<Last>(&mut [Last::default(); 2], &groups, &views, &()) {
            Err(Failure::AtRow(at)) => assert_eq!(at.row as usize, row),
            other => panic!("{other:?}"),
        }
    }
}
