//! What sections say of each other: the time column is declared, names are unique, every KPI has a sink. And then the plan, in which nothing is left
//! to decide. Knows no TOML.

use super::file::{Declared, File, Kpi, Sink};
use super::item::Text;
use super::plan::{
    FieldPlan, KpiPlan, Plan, SchemaPlan, SinkKind, SinkPlan, SourcePlan, SourceText, StartPlan, TimePlan,
};
use super::problem::Problem;
use super::read::Reader;
use super::tables;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use weir_core::types::{ColumnType, ScalarType};

/// Reports every contradiction between sections.
pub fn check(file: &File, reader: &Reader<'_>) {
    time_column(file, reader);
    group_keys(file, reader);
    kpi_names(file, reader);
    let meant = sink_kpis(file, reader);
    sinks_apart(file, reader);
    every_kpi_has_a_sink(file, reader, &meant);
    dead_letters(file, reader);
    start_has_a_checkpoint(file, reader);
    tables::check(file, reader);
}

/// The plan; `None` where something that was reported is missing.
pub fn plan(file: File, text: SourceText, folder: PathBuf) -> Option<Plan> {
    let job = file.job?;
    let name = job.name?.value;
    let (dead_letters, late) = own_files(file.dead_letters.path, file.dead_letters.late_path, &name, &folder);
    let time = file.time?;
    let column = time.column?;
    let kpis: Vec<KpiPlan> = file.kpis.into_iter().map(kpi_plan).collect::<Option<_>>()?;
    let schema = file.schema?;
    let fields: Option<Vec<FieldPlan>> = schema.fields.into_iter().map(|field| with_required(field, &column)).collect();
    Some(Plan {
        file: text,
        name,
        workers: job.workers,
        batch_rows_max: job.batch_rows_max,
        source: file.source?,
        schema: SchemaPlan {
            fields: fields?,
            depth_max: schema.depth_max,
            record_bytes_max: schema.record_bytes_max,
            list_elements_max: schema.list_elements_max,
        },
        time: TimePlan {
            column: column.value,
            column_place: column.place,
            max_out_of_orderness_us: time.max_out_of_orderness_us?,
            allowed_lateness_us: time.allowed_lateness_us,
            idle_timeout: time.idle_timeout,
            max_future_skew_us: time.max_future_skew_us,
            max_time_jump_us: time.max_time_jump_us,
        },
        preprocess: file.preprocess.into_iter().collect::<Option<_>>()?,
        sinks: sink_plans(file.sinks, &kpis)?,
        kpis,
        dead_letters,
        late,
        checkpoint: file.checkpoint,
        folder,
    })
}

/// A run that begins where its checkpoint says has to keep one.
fn start_has_a_checkpoint(file: &File, reader: &Reader<'_>) {
    if let Some(SourcePlan::Kafka(topic)) = &file.source
        && topic.start == StartPlan::Checkpoint
        && !file.has_checkpoint
    {
        let problem =
            Problem::new(topic.start_place.clone(), "`start` = \"checkpoint\" without a section [checkpoint]");
        reader.push(problem.help("write `[checkpoint]` and under it `path = \"checkpoint\"`, or another `start`"));
    }
}

/// A record without event time can't be counted, whatever the schema says of the field.
fn with_required(field: Declared, column: &Text) -> Option<FieldPlan> {
    let mut plan = field.plan?;
    plan.required |= plan.path == column.value;
    Some(plan)
}

fn kpi_plan(kpi: Kpi) -> Option<KpiPlan> {
    let name = kpi.name?;
    let placed = |texts: Vec<Text>| texts.into_iter().map(|text| (text.value, text.place)).collect();
    Some(KpiPlan {
        name: name.value,
        name_place: name.place,
        plugin: kpi.plugin?,
        by: placed(kpi.by),
        window: kpi.window?,
        outputs: kpi.outputs.map(placed),
    })
}

/// Sinks in the order of the file; one without a name is called by its type, and a second such by its type and `-2`.
fn sink_plans(sinks: Vec<Option<Sink>>, kpis: &[KpiPlan]) -> Option<Vec<SinkPlan>> {
    let names = sink_names(sinks.iter().flatten());
    let plan = |(sink, name): (Option<Sink>, String)| {
        let sink = sink?;
        let kpis = kpis.iter().map(|kpi| kpi.name.clone()).filter(|name| takes(&sink, name)).collect();
        Some(SinkPlan { name, kpis, kind: sink.kind?, place: sink.place })
    };
    sinks.into_iter().zip(names).map(plan).collect()
}

