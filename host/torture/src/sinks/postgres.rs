//! Tables of a schema of the case's own.

use super::{Held, lines};
use crate::services::Services;

/// Beside the KPIs' tables; whose they are and which epoch they hold differs from run to run.
const OWN: &str = "weir\\_%";

pub(super) fn section(services: &Services, case: &str) -> Result<String, String> {
    let url = services.postgres()?.url();
    Ok(format!("type = \"postgres\"\nurl = \"{url}\"\nschema = \"{case}\""))
}

pub(super) fn make(services: &Services, case: &str) -> Result<(), String> {
    query(services, &format!("create schema \"{case}\"")).map(drop)
}

pub(super) fn held(services: &Services, case: &str) -> Result<Held, String> {
    let named = format!(
        "select table_name from information_schema.tables where table_schema = '{case}' and table_name not like '{OWN}' order by 1"
    );
    let mut held = Held::default();
    for table in query(services, &named)?.lines() {
        let rows = query(services, &format!("select t::text from \"{case}\".\"{table}\" t order by 1"))?;
        held.rows.insert(table.to_owned(), lines(rows.as_bytes()));
    }
    Ok(held)
}

pub(super) fn clear(services: &Services, case: &str) {
    let _ = query(services, &format!("set client_min_messages = error; drop schema if exists \"{case}\" cascade"));
}

fn query(services: &Services, sql: &str) -> Result<String, String> {
    services.postgres()?.query(sql).map_err(|error| error.to_string())
}
