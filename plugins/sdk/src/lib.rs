//! Write Weir KPIs and preprocessors in Rust: the story of one row, and the SDK makes the column loops and the component.
//!
//! A KPI is a struct that holds the state of one group in one window:
//!
//! ```
//! use weir_plugin::prelude::*;
//!
//! /// What one row brings; a field's name is the column's path.
//! #[derive(Inputs)]
//! struct Visit {
//!     #[input(path = "page.seconds")]
//!     seconds: f64,
//! }
//!
//! #[derive(Default, State)]
//! struct Dwell {
//!     visits: u64,
//!     seconds: ExactSum,
//! }
//!
//! #[derive(Outputs)]
//! struct DwellRow {
//!     /// Mean time on a page.
//!     #[output(unit = "s")]
//!     mean_seconds: f64,
//! }
//!
//! impl Kpi for Dwell {
//!     const NAME: &'static str = "dwell";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!     const SUMMARY: &'static str = "How long visitors stay on a page.";
//!     type Options = ();
//!     type Input<'a> = Visit;
//!     type Rows = Option<DwellRow>;
//!
//!     fn update(&mut self, visit: Visit, _: &()) -> Result<(), Reason> {
//!         self.visits += 1;
//!         self.seconds.add(visit.seconds)
//!     }
//!
//!     fn merge(&mut self, other: &Self, _: &()) -> Result<(), Reason> {
//!         self.visits += other.visits;
//!         self.seconds.merge(&other.seconds);
//!         Ok(())
//!     }
//!
//!     fn evaluate(&self, _window: Window, _: &()) -> Result<Option<DwellRow>, Reason> {
//!         if self.visits == 0 {
//!             return Ok(None);
//!         }
//!         Ok(Some(DwellRow { mean_seconds: self.seconds.to_f64()? / self.visits as f64 }))
//!     }
//! }
//!
//! weir_plugin::export_kpi!(Dwell);
//! ```
//!
//! The crate is a `cdylib` for `wasm32-unknown-unknown` (and an `rlib`, so that it can be tested and linked natively); it imports
//! nothing. `testing::check_kpi` (feature `testing`) tries the algebra that the host relies on; `native` drives the same loops
//! without WebAssembly. The contract below all this is `wit/v0.1`.

extern crate self as weir_plugin;

#[doc(hidden)]
pub mod bindings;
pub mod column;
#[doc(hidden)]
pub mod export;
mod instance;
mod kpi;
pub mod number;
pub mod options;
mod output;
mod preprocessor;
mod reason;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;

pub use kpi::{Kpi, Window};
pub use output::{OutputDescription, Outputs};
pub use preprocessor::{Preprocessor, Verdict};
pub use reason::Reason;

/// The contract's types of columns, descriptions and failures, as wit-bindgen makes them.
pub use bindings::exports::weir::plugin::types;

/// Plugins without WebAssembly: the loops of a component over borrowed columns, for tests and benchmarks.
pub mod native {
    pub use crate::column::{ColumnRef, ValuesRef};
    pub use crate::instance::{
        KpiDescription, KpiInstance, KpiRows, Outcome, PreprocessorDescription, PreprocessorInstance,
    };
}

/// What an author needs: `use weir_plugin::prelude::*;`.
pub mod prelude {
    pub use crate::column::{Inputs, List};
    pub use crate::kpi::{Kpi, Window};
    pub use crate::number::{Decimal, DecimalSum, ExactSum, Timestamp, ratio_to_f64};
    pub use crate::options::Options;
    pub use crate::output::Outputs;
    pub use crate::preprocessor::{Preprocessor, Verdict};
    pub use crate::reason::Reason;
    pub use crate::state::StateVia;
    pub use weir_plugin_macros::{Inputs, Options, Outputs, State};
}

#[doc(hidden)]
pub use weir_plugin_macros::component_type;
#[doc(hidden)]
pub use wit_bindgen::rt;

/// What the derives write: not for use by hand.
#[doc(hidden)]
pub mod derived {
    pub use crate::bindings::exports::weir::plugin::types::{Column, ColumnType, Failure, Input};
    pub use crate::column::{ColumnRef, FromColumn, Inputs, OutputValue, column_count};
    pub use crate::options::{FromSetting, Options, Settings};
    pub use crate::output::{OutputDescription, Outputs};
    pub use crate::reason::Reason;
    pub use crate::state::StateColumns;
}
