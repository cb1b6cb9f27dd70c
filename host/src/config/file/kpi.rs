//! `[[kpi]]`: a plugin, its group key and its windows. Whether the columns are there is checked when the plugins are opened.

use super::{job, plugin};
use crate::config::item::{Item, Text};
use crate::config::path;
use crate::config::plan::{LimitsPlan, PluginPlan, WindowPlan};
use crate::config::problem::Problem;
use crate::config::read::Table;
use crate::config::units::{UnitError, duration_us, show_duration};
use std::collections::HashMap;

/// Panes of a hopping window at the most: each is kept for each group key while the window is open.
const PANES_MAX: i64 = 65_536;

/// Rows of JSON have these beside the group key.
const ROW_KEYS: [&str; 3] = ["window", "revision", "unavailable"];

/// A `[[kpi]]`.
pub struct Kpi {
    pub name: Option<Text>,
    pub plugin: Option<PluginPlan>,
    pub by: Vec<Text>,
    pub window: Option<WindowPlan>,
    pub outputs: Option<Vec<Text>>,
}

pub fn read(table: Table<'_>, limits: LimitsPlan) -> Kpi {
    let name = table.need("name", "\"sales\"").and_then(|item| job::name(&item, "sales"));
    let plugin = plugin::read(&table, "sales", limits);
    let by = table.get("by").map(|item| by(&item)).unwrap_or_default();
    let window = table.need("window", "\"tumbling 1m\"").and_then(|item| window(&item));
    let outputs = table.get("outputs").and_then(|item| outputs(&item, &by));
    table.finish();
    Kpi { name, plugin, by, window, outputs }
}

fn by(item: &Item<'_>) -> Vec<Text> {
    let columns = item.word_list("country").unwrap_or_default();
    unique(item, &columns, "the column", "in `by`");
    columns.into_iter().filter(|column| is_key_column(item, column)).collect()
}

fn is_key_column(item: &Item<'_>, column: &Text) -> bool {
    let problem =
        |message: String, help: &str| item.reader.push(Problem::new(column.place.clone(), message).help(help));
    match path::parse(&column.value) {
        Err(why) => problem(format!("{} is no column: {why}", column.shown), "write for example `by = [\"country\"]`"),
        Ok(path) if path.is_list() => problem(
            format!("{} is a column of lists and can't be a group key", column.shown),
            "group by a column with one value a record",
        ),
        Ok(_) if ROW_KEYS.contains(&column.value.as_str()) => problem(
            format!("{} can't be a group key: each row already has a key of this name", column.shown),
            "have a preprocessor give the column under another name",
        ),
        Ok(_) => return true,
    }
    false
}

fn outputs(item: &Item<'_>, by: &[Text]) -> Option<Vec<Text>> {
    let outputs = item.word_list("total")?;
    if outputs.is_empty() && item.value.as_array().is_some_and(|list| list.is_empty()) {
        item.problem("`outputs` is empty", "name the outputs to write, or leave the key out for all");
        return None;
    }
    unique(item, &outputs, "the output", "in `outputs`");
    for output in &outputs {
        if let Some(column) = by.iter().find(|column| column.value == output.value) {
            let problem = Problem::new(output.place.clone(), format!("{} is an output and a group key", output.shown));
            let problem = problem.label("output").other(column.place.clone(), "group key");
            item.reader.push(problem.help("a row holds each name once; leave one of them out"));
        }
    }
    Some(outputs)
}

/// Reports texts that stand twice.
pub fn unique(item: &Item<'_>, texts: &[Text], what: &str, whereabouts: &str) {
    let mut seen: HashMap<&str, &Text> = HashMap::new();
    for text in texts {
        if let Some(first) = seen.insert(&text.value, text) {
            let problem = Problem::new(text.place.clone(), format!("{what} {} stands twice {whereabouts}", text.shown));
            item.reader.push(problem.label("again").other(first.place.clone(), "first").help("leave one of them out"));
        }
    }
}

const WINDOW_HELP: &str = "write `window = \"tumbling 1m\"`, or `window = \"hopping 10m every 1m\"`";

fn window(item: &Item<'_>) -> Option<WindowPlan> {
    let text = item.word("tumbling 1m")?;
    let words: Vec<&str> = text.value.split_whitespace().take(6).collect();
    match words.as_slice() {
        ["tumbling", size] => Some(WindowPlan::Tumbling { size_us: length(item, &text, size)? }),
        ["hopping", size, "every", hop] => hopping(item, length(item, &text, size), length(item, &text, hop)),
        ["session", ..] => {
            item.problem("session windows are not available yet", WINDOW_HELP);
            None
        }
        _ => {
            item.problem(format!("{} is no window", text.shown), WINDOW_HELP);
            None
        }
    }
}

fn hopping(item: &Item<'_>, size_us: Option<i64>, hop_us: Option<i64>) -> Option<WindowPlan> {
    let (size_us, hop_us) = (size_us?, hop_us?);
    let (size, hop) = (show_duration(size_us), show_duration(hop_us));
    if hop_us > size_us {
        item.problem(
            format!("windows of {size} every {hop} leave gaps: records between them would count nowhere"),
            format!("write `window = \"hopping {hop} every {size}\"`, or `window = \"tumbling {hop}\"`"),
        );
        return None;
    }
    let panes = size_us / gcd(size_us, hop_us);
    if panes > PANES_MAX {
        item.problem(
            format!("windows of {size} every {hop} are made of {panes} panes, and at most {PANES_MAX} are kept"),
            "make the hop longer, or both multiples of a longer time",
        );
        return None;
    }
    Some(WindowPlan::Hopping { size_us, hop_us })
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A positive, whole number of milliseconds, because rows write a window's bounds in these.
fn length(item: &Item<'_>, text: &Text, word: &str) -> Option<i64> {
    let why = match duration_us(word) {
        Ok(us) if us > 0 && us % 1_000 == 0 => return Some(us),
        Ok(0) => "a window can't have no length",
        Ok(_) => "lengths are whole milliseconds",
        Err(UnitError::NoUnit(_)) => "a number needs a unit (d, h, m, s, ms)",
        Err(UnitError::TooLarge) => "it is longer than 36500d",
        Err(_) => "a length is written like `1m`, `90s` or `1h30m`",
    };
    item.problem(format!("{} is no window: {why}", text.shown), WINDOW_HELP);
    None
}
