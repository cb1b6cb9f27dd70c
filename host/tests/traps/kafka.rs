//! The traps that need a broker: kills, groups, and offsets that are told.

use super::common::{assert_code, report, run_to_end};
use super::{at, invoice, kept, start, until, windows};
use crate::retail::pipeline;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use weir::checkpoint::folder::FolderStore;
use weir::storage::Storage;
use weir::storage::local::Local;
use weir_services::client::{Produced, committed, create_topic, produce};
use weir_services::kafka::{Kafka, KafkaOptions};

const TIME: &str = "max_out_of_orderness = \"10s\"";

fn broker() -> &'static str {
    static BROKER: OnceLock<Kafka> = OnceLock::new();
    static BOOTSTRAP: OnceLock<String> = OnceLock::new();
    BOOTSTRAP.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("weir-traps-{}", std::process::id()));
        let kafka = Kafka::start(&folder, KafkaOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        BROKER.get_or_init(|| kafka).bootstrap()
    })
}

/// Numbered invoices, one a second, dealt to two partitions.
fn fill(topic: &str, numbers: std::ops::Range<usize>) {
    let values: Vec<(usize, Vec<u8>)> = numbers.map(|number| (number, invoice(number, &at(number)))).collect();
    let records = values.iter().map(|(number, value)| Produced {
        partition: (number % 2) as i32,
        value: Some(value.as_slice()),
        ..Produced::default()
    });
    produce(broker(), topic, records).unwrap();
}

fn pipeline_of(folder: &Path, topic: &str) -> std::path::PathBuf {
    let source = format!("type = \"kafka\"\nbrokers = \"{}\"\ntopic = \"{topic}\"\ngroup = \"of-{topic}\"", broker());
    kept(pipeline(folder, &source, TIME, "tumbling 1m"))
}

fn told(topic: &str) -> i64 {
    (0..2).filter_map(|partition| committed(broker(), &format!("of-{topic}"), topic, partition).unwrap()).sum()
}

/// Records that the newest checkpoint has counted.
fn saved(folder: &Path) -> i64 {
    let storage: Arc<dyn Storage> = Arc::new(Local);
    let (_, saved) = FolderStore::look(&storage, folder).unwrap().unwrap();
    let record = saved.unwrap().records.pop().unwrap();
    let (length, rest) = record.split_first_chunk().unwrap();
    let header: serde_json::Value = serde_json::from_slice(&rest[..u32::from_le_bytes(*length) as usize]).unwrap();
    header["partitions"].as_array().unwrap().iter().filter_map(|partition| partition["next_offset"].as_i64()).sum()
}

fn is_whole(folder: &Path, minutes: usize) {
    let windows = windows(folder);
    assert_eq!(windows.len(), minutes);
    assert!(windows.iter().all(|(_, orders, revision)| (*orders, *revision) == (60, 0)), "{windows:?}");
}

#[test]
fn kills_and_a_rebalance_of_the_group_lose_nothing() {
    let (topic, folder) = ("killed", tempfile::tempdir().unwrap());
    create_topic(broker(), topic, 2, &[]).unwrap();
    let path = pipeline_of(folder.path(), topic);
    let minutes = 60;
    for part in 0..6 {
        fill(topic, part * 600..(part + 1) * 600);
        let run = start(&path);
        std::thread::sleep(Duration::from_millis(300 + 170 * part as u64));
        drop(run);
        if part == 2 {
            join_and_leave(topic);
        }
    }
    assert_code(&run_to_end(&path, &[]), 0);
    assert_eq!(report(&path)["read"], 3_600);
    is_whole(folder.path(), minutes);
}

/// A stranger in the group is given the partitions, commits other offsets, and leaves.
fn join_and_leave(topic: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker()).set("group.id", format!("of-{topic}"));
    config.set("enable.auto.commit", "true").set("auto.offset.reset", "latest");
    let stranger: BaseConsumer = config.create().unwrap();
    stranger.subscribe(&[topic]).unwrap();
    until("the stranger has the partitions", || {
        let _ = stranger.poll(Duration::from_millis(50));
        stranger.assignment().is_ok_and(|assigned| assigned.count() == 2)
    });
}

#[test]
fn offsets_told_to_the_group_are_never_ahead_of_the_state() {
    let (topic, folder) = ("told", tempfile::tempdir().unwrap());
    create_topic(broker(), topic, 2, &[]).unwrap();
    let path = pipeline_of(folder.path(), topic);
    for part in 0..4 {
        fill(topic, part * 300..(part + 1) * 300);
        let before = told(topic);
        let run = start(&path);
        until("an epoch is told", || told(topic) > before);
        drop(run);
        let (told, saved) = (told(topic), saved(&folder.path().join("checkpoint")));
        assert!(told <= saved, "{told} told, {saved} in the checkpoint");
    }
    assert_code(&run_to_end(&path, &[]), 0);
    assert_eq!(report(&path)["read"], 1_200);
    is_whole(folder.path(), 20);
}
