//! The connection: a client on a runtime of its own, calls that end, and calls that are made again.

use super::trouble::Trouble;
use crate::telemetry;
use hdfs_native::{Client, ClientBuilder, HdfsError};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// How long a system that was there is tried: longer than a NameNode needs to start again and to leave safe mode, on a small cluster.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one answer may take, without the bytes of a file.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// The same while the system is away: each try holds up whoever waits for it.
const ANSWER_WAIT_AWAY: Duration = Duration::from_secs(2);

const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The client's own trying, where the pipeline file does not say: the least that finds the active one of three NameNodes. Trying for
/// longer is done here, where it is bounded.
const SETTINGS: [(&str, &str); 3] = [
    ("dfs.client.failover.max.attempts", "2"),
    ("dfs.client.failover.sleep.base.millis", "100"),
    ("dfs.client.socket-timeout", "15000"),
];

pub(super) struct Line {
    url: String,
    properties: BTreeMap<String, String>,
    pub(super) patience: Duration,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// Made when it is used; after trouble with the connection, anew.
    client: Mutex<Option<Client>>,
    /// The last call found the system away.
    away: AtomicBool,
    /// What no other process' names have, and a number for each name.
    unique: (u64, AtomicU64),
}

impl Line {
    pub(super) fn new(url: &str, properties: &BTreeMap<String, String>) -> io::Result<Self> {
        let mut all: BTreeMap<String, String> =
            SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.extend(properties.iter().map(|(name, value)| (name.clone(), value.clone())));
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("hdfs").enable_all().build()?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self {
            url: url.to_owned(),
            properties: all,
            patience: PATIENCE,
            runtime: Some(runtime),
            client: Mutex::new(None),
            away: AtomicBool::new(false),
            unique: (u64::from_ne_bytes(random), AtomicU64::new(0)),
        })
    }

    /// Does it until there is a clear answer or time is up.
    pub(super) fn until_clear<T>(&self, mut attempt: impl FnMut(&Client) -> Result<T, Trouble>) -> io::Result<T> {
        let was_away = self.away.load(Ordering::Relaxed);
        let until = Instant::now() + if was_away { Duration::ZERO } else { self.patience };
        let mut pause = PAUSE_MIN;
        loop {
            let reason = match self.client().and_then(|client| attempt(&client)) {
                Ok(done) => {
                    self.away.store(false, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing(reason)) => reason,
            };
            if Instant::now() >= until {
                self.away.store(true, Ordering::Relaxed);
                return Err(io::Error::new(ErrorKind::TimedOut, reason));
            }
            if pause == PAUSE_MIN {
                telemetry::storage_trouble(&self.url, &reason);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Waits for one answer.
    pub(super) fn wait<T>(&self, call: impl Future<Output = Result<T, HdfsError>>) -> Result<T, Trouble> {
        let away = self.away.load(Ordering::Relaxed);
        self.wait_for(if away { ANSWER_WAIT_AWAY } else { ANSWER_WAIT }, call)
    }

    /// Waits for an answer so long.
    pub(super) fn wait_for<T>(
        &self,
        wait: Duration,
        call: impl Future<Output = Result<T, HdfsError>>,
    ) -> Result<T, Trouble> {
        let Some(runtime) = &self.runtime else { return Err(Trouble::Passing("it is being dropped".to_owned())) };
        match runtime.block_on(async { tokio::time::timeout(wait, call).await }) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if matches!(error, HdfsError::IOError(_)) {
                    self.hang_up();
                }
                Err(Trouble::of(error))
            }
            Err(_) => {
                // A connection to a machine that is gone may look alive for hours.
                self.hang_up();
                Err(Trouble::Passing(format!("no answer within {} s", wait.as_secs())))
            }
        }
    }

    /// Part of a name that nobody else has.
    pub(super) fn unique(&self) -> String {
        format!("{:016x}-{}", self.unique.0, self.unique.1.fetch_add(1, Ordering::Relaxed))
    }

    fn client(&self) -> Result<Client, Trouble> {
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*held {
            return Ok(client.clone());
        }
        let mut builder = ClientBuilder::new().with_url(&self.url).with_config(self.properties.clone());
        if let Some(runtime) = &self.runtime {
            builder = builder.with_io_runtime(runtime.handle().clone());
        }
        Ok(held.insert(builder.build().map_err(Trouble::of)?).clone())
    }

    fn hang_up(&self) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // What is still on its way may hang: nobody waits for it.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Line {
    /// Without the properties: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("url", &self.url).finish_non_exhaustive()
    }
}
