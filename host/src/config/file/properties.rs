//! `properties`: settings of a client library by name, with dots in their names; where each stands is kept for messages.

use crate::config::item::{Item, number, whole};
use crate::config::plan::{Place, Properties};
use crate::config::problem::Problem;
use crate::config::read::{Table, clip};
use std::collections::BTreeMap;
use toml::de::DeValue;

/// The properties, and where each stands.
pub(super) type Placed = (Properties, BTreeMap<String, Place>);

pub(super) fn properties(item: &Item<'_>, ours: &[(&str, &str)]) -> Placed {
    let mut properties = Placed::default();
    if let Some(table) = item.table("`properties`", "{ \"security.protocol\" = \"SSL\" }") {
        flatten(&table, "", ours, &mut properties);
    }
    properties
}

/// `security.protocol = "SSL"` is a table within a table to TOML: dots without quotes mean the same as with them.
fn flatten(table: &Table<'_>, prefix: &str, ours: &[(&str, &str)], properties: &mut Placed) {
    for item in table.items() {
        let name = format!("{prefix}{}", item.key);
        if let DeValue::Table(_) = item.value {
            if let Some(inner) = item.table("`properties`", "") {
                flatten(&inner, &format!("{name}."), ours, properties);
            }
        } else if let Some((_, instead)) = ours.iter().find(|(known, _)| *known == name) {
            let problem = Problem::new(item.key_place.clone(), format!("Weir sets the property `{name}` itself"));
            item.reader.push(problem.help(*instead));
        } else if let Some(value) = property(&item) {
            properties.1.insert(name.clone(), item.key_place.clone());
            if properties.0.0.insert(name.clone(), value).is_none() {
                continue;
            }
            let problem = Problem::new(item.key_place.clone(), format!("the property `{}` stands twice", clip(&name)));
            item.reader.push(problem.help("leave one of them out"));
        }
    }
}

/// librdkafka takes texts; numbers and booleans are what one writes in TOML.
fn property(item: &Item<'_>) -> Option<String> {
    match item.value {
        DeValue::String(_) => item.text("PLAINTEXT").map(|text| text.value),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Integer(_) => Some(whole(item.value)?.to_string()),
        DeValue::Float(_) => Some(number(item.value)?.to_string()),
        _ => item.wrong("a text, a number, true or false", "\"SSL\""),
    }
}
