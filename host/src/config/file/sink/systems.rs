//! Sinks behind an outbox: topics and databases.

use crate::config::file::properties::properties;
use crate::config::file::source;
use crate::config::item::Item;
use crate::config::plan::{Secret, SinkKind};
use crate::config::read::Table;

/// Undelivered rows that may wait: 64 MiB by default, and at the least and the most.
const BACKLOG: (u64, u64, u64) = (64 << 20, 64 << 10, 16 << 30);

/// Windows that a history in Redis keeps by default: a week of minutes.
const HISTORY_WINDOWS: u64 = 10_080;

pub(super) fn kafka(table: &Table<'_>) -> Option<SinkKind> {
    let brokers = table.need("brokers", "\"127.0.0.1:9092\"").and_then(|item| item.word("127.0.0.1:9092"));
    let topic = table.need("topic", "\"kpis\"").and_then(|item| source::topic(&item, "kpis"));
    let epochs_topic = table.get("epochs_topic").map(|item| source::topic(&item, "kpis-epochs"));
    let (properties, property_places) =
        table.get("properties").map(|item| properties(&item, &OURS)).unwrap_or_default();
    let backlog_bytes_max = backlog(table);
    let topic = topic?.value;
    let epochs_topic = epochs_topic.map_or_else(|| Some(format!("{topic}-epochs")), |text| Some(text?.value))?;
    Some(SinkKind::Kafka {
        brokers: brokers?.value,
        topic,
        epochs_topic,
        properties,
        property_places,
        backlog_bytes_max,
    })
}

/// Properties of the producer that Weir sets, each with what to do instead.
const OURS: [(&str, &str); 7] = [
    ("bootstrap.servers", "write `brokers = \"…\"` in [[sink]]"),
    ("metadata.broker.list", "write `brokers = \"…\"` in [[sink]]"),
    (
        "transactional.id",
        "leave it out; Weir makes it of the pipeline and the sink, so that a newer run fences an older one",
    ),
    ("enable.idempotence", "leave it out; transactions need it, and Weir sets it"),
    ("isolation.level", "leave it out; Weir looks at what is committed"),
    ("acks", "leave it out; Weir waits for all replicas"),
    ("request.required.acks", "leave it out; Weir waits for all replicas"),
];

pub(super) fn postgres(table: &Table<'_>) -> Option<SinkKind> {
    const EXAMPLE: &str = "postgresql://weir:${PGPASSWORD}@127.0.0.1:5432/kpis";
    let url = table.need("url", &format!("\"{EXAMPLE}\""));
    let url = url.and_then(|item| url_of(&item, &["postgresql://", "postgres://"], EXAMPLE));
    let schema =
        table.get("schema").and_then(|item| item.word("public")).map_or("public".to_owned(), |text| text.value);
    let backlog_bytes_max = backlog(table);
    Some(SinkKind::Postgres { url: url?, schema, backlog_bytes_max })
}

pub(super) fn redis(table: &Table<'_>) -> Option<SinkKind> {
    const EXAMPLE: &str = "redis://:${REDIS_PASSWORD}@127.0.0.1:6379/0";
    let url = table.need("url", &format!("\"{EXAMPLE}\""));
    let url = url.and_then(|item| url_of(&item, &["redis://", "rediss://"], EXAMPLE));
    let prefix = table.get("prefix").map_or(Some("weir".to_owned()), |item| prefix_of(&item));
    let history = table.get("history_windows_max").and_then(|item| item.integer(1..=100_000_000, HISTORY_WINDOWS));
    let backlog_bytes_max = backlog(table);
    Some(SinkKind::Redis {
        url: url?,
        prefix: prefix?,
        history_windows_max: history.unwrap_or(HISTORY_WINDOWS),
        backlog_bytes_max,
    })
}

/// Braces would cut the part of a key that chooses its slot short, and patterns would find other keys than are meant.
fn prefix_of(item: &Item<'_>) -> Option<String> {
    let text = item.word("weir")?;
    let fits = |char: char| char.is_ascii_alphanumeric() || "_-.:/".contains(char);
    if text.value.chars().all(fits) && text.value.len() <= PREFIX_BYTES_MAX {
        return Some(text.value);
    }
    item.problem(
        format!("`prefix` has 1 to {PREFIX_BYTES_MAX} letters, digits and `_-.:/`, found {}", text.shown),
        "write for example `prefix = \"weir\"`",
    );
    None
}

/// Every key begins with it.
const PREFIX_BYTES_MAX: usize = 128;

fn backlog(table: &Table<'_>) -> u64 {
    let (default, min, max) = BACKLOG;
    table.get("backlog_max").and_then(|item| item.size(min..=max, "64MiB")).unwrap_or(default)
}

/// An address that begins as one of these; never shown, since it may hold a password.
fn url_of(item: &Item<'_>, schemes: &[&str], example: &str) -> Option<Secret> {
    let text = item.word(example)?;
    if schemes.iter().any(|scheme| text.value.starts_with(scheme) && text.value.len() > scheme.len()) {
        return Some(Secret(text.value));
    }
    item.problem(
        format!("`{}` begins with {}", item.key, schemes.join(" or ")),
        format!("write for example `{} = \"{example}\"`", item.key),
    );
    None
}
