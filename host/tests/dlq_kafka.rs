//! `weir dlq replay` on a real broker: each record once, whatever breaks off, and whole windows from what is fed.
//! Without Java or Maven these tests fail and say what to install; they never skip.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod common;
#[path = "common/retail.rs"]
mod retail;

use common::{assert_code, run_to_end, tree, weir};
use retail::{dealt, file_pipeline, invoices, outcome, pipeline};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;
use weir::sink::dead_letters::{DeadLetter, DeadLetterKind, DeadLetters, RefusedBy};
use weir::sink::kafka::KafkaTopic;
use weir::sink::kafka::look::Look;
use weir::sink::kafka::producer::{Outgoing, Producer};
use weir_services::client::{Produced, create_topic, delete_records, produce};
use weir_services::kafka::{Kafka, KafkaOptions};

const IN_TIME: &str = "max_out_of_orderness = \"1d\"";

/// One broker for this binary; its watchdog stops it when the process ends.
fn broker() -> &'static str {
    static BROKER: OnceLock<Kafka> = OnceLock::new();
    static BOOTSTRAP: OnceLock<String> = OnceLock::new();
    BOOTSTRAP.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("weir-dlq-kafka-{}", std::process::id()));
        let kafka = Kafka::start(&folder, KafkaOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        BROKER.get_or_init(|| kafka).bootstrap()
    })
}

fn topic(name: &str, partitions: &[Vec<Vec<u8>>]) -> KafkaTopic {
    create_topic(broker(), name, partitions.len() as i32, &[("retention.ms", "-1")]).unwrap();
    let records = partitions.iter().enumerate().flat_map(|(partition, values)| {
        values.iter().map(move |value| Produced {
            partition: partition as i32,
            value: Some(value),
            ..Produced::default()
        })
    });
    produce(broker(), name, records).unwrap();
    KafkaTopic { brokers: broker().to_owned(), topic: name.to_owned(), properties: BTreeMap::new() }
}

/// Partition, value, and what it repeats, of all that readers see.
fn seen(topic: &KafkaTopic) -> Vec<(i32, Vec<u8>, Option<String>)> {
    let look = Look::open(topic).unwrap();
    let ids = look.partitions().unwrap();
    let from = look.begins(&ids).unwrap();
    let mut seen = Vec::new();
    look.scan(&from, |message| {
        let of = message.header("weir-replay-of").map(str::to_owned);
        seen.push((message.partition(), message.value().to_vec(), of));
    })
    .unwrap();
    seen
}

/// What was fed, in the order of what it repeats.
fn fed(topic: &KafkaTopic) -> Vec<String> {
    let mut fed: Vec<String> = seen(topic).into_iter().filter_map(|(_, _, of)| of).collect();
    fed.sort();
    fed
}

fn kafka_pipeline(folder: &Path, topic: &str) -> PathBuf {
    let source = format!("type = \"kafka\"\nbrokers = \"{}\"\ntopic = \"{topic}\"", broker());
    pipeline(folder, &source, IN_TIME, "tumbling 1m")
}

