//! `[schema]`: the declared fields of a record with their types, and how large a record may be.

use super::timestamp;
use crate::config::item::Item;
use crate::config::path::{self, ColumnPath, Conflict, Paths};
use crate::config::plan::{FieldPlan, Place};
use crate::config::problem::Problem;
use crate::config::read::{Reader, Table, clip};
use toml::de::DeValue;
use weir_core::types::{ColumnType, DECIMAL_SCALE_MAX, ScalarType};

/// Nesting: at the most, and by default.
const DEPTH: (u64, u64) = (1_000, 64);
/// Bytes of a record: at the most, and by default.
const RECORD_BYTES: (u64, u64) = (256 << 20, 1 << 20);
/// Elements of a list: at the most, and by default.
const LIST_ELEMENTS: (u64, u64) = (1 << 24, 65_536);

const TYPES: [&str; 6] = ["int64", "float64", "decimal(2)", "boolean", "text", "timestamp"];
const TYPES_HELP: &str = "types: int64, float64, decimal(scale) with a scale of 0 to 18, boolean, text, timestamp";

/// `[schema]`.
pub struct Schema {
    pub fields: Vec<Declared>,
    pub depth_max: usize,
    pub record_bytes_max: usize,
    pub list_elements_max: usize,
}

/// A field that was declared, however well.
pub struct Declared {
    pub path: String,
    /// `required = …`, where it was said.
    pub required: Option<(bool, Place)>,
    /// `None`: a problem was reported.
    pub plan: Option<FieldPlan>,
}

pub fn read(table: Table<'_>) -> Schema {
    if let Some(item) = table.get("format") {
        json(&item);
    }
    let fields = table.need("fields", "{ country = \"text\" }");
    let fields = fields.and_then(|item| item.table("`fields`", "{ country = \"text\" }"));
    let fields = fields.map(|table| declared(&table)).unwrap_or_default();
    let depth = table.get("depth_max").and_then(|item| item.integer(1..=DEPTH.0, DEPTH.1));
    let bytes = table.get("record_bytes_max").and_then(|item| item.size(2..=RECORD_BYTES.0, "1MiB"));
    let elements = table.get("list_elements_max").and_then(|item| item.integer(1..=LIST_ELEMENTS.0, LIST_ELEMENTS.1));
    table.finish();
    Schema {
        fields,
        depth_max: depth.unwrap_or(DEPTH.1) as usize,
        record_bytes_max: bytes.unwrap_or(RECORD_BYTES.1) as usize,
        list_elements_max: elements.unwrap_or(LIST_ELEMENTS.1) as usize,
    }
}

fn json(item: &Item<'_>) {
    if let Some(text) = item.word("json").filter(|text| text.value != "json") {
        item.problem(
            format!("records can't be read as {}", text.shown),
            "write `format = \"json\"`, or leave the key out",
        );
    }
}

fn declared(fields: &Table<'_>) -> Vec<Declared> {
    let mut paths = Paths::default();
    let mut declared: Vec<(Declared, Place)> = Vec::new();
    for item in fields.items() {
        let path = path::parse(&item.key);
        let mut field = field(&item, path.as_ref().ok());
        match path {
            Err(why) => item.reader.push(not_a_path(&item, why)),
            Ok(path) => {
                if let Err((earlier, conflict)) = paths.add(&path, declared.len()) {
                    item.reader.push(contradiction(&item, &declared[earlier], conflict));
                    field.plan = None;
                }
            }
        }
        declared.push((field, item.key_place.clone()));
    }
    declared.into_iter().map(|(field, _)| field).collect()
}

fn not_a_path(item: &Item<'_>, why: &str) -> Problem {
    let problem = Problem::new(item.key_place.clone(), format!("`{}` is no path: {why}", clip(&item.key)));
    problem.help("write for example `fields.country`, `fields.\"customer.id\"`, `fields.\"items[].unit_price\"`")
}

fn contradiction(item: &Item<'_>, earlier: &(Declared, Place), conflict: Conflict) -> Problem {
    let (key, other) = (clip(&item.key), clip(&earlier.0.path));
    let (why, help) = match conflict {
        Conflict::ListOrNot(prefix) => (
            format!("`{prefix}` is a list for one and not for the other"),
            "write `[]` after the name of a list in every path through it",
        ),
        Conflict::ValueOrObject(prefix) => {
            (format!("`{prefix}` is a value for one and an object for the other"), "declare one of the two")
        }
    };
    let problem = Problem::new(item.key_place.clone(), format!("`{key}` contradicts `{other}`: {why}"));
    problem.label("this").other(earlier.1.clone(), "and this").help(help)
}

