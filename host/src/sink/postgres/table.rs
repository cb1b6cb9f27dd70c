//! A KPI's table, as its description has it: names, types, comments. Knows no server.
//!
//! The primary key is `(window_start, window_end, ordinal)`, where `ordinal` is a row's place within its window. The group key can't be
//! it: a null is a group of its own, and primary keys take no nulls; a plugin may give several rows a group; and `unique nulls not
//! distinct` is there from PostgreSQL 15 on only.

use super::sql::{identifier, literal, qualified};
use crate::sink::KpiSchema;
use weir_core::types::{ColumnType, ScalarType};

/// Columns that every table has and no group key or output may be called by.
pub const OWN_COLUMNS: [&str; 5] = ["window_start", "window_end", "revision", "ordinal", "unavailable"];

/// Columns that PostgreSQL has in every table.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Tables of the sink itself.
pub const OWN_TABLES: [&str; 1] = [super::marker::TABLE];

/// Bytes of a name; PostgreSQL cuts longer ones off.
const NAME_BYTES_MAX: usize = 63;

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub kpi: String,
    pub name: String,
    /// In the order of rows.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    /// As `format_type` writes it.
    pub sql_type: String,
    pub role: Role,
    pub comment: Option<String>,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Ours, never null.
    Place,
    /// Of the group key.
    Key,
    /// An output.
    Output,
    /// Ours: why there are no rows.
    Unavailable,
}

impl Table {
    /// Fails where PostgreSQL can't have the KPI's columns; the reason says what to do.
    pub(super) fn of(kpi: &KpiSchema) -> Result<Self, String> {
        let name = table_name(&kpi.name);
        if OWN_TABLES.contains(&name.as_str()) {
            return Err(format!(
                "KPI `{}` would have the table {name}, which is the sink's own: rename the KPI",
                kpi.name
            ));
        }
        check_length("KPI", &kpi.name)?;
        let place =
            |name: &str, sql_type: &str, comment: &str| Column::new(name, sql_type, Role::Place, Some(comment.into()));
        let mut columns = vec![
            place("window_start", INSTANT, "first moment of the window"),
            place("window_end", INSTANT, "first moment after the window"),
            place("revision", "bigint", "late records that the window has taken"),
            place("ordinal", "integer", "place of the row within its window, from 0"),
        ];
        for field in &kpi.keys {
            check_name(kpi, &field.path)?;
            columns.push(Column::new(&field.path, &sql_type(field.column_type), Role::Key, Some("group key".into())));
        }
        for (_, output) in &kpi.outputs {
            check_name(kpi, &output.field.path)?;
            let comment = comment(&output.description, output.unit.as_deref());
            columns.push(Column::new(&output.field.path, &sql_type(output.field.column_type), Role::Output, comment));
        }
        let why = "why the window has no rows, if the KPI was quarantined";
        columns.push(Column::new("unavailable", "text", Role::Unavailable, Some(why.into())));
        Ok(Self { kpi: kpi.name.clone(), name, columns })
    }

    /// Statements that make it, with comments.
    pub(super) fn create(&self, schema: &str, pipeline: &str) -> String {
        let table = qualified(schema, &self.name);
        let columns: Vec<String> = self.columns.iter().map(Column::declaration).collect();
        let mut sql = format!(
            "create table {table} ({}, primary key (window_start, window_end, ordinal));\ncomment on table {table} is {};",
            columns.join(", "),
            literal(&self.comment(pipeline))
        );
        self.columns.iter().for_each(|column| sql.push_str(&column.comment_on(&table)));
        sql
    }

    /// What the table says of itself; [`foreign`] reads it.
    fn comment(&self, pipeline: &str) -> String {
        format!("KPI {}{OF_PIPELINE}{pipeline}{BY_US}", self.kpi)
    }
}

const OF_PIPELINE: &str = " of pipeline ";
const BY_US: &str = ", written by Weir";

/// The pipeline that a table's comment names, if it is another one.
pub(super) fn foreign<'c>(comment: &'c str, pipeline: &str) -> Option<&'c str> {
    let (_, rest) = comment.strip_suffix(BY_US)?.split_once(OF_PIPELINE)?;
    (rest != pipeline).then_some(rest)
}

impl Column {
    fn new(name: &str, sql_type: &str, role: Role, comment: Option<String>) -> Self {
        Self { name: name.to_owned(), sql_type: sql_type.to_owned(), role, comment }
    }

    fn declaration(&self) -> String {
        let never_null = if self.role == Role::Place { " not null" } else { "" };
        format!("{} {}{never_null}", identifier(&self.name), self.sql_type)
    }

