//! What a plugin says of itself, checked before anybody relies on it.

use super::bindings::{aggregation, preprocessing, types};
use crate::plugin::setting::tame;
use weir_core::plugin::{KpiDescription, Output, PreprocessorDescription};
use weir_core::types::{ColumnType, DECIMAL_SCALE_MAX, Field, ScalarType};

/// Columns of one kind: more than any table that people look at, few enough that nothing grows without bound.
const COLUMNS_MAX: usize = 256;
/// Bytes of a name or path.
const NAME_BYTES_MAX: usize = 256;
/// Keys that every result row has or may have.
const RESERVED: [&str; 3] = ["window", "revision", "unavailable"];

/// Checks and converts the description of a KPI.
///
/// # Errors
/// What is wrong with it, for the plugin's author.
pub(super) fn kpi(given: aggregation::Description) -> Result<KpiDescription, String> {
    let outputs = given.outputs.into_iter().map(|output| Output {
        field: field(output.name, output.type_, output.nullable),
        unit: output.unit.as_deref().map(tame),
        description: tame(&output.description),
        additive: output.additive,
    });
    let description = KpiDescription {
        name: given.name,
        version: given.version,
        summary: tame(&given.summary),
        inputs: given.inputs.into_iter().map(input).collect(),
        outputs: outputs.collect(),
        state_version: given.state_version,
        state: given.state.into_iter().map(column_type).collect(),
    };
    check(&description.name, &description.version, &description.inputs, &description.outputs)?;
    few("state columns", description.state.len())?;
    description
        .state
        .iter()
        .enumerate()
        .try_for_each(|(place, state)| scale(&format!("state column {place}"), *state))?;
    match description.outputs.iter().find(|output| RESERVED.contains(&output.field.path.as_str())) {
        Some(output) => Err(format!(
            "its output `{}` has a name that every result row uses itself; take another",
            output.field.path
        )),
        None if description.outputs.is_empty() => Err("it has no outputs".into()),
        None => Ok(description),
    }
}

/// Checks and converts the description of a preprocessor.
///
/// # Errors
/// What is wrong with it, for the plugin's author.
pub(super) fn preprocessor(given: preprocessing::Description) -> Result<PreprocessorDescription, String> {
    let outputs = given.outputs.into_iter().map(|output| Output {
        field: field(output.name, output.type_, output.nullable),
        unit: None,
        description: tame(&output.description),
        additive: false,
    });
    let description = PreprocessorDescription {
        name: given.name,
        version: given.version,
        summary: tame(&given.summary),
        inputs: given.inputs.into_iter().map(input).collect(),
        outputs: outputs.collect(),
    };
    check(&description.name, &description.version, &description.inputs, &description.outputs)?;
    Ok(description)
}

fn input(given: types::Input) -> Field {
    field(given.path, given.type_, given.nullable)
}

fn field(path: String, column_type: types::ColumnType, nullable: bool) -> Field {
    Field { path, column_type: self::column_type(column_type), nullable }
}

fn column_type(given: types::ColumnType) -> ColumnType {
    match given {
        types::ColumnType::Scalar(scalar) => ColumnType::Scalar(scalar_type(scalar)),
        types::ColumnType::ListOf(scalar) => ColumnType::List(scalar_type(scalar)),
    }
}

fn scalar_type(given: types::ScalarType) -> ScalarType {
    match given {
        types::ScalarType::Boolean => ScalarType::Boolean,
        types::ScalarType::Int64 => ScalarType::Int64,
        types::ScalarType::Float64 => ScalarType::Float64,
        types::ScalarType::Decimal(scale) => ScalarType::Decimal(scale),
        types::ScalarType::Timestamp => ScalarType::Timestamp,
        types::ScalarType::Text => ScalarType::Text,
    }
}

fn check(name: &str, version: &str, inputs: &[Field], outputs: &[Output]) -> Result<(), String> {
    if !is_plugin_name(name) {
        return Err(format!("its name `{}` is not of lower-case words joined by hyphens", tame(name)));
    }
    if !is_version(version) {
        return Err(format!("its version `{}` is not of the form 1.2.3", tame(version)));
    }
    few("inputs", inputs.len())?;
    few("outputs", outputs.len())?;
    for (place, input) in inputs.iter().enumerate() {
        named(
            "input",
            &input.path,
            is_path(&input.path),
            inputs[..place].iter().any(|other| other.path == input.path),
        )?;
        scale(&format!("input `{}`", input.path), input.column_type)?;
    }
    for (place, Output { field, .. }) in outputs.iter().enumerate() {
        let again = outputs[..place].iter().any(|other| other.field.path == field.path);
        named("output", &field.path, is_column_name(&field.path), again)?;
        scale(&format!("output `{}`", field.path), field.column_type)?;
    }
    Ok(())
}

fn few(what: &str, count: usize) -> Result<(), String> {
    if count > COLUMNS_MAX { Err(format!("it has {count} {what}; at most {COLUMNS_MAX} are possible")) } else { Ok(()) }
}

fn named(what: &str, name: &str, is_good: bool, is_again: bool) -> Result<(), String> {
    match (is_good, is_again) {
        (false, _) => {
            Err(format!("its {what} `{}` has no possible name: write letters, digits, `_` and `-`", tame(name)))
        }
        (_, true) => Err(format!("it has the {what} `{name}` twice")),
        _ => Ok(()),
    }
}

fn scale(what: &str, column_type: ColumnType) -> Result<(), String> {
    match column_type.scalar() {
        ScalarType::Decimal(Some(scale)) if scale > DECIMAL_SCALE_MAX => {
            Err(format!("its {what} has scale {scale}; at most {DECIMAL_SCALE_MAX} is possible"))
        }
        _ => Ok(()),
    }
}

fn is_plugin_name(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    name.len() <= NAME_BYTES_MAX && name.split('-').all(is_word)
}

fn is_version(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit());
    let has_good_tail = version.bytes().all(|b| b.is_ascii_alphanumeric() || b".-+".contains(&b));
    version.len() <= 64 && core.split('.').count() == 3 && core.split('.').all(is_number) && has_good_tail
}

fn is_column_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// A path is made by whoever made the data, so all but control characters is allowed.
fn is_path(path: &str) -> bool {
    !path.is_empty() && path.len() <= NAME_BYTES_MAX && !path.chars().any(char::is_control)
}

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