fn field(item: &Item<'_>, path: Option<&ColumnPath>) -> Declared {
    let mut declared = Declared { path: item.key.clone(), required: None, plan: None };
    let list = path.is_some_and(ColumnPath::is_list);
    let (kind, form, zone) = match item.value {
        DeValue::Table(_) if item.place == item.key_place => return unquoted(item, declared),
        DeValue::Table(_) => {
            let Some(table) = item.table(&format!("the field `{}`", clip(&item.key)), "") else {
                return declared;
            };
            let parts = (table.need("type", "\"timestamp\""), table.get("format"), table.get("zone"));
            declared.required = table.get("required").and_then(|item| Some((item.boolean()?, item.place.clone())));
            table.finish();
            parts
        }
        _ => (Some(item.clone()), None, None),
    };
    let Some(scalar) = kind.and_then(|kind| scalar(&kind)) else {
        return declared;
    };
    let timestamp = if scalar == ScalarType::Timestamp {
        let Some(plan) = timestamp::plan(&item.key, item, form, zone) else {
            return declared;
        };
        Some(plan)
    } else {
        [form, zone].into_iter().flatten().for_each(|extra| only_for_timestamps(&extra, scalar));
        None
    };
    declared.plan = Some(FieldPlan {
        path: item.key.clone(),
        column_type: if list { ColumnType::List(scalar) } else { ColumnType::Scalar(scalar) },
        timestamp,
        required: declared.required.as_ref().is_some_and(|(required, _)| *required),
        place: item.key_place.clone(),
    });
    declared
}

/// `fields.customer.id = "text"`: TOML takes the dot for itself, and `fields.customer.type = "text"` could mean two things.
fn unquoted(item: &Item<'_>, declared: Declared) -> Declared {
    let inner = item.value.as_table().and_then(|table| table.keys().next()).map(|key| key.get_ref().to_string());
    let key = clip(&item.key);
    let problem = Problem::new(item.key_place.clone(), format!("the path after `fields.{key}` stands without quotes"));
    let inner = clip(&inner.unwrap_or_default());
    item.reader.push(problem.help(format!(
        "write `fields.\"{key}.{inner}\" = …` for `{inner}` within `{key}`, or `fields.{key} = {{ type = … }}` for the field `{key}`"
    )));
    declared
}

fn only_for_timestamps(item: &Item<'_>, scalar: ScalarType) {
    let problem = Problem::new(
        item.key_place.clone(),
        format!("`{}` goes with a timestamp, and this field is {scalar}", item.key),
    );
    item.reader.push(problem.help("leave it out, or write `type = \"timestamp\"`"));
}

fn scalar(item: &Item<'_>) -> Option<ScalarType> {
    let text = item.word("text")?;
    let scalar = match text.value.as_str() {
        "int64" => Some(ScalarType::Int64),
        "float64" => Some(ScalarType::Float64),
        "boolean" => Some(ScalarType::Boolean),
        "text" => Some(ScalarType::Text),
        "timestamp" => Some(ScalarType::Timestamp),
        other => decimal(other),
    };
    if scalar.is_none() {
        let problem = Problem::new(text.place.clone(), format!("there is no type {}", text.shown)).help(TYPES_HELP);
        item.reader.push(match meant(item.reader, &text.value) {
            Some(word) => problem.label(format!("did you mean \"{word}\"?")),
            None => problem,
        });
    }
    scalar
}

fn decimal(text: &str) -> Option<ScalarType> {
    let digits = text.strip_prefix("decimal(")?.strip_suffix(')')?;
    let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let scale: u8 = digits.parse().ok().filter(|_| plain)?;
    (scale <= DECIMAL_SCALE_MAX).then_some(ScalarType::Decimal(Some(scale)))
}

/// The type that a word from another system stands for.
fn meant(reader: &Reader<'_>, text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "string" | "str" | "varchar" | "utf8" => Some("text"),
        "int" | "integer" | "long" | "bigint" | "int32" | "i64" => Some("int64"),
        "float" | "double" | "real" | "f64" | "number" => Some("float64"),
        "bool" => Some("boolean"),
        "datetime" | "date" | "time" => Some("timestamp"),
        // A scale that is too large is not mended by a guess.
        lower if lower.starts_with("decimal(") => None,
        lower if lower.starts_with("decimal") || lower == "money" || lower == "numeric" => Some("decimal(2)"),
        lower => reader.suggest(lower, TYPES.into_iter()),
    }
}