fn sink_names<'f>(sinks: impl Iterator<Item = &'f Sink>) -> Vec<String> {
    let mut unnamed: HashMap<&str, usize> = HashMap::new();
    let name = |sink: &'f Sink| match &sink.name {
        Some(name) => name.value.clone(),
        None => {
            let count = unnamed.entry(sink.kind_name).or_default();
            *count += 1;
            if *count == 1 { sink.kind_name.to_owned() } else { format!("{}-{count}", sink.kind_name) }
        }
    };
    sinks.map(name).collect()
}

/// Dead letters lie beside the pipeline file under its name, late records beside the dead letters, unless set.
fn own_files(
    dead_letters: Option<PathBuf>,
    late: Option<PathBuf>,
    name: &str,
    folder: &std::path::Path,
) -> (PathBuf, PathBuf) {
    let late_default = match &dead_letters {
        Some(path) => path.with_file_name("late.jsonl"),
        None => folder.join(format!("{name}-late.jsonl")),
    };
    (dead_letters.unwrap_or_else(|| folder.join(format!("{name}-dead-letters.jsonl"))), late.unwrap_or(late_default))
}

fn time_column(file: &File, reader: &Reader<'_>) {
    let (Some(column), Some(schema)) = (file.time.as_ref().and_then(|time| time.column.as_ref()), &file.schema) else {
        return;
    };
    let problem = |message: String| Problem::new(column.place.clone(), message);
    let Some(field) = schema.fields.iter().find(|field| field.path == column.value) else {
        let problem = problem(format!("the time column {} is not declared in [schema]", column.shown));
        let near = reader.suggest(&column.value, schema.fields.iter().map(|field| field.path.as_str()));
        let label = near.map_or("not a declared field".to_string(), |near| format!("did you mean \"{near}\"?"));
        let help = format!(
            "declare it: `fields.\"{}\" = {{ type = \"timestamp\", format = \"rfc3339\" }}`",
            column.shown.trim_matches('"')
        );
        reader.push(problem.label(label).help(help));
        return;
    };
    if let Some((false, place)) = &field.required {
        let problem = Problem::new(place.clone(), format!("the time column `{}` is always required", field.path));
        reader.push(
            problem
                .other(column.place.clone(), "time column")
                .help("leave `required` out: a record without event time is undecodable"),
        );
    }
    let Some(plan) = &field.plan else { return };
    if plan.column_type != ColumnType::Scalar(ScalarType::Timestamp) {
        let problem = problem(format!(
            "the time column {} must be a timestamp, and its type is {}",
            column.shown, plan.column_type
        ));
        let help = "name a field of type timestamp that is not within a list";
        reader.push(problem.label("time column").other(plan.place.clone(), "declared here").help(help));
    }
}

/// Columns that the schema doesn't know may come from a preprocessor; those that it does know must be fit for a key.
fn group_keys(file: &File, reader: &Reader<'_>) {
    let Some(schema) = &file.schema else { return };
    let plans = schema.fields.iter().filter_map(|field| field.plan.as_ref());
    let lists: HashMap<&str, &FieldPlan> = plans
        .filter(|field| matches!(field.column_type, ColumnType::List(_)))
        .map(|field| (field.path.as_str(), field))
        .collect();
    for column in file.kpis.iter().flat_map(|kpi| &kpi.by) {
        let Some(field) = lists.get(column.value.as_str()) else {
            continue;
        };
        let message = format!("{} is a {} and can't be a group key", column.shown, field.column_type);
        let problem = Problem::new(column.place.clone(), message).other(field.place.clone(), "declared here");
        reader.push(problem.help("group by a column with one value a record"));
    }
}

fn kpi_names(file: &File, reader: &Reader<'_>) {
    let mut seen: HashMap<&str, &Text> = HashMap::new();
    for name in file.kpis.iter().filter_map(|kpi| kpi.name.as_ref()) {
        if let Some(first) = seen.insert(&name.value, name) {
            let problem = Problem::new(name.place.clone(), format!("two KPIs are called {}", name.shown));
            reader.push(
                problem.label("again").other(first.place.clone(), "first").help("give each KPI a name of its own"),
            );
        }
    }
}

