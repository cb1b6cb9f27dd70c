//! A connection whose every call ends: with an answer, or after a time. Knows no table.
//!
//! The client is asynchronous for that alone: its blocking face waits for an answer for as long as the connection stands, which a
//! server that is halted keeps for ever. A small runtime on the courier's thread drives it.

use super::address::Address;
use super::tls::{self, SslMode};
use super::trouble;
use crate::sink::outbox::Trouble;
use bytes::Bytes;
use futures_util::SinkExt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Error, NoTls, SimpleQueryMessage, Socket};

/// How long a connection that is let go of may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(200);

/// How long a statement over a whole table may take, by our clock.
const WHOLE_TABLE: Duration = Duration::from_secs(3600);

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// A statement, by the server's clock.
    pub statement: Duration,
    /// Waiting for a lock, by the server's clock.
    pub lock: Duration,
    /// An answer, by ours: longer than a statement, so that the server's own word comes first.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { statement: Duration::from_secs(60), lock: Duration::from_secs(10), answer: Duration::from_secs(70) }
    }
}

/// A session.
pub(super) struct Connection {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    client: Option<Client>,
    driver: Option<JoinHandle<()>>,
    answer: Duration,
}

/// A row of an answer: everything as text.
pub(super) type Row = Vec<Option<String>>;

impl Connection {
    /// Connects to the first host that takes rows.
    pub(super) fn open(address: &Address, limits: Limits) -> Result<Self, Trouble> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Trouble::Passing(format!("no runtime: {error}")))?;
        let mut connection = Self { runtime: Some(runtime), client: None, driver: None, answer: limits.answer };
        let mut refused = Trouble::Final("`url` names no host".to_owned());
        for host in &address.hosts {
            match connection.enter(host, address, limits) {
                Ok(()) => return Ok(connection),
                // Another host may be the one that takes writes; what is passing with one is passing with all.
                Err(Trouble::Final(_)) if matches!(refused, Trouble::Passing(_)) => {}
                Err(trouble) => refused = trouble,
            }
        }
        Err(refused)
    }

    /// Connects and sets the session up. A standby is as good as away: after a failover it may be the one that takes writes.
    fn enter(&mut self, host: &Config, address: &Address, limits: Limits) -> Result<(), Trouble> {
        self.connect(host, address)?;
        self.run(&session(limits))?;
        match self.rows("select pg_catalog.pg_is_in_recovery()")?.concat().as_slice() {
            [Some(is)] if is == "f" => Ok(()),
            _ => Err(Trouble::Passing("the server is a standby, which takes no rows".to_owned())),
        }
    }

    fn connect(&mut self, host: &Config, address: &Address) -> Result<(), Trouble> {
        let is_local = matches!(host.get_hosts(), [Host::Unix(_)]);
        // As with libpq there is no TLS over a socket in the file system.
        if is_local || address.tls.mode == SslMode::Disable {
            return self.connect_by(host, NoTls);
        }
        self.connect_by(host, tls::connector(&address.tls).map_err(Trouble::Final)?)
    }

    fn connect_by<T>(&mut self, host: &Config, tls: T) -> Result<(), Trouble>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let limit = host.get_connect_timeout().copied().unwrap_or(self.answer);
        let (client, driver) = self.wait(limit, async {
            let (client, connection) = host.connect(tls).await?;
            // What it fails with, the client's calls fail with too.
            let driver = tokio::spawn(async move { drop(connection.await) });
            Ok((client, driver))
        })?;
        (self.client, self.driver) = (Some(client), Some(driver));
        Ok(())
    }

    /// Runs statements that have no answer.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), Trouble> {
        self.wait(self.answer, self.client()?.batch_execute(sql))
    }

    /// Runs a statement over a whole table, within a transaction: it may take what it takes.
    pub(super) fn run_over_table(&mut self, sql: &str) -> Result<(), Trouble> {
        self.run("set local statement_timeout = 0")?;
        self.wait(WHOLE_TABLE, self.client()?.batch_execute(sql))
    }

    /// The rows that statements answer.
    pub(super) fn rows(&mut self, sql: &str) -> Result<Vec<Row>, Trouble> {
        let answers = self.wait(self.answer, self.client()?.simple_query(sql))?;
        let row = |answer: SimpleQueryMessage| match answer {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
            }
            _ => None,
        };
        Ok(answers.into_iter().filter_map(row).collect())
    }

    /// Runs a COPY from us; how many rows it took.
    pub(super) fn copy(&mut self, sql: &str, chunks: impl Iterator<Item = Bytes>) -> Result<u64, Trouble> {
        let sink = self.wait(self.answer, self.client()?.copy_in::<str, Bytes>(sql))?;
        let mut sink = pin!(sink);
        for chunk in chunks {
            self.wait(self.answer, sink.send(chunk))?;
        }
        self.wait(self.answer, sink.finish())
    }

    fn client(&self) -> Result<&Client, Trouble> {
        self.client.as_ref().ok_or_else(|| Trouble::Passing("not connected".to_owned()))
    }

    fn wait<T>(&self, limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        let Some(runtime) = &self.runtime else { return Err(Trouble::Passing("not connected".to_owned())) };
        let answer = runtime.block_on(async { tokio::time::timeout(limit, work).await });
        match answer {
            Ok(answer) => answer.map_err(|error| trouble::of(&error)),
            Err(_) => Err(Trouble::Passing(format!("no answer within {} s", limit.as_secs_f64()))),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        drop(self.client.take());
        let Some(runtime) = self.runtime.take() else { return };
        if let Some(driver) = self.driver.take() {
            let _ = runtime.block_on(async { tokio::time::timeout(GOODBYE, driver).await });
        }
        // Not waiting for a look-up of a name, which has no limit.
        runtime.shutdown_background();
    }
}

/// What a session has, whatever the database's defaults are.
fn session(limits: Limits) -> String {
    let Limits { statement, lock, .. } = limits;
    format!(
        "set standard_conforming_strings = on; set datestyle = 'ISO'; set client_min_messages = 'warning';\n\
         set statement_timeout = {statement}; set lock_timeout = {lock}; set idle_in_transaction_session_timeout = {statement};\n\
         set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3;\n\
         select set_config('synchronous_commit', 'on', false)\n\
         where current_setting('synchronous_commit') not in ('on', 'remote_apply')",
        statement = statement.as_millis(),
        lock = lock.as_millis(),
    )
}
