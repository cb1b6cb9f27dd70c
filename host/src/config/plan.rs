//! What will run: the checked pipeline file. No `Option` is left here that still has to be decided.
//!
//! Times are microseconds, sizes bytes. Places (`Place`) lead back to the file for messages that only the opened plugins allow.

use super::units::show_duration;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use weir_core::types::ColumnType;

/// Where something stands in the pipeline file: a byte range of its text.
pub type Place = Range<usize>;

/// The text of the pipeline file, for messages.
///
/// `Debug` leaves the text out: somebody may have typed a password into it.
#[derive(Clone)]
pub struct SourceText {
    /// As the user named it.
    pub name: String,
    /// Its text as typed (environment variables not yet replaced), so that places fit.
    pub text: Arc<str>,
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceText").field("name", &self.name).field("bytes", &self.text.len()).finish()
    }
}

/// A checked pipeline file.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file, for messages.
    pub file: SourceText,
    /// The folder that relative paths and `plugins/` are looked up from: the file's.
    pub folder: PathBuf,
    /// `[pipeline] name`.
    pub name: String,
    /// Worker threads wanted; the partitions may allow fewer.
    pub workers: usize,
    /// Rows of a batch at the most.
    pub batch_rows_max: usize,
    /// Where records come from.
    pub source: SourcePlan,
    /// How a record becomes columns.
    pub schema: SchemaPlan,
    /// The rules of time.
    pub time: TimePlan,
    /// Steps before the KPIs, in order.
    pub preprocess: Vec<PluginPlan>,
    /// The KPIs, in order.
    pub kpis: Vec<KpiPlan>,
    /// Where rows go.
    pub sinks: Vec<SinkPlan>,
    /// The dead-letter file.
    pub dead_letters: PathBuf,
    /// The late-record file; beside the dead letters unless set.
    pub late: PathBuf,
    /// The checkpoint, if one is kept.
    pub checkpoint: Option<CheckpointPlan>,
}

/// `[source]`.
#[derive(Debug, Clone)]
pub enum SourcePlan {
    /// `type = "kafka"`.
    Kafka(KafkaPlan),
    /// `type = "file"`: each file that a path or pattern names is a partition.
    File {
        /// Paths and patterns (`glob`'s), relative ones made absolute to the pipeline file's folder, with their places. Where the folder's
        /// own name holds `*`, `?` or `[`, it is escaped, and the text is to be taken as a pattern.
        files: Vec<(String, Place)>,
        /// Records a second over all files, to replay at a pace; `None`: as fast as they can be read.
        rate: Option<f64>,
    },
    /// `type = "generator"`: seeded synthetic invoices.
    Generator(GeneratorPlan),
}

/// A topic.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaPlan {
    /// `host:port,…`.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// Where to begin without a checkpoint.
    pub start: StartPlan,
    /// What of transactions is read.
    pub isolation: IsolationPlan,
    /// The consumer group that is told what is counted.
    pub group: GroupPlan,
    /// What to do where offsets to be read are gone.
    pub on_lost_offsets: LostOffsetsPlan,
    /// Who reads.
    pub client: ClientPlan,
    /// librdkafka properties, environment variables replaced.
    pub properties: Properties,
    /// Where each property stands, for messages.
    pub property_places: BTreeMap<String, Place>,
    /// Where `topic` stands, for messages.
    pub topic_place: Place,
    /// Where `start` stands, for messages; without it where `topic` stands.
    pub start_place: Place,
}

/// `[source] group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupPlan {
    /// `weir-` and the pipeline's name.
    OfPipeline,
    /// This one.
    Named(String),
    /// `group = "off"`: none.
    Off,
}

/// `[source] on_lost_offsets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostOffsetsPlan {
    /// Stop, and say which.
    Stop,
    /// Say which, and go on with what is there.
    Continue,
}

/// `[source] client`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPlan {
    /// Our own.
    Native,
    /// librdkafka.
    Librdkafka,
}

/// `[source] isolation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationPlan {
    /// Nothing of aborted or open transactions.
    ReadCommitted,
    /// Everything.
    ReadUncommitted,
}