/// Reports KPIs that sinks name and nobody has; gives those that were probably meant, so that they are not told once more.
fn sink_kpis<'f>(file: &'f File, reader: &Reader<'_>) -> Vec<&'f str> {
    let names: Vec<&Text> = file.kpis.iter().filter_map(|kpi| kpi.name.as_ref()).collect();
    let mut meant = Vec::new();
    if names.len() < file.kpis.len() {
        return meant; // A KPI whose name can't be read is told as such, not as unknown here.
    }
    let known: HashSet<&str> = names.iter().map(|name| name.value.as_str()).collect();
    let list: Vec<&str> = names.iter().map(|name| name.shown.as_str()).take(20).collect();
    let help = match list.len() {
        0 => "this file has no KPI yet".to_string(),
        _ => format!("KPIs of this file: {}", list.join(", ")),
    };
    for text in file.sinks.iter().flatten().filter_map(|sink| sink.kpis.as_ref()).flatten() {
        if known.contains(text.value.as_str()) {
            continue;
        }
        let problem = Problem::new(text.place.clone(), format!("there is no KPI {}", text.shown));
        let problem = problem.help(&help);
        let near = reader.suggest(&text.value, names.iter().map(|name| name.value.as_str()));
        meant.extend(near);
        let shown = names.iter().find(|name| Some(name.value.as_str()) == near);
        reader.push(match shown {
            Some(name) => problem.label(format!("did you mean {}?", name.shown)),
            None => problem,
        });
    }
    meant
}

/// Two sinks that write the same KPI to the same place would overwrite each other, and two of one name could not be told apart.
fn sinks_apart(file: &File, reader: &Reader<'_>) {
    let mut seen: HashMap<(String, &str), &Sink> = HashMap::new();
    for sink in file.sinks.iter().flatten() {
        let Some(target) = sink.kind.as_ref().map(target) else { continue };
        let names = file.kpis.iter().filter_map(|kpi| kpi.name.as_ref()).map(|name| name.value.as_str());
        let taken: Vec<&str> = names.filter(|name| takes(sink, name)).collect();
        let clash = taken.iter().find_map(|name| seen.get(&(target.clone(), *name)).map(|first| (*first, *name)));
        if let Some((first, name)) = clash {
            let problem = Problem::new(sink.place.clone(), format!("two sinks write the KPI {name} to the same place"));
            let problem = problem.label("again").other(first.place.clone(), "first");
            reader.push(problem.help("give one of them another place or other KPIs"));
        }
        taken.into_iter().for_each(|name| {
            seen.entry((target.clone(), name)).or_insert(sink);
        });
    }
    let sinks: Vec<&Sink> = file.sinks.iter().flatten().collect();
    let mut names: HashMap<String, &Sink> = HashMap::new();
    for (sink, name) in sinks.iter().zip(sink_names(sinks.iter().copied())) {
        if let Some(first) = names.get(&name) {
            let problem = Problem::new(sink.place.clone(), format!("two sinks are called {name}"));
            let problem = problem.label("again").other(first.place.clone(), "first");
            reader.push(problem.help("give each sink a `name` of its own"));
        }
        names.entry(name).or_insert(sink);
    }
}

/// What tells one place from another; never shown.
fn target(kind: &SinkKind) -> String {
    match kind {
        SinkKind::JsonFiles { path, .. } => format!("file {}", path.display()),
        SinkKind::Hdfs { url, path, .. } => format!("{url}{path}"),
        SinkKind::Kafka { brokers, topic, .. } => format!("kafka {brokers} {topic}"),
        SinkKind::Postgres { url, schema, .. } => format!("{} {schema}", url.0),
        SinkKind::Redis { url, prefix, .. } => format!("{} {prefix}", url.0),
    }
}

pub(super) fn takes(sink: &Sink, name: &str) -> bool {
    sink.kpis.as_ref().is_none_or(|names| names.iter().any(|text| text.value == name))
}

fn every_kpi_has_a_sink(file: &File, reader: &Reader<'_>, meant: &[&str]) {
    let sinks: Vec<&Sink> = file.sinks.iter().flatten().collect();
    if sinks.len() < file.sinks.len() || sinks.is_empty() {
        return; // A sink that can't be read may take them all; one that is missing is told once.
    }
    for name in file.kpis.iter().filter_map(|kpi| kpi.name.as_ref()) {
        if !meant.contains(&name.value.as_str()) && !sinks.iter().any(|sink| takes(sink, &name.value)) {
            let problem = Problem::new(name.place.clone(), format!("no sink takes the KPI {}", name.shown));
            reader.push(problem.help("add it to the `kpis` of a [[sink]], or leave `kpis` out there to take all"));
        }
    }
}

fn dead_letters(file: &File, reader: &Reader<'_>) {
    let section = &file.dead_letters;
    let Some(name) = file.job.as_ref().and_then(|job| job.name.as_ref()) else {
        return;
    };
    let (dead_letters, late) = own_files(section.path.clone(), section.late_path.clone(), &name.value, reader.folder);
    if dead_letters == late {
        let problem = Problem::new(section.place.clone(), "dead letters and late records would go into the same file");
        reader.push(problem.help("give `path` and `late_path` different names"));
    }
}
