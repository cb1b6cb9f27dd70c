//! Makes a table that is not there, adds outputs that it lacks, and refuses one that can't take the rows, with what to write.

use super::connection::Connection;
use super::sql::{identifier, literal, qualified};
use super::table::{Column, Role, Table, foreign};
use crate::sink::outbox::Trouble;

/// A column of a table that is there.
struct Found {
    name: String,
    sql_type: String,
    never_null: bool,
    has_default: bool,
}

/// Whether the schema has a table of this name; anything else of that name is refused. With the table's comment.
pub(super) fn existing(
    connection: &mut Connection,
    schema: &str,
    name: &str,
) -> Result<Option<Option<String>>, Trouble> {
    let rows = connection.rows(&format!(
        "select c.relkind::text, obj_description(c.oid, 'pg_class') from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = {} and c.relname = {}",
        literal(schema),
        literal(name)
    ))?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let mut values = row.into_iter();
    match values.next().flatten().as_deref() {
        Some("r" | "p") => Ok(Some(values.next().flatten())),
        _ => Err(Trouble::Final(format!(
            "{} is there and is no table: give the sink a `schema` of its own",
            qualified(schema, name)
        ))),
    }
}

/// Sees to it that the table takes the KPI's rows, in the transaction that is open.
pub(super) fn fit(connection: &mut Connection, schema: &str, table: &Table, pipeline: &str) -> Result<(), Trouble> {
    let Some(comment) = existing(connection, schema, &table.name)? else {
        return connection.run(&table.create(schema, pipeline));
    };
    let name = qualified(schema, &table.name);
    if let Some(other) = comment.as_deref().and_then(|comment| foreign(comment, pipeline)) {
        return Err(Trouble::Final(format!(
            "{name} is written by the pipeline {other}: give the sink another `schema`; or, if that pipeline is gone, \
             write `comment on table {name} is null`"
        )));
    }
    let found = columns(connection, &name)?;
    for column in &table.columns {
        match found.iter().find(|found| found.name == column.name) {
            Some(found) => check(found, column, &name).map_err(Trouble::Final)?,
            None if column.role == Role::Output => connection.run(&column.add_to(&name))?,
            None => return Err(Trouble::Final(lacks(column, &name))),
        }
    }
    let stranger = |found: &&Found| {
        found.never_null && !found.has_default && table.columns.iter().all(|column| column.name != found.name)
    };
    match found.iter().find(stranger) {
        Some(found) => Err(Trouble::Final(never_null(&found.name, &name, "the sink has no value for it"))),
        None => Ok(()),
    }
}

fn columns(connection: &mut Connection, table: &str) -> Result<Vec<Found>, Trouble> {
    let rows = connection.rows(&format!(
        "select attname, format_type(atttypid, atttypmod), attnotnull, atthasdef or attidentity <> '' \
         from pg_catalog.pg_attribute where attrelid = {}::regclass and attnum > 0 and not attisdropped",
        literal(table)
    ))?;
    let found = |row: Vec<Option<String>>| {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        let mut text = || values.next().unwrap_or_default();
        Found { name: text(), sql_type: text(), never_null: text() == "t", has_default: text() == "t" }
    };
    Ok(rows.into_iter().map(found).collect())
}

fn check(found: &Found, column: &Column, table: &str) -> Result<(), String> {
    let name = identifier(&column.name);
    if !holds(&found.sql_type, &column.sql_type) {
        let wanted = &column.sql_type;
        return Err(format!(
            "the column {name} of {table} is {}, and the sink writes {wanted}: write `alter table {table} alter column {name} type \
             {wanted} using {name}::{wanted}`, or rename the table, and a new one is made",
            found.sql_type
        ));
    }
    if found.never_null && column.role != Role::Place {
        return Err(never_null(&column.name, table, "windows of a quarantined KPI have nulls there"));
    }
    Ok(())
}

fn lacks(column: &Column, table: &str) -> String {
    format!(
        "{table} has no column {}, which every row of the KPI has: it is of another KPI or another `by`; rename it, and a new one is made",
        identifier(&column.name)
    )
}

fn never_null(column: &str, table: &str, why: &str) -> String {
    let name = identifier(column);
    format!(
        "the column {name} of {table} is `not null`, and {why}: write `alter table {table} alter column {name} drop not null`"
    )
}

/// Whether a column of type `found` takes every value of type `wanted` as it is: the same type, or a wider `numeric`.
fn holds(found: &str, wanted: &str) -> bool {
    if found == wanted || (found == "numeric" && wanted.starts_with("numeric(") && !wanted.ends_with("[]")) {
        return true;
    }
    match (numeric(found), numeric(wanted)) {
        (Some((precision, scale)), Some((of_precision, of_scale))) => {
            scale >= of_scale && precision - scale >= of_precision - of_scale
        }
        _ => false,
    }
}

/// Precision and scale of `numeric(19,4)`.
fn numeric(sql_type: &str) -> Option<(i32, i32)> {
    let (precision, scale) = sql_type.strip_prefix("numeric(")?.strip_suffix(')')?.split_once(',')?;
    Some((precision.parse().ok()?, scale.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_number_holds_a_narrower() {
        for (found, wanted, is) in [
            ("bigint", "bigint", true),
            ("integer", "bigint", false),
            ("numeric", "numeric(19,4)", true),
            ("numeric(38,10)", "numeric(19,4)", true),
            ("numeric(19,6)", "numeric(19,4)", false),
            ("numeric(19,2)", "numeric(19,4)", false),
            ("numeric", "numeric(19,4)[]", false),
            ("numeric(19,4)[]", "numeric(19,4)[]", true),
            ("character varying(10)", "text", false),
        ] {
            assert_eq!(holds(found, wanted), is, "{found} for {wanted}");
        }
    }
}