/// librdkafka properties by name; none is one that Weir sets itself. `Debug` shows the names only, because values such as
/// `sasl.password` are secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(pub BTreeMap<String, String>);

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `[source] start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartPlan {
    /// The oldest record that is kept.
    Earliest,
    /// Records that arrive from now on.
    Latest,
    /// The first record whose timestamp is at or after this, microseconds.
    Timestamp(i64),
    /// Where a checkpoint says; without one the run is refused.
    Checkpoint,
}

/// A generator of synthetic invoices.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratorPlan {
    /// The same seed gives the same records.
    pub seed: u64,
    /// Partitions.
    pub partitions: u32,
    /// Records in all; `None`: without end.
    pub records: Option<u64>,
    /// Records a second over all partitions; `None`: as fast as they can be made.
    pub rate: Option<f64>,
    /// Event time of the first record, microseconds.
    pub start_us: i64,
    /// Records in a minute of event time.
    pub records_per_minute: u32,
    /// Records are up to this far behind the newest, microseconds.
    pub disorder_us: i64,
    /// Share (0 to 1) of records that are an hour behind.
    pub late_share: f64,
    /// Share (0 to 1) of records that are broken in one of twenty ways.
    pub broken_share: f64,
}

/// `[schema]`.
#[derive(Debug, Clone)]
pub struct SchemaPlan {
    /// The declared fields, in file order.
    pub fields: Vec<FieldPlan>,
    /// Nesting at the most.
    pub depth_max: usize,
    /// Bytes of a record at the most.
    pub record_bytes_max: usize,
    /// Elements of a list at the most.
    pub list_elements_max: usize,
}

/// A declared field.
#[derive(Debug, Clone)]
pub struct FieldPlan {
    /// `country`, `customer.id`, `items[].unit_price`.
    pub path: String,
    /// Its type; a list where the path goes through `[]`.
    pub column_type: ColumnType,
    /// How a timestamp is written; `None` for other types.
    pub timestamp: Option<TimestampPlan>,
    /// Null or missing makes the record undecodable.
    pub required: bool,
    /// Where it stands.
    pub place: Place,
}

/// How a timestamp is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimestampPlan {
    /// `format = "%Y-%m-%d %H:%M:%S"` (strftime), local to `zone` unless the format holds an offset.
    Format {
        /// The strftime format.
        format: String,
        /// IANA name or fixed offset such as `+02:00`.
        zone: String,
    },
    /// `format = "rfc3339"`.
    Rfc3339,
    /// `format = "epoch_s"`: a JSON number of seconds, fractions allowed down to the microsecond.
    EpochSeconds,
    /// `format = "epoch_ms"`.
    EpochMillis,
    /// `format = "epoch_us"`.
    EpochMicros,
}

/// `[time]`.
#[derive(Debug, Clone)]
pub struct TimePlan {
    /// The event-time column: a declared timestamp field.
    pub column: String,
    /// Where it stands.
    pub column_place: Place,
    /// How far behind a partition's front a record may be and still be in time.
    pub max_out_of_orderness_us: i64,
    /// How long after its end a published window still takes late records.
    pub allowed_lateness_us: i64,
    /// A partition read to its end that brings nothing for this long steps aside.
    pub idle_timeout: Duration,
    /// `None`: off.
    pub max_future_skew_us: Option<i64>,
    /// `None`: off.
    pub max_time_jump_us: Option<i64>,
}

/// A plugin as named in the file.
#[derive(Debug, Clone)]
pub struct PluginPlan {
    /// What the user wrote: a name, a file (`./x.wasm`), or `name@sha256:<hex>`.
    pub plugin: String,
    /// The same, understood.
    pub reference: PluginReference,
    /// Where it stands.
    pub place: Place,
    /// `options = { … }`.
    pub options: Vec<(String, OptionValue)>,
    /// Where the options stand (the plugin's place if there are none). Options are not secrets: they are shown and recorded.
    pub options_place: Place,
    /// Its limits.
    pub limits: LimitsPlan,
}

/// How a plugin is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginReference {
    /// `sales`: looked up in the plugin folders.
    Name(String),
    /// `sales@sha256:<64 hex digits>`: looked up by name, and its digest must be this.
    Pinned {
        /// The name.
        name: String,
        /// Lower-case hex digits.
        sha256: String,
    },
    /// `./x.wasm`, made absolute to the pipeline file's folder.
    File(PathBuf),
}

/// A value of `options`.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// true, false
    Boolean(bool),
    /// 1
    Int64(i64),
    /// 1.5
    Float64(f64),
    /// "x"
    Text(String),
    /// [1, 2]
    Int64s(Vec<i64>),
    /// [1.5, 2.5]
    Float64s(Vec<f64>),
    /// ["x", "y"]; also the empty list
    Texts(Vec<String>),
}

/// `[[kpi]]`.
#[derive(Debug, Clone)]
pub struct KpiPlan {
    /// Unique in the file.
    pub name: String,
    /// Where the name stands.
    pub name_place: Place,
    /// The plugin.
    pub plugin: PluginPlan,
    /// The group key's columns, with their places.
    pub by: Vec<(String, Place)>,
    /// The window.
    pub window: WindowPlan,
    /// The outputs to write in this order, with their places; `None`: all that the plugin declares.
    pub outputs: Option<Vec<(String, Place)>>,
}

/// `window = "…"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowPlan {
    /// `tumbling 1m`.
    Tumbling {
        /// Microseconds.
        size_us: i64,
    },
    /// `hopping 10m every 1m`; the hop is at most the size.
    Hopping {
        /// Microseconds.
        size_us: i64,
        /// Microseconds.
        hop_us: i64,
    },
}

