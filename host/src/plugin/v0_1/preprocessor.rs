//! The core's `Preprocess` over a component of world `preprocessor`.

use super::bindings::{PreprocessorPre, PreprocessorWorld, preprocessing};
use super::{LentSettings, describe, failed, lend, malformed, take};
use crate::plugin::UseError;
use crate::plugin::limits::Guard;
use crate::plugin::sandbox::{Call, Sandbox};
use crate::plugin::setting::{Settings, tame};
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use wasmtime::component::{InstancePre, ResourceAny};
use weir_core::plugin::{Cost, Outcome, PluginError, Preprocess, PreprocessorDescription};
use weir_core::types::Field;

/// A compiled and linked component of world `preprocessor`; instances come from it.
pub(in crate::plugin) struct PreprocessorComponent(PreprocessorPre<Guard>);

impl PreprocessorComponent {
    /// # Errors
    /// If its exports do not have the contract's types, in words.
    pub(in crate::plugin) fn new(pre: InstancePre<Guard>) -> Result<Self, String> {
        PreprocessorPre::new(pre).map(Self).map_err(|error| format!("{error:#}"))
    }

    /// What the plugin is and needs with these options.
    pub(in crate::plugin) fn describe(
        &self,
        mut sandbox: Sandbox,
        options: &Settings,
    ) -> Result<PreprocessorDescription, UseError> {
        let world = self.start(&mut sandbox)?;
        describe(&mut sandbox, &world, options)
    }

    /// An instance with these options.
    pub(in crate::plugin) fn instance(
        &self,
        mut sandbox: Sandbox,
        options: &Settings,
    ) -> Result<WasmPreprocessor, UseError> {
        let world = self.start(&mut sandbox)?;
        let description = describe(&mut sandbox, &world, options)?;
        let lent = LentSettings::new(options);
        let guest = world.weir_plugin_preprocessing().preprocessor();
        let preprocessor = sandbox
            .call(Call { name: "create", rows: 0 }, |store| guest.call_create(store, &lent.params()))?
            .map_err(|words| UseError::Options { label: sandbox.label().to_owned(), words: tame(&words) })?;
        Ok(WasmPreprocessor { sandbox, world, preprocessor, description })
    }

    fn start(&self, sandbox: &mut Sandbox) -> Result<PreprocessorWorld, PluginError> {
        sandbox.call(Call { name: "start", rows: 0 }, |store| self.0.instantiate(store))
    }
}

fn describe(
    sandbox: &mut Sandbox,
    world: &PreprocessorWorld,
    options: &Settings,
) -> Result<PreprocessorDescription, UseError> {
    let lent = LentSettings::new(options);
    let guest = world.weir_plugin_preprocessing();
    let given = sandbox
        .call(Call { name: "describe", rows: 0 }, |store| guest.call_describe(store, &lent.params()))?
        .map_err(|words| UseError::Options { label: sandbox.label().to_owned(), words: tame(&words) })?;
    describe::preprocessor(given).map_err(|what| malformed(sandbox.label(), "describe", &what).into())
}

/// An instance of a preprocessing plugin.
pub(in crate::plugin) struct WasmPreprocessor {
    sandbox: Sandbox,
    world: PreprocessorWorld,
    preprocessor: ResourceAny,
    description: PreprocessorDescription,
}

impl WasmPreprocessor {
    fn call(&mut self, rows: usize, columns: &[ArrayRef]) -> Result<preprocessing::Outcome, PluginError> {
        let lent = lend::lend(columns, rows).map_err(|what| malformed(self.sandbox.label(), "process", &what))?;
        let count = u32::try_from(rows).map_err(|_| {
            malformed(self.sandbox.label(), "process", &format!("Weir gave {rows} rows, more than a batch can have"))
        })?;
        self.sandbox.count_rows(rows);
        let guest = self.world.weir_plugin_preprocessing().preprocessor();
        let preprocessor = self.preprocessor;
        let call = Call { name: "process", rows };
        self.sandbox
            .call(call, |store| guest.call_process(store, preprocessor, count, &lend::params(&lent)))?
            .map_err(|failure| failed(self.sandbox.label(), failure))
    }
}

