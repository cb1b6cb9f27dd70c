//! `[[sink]]`: where rows go. Which KPIs a sink takes is checked against those that there are in `check`.

use super::{job, kpi};
use crate::config::item::{Item, Text};
use crate::config::plan::Place;
use crate::config::problem::Problem;
use crate::config::read::Table;
use crate::config::units::DURATION_MAX_US;
use std::path::PathBuf;

/// Event time of a file by default: ten minutes.
const INTERVAL_US: i64 = 600_000_000;

/// A `[[sink]]` of type `json-files`.
pub struct Sink {
    /// `None`: all.
    pub kpis: Option<Vec<Text>>,
    pub path: Option<PathBuf>,
    pub interval_us: i64,
    /// The path's, or the header.
    pub place: Place,
}

pub fn read(table: Table<'_>) -> Option<Sink> {
    let kind = table.need("type", "\"json-files\"");
    let known = kind.is_none_or(|item| is_json_files(&item));
    if !known {
        // What keys another type would have, nobody can say: checking them would only add noise.
        return None;
    }
    let kpis = table.get("kpis").and_then(|item| kpis(&item));
    let path = table.need("path", "\"out\"");
    let place = path.as_ref().map_or_else(|| table.place.clone(), |item| item.place.clone());
    let path = path.and_then(|item| job::path(&item, "out"));
    let interval = table.get("interval").and_then(|item| interval(&item));
    table.finish();
    Some(Sink { kpis, path, interval_us: interval.unwrap_or(INTERVAL_US), place })
}

fn is_json_files(item: &Item<'_>) -> bool {
    let Some(text) = item.word("json-files") else {
        return false;
    };
    if text.value == "json-files" {
        return true;
    }
    let problem = Problem::new(item.place.clone(), format!("there is no sink type {}", text.shown));
    let label = item
        .reader
        .suggest(&text.value, ["json-files"].into_iter())
        .map_or("unknown type", |_| "did you mean `json-files`?");
    item.reader.push(problem.label(label).help("write `type = \"json-files\"`"));
    false
}

fn kpis(item: &Item<'_>) -> Option<Vec<Text>> {
    let names = item.word_list("sales")?;
    if item.value.as_array().is_some_and(|list| list.is_empty()) {
        item.problem("`kpis` is empty: the sink would take nothing", "name the KPIs, or leave the key out for all");
    }
    kpi::unique(item, &names, "the KPI", "in `kpis`");
    Some(names)
}

fn interval(item: &Item<'_>) -> Option<i64> {
    let us = item.duration(1_000, DURATION_MAX_US, "10m")?;
    if us % 1_000 != 0 {
        item.problem("`interval` must be a whole number of milliseconds", "write for example `interval = \"10m\"`");
        return None;
    }
    Some(us)
}
