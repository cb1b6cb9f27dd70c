//! What a KPI can't be called where it becomes a table. Outputs that the file doesn't name are looked at when the sink is made.

use super::check::takes;
use super::file::{File, Kpi};
use super::item::Text;
use super::plan::{Place, SinkKind};
use super::problem::Problem;
use super::read::Reader;

/// Columns that every table of a `postgres` sink has; what the sink itself says.
pub(crate) const OWN_COLUMNS: [&str; 5] = ["window_start", "window_end", "revision", "ordinal", "unavailable"];

/// Tables that such a sink has for itself, as KPIs would be called to get them; what the sink itself says, with `-` for `_`.
pub(crate) const OWN_TABLES: [&str; 1] = ["weir-epochs"];

/// Bytes of a name in PostgreSQL, which cuts off what is longer.
const NAME_BYTES_MAX: usize = 63;

/// Reports names that a table or a column can't have.
pub fn check(file: &File, reader: &Reader<'_>) {
    let is_table = |kpi: &Kpi| {
        let name = kpi.name.as_ref()?;
        let sinks = file.sinks.iter().flatten();
        let mut sinks =
            sinks.filter(|sink| matches!(sink.kind, Some(SinkKind::Postgres { .. })) && takes(sink, &name.value));
        sinks.next().map(|sink| (name.clone(), sink.place.clone()))
    };
    for kpi in &file.kpis {
        let Some((name, sink)) = is_table(kpi) else { continue };
        if OWN_TABLES.contains(&name.value.as_str()) {
            let message = format!("the KPI {} would have a table that the sink has for itself", name.shown);
            reader.push(problem(&name, message, &sink).help("give the KPI another name"));
        }
        length(&name, &sink, reader);
        for column in kpi.by.iter().chain(kpi.outputs.iter().flatten()) {
            if OWN_COLUMNS.contains(&column.value.as_str()) {
                let message = format!("{} can't be a column: each table has one of this name already", column.shown);
                let help = "leave it out, or have the plugin give it under another name";
                reader.push(problem(column, message, &sink).help(help));
            }
            length(column, &sink, reader);
        }
    }
}

fn length(name: &Text, sink: &Place, reader: &Reader<'_>) {
    if name.value.len() > NAME_BYTES_MAX {
        let message = format!("a name of {} bytes; PostgreSQL's have at most {NAME_BYTES_MAX}", name.value.len());
        reader.push(problem(name, message, sink).help("give it a shorter name"));
    }
}

fn problem(name: &Text, message: String, sink: &Place) -> Problem {
    Problem::new(name.place.clone(), message).other(sink.clone(), "becomes a table here")
}
