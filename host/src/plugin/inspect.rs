//! `weir plugin inspect`: what a component says of itself, and what a batch of made-up rows costs.
//!
//! Knows the core's traits and descriptions; says nothing of a pipeline.

use super::loader::{Digest, PluginKind};
use super::open::{Plugin, UseError};
use super::sample::sample;
use super::setting::Settings;
use std::fmt::{self, Write};
use weir_core::plugin::{Output, PluginError};
use weir_core::types::Field;

/// Rows of the sample batch.
const SAMPLE_ROWS: usize = 1_024;
/// Groups among them.
const SAMPLE_GROUPS: u32 = 16;

/// What there is to know of a component.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The plugin's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Which world it is for.
    pub kind: PluginKind,
    /// Its SHA-256.
    pub digest: Digest,
    /// Bytes of the component.
    pub size_bytes: u64,
    /// One sentence.
    pub summary: String,
    /// What it asks for.
    pub inputs: Vec<Field>,
    /// What it makes.
    pub outputs: Vec<Output>,
    /// The format of its state; KPIs only.
    pub state_version: Option<u32>,
    /// What the sample batch cost.
    pub sample: Sample,
}

/// What became of a batch of made-up rows. They are the same for everybody, so fuel can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sample {
    /// It was worked on.
    Fuel {
        /// Fuel of the one `update` or `process`.
        fuel: u64,
        /// Its rows.
        rows: usize,
    },
    /// The plugin did not take it: made-up rows need not make sense to it.
    Refused(PluginError),
}

/// Describes the plugin with these options and runs one sample batch.
///
/// # Errors
/// If the plugin refuses the options, or cannot be described or instantiated.
pub fn inspect(plugin: &Plugin, options: &Settings) -> Result<Inspection, UseError> {
    match plugin.kind() {
        PluginKind::Kpi => inspect_kpi(plugin, options),
        PluginKind::Preprocessor => inspect_preprocessor(plugin, options),
    }
}

fn inspect_kpi(plugin: &Plugin, options: &Settings) -> Result<Inspection, UseError> {
    let description = plugin.describe_kpi(options)?;
    let mut kpi = plugin.kpi(options)?;
    let groups: Vec<u32> = (0..SAMPLE_ROWS as u32).map(|row| row % SAMPLE_GROUPS).collect();
    let before = kpi.cost().fuel;
    let result = kpi.update(&groups, &sample(&description.inputs, SAMPLE_ROWS));
    Ok(Inspection {
        name: description.name,
        version: description.version,
        kind: plugin.kind(),
        digest: plugin.digest(),
        size_bytes: plugin.size_bytes(),
        summary: description.summary,
        inputs: description.inputs,
        outputs: description.outputs,
        state_version: Some(description.state_version),
        sample: sample_of(result, kpi.cost().fuel - before),
    })
}

fn inspect_preprocessor(plugin: &Plugin, options: &Settings) -> Result<Inspection, UseError> {
    let description = plugin.describe_preprocessor(options)?;
    let mut preprocessor = plugin.preprocessor(options)?;
    let before = preprocessor.cost().fuel;
    let result = preprocessor.process(SAMPLE_ROWS, &sample(&description.inputs, SAMPLE_ROWS)).map(drop);
    Ok(Inspection {
        name: description.name,
        version: description.version,
        kind: plugin.kind(),
        digest: plugin.digest(),
        size_bytes: plugin.size_bytes(),
        summary: description.summary,
        inputs: description.inputs,
        outputs: description.outputs,
        state_version: None,
        sample: sample_of(result, preprocessor.cost().fuel - before),
    })
}

fn sample_of(result: Result<(), PluginError>, fuel: u64) -> Sample {
    match result {
        Ok(()) => Sample::Fuel { fuel, rows: SAMPLE_ROWS },
        Err(error) => Sample::Refused(error),
    }
}

/// The inspection as text for people.
pub fn render(inspection: &Inspection) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, inspection);
    text
}

