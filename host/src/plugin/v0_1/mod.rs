//! The contract `weir:plugin@0.1.0` over wasm: bindings, columns in both directions, and the core's two traits.
//!
//! A later version of the contract gets a folder of its own beside this one.

mod bindings;
mod describe;
mod kpi;
mod lend;
mod preprocessor;
mod take;

pub(super) use kpi::KpiComponent;
pub(super) use preprocessor::PreprocessorComponent;

use super::setting::{Setting, Settings, tame};
use bindings::types;
use weir_core::plugin::{PluginError, PluginErrorKind};

/// Options lent to a call; texts inside a list need a place for their borrowed forms.
struct LentSettings<'a> {
    settings: &'a Settings,
    texts: Vec<Vec<&'a str>>,
}

impl<'a> LentSettings<'a> {
    fn new(settings: &'a Settings) -> Self {
        let texts = settings
            .iter()
            .map(|(_, value)| match value {
                Setting::Texts(texts) => texts.iter().map(String::as_str).collect(),
                _ => Vec::new(),
            })
            .collect();
        Self { settings, texts }
    }

    fn params(&self) -> Vec<types::Setting<'_>> {
        self.settings
            .iter()
            .zip(&self.texts)
            .map(|((name, value), texts)| types::Setting { name, value: lend_value(value, texts) })
            .collect()
    }
}

fn lend_value<'a>(value: &'a Setting, texts: &'a [&'a str]) -> types::SettingValue<'a> {
    match value {
        Setting::Boolean(value) => types::SettingValue::Boolean(*value),
        Setting::Int64(value) => types::SettingValue::Int64(*value),
        Setting::Float64(value) => types::SettingValue::Float64(*value),
        Setting::Text(value) => types::SettingValue::Text(value),
        Setting::Int64s(values) => types::SettingValue::Int64s(values),
        Setting::Float64s(values) => types::SettingValue::Float64s(values),
        Setting::Texts(_) => types::SettingValue::Texts(texts),
    }
}

/// A plugin's answer that it could not do the work, in its own words.
fn failed(label: &str, failure: types::Failure) -> PluginError {
    let (row, reason) = match failure {
        types::Failure::AtRow(types::RowFailure { row, reason }) => (Some(row), reason),
        types::Failure::Other(reason) => (None, reason),
    };
    // Without the row's number: it depends on how the records were cut into batches. The pipeline adds the record's place.
    PluginError { reason: format!("plugin `{label}` failed: {}", tame(&reason)), row, kind: PluginErrorKind::Failure }
}

/// An answer that breaks the contract.
fn malformed(label: &str, call: &str, what: &str) -> PluginError {
    PluginError {
        reason: format!("plugin `{label}`: `{call}` broke the contract: {what}"),
        row: None,
        kind: PluginErrorKind::Malformed,
    }
}
