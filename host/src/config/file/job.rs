//! `[pipeline]`, `[dead_letters]` and `[checkpoint]`: what the job is called, how much of the machine it takes and where it keeps its own files.

use super::properties::properties;
use crate::config::item::{Item, Text};
use crate::config::plan::{CheckpointPlan, FolderPlan, Place, Properties};
use crate::config::problem::Problem;
use crate::config::read::Table;
use crate::config::units::DURATION_MAX_US;
use std::path::PathBuf;
use std::time::Duration;

/// Characters of a name at the most; names become folders and files.
pub const NAME_CHARS_MAX: usize = 64;

/// Worker threads at the most.
const WORKERS_MAX: u64 = 256;

/// Rows of a batch: at the most, and by default. The cost of a call into a plugin is spread thin enough from a few thousand on.
const BATCH_ROWS: (u64, u64) = (65_536, 8_192);

/// `[pipeline]`.
pub struct Job {
    pub name: Option<Text>,
    pub workers: usize,
    pub batch_rows_max: usize,
}

/// `[dead_letters]`; what is not set gets its default in `check`, which knows the job's name.
#[derive(Default)]
pub struct DeadLetters {
    pub path: Option<PathBuf>,
    pub late_path: Option<PathBuf>,
    pub place: Place,
}

pub fn read(table: Table<'_>) -> Job {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64).min(WORKERS_MAX);
    let name = table.need("name", "\"retail\"").and_then(|item| name(&item, "retail"));
    let workers = table.get("workers").and_then(|item| item.integer(1..=WORKERS_MAX, 2));
    let rows = table.get("batch_rows_max").and_then(|item| item.integer(1..=BATCH_ROWS.0, BATCH_ROWS.1));
    table.finish();
    Job { name, workers: workers.unwrap_or(cores) as usize, batch_rows_max: rows.unwrap_or(BATCH_ROWS.1) as usize }
}

/// A name that is fit for a folder: lower-case letters, digits and hyphens.
pub fn name(item: &Item<'_>, example: &str) -> Option<Text> {
    let text = item.text(example)?;
    if is_name(&text.value) {
        return Some(text);
    }
    let message = format!("{} is no name", text.shown);
    let help = format!(
        "a name has 1 to {NAME_CHARS_MAX} lower-case letters, digits and hyphens, and begins with a letter or digit; for example `{} = \"{}\"`",
        item.key,
        mended(&text.value).filter(|_| !text.shown.contains("${")).unwrap_or_else(|| example.to_string()),
    );
    item.reader.push(Problem::new(item.place.clone(), message).help(help));
    None
}

/// Whether a text is a name.
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-')
}

/// The name that was probably meant: `Sales By_Country` as `sales-by-country`.
fn mended(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let name: String = lower.chars().map(|c| if c == ' ' || c == '_' { '-' } else { c }).collect();
    is_name(&name).then_some(name)
}

pub fn dead_letters(table: Table<'_>) -> DeadLetters {
    let dead_path = table.get("path").and_then(|item| path(&item, "out/dead-letters.jsonl"));
    let late_path = table.get("late_path").and_then(|item| path(&item, "out/late.jsonl"));
    let place = table.place.clone();
    table.finish();
    DeadLetters { path: dead_path, late_path, place }
}

pub fn checkpoint(table: Table<'_>) -> Option<CheckpointPlan> {
    let properties = table.get("properties").map(|item| (properties(&item, &[]).0, item));
    let folder = table.need("path", "\"checkpoint\"").and_then(|item| folder(&item, properties));
    let interval = table.get("interval").and_then(|item| item.duration(1_000, DURATION_MAX_US, "1s"));
    table.finish();
    let interval = interval.map_or(Duration::from_secs(1), |us| Duration::from_micros(us.unsigned_abs()));
    Some(CheckpointPlan { folder: folder?, interval })
}

/// A folder here, or one that an address names.
fn folder(item: &Item<'_>, properties: Option<(Properties, Item<'_>)>) -> Option<FolderPlan> {
    let text = item.word("checkpoint")?;
    if !text.value.contains("://") {
        if let Some((_, item)) = properties {
            item.problem(
                "`properties` are those of HDFS",
                "leave them out, or write `path = \"hdfs://127.0.0.1:9000/weir\"`",
            );
        }
        return Some(FolderPlan::Local(item.reader.path(&text.value)));
    }
    let parts = text.value.strip_prefix("hdfs://").and_then(|rest| rest.split_once('/'));
    match parts.map(|(host, path)| (host, path.trim_end_matches('/'))) {
        Some((host, path)) if !host.is_empty() && !path.is_empty() => Some(FolderPlan::Hdfs {
            url: format!("hdfs://{host}"),
            path: format!("/{path}"),
            properties: properties.map(|(properties, _)| properties.0).unwrap_or_default(),
        }),
        _ => {
            item.wrong("a path here, or an address as `hdfs://host:port/path`", "\"hdfs://127.0.0.1:9000/weir/retail\"")
        }
    }
}

/// A path, from the pipeline file's folder.
pub fn path(item: &Item<'_>, example: &str) -> Option<PathBuf> {
    item.word(example).map(|text| item.reader.path(&text.value))
}
