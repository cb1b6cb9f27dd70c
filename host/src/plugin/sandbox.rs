//! One instance's store: every call into a plugin goes through here, with its fuel, its deadline and its price.
//!
//! After anything but success the store is dropped, so a poisoned instance cannot be touched again. Knows nothing of columns.

use super::engine::Engine;
use super::fault;
use super::limits::{Guard, Limits};
use std::sync::Arc;
use std::time::Instant;
use wasmtime::Store;
use weir_core::plugin::{Cost, PluginError, PluginErrorKind};

/// A store with its limits and what it has cost.
pub(super) struct Sandbox {
    /// `None` once a call failed.
    store: Option<Store<Guard>>,
    /// Keeps the deadline clock running.
    _engine: Arc<Engine>,
    limits: Limits,
    label: Arc<str>,
    cost: Cost,
}

/// What is being called, for messages and the fuel budget.
#[derive(Clone, Copy)]
pub(super) struct Call {
    /// The export's name as in the WIT, or `start`.
    pub(super) name: &'static str,
    /// The rows or slots that it works on.
    pub(super) rows: usize,
}

impl Sandbox {
    /// An empty store. `label` names the plugin in messages.
    pub(super) fn new(engine: &Arc<Engine>, limits: Limits, label: &Arc<str>) -> Self {
        let mut store = Store::new(engine.wasmtime(), Guard::new(&limits));
        // Fails only where the engine counts no fuel, and ours does.
        let store = limits.install(&mut store).is_ok().then_some(store);
        Self { store, _engine: engine.clone(), limits, label: label.clone(), cost: Cost::default() }
    }

    /// Runs one call with a full budget.
    ///
    /// # Errors
    /// A trap, a limit, or a result that the canonical ABI refuses; then, and for every later call, the instance is gone.
    pub(super) fn call<R>(
        &mut self,
        call: Call,
        run: impl FnOnce(&mut Store<Guard>) -> wasmtime::Result<R>,
    ) -> Result<R, PluginError> {
        let Some(mut store) = self.store.take() else {
            return Err(self.spent());
        };
        let fuel = self.limits.fuel(call.rows);
        let began = Instant::now();
        let result = self.limits.refill(&mut store, call.rows).and_then(|()| run(&mut store));
        self.cost.nanos += u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.cost.fuel += fuel - store.get_fuel().unwrap_or(0).min(fuel);
        self.cost.calls += 1;
        match result {
            Ok(value) => {
                self.store = Some(store);
                Ok(value)
            }
            Err(error) => Err(fault::explain(&error, &self.label, call, &self.limits)),
        }
    }

    /// Counts rows that were passed to `update` or `process`.
    pub(super) fn count_rows(&mut self, rows: usize) {
        self.cost.rows += rows as u64;
    }

    /// Gives the instance up: its state is unknown, or it has broken the contract.
    pub(super) fn poison(&mut self) {
        self.store = None;
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    fn spent(&self) -> PluginError {
        PluginError {
            reason: format!("plugin `{}` failed before; this instance is not called again", self.label),
            row: None,
            kind: PluginErrorKind::Trap,
        }
    }
}
