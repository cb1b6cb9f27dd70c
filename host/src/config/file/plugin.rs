//! A plugin as a step or a KPI names it: the reference, its options and its own limits. Whether it is there is found out by who opens it.

use super::job::is_name;
use super::limits;
use crate::config::item::{Item, Text, found, number, whole};
use crate::config::plan::{LimitsPlan, OptionValue, PluginPlan, PluginReference};
use crate::config::read::Table;
use toml::de::DeValue;

/// A `[[preprocess]]`.
pub fn step(table: Table<'_>, limits: LimitsPlan) -> Option<PluginPlan> {
    let plugin = read(&table, "order-totals", limits);
    table.finish();
    plugin
}

/// The keys `plugin`, `options` and `limits` of a table.
pub fn read(table: &Table<'_>, example: &str, base: LimitsPlan) -> Option<PluginPlan> {
    let plugin = table.need("plugin", &format!("\"{example}\"")).and_then(|item| reference(&item, example));
    let options = table.get("options").map(|item| (options(&item), item.place.clone()));
    let own = table.get("limits").and_then(|item| item.table("`limits`", "{ memory_bytes_max = \"64MiB\" }"));
    let limits = limits::read(own, base);
    let (text, reference) = plugin?;
    let (options, options_place) = options.unwrap_or_else(|| (Vec::new(), text.place.clone()));
    Some(PluginPlan { plugin: text.value, reference, place: text.place, options, options_place, limits })
}

fn reference(item: &Item<'_>, example: &str) -> Option<(Text, PluginReference)> {
    let text = item.word(example)?;
    let reference = if let Some((name, digest)) = text.value.split_once("@sha256:") {
        pinned(item, &text, name, digest)?
    } else if text.value.ends_with(".wasm") || text.value.contains('/') {
        PluginReference::File(item.reader.path(&text.value))
    } else if is_name(&text.value) {
        PluginReference::Name(text.value.clone())
    } else {
        item.problem(
            format!("{} names no plugin", text.shown),
            "write a name (`sales`), a file (`./sales.wasm`), or a name with a digest (`sales@sha256:<64 hex digits>`)",
        );
        return None;
    };
    Some((text, reference))
}

fn pinned(item: &Item<'_>, text: &Text, name: &str, digest: &str) -> Option<PluginReference> {
    let sha256 = digest.to_ascii_lowercase();
    if is_name(name) && sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(PluginReference::Pinned { name: name.to_string(), sha256 });
    }
    item.problem(
        format!("{} is no digest pin", text.shown),
        "write `name@sha256:` and 64 hex digits, as `weir plugin inspect` shows them",
    );
    None
}

/// The options in the order of the file.
fn options(item: &Item<'_>) -> Vec<(String, OptionValue)> {
    let Some(table) = item.table("`options`", "{ top = 10 }") else {
        return Vec::new();
    };
    table.items().filter_map(|item| Some((item.key.clone(), option(&item)?))).collect()
}

fn option(item: &Item<'_>) -> Option<OptionValue> {
    match item.value {
        DeValue::Boolean(value) => Some(OptionValue::Boolean(*value)),
        DeValue::Integer(_) => int64(item).map(OptionValue::Int64),
        DeValue::Float(_) => float64(item).map(OptionValue::Float64),
        DeValue::String(_) => item.text("x").map(|text| OptionValue::Text(text.value)),
        DeValue::Array(_) => list(item),
        DeValue::Datetime(_) | DeValue::Table(_) => not_an_option(item),
    }
}

fn list(item: &Item<'_>) -> Option<OptionValue> {
    let elements = item.elements("[1, 2]")?;
    let texts = elements.iter().filter(|element| element.value.is_str()).count();
    let wholes = elements.iter().filter(|element| element.value.is_integer()).count();
    let floats = elements.iter().filter(|element| element.value.is_float()).count();
    // Reads every element before it gives up, so that each wrong one is told.
    fn all<'i, T>(elements: &[Item<'i>], one: impl Fn(&Item<'i>) -> Option<T>) -> Option<Vec<T>> {
        elements.iter().map(one).collect::<Vec<_>>().into_iter().collect()
    }
    if texts == elements.len() {
        all(&elements, |element| Some(element.text("x")?.value)).map(OptionValue::Texts)
    } else if wholes == elements.len() {
        all(&elements, int64).map(OptionValue::Int64s)
    } else if wholes + floats == elements.len() {
        all(&elements, float64).map(OptionValue::Float64s)
    } else {
        item.problem(
            format!("the option `{}` mixes types, or holds what an option can't", item.key),
            "a list holds only whole numbers, only numbers, or only texts",
        );
        None
    }
}

fn int64(item: &Item<'_>) -> Option<i64> {
    let value = whole(item.value).and_then(|number| i64::try_from(number).ok());
    if value.is_none() {
        item.problem(
            format!("the option `{}` does not fit 64 bits", item.key),
            "write a number from -2^63 to 2^63 - 1, or a text",
        );
    }
    value
}

fn float64(item: &Item<'_>) -> Option<f64> {
    let value = number(item.value);
    if value.is_none() {
        item.problem(format!("the option `{}` is not finite", item.key), "write a finite number such as `1.5`");
    }
    value
}

fn not_an_option<T>(item: &Item<'_>) -> Option<T> {
    item.problem(
        format!("the option `{}` is {}", item.key, found(item.value)),
        "an option is true or false, a number, a text, or a list of numbers or of texts",
    );
    None
}
