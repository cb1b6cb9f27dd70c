//! A server, sinks on it, and what its tables hold.

use crate::sink::outbox::Outbox;
use crate::sink::postgres::connection::Limits;
use crate::sink::postgres::{PostgresSettings, open_with};
use crate::sink::test_rows::schema;
use crate::sink::{Claim, KpiSchema, Resume, Sink, SinkError};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use weir_core::results::Closed;
use weir_services::postgres::Postgres;

pub const LONG: Duration = Duration::from_secs(30);

/// Short, so that tests of a server that hangs are.
pub const LIMITS: Limits =
    Limits { statement: Duration::from_secs(5), lock: Duration::from_secs(2), answer: Duration::from_secs(3) };

struct Shared {
    server: Postgres,
    _folder: tempfile::TempDir,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let (server, folder) = server();
    Shared { server, _folder: folder }
});

/// A server of one's own.
pub fn server() -> (Postgres, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    (server, folder)
}

/// An empty schema on a server.
pub struct Place<'s> {
    pub server: &'s Postgres,
    pub schema: String,
}

/// On the server of all.
pub fn place(schema: &str) -> Place<'static> {
    Place::on(&SHARED.server, schema)
}

impl<'s> Place<'s> {
    pub fn on(server: &'s Postgres, schema: &str) -> Self {
        let place = Self { server, schema: schema.to_owned() };
        place.sql(&format!("create schema {schema}"));
        place
    }

    pub fn sql(&self, sql: &str) -> String {
        self.server.query(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// `sales_by_country`, a row a line, by window and ordinal.
    pub fn rows(&self, columns: &str) -> Vec<String> {
        let sql = format!(
            "set timezone = 'UTC'; select {columns} from {}.sales_by_country order by window_start, ordinal",
            self.schema
        );
        self.sql(&sql).lines().map(str::to_owned).collect()
    }

    pub fn settings(&self) -> PostgresSettings {
        self.settings_by(&self.server.url())
    }

    pub fn settings_by(&self, url: &str) -> PostgresSettings {
        PostgresSettings {
            pipeline: "retail".into(),
            sink: "db".into(),
            url: url.into(),
            schema: self.schema.clone(),
            backlog_bytes_max: 1 << 20,
        }
    }

    /// A sink that has recovered.
    pub fn sink(&self, generation: u64) -> Outbox {
        self.run(&kpis(), &resume(generation, 0, None)).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn run(&self, kpis: &[KpiSchema], from: &Resume<'_>) -> Result<Outbox, SinkError> {
        run(&self.settings(), kpis, from)
    }
}

pub fn run(settings: &PostgresSettings, kpis: &[KpiSchema], from: &Resume<'_>) -> Result<Outbox, SinkError> {
    let mut sink = open_with(settings, kpis, LIMITS)?;
    sink.recover(from)?;
    Ok(sink)
}

pub fn kpis() -> Vec<KpiSchema> {
    vec![schema("sales-by-country", 0)]
}

pub fn resume(generation: u64, epoch: u64, prepared: Option<&[u8]>) -> Resume<'_> {
    let claim = Claim { pipeline: "retail".into(), lineage: "a".into(), generation };
    Resume { claim, epoch, prepared, open_from_us: i64::MIN }
}

/// Prepares and commits windows; what went into the checkpoint.
pub fn commit(sink: &mut Outbox, epoch: u64, windows: &[Closed]) -> Vec<u8> {
    windows.iter().for_each(|closed| sink.accept(closed).unwrap());
    let prepared = sink.prepare(epoch).unwrap();
    sink.commit(epoch, &prepared.bytes).unwrap();
    prepared.bytes
}

/// The same, and waits until the tables hold them.
pub fn deliver(sink: &mut Outbox, epoch: u64, windows: &[Closed]) -> Vec<u8> {
    let bytes = commit(sink, epoch, windows);
    assert!(sink.finish(LONG).unwrap_or_else(|error| panic!("{error}")), "{:?}", sink.state());
    bytes
}

/// Waits until it is so.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !is() {
        assert!(Instant::now() < end, "{what}: not within {LONG:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
