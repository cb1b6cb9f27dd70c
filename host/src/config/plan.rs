//! What will run: the checked pipeline file. No `Option` is left here that still has to be decided.
//!
//! Times are microseconds, sizes bytes. Places (`Place`) lead back to the file for messages that only the opened plugins allow.

mod plugin;
mod sink;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use weir_core::types::ColumnType;

pub use plugin::{KpiPlan, LimitsPlan, OptionValue, PluginPlan, PluginReference, WindowPlan};
pub use sink::{CheckpointPlan, FolderPlan, Secret, SinkKind, SinkPlan};
pub use source::{
    ClientPlan, GeneratorPlan, GroupPlan, IsolationPlan, KafkaPlan, LostOffsetsPlan, SourcePlan, StartPlan,
};

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

/// librdkafka properties by name; none is one that Weir sets itself. `Debug` shows the names only, because values such as
/// `sasl.password` are secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(pub BTreeMap<String, String>);

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
