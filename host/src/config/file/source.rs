//! `[source]`: Kafka, files or the generator; each type has keys of its own, and those of another are unknown.

use super::properties::properties;
use crate::config::item::{Item, Text};
use crate::config::plan::{
    ClientPlan, GeneratorPlan, GroupPlan, IsolationPlan, KafkaPlan, LostOffsetsPlan, Place, SourcePlan, StartPlan,
};
use crate::config::problem::Problem;
use crate::config::read::{Reader, Table};
use crate::config::units::DURATION_MAX_US;
use jiff::Timestamp;
use toml::de::DeValue;

const TYPES: [&str; 3] = ["kafka", "file", "generator"];

/// Properties that Weir sets, each with what to do instead.
const OURS: [(&str, &str); 9] = [
    ("bootstrap.servers", "write `brokers = \"…\"` in [source]"),
    ("metadata.broker.list", "write `brokers = \"…\"` in [source]"),
    ("auto.offset.reset", "write `start = \"earliest\"`, \"latest\" or a timestamp in [source]"),
    ("enable.auto.commit", COMMITS),
    ("auto.commit.enable", COMMITS),
    ("enable.auto.offset.store", COMMITS),
    ("auto.commit.interval.ms", COMMITS),
    ("enable.partition.eof", "leave it out; Weir needs to see the ends of partitions"),
    ("check.crcs", "leave it out; Weir always checks"),
];
const COMMITS: &str =
    "leave it out; Weir keeps the offsets in its checkpoint, so that none is skipped or counted twice";

/// Records of a second at the most: beyond any machine, and its reciprocal is still a time.
const RATE_MAX: f64 = 1e9;

pub fn read(table: Table<'_>) -> Option<SourcePlan> {
    let kind = table.need("type", "\"kafka\"").map(|item| item.word("kafka"));
    let plan = match kind.as_ref().map(|kind| kind.as_ref().map(|text| text.value.as_str())) {
        Some(Some("kafka")) => kafka(&table),
        Some(Some("file")) => file(&table),
        Some(Some("generator")) => Some(SourcePlan::Generator(generator(&table))),
        _ => {
            if let Some(Some(kind)) = &kind {
                table.reader.push(no_such_type(table.reader, kind));
            }
            table.give_up();
            return None;
        }
    };
    table.finish();
    plan
}

fn no_such_type(reader: &Reader<'_>, kind: &Text) -> Problem {
    let problem = Problem::new(kind.place.clone(), format!("there is no source type {}", kind.shown));
    let problem = problem.help("types: kafka, file, generator");
    match reader.suggest(&kind.value, TYPES.into_iter()) {
        Some(near) => problem.label(format!("did you mean \"{near}\"?")),
        None => problem,
    }
}

fn kafka(table: &Table<'_>) -> Option<SourcePlan> {
    let brokers = table.need("brokers", "\"127.0.0.1:9092\"").and_then(|item| item.word("127.0.0.1:9092"));
    let topic = table.need("topic", "\"invoices\"").and_then(|item| topic(&item, "invoices"));
    let start = table.get("start").map(|item| (start(&item), item.place.clone()));
    let (properties, property_places) =
        table.get("properties").map(|item| properties(&item, &OURS)).unwrap_or_default();
    let clients = [("native", ClientPlan::Native), ("librdkafka", ClientPlan::Librdkafka)];
    let client = table.get("client").map(|item| one_of(&item, clients));
    let isolations =
        [("read_committed", IsolationPlan::ReadCommitted), ("read_uncommitted", IsolationPlan::ReadUncommitted)];
    let isolation = table.get("isolation").map(|item| one_of(&item, isolations));
    let losses = [("stop", LostOffsetsPlan::Stop), ("continue", LostOffsetsPlan::Continue)];
    let on_lost_offsets = table.get("on_lost_offsets").map(|item| one_of(&item, losses));
    let group = table.get("group").map(|item| group(&item));
    let topic = topic?;
    Some(SourcePlan::Kafka(KafkaPlan {
        brokers: brokers?.value,
        topic: topic.value,
        start_place: start.as_ref().map_or(&topic.place, |(_, place)| place).clone(),
        start: start.map_or(Some(StartPlan::Earliest), |(start, _)| start)?,
        isolation: isolation.unwrap_or(Some(IsolationPlan::ReadCommitted))?,
        on_lost_offsets: on_lost_offsets.unwrap_or(Some(LostOffsetsPlan::Stop))?,
        group: group.unwrap_or(Some(GroupPlan::OfPipeline))?,
        client: client.unwrap_or(Some(ClientPlan::Native))?,
        properties,
        property_places,
        topic_place: topic.place,
    }))
}

