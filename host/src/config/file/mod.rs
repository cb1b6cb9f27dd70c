//! The pipeline file as typed: each section read as far as it can be, one file a section. A key that was wrong has been reported and is `None`
//! here, or stands at its default; what sections say of each other is for `check`.

mod job;
mod kpi;
mod limits;
mod plugin;
mod properties;
mod schema;
mod sink;
mod source;
mod time;
mod timestamp;

pub use job::{DeadLetters, Job};
pub use kpi::Kpi;
pub use schema::{Declared, Schema};
pub use sink::Sink;
pub use time::Time;

use super::item::Item;
use super::plan::{CheckpointPlan, PluginPlan, SourcePlan};
use super::read::{Reader, Table};
use toml::de::{DeTable, DeValue};

/// All sections. `None`: missing, or not readable; reported.
pub struct File {
    pub job: Option<Job>,
    pub source: Option<SourcePlan>,
    pub schema: Option<Schema>,
    pub time: Option<Time>,
    pub preprocess: Vec<Option<PluginPlan>>,
    pub kpis: Vec<Kpi>,
    /// `None`: of an unknown type, which is reported.
    pub sinks: Vec<Option<Sink>>,
    pub dead_letters: DeadLetters,
    pub checkpoint: Option<CheckpointPlan>,
    /// Whether the section is there, readable or not.
    pub has_checkpoint: bool,
}

/// Reads all sections and reports what is wrong in each.
pub fn read<'a>(reader: &'a Reader<'a>, document: &'a DeTable<'a>) -> File {
    let root = reader.root(document);
    // Asked for in the order in which the list of known sections should read.
    let (job, source) = (root.need("pipeline", JOB_EXAMPLE), root.need("source", SOURCE_EXAMPLE));
    let (schema, time) = (root.need("schema", SCHEMA_EXAMPLE), root.need("time", TIME_EXAMPLE));
    let (steps, kpis) =
        (sections(root.get("preprocess"), "preprocess"), sections(root.need("kpi", KPI_EXAMPLE), "kpi"));
    let sinks = sections(root.need("sink", SINK_EXAMPLE), "sink");
    let (dead_letters, checkpoint) = (root.get("dead_letters"), root.get("checkpoint"));
    let limits = limits::read(section(root.get("limits"), "limits"), limits::DEFAULTS);
    let file = File {
        job: section(job, "pipeline").map(job::read),
        source: section(source, "source").and_then(source::read),
        schema: section(schema, "schema").map(schema::read),
        time: section(time, "time").map(time::read),
        preprocess: steps.into_iter().map(|table| plugin::step(table, limits)).collect(),
        kpis: kpis.into_iter().map(|table| kpi::read(table, limits)).collect(),
        sinks: sinks.into_iter().map(sink::read).collect(),
        dead_letters: section(dead_letters, "dead_letters").map(job::dead_letters).unwrap_or_default(),
        has_checkpoint: checkpoint.is_some(),
        checkpoint: section(checkpoint, "checkpoint").and_then(job::checkpoint),
    };
    root.finish();
    file
}

/// Sections of one kind at the most. Each KPI is an instance on each worker: more would not fit a machine.
const SECTIONS_MAX: usize = 1_000;

const JOB_EXAMPLE: &str = "write `[pipeline]` and under it `name = \"retail\"`";
const SOURCE_EXAMPLE: &str = "write `[source]` and under it `type = \"file\"` and `files = [\"in.jsonl\"]`";
const SCHEMA_EXAMPLE: &str = "write `[schema]` and under it the fields of a record: `fields.country = \"text\"`";
const TIME_EXAMPLE: &str = "write `[time]` and under it `column = \"timestamp\"` and `max_out_of_orderness = \"10m\"`";
const KPI_EXAMPLE: &str =
    "write `[[kpi]]` and under it `name = \"sales\"`, `plugin = \"sales\"`, `window = \"tumbling 1m\"`";
const SINK_EXAMPLE: &str = "write `[[sink]]` and under it `type = \"json-files\"` and `path = \"out\"`";

/// A section that stands once: `[name]`.
fn section<'a>(item: Option<Item<'a>>, name: &str) -> Option<Table<'a>> {
    let item = item?;
    if let DeValue::Array(_) = item.value {
        item.problem(format!("`{name}` stands once"), format!("write `[{name}]` with single brackets, and only one"));
        return None;
    }
    let DeValue::Table(_) = item.value else {
        item.problem(
            format!("`{name}` is a section"),
            format!("write `[{name}]` on a line of its own, and its keys below"),
        );
        return None;
    };
    item.table(&format!("[{name}]"), "")
}

/// A section that may stand several times: `[[name]]`.
fn sections<'a>(item: Option<Item<'a>>, name: &str) -> Vec<Table<'a>> {
    let Some(item) = item else { return Vec::new() };
    let DeValue::Array(array) = item.value else {
        item.problem(format!("`{name}` is a list of sections"), format!("write `[[{name}]]` with double brackets"));
        return Vec::new();
    };
    if array.is_empty() {
        item.problem(format!("`{name}` is empty"), format!("write `[[{name}]]` and its keys below"));
    }
    if array.len() > SECTIONS_MAX {
        item.problem(
            format!("more than {SECTIONS_MAX} sections `{name}`"),
            "split the job into several pipeline files",
        );
        return Vec::new();
    }
    let title = format!("[[{name}]]");
    let elements = item.elements("").unwrap_or_default();
    elements.iter().filter_map(|element| element.table(&title, "[{ … }]")).collect()
}
