//! `[[sink]]`: where rows go; each type has keys of its own, and those of another are unknown. Which KPIs a sink takes is checked
//! against those that there are in `check`.

mod files;
mod systems;

use super::{job, kpi};
use crate::config::item::{Item, Text};
use crate::config::plan::{Place, SinkKind};
use crate::config::problem::Problem;
use crate::config::read::{Reader, Table};

const TYPES: [&str; 5] = ["json-files", "hdfs", "kafka", "postgres", "redis"];

/// A `[[sink]]`.
pub struct Sink {
    pub name: Option<Text>,
    /// Its type as typed; sinks without a name are called by it.
    pub kind_name: &'static str,
    /// `None`: all.
    pub kpis: Option<Vec<Text>>,
    /// `None`: something of it is wrong, and reported.
    pub kind: Option<SinkKind>,
    /// Where the type stands.
    pub place: Place,
}

pub fn read(table: Table<'_>) -> Option<Sink> {
    let kind = table.need("type", "\"json-files\"")?;
    let text = kind.word("json-files")?;
    let Some(kind_name) = TYPES.into_iter().find(|known| *known == text.value) else {
        kind.reader.push(no_such_type(kind.reader, &text));
        // What keys another type would have, nobody can say: checking them would only add noise.
        table.give_up();
        return None;
    };
    let name = table.get("name").and_then(|item| job::name(&item, kind_name));
    let kpis = table.get("kpis").and_then(|item| kpis(&item));
    let read = match kind_name {
        "json-files" => files::json_files(&table),
        "hdfs" => files::hdfs(&table),
        "kafka" => systems::kafka(&table),
        "postgres" => systems::postgres(&table),
        _ => systems::redis(&table),
    };
    table.finish();
    Some(Sink { name, kind_name, kpis, kind: read, place: kind.place })
}

fn no_such_type(reader: &Reader<'_>, kind: &Text) -> Problem {
    let problem = Problem::new(kind.place.clone(), format!("there is no sink type {}", kind.shown));
    let problem = problem.help(format!("types: {}", TYPES.join(", ")));
    match reader.suggest(&kind.value, TYPES.into_iter()) {
        Some(near) => problem.label(format!("did you mean \"{near}\"?")),
        None => problem,
    }
}

fn kpis(item: &Item<'_>) -> Option<Vec<Text>> {
    let names = item.word_list("sales")?;
    if item.value.as_array().is_some_and(|list| list.is_empty()) {
        item.problem("`kpis` is empty: the sink would take nothing", "name the KPIs, or leave the key out for all");
    }
    kpi::unique(item, &names, "the KPI", "in `kpis`");
    Some(names)
}