/// One of two words.
fn one_of<T>(item: &Item<'_>, words: [(&'static str, T); 2]) -> Option<T> {
    let text = item.word(words[0].0)?;
    let names = words.each_ref().map(|(name, _)| *name);
    if let Some((_, meant)) = words.into_iter().find(|(name, _)| *name == text.value) {
        return Some(meant);
    }
    let problem = Problem::new(text.place.clone(), format!("`{}` can't be {}", item.key, text.shown));
    let problem = problem.help(format!("write \"{}\" or \"{}\"", names[0], names[1]));
    item.reader.push(match item.reader.suggest(&text.value, names.into_iter()) {
        Some(near) => problem.label(format!("did you mean \"{near}\"?")),
        None => problem,
    });
    None
}

/// A group's name, as long as a topic's may be; Kafka takes any letters.
fn group(item: &Item<'_>) -> Option<GroupPlan> {
    let text = item.word("weir-retail")?;
    match text.value.as_str() {
        "off" => Some(GroupPlan::Off),
        name if name.len() <= 249 => Some(GroupPlan::Named(text.value)),
        _ => {
            item.problem(
                "the name of the group is longer than 249 bytes",
                "write a shorter one, or \"off\" for no group",
            );
            None
        }
    }
}

/// A name by Kafka's own rules.
pub(super) fn topic(item: &Item<'_>, example: &str) -> Option<Text> {
    let text = item.word(example)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.value.len() <= 249 && text.value.bytes().all(fits) && !matches!(text.value.as_str(), "." | "..") {
        return Some(text);
    }
    item.problem(
        format!("{} is no topic", text.shown),
        "Kafka's topics have up to 249 letters, digits, `.`, `_` and `-`; name one topic",
    );
    None
}

fn start(item: &Item<'_>) -> Option<StartPlan> {
    if let DeValue::String(_) = item.value {
        let text = item.word("earliest")?;
        match text.value.as_str() {
            "earliest" => return Some(StartPlan::Earliest),
            "latest" => return Some(StartPlan::Latest),
            "checkpoint" => return Some(StartPlan::Checkpoint),
            _ => {}
        }
    }
    // Kafka gives negative timestamps a meaning of their own.
    timestamp(item, "earliest").filter(|us| *us >= 0 || before_1970(item)).map(StartPlan::Timestamp)
}

fn before_1970(item: &Item<'_>) -> bool {
    item.problem("Kafka keeps no records from before 1970", "write `start = \"earliest\"`");
    false
}

/// A moment: RFC 3339 in quotes, or TOML's own form; microseconds.
fn timestamp(item: &Item<'_>, example: &str) -> Option<i64> {
    let (typed, shown) = match item.value {
        DeValue::String(_) => item.word(example).map(|text| (text.value, text.shown))?,
        DeValue::Datetime(datetime) => (datetime.to_string(), format!("{datetime}")),
        _ => return item.wrong("a timestamp", "2020-09-18T00:00:00Z"),
    };
    if let Ok(moment) = typed.parse::<Timestamp>() {
        return Some(moment.as_microsecond());
    }
    let words = if example == "earliest" { "\"earliest\", \"latest\", \"checkpoint\" or " } else { "" };
    item.problem(
        format!("`{}` = {shown} is no point in time", item.key),
        format!("write {words}a time with its offset, \"2020-09-18T00:00:00Z\""),
    );
    None
}

