//! The same plugins linked natively: the SDK's own loops over Arrow's buffers, borrowed on the way in and taken over on the way out,
//! as a host would use them that trusts its plugins. Nothing is checked that the sandbox's way checks.

use super::job::Plugins;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal64Array, Float64Array, Int64Array, ListArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::Field as ArrowField;
use order_totals::OrderTotals;
use sales::Sales;
use std::sync::Arc;
use weir_core::plugin::{
    Cost, Kpi, KpiDescription, KpiRows, Outcome, Output, PluginError, PluginErrorKind, Preprocess,
};
use weir_core::types::{ColumnType, Field, ScalarType};
use weir_plugin::native::{ColumnRef, KpiInstance, PreprocessorInstance, ValuesRef};
use weir_plugin::types::{self, Column, Failure, Values};

/// Linked plugins.
pub struct Native;

impl Plugins for Native {
    fn order_totals(&self) -> Box<dyn Preprocess> {
        Box::new(NativePreprocessor(PreprocessorInstance::new(&[]).expect("an instance")))
    }

    fn sales(&self) -> Box<dyn Kpi> {
        Box::new(NativeKpi(KpiInstance::new(&[]).expect("an instance")))
    }

    fn sales_description(&self) -> KpiDescription {
        let given = KpiInstance::<Sales>::describe(&[]).expect("a description");
        let output = |output: &weir_plugin::OutputDescription| Output {
            field: Field {
                path: output.name.clone(),
                column_type: ColumnType::Scalar(scalar(&output.column_type)),
                nullable: output.nullable,
            },
            unit: output.unit.clone(),
            description: output.description.clone(),
            additive: output.additive,
        };
        KpiDescription {
            outputs: given.outputs.iter().map(output).collect(),
            name: given.name,
            version: given.version,
            summary: given.summary,
            // Nobody asks a native plugin for what the loop knows by heart.
            inputs: Vec::new(),
            state_version: given.state_version,
            state: Vec::new(),
        }
    }
}

struct NativeKpi(KpiInstance<Sales>);

struct NativePreprocessor(PreprocessorInstance<OrderTotals>);

impl Kpi for NativeKpi {
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError> {
        self.0.update(groups, &lend(columns)).map_err(failed)
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) -> Result<(), PluginError> {
        self.0.merge(groups, &lend(state)).map_err(failed)
    }

    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        Ok(self.0.state(groups).map_err(failed)?.into_iter().map(|column| take(column, groups.len())).collect())
    }

    fn evaluate(&mut self, groups: &[u32], starts: &[i64], ends: &[i64]) -> Result<KpiRows, PluginError> {
        let rows = self.0.evaluate(groups, starts, ends).map_err(failed)?;
        let columns = rows.columns.into_iter().map(|column| take(column, rows.places.len())).collect();
        Ok(KpiRows { places: rows.places, columns })
    }

    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError> {
        self.0.clear(groups);
        Ok(())
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }
}

impl Preprocess for NativePreprocessor {
    fn process(&mut self, rows: usize, columns: &[ArrayRef]) -> Result<Outcome, PluginError> {
        let outcome = self.0.process(rows as u32, &lend(columns)).map_err(failed)?;
        Ok(Outcome {
            columns: outcome.columns.into_iter().map(|column| take(column, rows)).collect(),
            keep: outcome.keep.map(|keep| BooleanArray::new(bits(keep, rows), None)),
            rejects: outcome.rejects.into_iter().map(|(row, reason)| (row, reason.to_string())).collect(),
        })
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }
}

fn failed(failure: Failure) -> PluginError {
    PluginError { reason: format!("{failure:?}"), row: None, kind: PluginErrorKind::Failure }
}

fn scalar(given: &types::ColumnType) -> ScalarType {
    match given {
        types::ColumnType::Scalar(types::ScalarType::Boolean) => ScalarType::Boolean,
        types::ColumnType::Scalar(types::ScalarType::Int64) => ScalarType::Int64,
        types::ColumnType::Scalar(types::ScalarType::Float64) => ScalarType::Float64,
        types::ColumnType::Scalar(types::ScalarType::Decimal(scale)) => ScalarType::Decimal(*scale),
        types::ColumnType::Scalar(types::ScalarType::Timestamp) => ScalarType::Timestamp,
        types::ColumnType::Scalar(types::ScalarType::Text) => ScalarType::Text,
        types::ColumnType::ListOf(_) => panic!("no output of `sales` is a list"),
    }
}

