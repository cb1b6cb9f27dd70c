//! The least KPI that does something: the sum of one float, for the benchmark of the boundary.
//!
//! The sum is a plain one, which depends on the order of addition; a KPI for people uses `ExactSum`.

use weir_plugin::prelude::*;

/// What one row brings.
#[derive(Inputs)]
pub struct Row {
    amount: f64,
}

/// The sum so far.
#[derive(Debug, Clone, Default, State)]
pub struct F64Sum {
    sum: f64,
}

/// The row of a window.
#[derive(Debug, Outputs)]
pub struct SumRow {
    /// Sum of the amounts.
    #[output(additive)]
    sum: f64,
}

impl Kpi for F64Sum {
    const NAME: &'static str = "f64-sum";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "The sum of one float.";

    type Options = ();
    type Input<'a> = Row;
    type Rows = [SumRow; 1];

    fn update(&mut self, row: Row, _: &()) -> Result<(), Reason> {
        self.sum += row.amount;
        Ok(())
    }

    fn merge(&mut self, other: &Self, _: &()) -> Result<(), Reason> {
        self.sum += other.sum;
        Ok(())
    }

    fn evaluate(&self, _window: Window, _: &()) -> Result<[SumRow; 1], Reason> {
        Ok([SumRow { sum: self.sum }])
    }
}

weir_plugin::export_kpi!(F64Sum);
