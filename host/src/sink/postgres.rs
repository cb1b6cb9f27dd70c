//! The `postgres` sink: a table a KPI, exactly once. Each epoch's rows and the epoch's number are one transaction.
//!
//! ```text
//! open:   connect · lock the marker ─ take over · make or check tables ─ commit
//! apply:  lock the marker ─ fenced? here already? · each table: delete windows, COPY rows · marker := epoch ─ commit
//! ```
//!
//! A window's rows stand in the table whole or not at all, in the highest revision that came. Readers see an epoch's windows appear at
//! once and are never held up. What is written is in `docs/sinks.md`.

mod address;
mod connection;
mod marker;
mod render;
mod replace;
mod shape;
mod sql;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod trouble;

pub use table::{OWN_COLUMNS, OWN_TABLES};

use super::outbox::{Destination, Opening, Outbox, Trouble};
use super::{Claim, KpiSchema, SinkError};
use crate::telemetry::failpoint;
use address::Address;
use connection::{Connection, Limits};
use marker::Marker;
use render::Lines;
use table::Table;

/// What the sink is told.
#[derive(Clone)]
pub struct PostgresSettings {
    /// The pipeline's name.
    pub pipeline: String,
    /// The sink's name.
    pub sink: String,
    /// `postgresql://user:password@host:port/database`; a secret.
    pub url: String,
    /// The schema of the tables.
    pub schema: String,
    /// Undelivered rows that may wait.
    pub backlog_bytes_max: u64,
}

/// The sink; touches nothing outside (`recover` does).
///
/// # Errors
/// `Refused` where the URL can't be read, or a KPI's columns can't be a table's.
pub fn open(settings: &PostgresSettings, kpis: &[KpiSchema]) -> Result<Outbox, SinkError> {
    open_with(settings, kpis, Limits::default())
}

fn open_with(settings: &PostgresSettings, kpis: &[KpiSchema], limits: Limits) -> Result<Outbox, SinkError> {
    let refused = |reason| SinkError::Refused { place: format!("{}/{}", settings.pipeline, settings.sink), reason };
    let address = address::parse(&settings.url).map_err(refused)?;
    let tables = kpis.iter().map(Table::of).collect::<Result<Vec<_>, _>>().map_err(refused)?;
    let lines = Lines::new(kpis, &tables);
    let destination = Postgres {
        marker: Marker::new(&settings.schema, &settings.pipeline, &settings.sink),
        pipeline: settings.pipeline.clone(),
        schema: settings.schema.clone(),
        address,
        tables,
        limits,
        session: None,
    };
    Ok(Outbox::new(Box::new(lines), Box::new(destination), settings.backlog_bytes_max))
}

/// A database that takes epochs.
struct Postgres {
    address: Address,
    limits: Limits,
    pipeline: String,
    schema: String,
    tables: Vec<Table>,
    marker: Marker,
    session: Option<(Connection, Claim)>,
}

/// Read committed, so that each statement after the marker's lock sees what the run before has left.
const BEGIN: &str = "begin isolation level read committed read write";

/// What runs take before they make tables; `create table if not exists` fails where two do it at once. ASCII "weir".
const MAKING_TABLES: i64 = 0x7765_6972;

impl Postgres {
    /// Everything that is made or checked at the start, and the take-over: one transaction.
    fn set_up(&self, connection: &mut Connection, opening: &Opening) -> Result<Option<u64>, Trouble> {
        connection.run(&format!("{BEGIN}; select pg_catalog.pg_advisory_xact_lock({MAKING_TABLES})"))?;
        self.check_database(connection)?;
        if shape::existing(connection, &self.schema, marker::TABLE)?.is_none() {
            connection.run(&self.marker.create())?;
        }
        let taken = self.marker.take_over(connection, opening)?;
        for table in &self.tables {
            shape::fit(connection, &self.schema, table, &self.pipeline)?;
            if taken.anew {
                replace::make_replaceable(connection, &self.schema, &table.name)?;
            }
        }
        failpoint!("postgres-before-takeover");
        connection.run("commit")?;
        failpoint!("postgres-after-takeover");
        Ok(taken.epoch)
    }

    fn check_database(&self, connection: &mut Connection) -> Result<(), Trouble> {
        let schema = sql::literal(&self.schema);
        let rows = connection.rows(&format!(
            "select current_setting('server_encoding'), exists (select from pg_catalog.pg_namespace where nspname = {schema}), current_user"
        ))?;
        let mut values = rows.into_iter().flatten().map(Option::unwrap_or_default);
        let mut text = || values.next().unwrap_or_default();
        let (encoding, has_schema, user) = (text(), text() == "t", text());
        if encoding != "UTF8" {
            return Err(Trouble::Final(format!(
                "the database's encoding is {encoding}, which can't hold every text: write to one whose encoding is UTF8"
            )));
        }
        if !has_schema {
            let (schema, user) = (sql::identifier(&self.schema), sql::identifier(&user));
            return Err(Trouble::Final(format!(
                "there is no schema {schema}: write `create schema {schema} authorization {user}`"
            )));
        }
        Ok(())
    }

    fn write(&self, connection: &mut Connection, claim: &Claim, epoch: u64, rows: &[u8]) -> Result<(), Trouble> {
        let unreadable = |reason| Trouble::Final(format!("the rows of epoch {epoch} can't be read: {reason}"));
        let parts = render::parts(rows).map_err(unreadable)?;
        connection.run(BEGIN)?;
        if self.marker.enter(connection, claim)? >= epoch {
            return connection.run("rollback");
        }
        for part in &parts {
            replace::replace(connection, &self.schema, part)?;
            failpoint!("postgres-in-transaction");
        }
        self.marker.advance(connection, epoch)?;
        failpoint!("postgres-before-commit");
        connection.run("commit")?;
        failpoint!("postgres-after-commit");
        Ok(())
    }
}

impl Destination for Postgres {
    fn reach(&mut self) -> Result<(), Trouble> {
        Connection::open(&self.address, self.limits).map(drop)
    }

    fn open(&mut self, opening: &Opening) -> Result<Option<u64>, Trouble> {
        self.close();
        let mut connection = Connection::open(&self.address, self.limits)?;
        let held = self.set_up(&mut connection, opening)?;
        self.session = Some((connection, opening.claim.clone()));
        Ok(held)
    }

    fn apply(&mut self, epoch: u64, rows: &[u8]) -> Result<(), Trouble> {
        let Some((mut connection, claim)) = self.session.take() else {
            return Err(Trouble::Passing("not connected".to_owned()));
        };
        // Let go of on any trouble, and with it of the transaction.
        self.write(&mut connection, &claim, epoch, rows)?;
        self.session = Some((connection, claim));
        Ok(())
    }

    fn close(&mut self) {
        self.session = None;
    }

    fn place(&self) -> String {
        format!("{} schema {}", self.address.place, self.schema)
    }
}