/// Arrow columns as the SDK's, borrowed. Columns here are never slices of others, which keeps this short.
fn lend(columns: &[ArrayRef]) -> Vec<ColumnRef<'_>> {
    columns.iter().map(|column| column_ref(column.as_ref())).collect()
}

fn column_ref(column: &dyn Array) -> ColumnRef<'_> {
    let Some(lists) = column.as_list_opt::<i32>() else {
        return ColumnRef { validity: validity(column), ..ColumnRef::of(values(column)) };
    };
    ColumnRef {
        lists: Some(unsigned(lists.offsets())),
        values: values(lists.values().as_ref()),
        validity: validity(column),
        element_validity: validity(lists.values().as_ref()),
    }
}

fn values(array: &dyn Array) -> ValuesRef<'_> {
    match ScalarType::of_arrow(array.data_type()).expect("one of ours") {
        ScalarType::Boolean => ValuesRef::Boolean(whole(array.as_boolean().values())),
        ScalarType::Int64 => ValuesRef::Int64(array.as_primitive::<Int64Type>().values()),
        ScalarType::Float64 => ValuesRef::Float64(array.as_primitive::<Float64Type>().values()),
        ScalarType::Decimal(scale) => ValuesRef::Decimal {
            scale: scale.expect("a real column has a scale"),
            mantissas: array.as_primitive::<Decimal64Type>().values(),
        },
        ScalarType::Timestamp => ValuesRef::Timestamp(array.as_primitive::<TimestampMicrosecondType>().values()),
        ScalarType::Text => {
            let texts = array.as_string::<i32>();
            ValuesRef::Text { offsets: unsigned(texts.offsets()), bytes: texts.value_data() }
        }
    }
}

/// Arrow's offsets are rising and not negative, so their bits are those of `u32`.
fn unsigned(offsets: &OffsetBuffer<i32>) -> &[u32] {
    offsets.inner().inner().typed_data::<u32>()
}

fn validity(array: &dyn Array) -> Option<&[u8]> {
    array.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| whole(nulls.inner()))
}

fn whole(bits: &BooleanBuffer) -> &[u8] {
    assert_eq!(bits.offset(), 0, "a bitmap that begins in the middle");
    &bits.values()[..bits.len().div_ceil(8)]
}

/// A column of the SDK's, taken over.
fn take(column: Column, rows: usize) -> ArrayRef {
    let nulls = column.validity.map(|validity| NullBuffer::new(bits(validity, rows)));
    let Some(lists) = column.lists else { return array(column.values, rows, nulls) };
    let offsets = OffsetBuffer::new(lists.into_iter().map(|offset| offset as i32).collect());
    let elements = offsets.last() as usize;
    let element_nulls = column.element_validity.map(|validity| NullBuffer::new(bits(validity, elements)));
    let items = array(column.values, elements, element_nulls);
    let field = ArrowField::new("item", items.data_type().clone(), true);
    Arc::new(ListArray::new(Arc::new(field), offsets, items, nulls))
}

fn array(values: Values, count: usize, nulls: Option<NullBuffer>) -> ArrayRef {
    match values {
        Values::Boolean(bytes) => Arc::new(BooleanArray::new(bits(bytes, count), nulls)),
        Values::Int64(values) => Arc::new(Int64Array::new(values.into(), nulls)),
        Values::Float64(values) => Arc::new(Float64Array::new(values.into(), nulls)),
        Values::Timestamp(values) => Arc::new(TimestampMicrosecondArray::new(values.into(), nulls)),
        Values::Decimal(decimals) => {
            let array = Decimal64Array::new(decimals.mantissas.into(), nulls);
            Arc::new(array.with_data_type(ScalarType::Decimal(Some(decimals.scale)).arrow()))
        }
        Values::Text(texts) => {
            let offsets: ScalarBuffer<i32> = texts.offsets.into_iter().map(|offset| offset as i32).collect();
            Arc::new(StringArray::new(OffsetBuffer::new(offsets), Buffer::from_vec(texts.bytes), nulls))
        }
    }
}

fn bits(bytes: Vec<u8>, count: usize) -> BooleanBuffer {
    BooleanBuffer::new(Buffer::from_vec(bytes), 0, count)
}
