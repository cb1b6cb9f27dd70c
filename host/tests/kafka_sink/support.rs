//! One broker for all tests of this binary, topics, sinks with rows, and what readers see.

use arrow_array::{ArrayRef, Int64Array};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use weir::sink::kafka::KafkaTopic;
use weir::sink::kafka::destination::{KafkaDestination, KafkaSinkSettings};
use weir::sink::kafka::look::Look;
use weir::sink::kafka::rows::Messages;
use weir::sink::outbox::{BACKLOG_BYTES_MAX, Outbox};
use weir::sink::{Claim, KpiSchema, Resume, Sink, SinkError};
use weir_core::group::{GroupKey, KeyValue};
use weir_core::plugin::Output;
use weir_core::results::{Closed, ClosedWindow, ResultTable, WindowContent};
use weir_core::types::{ColumnType, Field, ScalarType};
use weir_services::client::create_topic;
use weir_services::kafka::{Kafka, KafkaOptions};

/// Longer than a broker takes to come back.
pub const LONG: Duration = Duration::from_secs(150);

/// A broker on a folder of its own; its watchdog stops it when the process ends.
pub fn start(name: &str) -> Kafka {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kafka-sink-{name}-{}", std::process::id()));
    Kafka::start(&folder, KafkaOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The broker that tests share.
pub fn broker() -> &'static str {
    static BROKER: OnceLock<Kafka> = OnceLock::new();
    static BOOTSTRAP: OnceLock<String> = OnceLock::new();
    BOOTSTRAP.get_or_init(|| BROKER.get_or_init(|| start("shared")).bootstrap())
}

/// A topic of three partitions and that of its markers.
pub fn topics(bootstrap: &str, name: &str) -> KafkaTopic {
    create_topic(bootstrap, name, 3, &[("retention.ms", "-1")]).unwrap();
    create_topic(bootstrap, &format!("{name}-epochs"), 1, &[("cleanup.policy", "compact")]).unwrap();
    KafkaTopic { brokers: bootstrap.to_owned(), topic: name.to_owned(), properties: BTreeMap::new() }
}

pub fn settings(topic: &KafkaTopic) -> KafkaSinkSettings {
    KafkaSinkSettings {
        epochs_topic: format!("{}-epochs", topic.topic),
        topic: topic.clone(),
        pipeline: "retail".to_owned(),
        sink: "kafka".to_owned(),
    }
}

pub fn sink(topic: &KafkaTopic) -> Outbox {
    let field = |path: &str| Field {
        path: path.to_owned(),
        column_type: ColumnType::Scalar(ScalarType::Int64),
        nullable: false,
    };
    let output = Output { field: field("orders"), unit: None, description: String::new(), additive: true };
    let kpi = KpiSchema { name: "sales".into(), kpi: 0, keys: vec![field("shop")], outputs: vec![(0, output)] };
    let destination = Box::new(KafkaDestination::new(settings(topic)));
    Outbox::new(Box::new(Messages::new(vec![kpi])), destination, BACKLOG_BYTES_MAX)
}

/// A window of one minute with so many groups.
pub fn closed(minute: i64, revision: u64, groups: i64) -> Closed {
    let keys: Vec<GroupKey> = (0..groups).map(|group| GroupKey::from([KeyValue::Int64(group)])).collect();
    let orders: ArrayRef = Arc::new(Int64Array::from_iter_values((0..groups).map(|group| minute * 1_000 + group)));
    let (start_us, rows) = (minute * 60_000_000, WindowContent::Rows(0..keys.len()));
    let window = ClosedWindow { start_us, end_us: start_us + 60_000_000, revision, content: rows };
    Closed { kpi: 0, windows: vec![window], table: Arc::new(ResultTable { keys, columns: vec![orders] }) }
}

pub fn resume(generation: u64, epoch: u64, prepared: Option<&[u8]>) -> Resume<'_> {
    let claim = Claim { pipeline: "retail".into(), lineage: "a".into(), generation };
    Resume { claim, epoch, prepared, open_from_us: i64::MIN }
}

/// Accepts windows and prepares them as an epoch; what goes into the checkpoint.
pub fn prepare(sink: &mut dyn Sink, epoch: u64, windows: &[Closed]) -> Vec<u8> {
    windows.iter().for_each(|closed| sink.accept(closed).unwrap());
    sink.prepare(epoch).unwrap().bytes
}

/// The same, handed over.
pub fn deliver(sink: &mut dyn Sink, epoch: u64, windows: &[Closed]) -> Result<Vec<u8>, SinkError> {
    let bytes = prepare(sink, epoch, windows);
    sink.commit(epoch, &bytes)?;
    assert!(sink.finish(LONG)?, "not delivered: {:?}", sink.state());
    Ok(bytes)
}

/// A message as readers of committed records see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    pub key: String,
    pub value: String,
    pub epoch: u64,
}

/// All that readers see, in the order of keys; within a key in the order of the partition.
pub fn read(topic: &KafkaTopic) -> Vec<Read> {
    let look = Look::open(topic).unwrap();
    let from = look.begins(&look.partitions().unwrap()).unwrap();
    let mut read = Vec::new();
    look.scan(&from, |seen| {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let epoch = seen.header("weir-epoch").unwrap().parse().unwrap();
        read.push(Read { key: text(seen.key()), value: text(seen.value()), epoch });
    })
    .unwrap();
    read.sort_by(|left, right| left.key.cmp(&right.key));
    read
}

/// Panics unless each of these minutes has all of its groups once.
pub fn assert_once(topic: &KafkaTopic, minutes: std::ops::Range<i64>, groups: i64) {
    let read = read(topic);
    let mut keys: Vec<&String> = read.iter().map(|read| &read.key).collect();
    keys.dedup();
    assert_eq!(keys.len(), read.len(), "keys that stand twice");
    assert_eq!(read.len() as i64, (minutes.end - minutes.start) * groups, "rows");
}