    /// Statements that add it to a table that lacks it.
    pub(super) fn add_to(&self, table: &str) -> String {
        format!("alter table {table} add column {};{}", self.declaration(), self.comment_on(table))
    }

    fn comment_on(&self, table: &str) -> String {
        let comment =
            |text: &String| format!("\ncomment on column {table}.{} is {};", identifier(&self.name), literal(text));
        self.comment.as_ref().map(comment).unwrap_or_default()
    }
}

const INSTANT: &str = "timestamp with time zone";

/// The table of a KPI of this name. Names of KPIs hold no `_`, so two of them never meet.
pub(super) fn table_name(kpi: &str) -> String {
    kpi.replace('-', "_")
}

fn sql_type(column: ColumnType) -> String {
    let scalar = match column.scalar() {
        ScalarType::Boolean => "boolean".to_owned(),
        ScalarType::Int64 => "bigint".to_owned(),
        ScalarType::Float64 => "double precision".to_owned(),
        // A 64-bit mantissa has up to 19 digits.
        ScalarType::Decimal(Some(scale)) => format!("numeric(19,{scale})"),
        ScalarType::Decimal(None) => "numeric".to_owned(),
        ScalarType::Timestamp => INSTANT.to_owned(),
        ScalarType::Text => "text".to_owned(),
    };
    match column {
        ColumnType::Scalar(_) => scalar,
        ColumnType::List(_) => format!("{scalar}[]"),
    }
}

fn comment(description: &str, unit: Option<&str>) -> Option<String> {
    match (description, unit) {
        ("", None) => None,
        ("", Some(unit)) => Some(format!("[{unit}]")),
        (text, None) => Some(text.to_owned()),
        (text, Some(unit)) => Some(format!("{text} [{unit}]")),
    }
}

fn check_name(kpi: &KpiSchema, column: &str) -> Result<(), String> {
    if OWN_COLUMNS.contains(&column) || SYSTEM_COLUMNS.contains(&column) {
        return Err(format!(
            "KPI `{}` has a column `{column}`, and its table has one of that name already: leave it out with `outputs`, or give the KPI to \
             another sink",
            kpi.name
        ));
    }
    check_length(&format!("KPI `{}`: the column", kpi.name), column)
}

fn check_length(what: &str, name: &str) -> Result<(), String> {
    if (1..=NAME_BYTES_MAX).contains(&name.len()) {
        return Ok(());
    }
    Err(format!(
        "{what} `{name}` has {} bytes; a name in PostgreSQL has at most {NAME_BYTES_MAX}: give it a shorter one",
        name.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::test_rows::schema;

    #[test]
    fn a_table_has_the_types_of_the_description() {
        let table = Table::of(&schema("sales-by-country", 0)).unwrap();
        let columns: Vec<String> = table.columns.iter().map(Column::declaration).collect();
        assert_eq!(table.name, "sales_by_country");
        assert_eq!(
            columns,
            [
                "\"window_start\" timestamp with time zone not null",
                "\"window_end\" timestamp with time zone not null",
                "\"revision\" bigint not null",
                "\"ordinal\" integer not null",
                "\"country\" text",
                "\"OPM\" bigint",
                "\"total_sale_volume\" numeric(19,4)",
                "\"rate_of_return\" double precision",
                "\"unavailable\" text",
            ]
        );
    }

    #[test]
    fn names_that_the_table_has_already_or_that_are_too_long_are_refused() {
        let named = |name: &str| {
            let mut kpi = schema("sales", 0);
            kpi.outputs[0].1.field.path = name.to_owned();
            Table::of(&kpi).unwrap_err()
        };
        for name in ["window_start", "ordinal", "xmin"] {
            assert!(named(name).contains("leave it out"), "{}", named(name));
        }
        assert!(named(&"x".repeat(64)).contains("64 bytes"));
        assert!(Table::of(&schema("weir-epochs", 0)).unwrap_err().contains("rename the KPI"));
        assert!(Table::of(&schema(&"k".repeat(64), 0)).unwrap_err().contains("64 bytes"));
    }

    #[test]
    fn a_comment_tells_whose_the_table_is() {
        let comment = Table::of(&schema("sales", 0)).unwrap().comment("retail");
        assert_eq!(comment, "KPI sales of pipeline retail, written by Weir");
        assert_eq!(foreign(&comment, "retail"), None);
        assert_eq!(foreign(&comment, "other"), Some("retail"));
        assert_eq!(foreign("sales of last year", "other"), None);
    }
}