impl Preprocess for WasmPreprocessor {
    fn process(&mut self, rows: usize, columns: &[ArrayRef]) -> Result<Outcome, PluginError> {
        self.call(rows, columns)
            .and_then(|given| {
                outcome(given, &self.description, rows)
                    .map_err(|what| malformed(self.sandbox.label(), "process", &what))
            })
            .inspect_err(|_| self.sandbox.poison())
    }

    fn cost(&self) -> Cost {
        self.sandbox.cost()
    }
}

fn outcome(
    given: preprocessing::Outcome,
    description: &PreprocessorDescription,
    rows: usize,
) -> Result<Outcome, String> {
    let outputs = &description.outputs;
    let declared = outputs.iter().map(|output| output.field.column_type);
    let columns = take::columns(given.columns, declared, rows, |place| outputs[place].field.path.clone())?;
    let keep =
        given.keep.map(|bytes| take::bitmap(bytes, rows)).transpose().map_err(|what| format!("`keep` {what}"))?;
    let rejects = rejects(given.rejects, rows)?;
    let kept = kept(keep.as_ref(), &rejects, rows);
    for (output, column) in description.outputs.iter().zip(&columns) {
        check_values(&output.field, column.as_ref(), kept.as_ref())?;
    }
    Ok(Outcome { columns, keep: keep.map(|keep| BooleanArray::new(keep, None)), rejects })
}

fn rejects(given: Vec<preprocessing::Reject>, rows: usize) -> Result<Vec<(u32, String)>, String> {
    if let Some(fall) = given.windows(2).find(|pair| pair[0].row >= pair[1].row) {
        return Err(format!("rejects do not rise: row {} comes before row {}", fall[0].row, fall[1].row));
    }
    if let Some(last) = given.last().filter(|last| last.row as usize >= rows) {
        return Err(format!("row {} is rejected, but there are {rows} rows", last.row));
    }
    Ok(given.into_iter().map(|reject| (reject.row, tame(&reject.reason))).collect())
}

/// The rows that go on; `None`: all.
fn kept(keep: Option<&BooleanBuffer>, rejects: &[(u32, String)], rows: usize) -> Option<BooleanBuffer> {
    if rejects.is_empty() {
        return keep.cloned();
    }
    let mut kept = BooleanBufferBuilder::new(rows);
    match keep {
        Some(keep) => kept.append_buffer(keep),
        None => kept.append_n(rows, true),
    }
    rejects.iter().for_each(|(row, _)| kept.set_bit(*row as usize, false));
    Some(kept.finish())
}

/// In rows that go on: no null where none is declared, and only finite floats, because KPIs are promised so.
fn check_values(field: &Field, column: &dyn Array, kept: Option<&BooleanBuffer>) -> Result<(), String> {
    let goes_on = |row: usize| kept.is_none_or(|kept| kept.value(row));
    if !field.nullable
        && column.null_count() > 0
        && let Some(row) = (0..column.len()).find(|row| column.is_null(*row) && goes_on(*row))
    {
        return Err(format!("column `{}` is null in row {row}, but is declared without nulls", field.path));
    }
    match odd_float(column, &goes_on) {
        Some(row) => {
            Err(format!("column `{}` holds NaN or an infinity in row {row}; reject the row or give null", field.path))
        }
        None => Ok(()),
    }
}

fn odd_float(column: &dyn Array, goes_on: &dyn Fn(usize) -> bool) -> Option<usize> {
    if let Some(lists) = column.as_list_opt::<i32>() {
        let row_is_odd = |row: &usize| {
            !lists.is_null(*row) && goes_on(*row) && odd_float(lists.value(*row).as_ref(), &|_| true).is_some()
        };
        return lists.values().as_primitive_opt::<Float64Type>().and_then(|_| (0..lists.len()).find(row_is_odd));
    }
    let floats = column.as_primitive_opt::<Float64Type>()?;
    // One pass without branches first: nearly always there is nothing to find.
    if floats.values().iter().all(|value| value.is_finite()) {
        return None;
    }
    (0..floats.len()).find(|row| !floats.value(*row).is_finite() && floats.is_valid(*row) && goes_on(*row))
}
