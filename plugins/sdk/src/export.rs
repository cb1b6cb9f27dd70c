//! From the exports of a component to an instance: unwraps what crossed the boundary, wraps what goes back.
//!
//! Knows both the generated types and the instances; holds no logic of either.

use crate::bindings::exports::weir::plugin::types::{Column, Failure, Setting};
use crate::bindings::exports::weir::plugin::{aggregation, preprocessing};
use crate::column::ColumnRef;
use crate::instance::{KpiInstance, PreprocessorInstance};
use crate::kpi::Kpi;
use crate::output::OutputDescription;
use crate::preprocessor::Preprocessor;
use std::cell::RefCell;
use std::marker::PhantomData;

/// The exports of a KPI component.
pub struct KpiComponent<K>(PhantomData<K>);

/// The exports of a preprocessor component.
pub struct PreprocessorComponent<P>(PhantomData<P>);

fn borrowed(columns: &[Column]) -> Vec<ColumnRef<'_>> {
    columns.iter().map(ColumnRef::from).collect()
}

impl<K: Kpi> aggregation::Guest for KpiComponent<K> {
    type Aggregator = Aggregator<K>;

    fn describe(options: Vec<Setting>) -> Result<aggregation::Description, String> {
        let description = KpiInstance::<K>::describe(&options)?;
        Ok(aggregation::Description {
            name: description.name,
            version: description.version,
            summary: description.summary,
            inputs: description.inputs,
            outputs: description.outputs.into_iter().map(aggregation::Output::from).collect(),
            state_version: description.state_version,
            state: description.state,
        })
    }
}

/// The resource of a KPI component. Calls come one at a time, so the cell is never found borrowed.
pub struct Aggregator<K: Kpi>(RefCell<KpiInstance<K>>);

impl<K: Kpi> aggregation::GuestAggregator for Aggregator<K> {
    fn create(options: Vec<Setting>) -> Result<aggregation::Aggregator, String> {
        Ok(aggregation::Aggregator::new(Self(RefCell::new(KpiInstance::new(&options)?))))
    }

    fn update(&self, groups: Vec<u32>, columns: Vec<Column>) -> Result<(), Failure> {
        self.0.borrow_mut().update(&groups, &borrowed(&columns))
    }

    fn merge(&self, groups: Vec<u32>, state: Vec<Column>) -> Result<(), Failure> {
        self.0.borrow_mut().merge(&groups, &borrowed(&state))
    }

    fn state(&self, groups: Vec<u32>) -> Result<Vec<Column>, Failure> {
        self.0.borrow_mut().state(&groups)
    }

    fn evaluate(&self, groups: Vec<u32>, starts: Vec<i64>, ends: Vec<i64>) -> Result<aggregation::Rows, Failure> {
        let rows = self.0.borrow_mut().evaluate(&groups, &starts, &ends)?;
        Ok(aggregation::Rows { places: rows.places, columns: rows.columns })
    }

    fn clear(&self, groups: Vec<u32>) {
        self.0.borrow_mut().clear(&groups);
    }
}

impl<P: Preprocessor> preprocessing::Guest for PreprocessorComponent<P> {
    type Preprocessor = Processor<P>;

    fn describe(options: Vec<Setting>) -> Result<preprocessing::Description, String> {
        let description = PreprocessorInstance::<P>::describe(&options)?;
        Ok(preprocessing::Description {
            name: description.name,
            version: description.version,
            summary: description.summary,
            inputs: description.inputs,
            outputs: description.outputs.into_iter().map(preprocessing::Output::from).collect(),
        })
    }
}

/// The resource of a preprocessor component.
pub struct Processor<P: Preprocessor>(PreprocessorInstance<P>);

impl<P: Preprocessor> preprocessing::GuestPreprocessor for Processor<P> {
    fn create(options: Vec<Setting>) -> Result<preprocessing::Preprocessor, String> {
        Ok(preprocessing::Preprocessor::new(Self(PreprocessorInstance::new(&options)?)))
    }

    fn process(&self, rows: u32, columns: Vec<Column>) -> Result<preprocessing::Outcome, Failure> {
        let outcome = self.0.process(rows, &borrowed(&columns))?;
        let rejects =
            outcome.rejects.into_iter().map(|(row, reason)| preprocessing::Reject { row, reason: reason.to_string() });
        Ok(preprocessing::Outcome { columns: outcome.columns, keep: outcome.keep, rejects: rejects.collect() })
    }
}

impl From<OutputDescription> for aggregation::Output {
    fn from(output: OutputDescription) -> Self {
        Self {
            name: output.name,
            type_: output.column_type,
            nullable: output.nullable,
            unit: output.unit,
            description: output.description,
            additive: output.additive,
        }
    }
}

/// Units and additivity are for KPIs: they stay behind.
impl From<OutputDescription> for preprocessing::Output {
    fn from(output: OutputDescription) -> Self {
        Self {
            name: output.name,
            type_: output.column_type,
            nullable: output.nullable,
            description: output.description,
        }
    }
}

/// Makes the crate a KPI component: `weir_plugin::export_kpi!(Sales);`, once a crate.
///
/// Nothing is exported natively, so that tests and benchmarks can link several plugins.
#[macro_export]
macro_rules! export_kpi {
    ($kpi:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[doc(hidden)]
        mod __weir_export {
            use super::*;
            type Component = $crate::export::KpiComponent<$kpi>;
            $crate::component_type!("kpi");
            $crate::bindings::exports::weir::plugin::aggregation::__export_weir_plugin_aggregation_0_1_0_cabi!(
                Component with_types_in $crate::bindings::exports::weir::plugin::aggregation
            );
        }
    };
}

/// Makes the crate a preprocessor component: `weir_plugin::export_preprocessor!(OrderTotals);`, once a crate.
///
/// Nothing is exported natively, so that tests and benchmarks can link several plugins.
#[macro_export]
macro_rules! export_preprocessor {
    ($preprocessor:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[doc(hidden)]
        mod __weir_export {
            use super::*;
            type Component = $crate::export::PreprocessorComponent<$preprocessor>;
            $crate::component_type!("preprocessor");
            $crate::bindings::exports::weir::plugin::preprocessing::__export_weir_plugin_preprocessing_0_1_0_cabi!(
                Component with_types_in $crate::bindings::exports::weir::plugin::preprocessing
            );
        }
    };
}