fn write(text: &mut String, inspection: &Inspection) -> fmt::Result {
    writeln!(text, "{} {} ({})", inspection.name, inspection.version, inspection.kind)?;
    writeln!(text, "{}\n", inspection.summary)?;
    writeln!(text, "digest   sha256:{}", inspection.digest)?;
    writeln!(text, "size     {} bytes", inspection.size_bytes)?;
    writeln!(text, "imports  none")?;
    if let Some(version) = inspection.state_version {
        writeln!(text, "state    version {version}")?;
    }
    match &inspection.sample {
        Sample::Fuel { fuel, rows } => {
            writeln!(text, "fuel     {fuel} for {rows} sample rows, {:.1} a row", *fuel as f64 / *rows as f64)?;
        }
        Sample::Refused(error) => writeln!(text, "fuel     unknown: the sample rows were not taken: {error}")?,
    }
    write_inputs(text, &inspection.inputs)?;
    write_outputs(text, inspection)
}

fn write_inputs(text: &mut String, inputs: &[Field]) -> fmt::Result {
    writeln!(text, "\ninputs")?;
    let width = inputs.iter().map(|input| input.path.chars().count()).max().unwrap_or(0);
    for input in inputs {
        writeln!(text, "  {:width$}  {}{}", input.path, input.column_type, nullable(input))?;
    }
    if inputs.is_empty() { writeln!(text, "  none") } else { Ok(()) }
}

fn write_outputs(text: &mut String, inspection: &Inspection) -> fmt::Result {
    writeln!(text, "\noutputs")?;
    let width = inspection.outputs.iter().map(|output| output.field.path.chars().count()).max().unwrap_or(0);
    for Output { field, unit, description, additive } in &inspection.outputs {
        write!(text, "  {:width$}  {}{}", field.path, field.column_type, nullable(field))?;
        if let Some(unit) = unit {
            write!(text, ", in {unit}")?;
        }
        if inspection.kind == PluginKind::Kpi {
            write!(text, ", {}", if *additive { "additive" } else { "not additive" })?;
        }
        writeln!(text, "{}{description}", if description.is_empty() { "" } else { ": " })?;
    }
    if inspection.outputs.is_empty() { writeln!(text, "  none") } else { Ok(()) }
}

fn nullable(field: &Field) -> &'static str {
    if field.nullable { ", may be null" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::plugin::PluginErrorKind;
    use weir_core::types::{ColumnType, ScalarType};

    fn inspection(sample: Sample) -> Inspection {
        let field = |path: &str, scalar, nullable| Field {
            path: path.into(),
            column_type: ColumnType::Scalar(scalar),
            nullable,
        };
        let output = |path, scalar, unit: Option<&str>, additive| Output {
            field: field(path, scalar, false),
            unit: unit.map(Into::into),
            description: "what it is".into(),
            additive,
        };
        Inspection {
            name: "sales".into(),
            version: "0.1.0".into(),
            kind: PluginKind::Kpi,
            digest: Digest::of(b"abc"),
            size_bytes: 12_345,
            summary: "Sales per window.".into(),
            inputs: vec![field("total_cost", ScalarType::Decimal(None), false), field("x", ScalarType::Text, true)],
            outputs: vec![
                output("OPM", ScalarType::Int64, Some("orders/min"), true),
                output("rate_of_return", ScalarType::Float64, None, false),
            ],
            state_version: Some(1),
            sample,
        }
    }

    #[test]
    fn it_reads_well() {
        let text = render(&inspection(Sample::Fuel { fuel: 20_480, rows: 1_024 }));
        assert_eq!(
            text,
            "sales 0.1.0 (kpi)\n\
             Sales per window.\n\
             \n\
             digest   sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n\
             size     12345 bytes\n\
             imports  none\n\
             state    version 1\n\
             fuel     20480 for 1024 sample rows, 20.0 a row\n\
             \n\
             inputs\n\
             \x20 total_cost  decimal\n\
             \x20 x           text, may be null\n\
             \n\
             outputs\n\
             \x20 OPM             int64, in orders/min, additive: what it is\n\
             \x20 rate_of_return  float64, not additive: what it is\n"
        );
    }

    #[test]
    fn a_sample_that_is_refused_is_told() {
        let error = PluginError { reason: "plugin `x` failed: no".into(), row: None, kind: PluginErrorKind::Failure };
        let text = render(&inspection(Sample::Refused(error)));
        assert!(text.contains("fuel     unknown: the sample rows were not taken: plugin `x` failed: no\n"));
    }
}
