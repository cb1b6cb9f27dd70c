//! The core's `Kpi` over a component of world `kpi`.

use super::bindings::{KpiPre, KpiWorld, aggregation};
use super::{LentSettings, describe, failed, lend, malformed, take, types};
use crate::plugin::UseError;
use crate::plugin::limits::Guard;
use crate::plugin::sandbox::{Call, Sandbox};
use crate::plugin::setting::{Settings, tame};
use arrow_array::{Array, ArrayRef};
use wasmtime::Store;
use wasmtime::component::{InstancePre, ResourceAny};
use weir_core::plugin::{Cost, Kpi, KpiDescription, KpiRows, PluginError};

/// A compiled and linked component of world `kpi`; instances come from it.
pub(in crate::plugin) struct KpiComponent(KpiPre<Guard>);

impl KpiComponent {
    /// # Errors
    /// If its exports do not have the contract's types, in words.
    pub(in crate::plugin) fn new(pre: InstancePre<Guard>) -> Result<Self, String> {
        KpiPre::new(pre).map(Self).map_err(|error| format!("{error:#}"))
    }

    /// What the plugin is and needs with these options.
    pub(in crate::plugin) fn describe(
        &self,
        mut sandbox: Sandbox,
        options: &Settings,
    ) -> Result<KpiDescription, UseError> {
        let world = self.start(&mut sandbox)?;
        describe(&mut sandbox, &world, options)
    }

    /// An instance with these options.
    pub(in crate::plugin) fn instance(&self, mut sandbox: Sandbox, options: &Settings) -> Result<WasmKpi, UseError> {
        let world = self.start(&mut sandbox)?;
        let description = describe(&mut sandbox, &world, options)?;
        let lent = LentSettings::new(options);
        let guest = world.weir_plugin_aggregation().aggregator();
        let call = Call { name: "create", rows: 0 };
        let aggregator = sandbox
            .call(call, |store| guest.call_create(store, &lent.params()))?
            .map_err(|words| UseError::Options { label: sandbox.label().to_owned(), words: tame(&words) })?;
        Ok(WasmKpi { sandbox, world, aggregator, description })
    }

    fn start(&self, sandbox: &mut Sandbox) -> Result<KpiWorld, PluginError> {
        sandbox.call(Call { name: "start", rows: 0 }, |store| self.0.instantiate(store))
    }
}

fn describe(sandbox: &mut Sandbox, world: &KpiWorld, options: &Settings) -> Result<KpiDescription, UseError> {
    let lent = LentSettings::new(options);
    let guest = world.weir_plugin_aggregation();
    let given = sandbox
        .call(Call { name: "describe", rows: 0 }, |store| guest.call_describe(store, &lent.params()))?
        .map_err(|words| UseError::Options { label: sandbox.label().to_owned(), words: tame(&words) })?;
    describe::kpi(given).map_err(|what| malformed(sandbox.label(), "describe", &what).into())
}

/// An instance of a KPI plugin.
pub(in crate::plugin) struct WasmKpi {
    sandbox: Sandbox,
    world: KpiWorld,
    aggregator: ResourceAny,
    description: KpiDescription,
}

type Answer<R> = wasmtime::Result<Result<R, types::Failure>>;

impl WasmKpi {
    /// One call; a failure, too, ends the instance, because its state is then unknown.
    fn call<R>(
        &mut self,
        call: Call,
        run: impl FnOnce(aggregation::GuestAggregator<'_>, &mut Store<Guard>, ResourceAny) -> Answer<R>,
    ) -> Result<R, PluginError> {
        let guest = self.world.weir_plugin_aggregation().aggregator();
        let aggregator = self.aggregator;
        self.sandbox.call(call, |store| run(guest, store, aggregator))?.map_err(|failure| {
            self.sandbox.poison();
            failed(self.sandbox.label(), failure)
        })
    }

    fn check<R>(&mut self, call: &'static str, checked: Result<R, String>) -> Result<R, PluginError> {
        checked.map_err(|what| {
            self.sandbox.poison();
            malformed(self.sandbox.label(), call, &what)
        })
    }
}

impl Kpi for WasmKpi {
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<(), PluginError> {
        let lent = self.check("update", lend::lend(columns, groups.len()))?;
        self.sandbox.count_rows(groups.len());
        let call = Call { name: "update", rows: groups.len() };
        self.call(call, |guest, store, aggregator| guest.call_update(store, aggregator, groups, &lend::params(&lent)))
    }

    fn merge(&mut self, groups: &[u32], state: &[ArrayRef]) -> Result<(), PluginError> {
        let lent = self.check("merge", lend::lend(state, groups.len()))?;
        let call = Call { name: "merge", rows: groups.len() };
        self.call(call, |guest, store, aggregator| guest.call_merge(store, aggregator, groups, &lend::params(&lent)))
    }

    fn state(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        let call = Call { name: "state", rows: groups.len() };
        let given = self.call(call, |guest, store, aggregator| guest.call_state(store, aggregator, groups))?;
        let declared = self.description.state.iter().copied();
        let state = take::columns(given, declared, groups.len(), |place| place.to_string());
        self.check("state", state)
    }

    fn evaluate(&mut self, groups: &[u32], starts: &[i64], ends: &[i64]) -> Result<KpiRows, PluginError> {
        let call = Call { name: "evaluate", rows: groups.len() };
        let given =
            self.call(call, |guest, store, aggregator| guest.call_evaluate(store, aggregator, groups, starts, ends))?;
        let rows = rows(given, &self.description, groups.len());
        self.check("evaluate", rows)
    }

    fn clear(&mut self, groups: &[u32]) -> Result<(), PluginError> {
        let call = Call { name: "clear", rows: groups.len() };
        self.call(call, |guest, store, aggregator| guest.call_clear(store, aggregator, groups).map(Ok))
    }

    fn cost(&self) -> Cost {
        self.sandbox.cost()
    }
}

/// Floats may be NaN or infinite here: a ratio of nothing is one, and sinks write it as null.
fn rows(given: aggregation::Rows, description: &KpiDescription, slots: usize) -> Result<KpiRows, String> {
    let places = given.places;
    if let Some(fall) = places.windows(2).position(|pair| pair[0] > pair[1]) {
        return Err(format!("places fall, from {} to {} at row {fall}", places[fall], places[fall + 1]));
    }
    if let Some(last) = places.last().filter(|last| **last as usize >= slots) {
        return Err(format!("place {last} is beyond the {slots} slots that were asked for"));
    }
    let outputs = &description.outputs;
    let declared = outputs.iter().map(|output| output.field.column_type);
    let columns = take::columns(given.columns, declared, places.len(), |place| outputs[place].field.path.clone())?;
    for (output, column) in description.outputs.iter().zip(&columns) {
        if !output.field.nullable && column.null_count() > 0 {
            return Err(format!("column `{}` holds a null, but is declared without", output.field.path));
        }
    }
    Ok(KpiRows { places, columns })
}
