//! Property tests for KPI authors: one line in a test tries what the host relies on, on hundreds of random cases.
//!
//! ```
//! # use weir_plugin::prelude::*;
//! # #[derive(Inputs)] pub struct Row { amount: i64 }
//! # #[derive(Default, State)] pub struct Largest { amount: Option<i64> }
//! # #[derive(Outputs)] pub struct LargestRow {
//! #     /// The largest amount.
//! #     amount: i64,
//! # }
//! # impl Kpi for Largest {
//! #     const NAME: &'static str = "largest";
//! #     const VERSION: &'static str = "0.1.0";
//! #     const SUMMARY: &'static str = "The largest amount.";
//! #     type Options = ();
//! #     type Input<'a> = Row;
//! #     type Rows = Option<LargestRow>;
//! #     fn update(&mut self, row: Row, _: &()) -> Result<(), Reason> {
//! #         self.amount = self.amount.max(Some(row.amount));
//! #         Ok(())
//! #     }
//! #     fn merge(&mut self, other: &Self, _: &()) -> Result<(), Reason> {
//! #         self.amount = self.amount.max(other.amount);
//! #         Ok(())
//! #     }
//! #     fn evaluate(&self, _: Window, _: &()) -> Result<Option<LargestRow>, Reason> {
//! #         Ok(self.amount.map(|amount| LargestRow { amount }))
//! #     }
//! # }
//! // in #[test] fn merges()
//! weir_plugin::testing::check_kpi::<Largest>();
//! ```

mod cells;
mod laws;

pub use cells::Cell;

use crate::bindings::exports::weir::plugin::types::Setting;
use crate::column::Inputs;
use crate::kpi::Kpi;
use laws::Case;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::marker::PhantomData;

/// Rows of one case at most.
const ROWS_MAX: usize = 48;

/// Checks a KPI without options on random rows of its inputs' types; panics with the smallest case that breaks a law.
///
/// The laws: any order of the rows, any split into batches and any order of merging gives the same bytes of result; the empty
/// state changes nothing; a state that travelled as columns is the same state; `evaluate` leaves the state alone; a cleared slot
/// is as new.
///
/// # Panics
/// Where a law is broken, or where hardly any random row can be folded (then narrow the inputs with `Check`).
pub fn check_kpi<K: Kpi>() {
    Check::<K>::new().run();
}

/// The same, with options, or with inputs of the author's choice.
pub struct Check<K> {
    options: Vec<Setting>,
    inputs: Vec<(String, BoxedStrategy<Cell>)>,
    kpi: PhantomData<K>,
}

impl<K: Kpi> Default for Check<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kpi> Check<K> {
    /// Random rows of the inputs' types: numbers from small to 2^40, nulls where they are taken.
    pub fn new() -> Self {
        let inputs = K::Input::describe();
        let inputs = inputs.into_iter().map(|input| (cells::any(&input), input.path));
        Self { options: Vec::new(), inputs: inputs.map(|(cell, path)| (path, cell)).collect(), kpi: PhantomData }
    }

    /// With these options.
    pub fn options(mut self, options: Vec<Setting>) -> Self {
        self.options = options;
        self
    }

    /// With these values in the column of `path`.
    ///
    /// # Panics
    /// Where the KPI has no such input.
    pub fn input(mut self, path: &str, values: impl Strategy<Value = Cell> + 'static) -> Self {
        let Some(input) = self.inputs.iter_mut().find(|(name, _)| name == path) else {
            panic!("the KPI has no input `{path}`");
        };
        input.1 = values.boxed();
        self
    }

    /// Tries as many cases as proptest is set to, 256 if nothing else is said.
    ///
    /// # Panics
    /// As `check_kpi`.
    pub fn run(self) {
        let cells = self.inputs.iter().map(|(_, cell)| cell.clone()).collect::<Vec<_>>();
        let rows = vec((cells, 0..laws::GROUPS, 0..laws::PARTS, any::<u16>()), 0..ROWS_MAX);
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&rows, |rows| {
            Case::<K>::new(&self.options, rows).map_err(TestCaseError::reject)?.check().map_err(TestCaseError::fail)
        });
        if let Err(error) = outcome {
            panic!("the KPI `{}` breaks a law: {error}", K::NAME);
        }
    }
}

#[cfg(test)]
mod tests;