impl fmt::Display for WindowPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tumbling { size_us } => write!(f, "tumbling {}", show_duration(size_us)),
            Self::Hopping { size_us, hop_us } => {
                write!(f, "hopping {} every {}", show_duration(size_us), show_duration(hop_us))
            }
        }
    }
}

/// `[[sink]]`.
#[derive(Debug, Clone)]
pub struct SinkPlan {
    /// What checkpoints and markers know it by; unique in the file.
    pub name: String,
    /// Names of the KPIs it takes, in the order of the file's KPIs.
    pub kpis: Vec<String>,
    /// Where the rows go.
    pub kind: SinkKind,
    /// Where the section's type stands, for messages.
    pub place: Place,
}

/// The types of sinks.
#[derive(Debug, Clone, PartialEq)]
pub enum SinkKind {
    /// `type = "json-files"`.
    JsonFiles {
        /// The folder, made absolute to the pipeline file's.
        path: PathBuf,
        /// Event time a file.
        interval_us: i64,
    },
    /// `type = "hdfs"`: the same files there.
    Hdfs {
        /// `hdfs://host:port` or `hdfs://nameservice`.
        url: String,
        /// The folder there, absolute.
        path: String,
        /// Event time a file.
        interval_us: i64,
        /// Settings of the client, as in hdfs-site.xml.
        properties: BTreeMap<String, String>,
    },
    /// `type = "kafka"`.
    Kafka {
        /// `host:port,…`.
        brokers: String,
        /// The topic; must exist.
        topic: String,
        /// The topic of the markers; must exist.
        epochs_topic: String,
        /// librdkafka properties.
        properties: Properties,
        /// Where each property stands, for messages.
        property_places: BTreeMap<String, Place>,
        /// Undelivered rows that may wait.
        backlog_bytes_max: u64,
    },
    /// `type = "postgres"`.
    Postgres {
        /// `postgresql://user:password@host:port/database`.
        url: Secret,
        /// The schema of the tables; must exist.
        schema: String,
        /// Undelivered rows that may wait.
        backlog_bytes_max: u64,
    },
    /// `type = "redis"`.
    Redis {
        /// `redis://:password@host:port/0`, `rediss://` for TLS.
        url: Secret,
        /// What every key begins with.
        prefix: String,
        /// Windows that a history keeps at the most.
        history_windows_max: u64,
        /// Undelivered rows that may wait.
        backlog_bytes_max: u64,
    },
}

/// A text that may hold a password. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// `[checkpoint]`.
#[derive(Debug, Clone)]
pub struct CheckpointPlan {
    /// The folder.
    pub path: PathBuf,
    /// Time between epochs.
    pub interval: Duration,
}

/// `[limits]`, with a `[[kpi]]`'s or `[[preprocess]]`'s own on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsPlan {
    /// Linear memory of an instance.
    pub memory_bytes_max: u64,
    /// Fuel of a call: this much for each row …
    pub fuel_per_row_max: u64,
    /// … and this much for the call itself.
    pub fuel_per_call_max: u64,
    /// Wall time of a call.
    pub deadline: Duration,
    /// Bytes that a call may return.
    pub result_bytes_max: u64,
    /// WASM stack.
    pub stack_bytes_max: u64,
    /// Live resource handles.
    pub handles_max: u32,
    /// The component file.
    pub component_bytes_max: u64,
}
