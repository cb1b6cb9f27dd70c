//! A run of a pipeline as the sink sees it, servers, and windows of two KPIs: `sales`, global, and `by-country`.

use arrow_array::{ArrayRef, Int64Array};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use weir::sink::outbox::Outbox;
use weir::sink::redis::{RedisSettings, open};
use weir::sink::{Claim, KpiSchema, Resume, Sink, SinkError};
use weir_core::group::{GroupKey, KeyValue};
use weir_core::plugin::Output;
use weir_core::results::{Closed, ClosedWindow, ResultTable, WindowContent};
use weir_core::types::{ColumnType, Field, ScalarType};
use weir_services::redis::Redis;

pub const LONG: Duration = Duration::from_secs(120);
/// 2020-09-18T10:50:00Z.
pub const T0_US: i64 = 1_600_426_200_000_000;
pub const MINUTE_US: i64 = 60_000_000;
/// The places of the KPIs.
pub const SALES: usize = 0;
pub const BY_COUNTRY: usize = 1;

/// A server of this name alone, for tests that mistreat it.
pub fn server(name: &str) -> Redis {
    Redis::start(&folder(name)).unwrap_or_else(|error| panic!("{error}"))
}

pub fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("weir-sink-redis-{name}-{}", std::process::id()))
}

/// One server for the tests that do not; each has a prefix of its own.
pub fn shared() -> &'static Redis {
    static SERVER: OnceLock<Redis> = OnceLock::new();
    SERVER.get_or_init(|| server("shared"))
}

/// Whose rows, and where to.
#[derive(Clone)]
pub struct Job {
    pub settings: RedisSettings,
    pub lineage: String,
}

impl Job {
    pub fn new(url: &str, prefix: &str, history_windows_max: u64) -> Self {
        let settings = RedisSettings {
            url: url.to_owned(),
            prefix: prefix.to_owned(),
            sink: "live".to_owned(),
            pipeline: "retail".to_owned(),
            history_windows_max,
            backlog_bytes_max: 64 << 20,
        };
        Self { settings, lineage: "a".to_owned() }
    }

    pub fn base(&self) -> String {
        format!("{{{}:retail}}:", self.settings.prefix)
    }

    pub fn marker(&self) -> String {
        format!("{}weir:epoch:live", self.base())
    }

    pub fn start(&self, generation: u64, epoch: u64, prepared: Option<&[u8]>) -> Result<Run, SinkError> {
        let mut sink =
            open(&self.settings, &[schema("sales", SALES, &[]), schema("by-country", BY_COUNTRY, &["country"])])?;
        let claim = Claim { pipeline: "retail".into(), lineage: self.lineage.clone(), generation };
        let held = sink.recover(&Resume { claim, epoch, prepared, open_from_us: i64::MIN })?;
        Ok(Run { sink, epoch: epoch.max(held.unwrap_or(0)), held })
    }
}

/// A sink that runs.
pub struct Run {
    pub sink: Outbox,
    pub epoch: u64,
    /// What the server held at the start.
    pub held: Option<u64>,
}

impl Run {
    /// An epoch of these windows, prepared and committed; what the checkpoint holds.
    pub fn send(&mut self, windows: &[Closed]) -> Vec<u8> {
        let prepared = self.prepare(windows);
        self.sink.commit(self.epoch, &prepared).unwrap();
        prepared
    }

    pub fn prepare(&mut self, windows: &[Closed]) -> Vec<u8> {
        windows.iter().for_each(|closed| self.sink.accept(closed).unwrap());
        self.epoch += 1;
        self.sink.prepare(self.epoch).unwrap().bytes
    }

    /// An epoch of these windows, as soon as the server has it.
    pub fn deliver(&mut self, windows: &[Closed]) -> Vec<u8> {
        let prepared = self.send(windows);
        assert!(self.sink.finish(LONG).unwrap(), "{:?}", self.sink.state());
        prepared
    }

    /// Epochs without rows, until the outbox has let go of all that it had.
    pub fn settle(&mut self) -> Vec<u8> {
        let until = Instant::now() + LONG;
        loop {
            let prepared = self.prepare(&[]);
            // No more than the desk itself has: no entry.
            if prepared.len() < 40 || Instant::now() > until {
                assert!(prepared.len() < 40, "the outbox still holds rows");
                return prepared;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

pub fn field(path: &str, scalar: ScalarType) -> Field {
    Field { path: path.to_owned(), column_type: ColumnType::Scalar(scalar), nullable: true }
}

pub fn output(field: Field) -> Output {
    Output { field, unit: None, description: String::new(), additive: true }
}

fn schema(name: &str, kpi: usize, keys: &[&str]) -> KpiSchema {
    KpiSchema {
        name: name.to_owned(),
        kpi,
        keys: keys.iter().map(|key| field(key, ScalarType::Text)).collect(),
        outputs: vec![(0, output(field("orders", ScalarType::Int64)))],
    }
}

pub fn window(minute: i64, revision: u64, content: WindowContent) -> ClosedWindow {
    let start_us = T0_US + minute * MINUTE_US;
    ClosedWindow { start_us, end_us: start_us + MINUTE_US, revision, content }
}

/// A window of `by-country`.
pub fn by_country(minute: i64, revision: u64, rows: &[(&str, i64)]) -> Closed {
    let keys = rows.iter().map(|(country, _)| Arc::from([KeyValue::Text((*country).into())])).collect();
    closed(BY_COUNTRY, minute, revision, keys, rows.iter().map(|(_, orders)| *orders).collect())
}

/// A window of `sales`.
pub fn sales(minute: i64, revision: u64, orders: i64) -> Closed {
    closed(SALES, minute, revision, vec![Arc::from([])], vec![orders])
}

fn closed(kpi: usize, minute: i64, revision: u64, keys: Vec<GroupKey>, orders: Vec<i64>) -> Closed {
    let content = WindowContent::Rows(0..keys.len());
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(orders))];
    Closed { kpi, windows: vec![window(minute, revision, content)], table: Arc::new(ResultTable { keys, columns }) }
}

/// A window of a quarantined KPI.
pub fn unavailable(kpi: usize, minute: i64, revision: u64, reason: &str) -> Closed {
    let table = Arc::new(ResultTable { keys: Vec::new(), columns: Vec::new() });
    Closed { kpi, windows: vec![window(minute, revision, WindowContent::Unavailable(reason.into()))], table }
}
