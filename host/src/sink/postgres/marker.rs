//! The marker: a row a sink in `weir_epochs` that says whose the sink is and which epoch its tables hold. It is locked first in
//! every transaction, so that two runs, or a run and its own transaction of a broken connection, come one after the other.

use super::connection::Connection;
use super::sql::{literal, qualified};
use crate::sink::Claim;
use crate::sink::outbox::{Opening, Trouble};

/// Its table.
pub(super) const TABLE: &str = "weir_epochs";

/// The row of one sink.
pub(super) struct Marker {
    table: String,
    /// `pipeline = '…' and sink = '…'`.
    is_ours: String,
    sink: String,
}

/// What was found at the take-over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// The last epoch of the run's lineage, if there is one.
    pub epoch: Option<u64>,
    /// The tables' rows, if they have some, are of another lineage.
    pub anew: bool,
}

/// What it says.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    lineage: String,
    generation: u64,
    epoch: u64,
}

impl Marker {
    pub(super) fn new(schema: &str, pipeline: &str, sink: &str) -> Self {
        let is_ours = format!("pipeline = {} and sink = {}", literal(pipeline), literal(sink));
        Self { table: qualified(schema, TABLE), is_ours, sink: sink.to_owned() }
    }

    /// The statements that make the table.
    pub(super) fn create(&self) -> String {
        let table = &self.table;
        format!(
            "create table {table} (pipeline text not null, sink text not null, lineage text not null, generation bigint not null, \
             epoch bigint not null, primary key (pipeline, sink));\n\
             comment on table {table} is 'Weir: which epoch of which run the tables of a sink hold; to be kept and restored with them'"
        )
    }

    /// Makes the sink the run's, in the transaction that is open.
    pub(super) fn take_over(&self, connection: &mut Connection, opening: &Opening) -> Result<Taken, Trouble> {
        let claim = &opening.claim;
        let (lineage, generation) = (literal(&claim.lineage), number(claim.generation)?);
        let Some(held) = self.lock(connection)? else {
            let (table, pipeline, sink) = (&self.table, literal(&claim.pipeline), literal(&self.sink));
            connection.run(&format!("insert into {table} values ({pipeline}, {sink}, {lineage}, {generation}, 0)"))?;
            return Ok(Taken { epoch: None, anew: true });
        };
        let is_same = held.lineage == claim.lineage;
        if (is_same && held.generation > claim.generation) || (!is_same && opening.again) {
            return Err(held.fences());
        }
        let epoch = if is_same { held.epoch } else { 0 };
        self.set(connection, &format!("lineage = {lineage}, generation = {generation}, epoch = {epoch}"))?;
        Ok(Taken { epoch: Some(epoch).filter(|epoch| *epoch > 0), anew: !is_same })
    }

    /// Locks the row, for the transaction that is open; the epoch that the tables hold, if the sink is still the claim's.
    pub(super) fn enter(&self, connection: &mut Connection, claim: &Claim) -> Result<u64, Trouble> {
        let Some(held) = self.lock(connection)? else {
            return Err(Trouble::Passing(format!("the sink's row in {} is gone", self.table)));
        };
        if held.lineage != claim.lineage || held.generation != claim.generation {
            return Err(held.fences());
        }
        Ok(held.epoch)
    }

    pub(super) fn advance(&self, connection: &mut Connection, epoch: u64) -> Result<(), Trouble> {
        let epoch = number(epoch)?;
        self.set(connection, &format!("epoch = {epoch}"))
    }

    fn set(&self, connection: &mut Connection, values: &str) -> Result<(), Trouble> {
        connection.run(&format!("update {} set {values} where {}", self.table, self.is_ours))
    }

    fn lock(&self, connection: &mut Connection) -> Result<Option<Held>, Trouble> {
        let rows = connection.rows(&format!(
            "select lineage, generation, epoch from {} where {} for update",
            self.table, self.is_ours
        ))?;
        rows.into_iter().next().map(held).transpose()
    }
}

impl Held {
    fn fences(&self) -> Trouble {
        Trouble::Fenced(format!("{TABLE} names generation {} of run {}", self.generation, self.lineage))
    }
}

fn held(row: Vec<Option<String>>) -> Result<Held, Trouble> {
    let mut values = row.into_iter().flatten();
    let mut text = || values.next().unwrap_or_default();
    let lineage = text();
    match (text().parse(), text().parse()) {
        (Ok(generation), Ok(epoch)) => Ok(Held { lineage, generation, epoch }),
        _ => Err(Trouble::Final(format!(
            "the sink's row in {TABLE} holds what no run of Weir wrote: restore or delete it"
        ))),
    }
}

fn number(value: u64) -> Result<i64, Trouble> {
    i64::try_from(value).map_err(|_| Trouble::Final(format!("{value} is more than a bigint holds")))
}
