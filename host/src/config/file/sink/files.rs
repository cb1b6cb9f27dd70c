//! Sinks of files.

use crate::config::file::{job, properties::properties};
use crate::config::item::Item;
use crate::config::plan::SinkKind;
use crate::config::read::Table;
use crate::config::units::DURATION_MAX_US;

/// Event time of a file by default: ten minutes.
const INTERVAL_US: i64 = 600_000_000;

pub(super) fn json_files(table: &Table<'_>) -> Option<SinkKind> {
    let path = table.need("path", "\"out\"").and_then(|item| job::path(&item, "out"));
    let interval_us = interval(table);
    Some(SinkKind::JsonFiles { path: path?, interval_us })
}

pub(super) fn hdfs(table: &Table<'_>) -> Option<SinkKind> {
    let url = table.need("url", "\"hdfs://127.0.0.1:9000\"").and_then(|item| url(&item));
    let path = table.need("path", "\"/kpis\"").and_then(|item| absolute(&item));
    let interval_us = interval(table);
    let (properties, _) = table.get("properties").map(|item| properties(&item, &[])).unwrap_or_default();
    Some(SinkKind::Hdfs { url: url?, path: path?, interval_us, properties: properties.0 })
}

fn url(item: &Item<'_>) -> Option<String> {
    let text = item.word("hdfs://127.0.0.1:9000")?;
    let rest = text.value.strip_prefix("hdfs://").map(|rest| rest.trim_end_matches('/'));
    match rest.filter(|rest| !rest.is_empty() && !rest.contains('/')) {
        Some(rest) => Some(format!("hdfs://{rest}")),
        None => {
            let problem =
                "`url` must be an address as `hdfs://host:port` or `hdfs://nameservice`, and nothing after it";
            item.problem(problem, "write for example `url = \"hdfs://127.0.0.1:9000\"`");
            None
        }
    }
}

fn absolute(item: &Item<'_>) -> Option<String> {
    let text = item.word("/kpis")?;
    let path = text.value.strip_prefix('/').map(|path| path.trim_end_matches('/'));
    // What HDFS refuses in a path, and what would make two paths of one.
    let fits = |part: &str| !matches!(part, "" | "." | "..") && !part.contains([':', '\0']);
    match path.filter(|path| path.split('/').all(fits)) {
        Some(path) => Some(format!("/{path}")),
        None => {
            let problem = "`path` must be an absolute path in HDFS, without `..`, `//` or `:`";
            item.problem(problem, "write for example `path = \"/kpis\"`");
            None
        }
    }
}

fn interval(table: &Table<'_>) -> i64 {
    let read = |item: Item<'_>| {
        let us = item.duration(1_000, DURATION_MAX_US, "10m")?;
        if us % 1_000 != 0 {
            item.problem("`interval` must be a whole number of milliseconds", "write for example `interval = \"10m\"`");
            return None;
        }
        Some(us)
    };
    table.get("interval").and_then(read).unwrap_or(INTERVAL_US)
}