fn file(table: &Table<'_>) -> Option<SourcePlan> {
    let files = table.need("files", "[\"in.jsonl\"]").and_then(|item| files(&item));
    let rate = table.get("rate").and_then(|item| rate(&item));
    Some(SourcePlan::File { files: files?, rate })
}

fn files(item: &Item<'_>) -> Option<Vec<(String, Place)>> {
    let typed = item.words("in.jsonl")?;
    if item.value.as_array().is_some_and(|list| list.is_empty()) {
        item.problem("`files` is empty", "name at least one file or pattern: `files = [\"in/*.jsonl\"]`");
    }
    crate::config::file::kpi::unique(item, &typed, "the file", "in `files`: its records would count twice");
    Some(typed.into_iter().filter_map(|text| pattern(item, text)).collect())
}

fn pattern(item: &Item<'_>, text: Text) -> Option<(String, Place)> {
    if let Err(error) = glob::Pattern::new(&text.value) {
        item.reader.push(
            Problem::new(text.place.clone(), format!("{} is no pattern: {}", text.shown, error.msg.to_lowercase()))
                .help("patterns know `*`, `?`, `[a-z]` and `**` for folders; for a `[` in a name write `[[]`"),
        );
        return None;
    }
    if std::path::Path::new(&text.value).is_absolute() {
        return Some((text.value, text.place));
    }
    let Some(folder) = item.reader.folder.to_str() else {
        item.problem(
            "the pipeline file's folder has a name that is not UTF-8",
            "write absolute paths, or rename the folder",
        );
        return None;
    };
    let escaped = glob::Pattern::escape(folder);
    let typed = text.value.strip_prefix("./").unwrap_or(&text.value);
    let separator = if escaped.is_empty() || escaped.ends_with('/') { "" } else { "/" };
    Some((format!("{escaped}{separator}{typed}"), text.place))
}

fn rate(item: &Item<'_>) -> Option<f64> {
    item.number(0.001..=RATE_MAX, 1_000.0)
}

fn generator(table: &Table<'_>) -> GeneratorPlan {
    let integer = |key: &'static str, min: u64, max: u64, example: u64| {
        table.get(key).and_then(|item| item.integer(min..=max, example))
    };
    let share = |key: &'static str| table.get(key).and_then(|item| item.number(0.0..=1.0, 0.01)).unwrap_or(0.0);
    let plan = GeneratorPlan {
        seed: integer("seed", 0, i64::MAX as u64, 1).unwrap_or(1),
        partitions: integer("partitions", 1, 1_024, 4).unwrap_or(1) as u32,
        records: integer("records", 1, i64::MAX as u64, 1_000_000),
        rate: table.get("rate").and_then(|item| rate(&item)),
        start_us: table.get("start").and_then(|item| generator_start(&item)).unwrap_or(GENERATOR_START_US),
        records_per_minute: integer("records_per_minute", 1, 1_000_000_000, 600).unwrap_or(600) as u32,
        disorder_us: table.get("disorder").and_then(|item| item.duration(0, DURATION_MAX_US, "5m")).unwrap_or(0),
        late_share: share("late_share"),
        broken_share: share("broken_share"),
    };
    if plan.late_share + plan.broken_share > 1.0
        && let Some(item) = table.get("broken_share")
    {
        item.problem(
            "`late_share` and `broken_share` together are more than 1",
            "a record is late, broken or neither: write shares that add up to at most 1",
        );
    }
    plan
}

/// 2020-01-01T00:00:00Z: a fixed day, so that the same seed gives the same records tomorrow.
const GENERATOR_START_US: i64 = 1_577_836_800_000_000;

fn generator_start(item: &Item<'_>) -> Option<i64> {
    let us = timestamp(item, "2020-01-01T00:00:00Z")?;
    let years = -62_135_596_800_000_000..=253_402_300_799_999_999;
    if !years.contains(&us) {
        item.problem("`start` must be in the years 1 to 9999", "write for example `start = \"2020-01-01T00:00:00Z\"`");
        return None;
    }
    Some(us)
}