fn replay(letters: &Path, pipeline: &Path, arguments: &[&str]) -> Output {
    let mut command = weir();
    command.args(["--log", "warn", "dlq", "replay"]).arg(letters).arg("--pipeline").arg(pipeline);
    command.args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn letter<'a>(topic: &'a str, partition: u32, offset: i64, value: &'a [u8]) -> DeadLetter<'a> {
    DeadLetter {
        source_name: topic,
        partition,
        offset,
        timestamp_ms: 0,
        kind: DeadLetterKind::Rejected,
        reason: "no price",
        event_time_us: None,
        arrival_us: None,
        refused_by: &[],
        value,
    }
}

fn written(folder: &Path, letters: &[DeadLetter<'_>]) -> PathBuf {
    let path = folder.join("dead.jsonl");
    let mut file = DeadLetters::open(path.clone(), None).unwrap();
    letters.iter().for_each(|letter| file.write(letter).unwrap());
    file.sync().unwrap();
    path
}

/// An invoice breaks on its way, is set aside, mended by hand and fed: the rows are those of unbroken input.
#[test]
fn mended_records_make_whole_windows() {
    let good = invoices()[..60].to_vec();
    let straight = tempfile::tempdir().unwrap();
    let expected = outcome(&file_pipeline(straight.path(), &dealt(&good, 1), IN_TIME, "tumbling 1m"), &[]);
    let mut broken = good.clone();
    broken[30] = [&good[30][..20], b"\xff\x00"].concat();
    topic("mended", &dealt(&broken, 2));
    let folder = tempfile::tempdir().unwrap();
    let path = kafka_pipeline(folder.path(), "mended");
    assert_code(&run_to_end(&path, &[]), 0);
    let dead = folder.path().join("dead.jsonl");
    let text = fs::read_to_string(&dead).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");

    let mut line: serde_json::Value = serde_json::from_str(&text).unwrap();
    let whole = String::from_utf8(good[30].clone()).unwrap();
    line.as_object_mut().unwrap().remove("value_base64");
    line["value"] = whole.into();
    let mended = folder.path().join("mended.jsonl");
    fs::write(&mended, format!("{line}\n")).unwrap();
    let kept = folder.path().join("kept.jsonl");
    fs::rename(&dead, &kept).unwrap();
    let arguments = ["--mended", mended.to_str().unwrap()];
    let output = replay(&kept, &path, &arguments);
    assert_code(&output, 0);
    assert!(out(&output).contains("fed 1 record into topic mended"), "{}", out(&output));
    let again = replay(&kept, &path, &arguments);
    assert!(out(&again).contains("fed 0 records") && out(&again).contains("1 fed before"), "{}", out(&again));

    fs::remove_dir_all(folder.path().join("out")).unwrap();
    assert_code(&run_to_end(&path, &[]), 0);
    assert!(tree(&folder.path().join("out")) == expected.0, "other rows than of unbroken input");
}

#[test]
fn each_letter_is_fed_once_into_its_partition() {
    let topic = topic("once", &[vec![b"{}".to_vec()], vec![b"{}".to_vec()]]);
    let folder = tempfile::tempdir().unwrap();
    let path = kafka_pipeline(folder.path(), "once");
    let dead =
        written(folder.path(), &[letter("once", 1, 0, b"b"), letter("once", 0, 0, b"a"), letter("other", 0, 5, b"c")]);
    let first = replay(&dead, &path, &["--limit", "1"]);
    assert_code(&first, 0);
    let output = replay(&dead, &path, &[]);
    assert_code(&output, 1);
    assert!(told(&output).contains("other/0/5: not fed: it came from other"), "{}", told(&output));
    assert!(out(&output).contains("fed 1 record into") && out(&output).contains("1 fed before"), "{}", out(&output));
    let mut all = seen(&topic);
    all.retain(|(_, _, of)| of.is_some());
    all.sort();
    let expected = [(0, b"a".to_vec(), Some("once/0/0".to_owned())), (1, b"b".to_vec(), Some("once/1/0".to_owned()))];
    assert_eq!(all, expected);
    let bare = ["--topic", "once", "--brokers", broker(), "--property", "client.id=x", "--from-topic", "other"];
    let mut command = weir();
    assert_code(&command.args(["dlq", "replay"]).arg(&dead).args(bare).output().unwrap(), 0);
    assert_eq!(fed(&topic), ["once/0/0", "once/1/0", "other/0/5"]);
}

/// The journal's last lines are those that a crash after the transaction would not have written.
#[test]
fn a_crash_between_transaction_and_journal_is_found_out() {
    let topic = topic("crash", &[vec![], vec![]]);
    let folder = tempfile::tempdir().unwrap();
    let path = kafka_pipeline(folder.path(), "crash");
    let letters: Vec<_> = (0..10).map(|number| letter("crash", number % 2, i64::from(number), b"x")).collect();
    let dead = written(folder.path(), &letters);
    assert_code(&replay(&dead, &path, &["--limit", "6"]), 0);
    let journal = folder.path().join("dead.jsonl.replayed");
    let text = fs::read_to_string(&journal).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 8, "an intent, a line a letter, the end: {text}");
    for kept in [1, 3] {
        fs::write(&journal, lines[..kept].join("\n") + "\n{\"fed\":{\"ca").unwrap();
        let mut command = weir();
        command.args(["dlq", "replay"]).arg(&dead).args(["--topic", "elsewhere", "--brokers", broker()]);
        assert_code(&command.output().unwrap(), 2);
        let output = replay(&dead, &path, &["--offset", "..6"]);
        assert_code(&output, 0);
        assert!(out(&output).contains("had fed 6 records") && out(&output).contains("fed 0"), "{}", out(&output));
    }
    assert_code(&replay(&dead, &path, &[]), 0);
    let mut expected: Vec<String> =
        letters.iter().map(|letter| format!("crash/{}/{}", letter.partition, letter.offset)).collect();
    expected.sort();
    assert_eq!(fed(&topic), expected);
}

/// A call dies with its transaction open: it hides what comes after it, and the next call ends it.
#[test]
fn a_crash_within_the_transaction_feeds_nothing() {
    let topic = topic("hanging", &[vec![]]);
    let folder = tempfile::tempdir().unwrap();
    let path = kafka_pipeline(folder.path(), "hanging");
    let dead = written(folder.path(), &[letter("hanging", 0, 1, b"a"), letter("hanging", 0, 2, b"b")]);
    let producer = Producer::open(&topic, "weir-replay-feed").unwrap();
    let headers: [(&str, &[u8]); 2] = [("weir-replay-of", b"hanging/0/1"), ("weir-replay-call", b"feed")];
    producer.begin().unwrap();
    producer
        .send_all([Outgoing { topic: None, partition: Some(0), key: None, value: b"a", headers: &headers }])
        .unwrap();
    producer.flush().unwrap();
    let cluster = Look::open(&topic).unwrap().cluster().unwrap();
    let intent = format!(
        "{{\"intent\":{{\"call\":\"feed\",\"at\":\"\",\"letters\":2,\"to\":{{\"topic\":{{\"topic\":\"hanging\",\"cluster\":\"{cluster}\",\
         \"transactional_id\":\"weir-replay-feed\",\"from\":[[0,0]]}}}}}}}}\n"
    );
    fs::write(folder.path().join("dead.jsonl.replayed"), intent).unwrap();
    let output = replay(&dead, &path, &[]);
    assert_code(&output, 0);
    assert!(out(&output).contains("fed 2 records") && !out(&output).contains("found out"), "{}", out(&output));
    // Whoever was slow, not dead, is fenced off.
    let error = producer.commit().unwrap_err().to_string();
    assert!(error.contains("another instance"), "{error}");
    assert_eq!(fed(&topic), ["hanging/0/1", "hanging/0/2"]);
}

#[test]
fn a_cut_letter_is_fetched_whole_or_refused_by_name() {
    let long = format!("{{\"text\":\"{}\"", "é".repeat(100_000)).into_bytes();
    let topic = topic("cut", &[vec![b"{}".to_vec()], vec![b"{}".to_vec(), long.clone(), b"{}".to_vec()]]);
    let folder = tempfile::tempdir().unwrap();
    let path = kafka_pipeline(folder.path(), "cut");
    let other = vec![b'x'; 70_000];
    let dead =
        written(folder.path(), &[letter("cut", 1, 1, &long), letter("cut", 0, 0, &other), letter("cut", 0, 9, &other)]);
    let output = replay(&dead, &path, &[]);
    assert_code(&output, 1);
    assert!(
        told(&output).contains("cut/0/0: not fed") && told(&output).contains("another record"),
        "{}",
        told(&output)
    );
    assert!(
        told(&output).contains("cut/0/9: not fed") && told(&output).contains("beyond its end"),
        "{}",
        told(&output)
    );
    let found: Vec<_> = seen(&topic).into_iter().filter(|(_, _, of)| of.is_some()).collect();
    assert!(found == [(1, long.clone(), Some("cut/1/1".to_owned()))], "{} found", found.len());

    delete_records(broker(), "cut", 1, 2).unwrap();
    fs::remove_file(folder.path().join("dead.jsonl.replayed")).unwrap();
    let output = replay(&dead, &path, &["--partition", "1"]);
    assert_code(&output, 1);
    assert!(told(&output).contains("cut/1/1: not fed") && told(&output).contains("are gone"), "{}", told(&output));
}

#[test]
fn late_records_that_others_have_counted_are_not_fed_unless_wanted() {
    let topic = topic("late", &[vec![]]);
    let folder = tempfile::tempdir().unwrap();
    let path = kafka_pipeline(folder.path(), "late");
    let by = |kpi, windows_taken| RefusedBy { kpi, windows_refused: 1, windows_taken };
    let (all, one, part) =
        ([by("sales", 0), by("sales-by-country", 0)], [by("sales", 0)], [by("sales", 1), by("sales-by-country", 0)]);
    let late =
        |offset, refused_by| DeadLetter { kind: DeadLetterKind::Late, refused_by, ..letter("late", 0, offset, b"{}") };
    let dead = written(folder.path(), &[late(1, &all), late(2, &one), late(3, &part)]);
    let output = replay(&dead, &path, &[]);
    assert_code(&output, 1);
    assert!(
        told(&output).contains("late/0/2: not fed: it counts in windows of `sales-by-country`"),
        "{}",
        told(&output)
    );
    assert!(told(&output).contains("late/0/3: not fed: it counts in windows of `sales` "), "{}", told(&output));
    assert!(out(&output).contains("warning: 1 late record") && out(&output).contains("(now 0ns)"), "{}", out(&output));
    assert_code(&replay(&dead, &path, &["--partly-counted"]), 0);
    assert_eq!(fed(&topic), ["late/0/1", "late/0/2", "late/0/3"]);
}

#[test]
fn a_missing_topic_or_broker_feeds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dead = written(folder.path(), &[letter("nowhere", 0, 1, b"a")]);
    for (brokers, told) in [(broker(), "--create --topic nowhere"), ("127.0.0.1:1", "does not answer")] {
        let mut command = weir();
        command.args(["dlq", "replay"]).arg(&dead).args(["--topic", "nowhere", "--brokers", brokers]);
        let output = command.output().unwrap();
        assert_code(&output, 1);
        assert!(self::told(&output).contains(told), "{}", self::told(&output));
    }
    assert_eq!(fs::read_to_string(folder.path().join("dead.jsonl.replayed")).unwrap(), "");
}
