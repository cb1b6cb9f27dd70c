//! What others see of the reading: the offsets of a group, read back by a client that knows nothing of Weir.

use super::settings;
use crate::support::*;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::{Duration, Instant};
use weir::source::kafka::KafkaSettings;
use weir_services::client;
use weir_services::kafka::{Kafka, KafkaOptions};

fn committed(group: &str, topic: &str) -> [Option<i64>; 2] {
    [0, 1].map(|partition| client::committed(&broker().bootstrap(), group, topic, partition).unwrap())
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn confirmed_offsets_are_the_groups() {
    let topic = topic(2, &[]);
    (0..2).for_each(|partition| fill(&topic, partition, 0..20));
    let group = format!("weir-{topic}");
    let told = KafkaSettings { group: Some(group.clone()), bounded: false, ..settings(&topic) };
    let source = connect(&told);
    assert_eq!(committed(&group, &topic), [None, None], "nothing is confirmed yet");
    source.confirm(&[(0, 3)]);
    until("the first offsets", || committed(&group, &topic) == [Some(3), None]);
    let begun = Instant::now();
    (4..=1000).for_each(|next| source.confirm(&[(0, next % 18), (1, 7)]));
    assert!(begun.elapsed() < Duration::from_millis(500), "it waited: {:?}", begun.elapsed());
    // The end waits for the last ones.
    drop(source);
    assert_eq!(committed(&group, &topic), [Some(1000 % 18), Some(7)]);
    // Nobody reads them back.
    let mut brought = Brought::default();
    brought.until(&mut *open(&connect(&told), &[0, 1]), 100, |brought| brought.count() == 40);
}

#[test]
fn without_a_group_nothing_is_told() {
    let topic = topic(1, &[]);
    let source = connect(&settings(&topic));
    source.confirm(&[(0, 0)]);
    drop(source);
    assert_eq!(client::committed(&broker().bootstrap(), "weir", &topic, 0).unwrap(), None);
}

#[test]
fn a_group_with_members_is_left_to_them() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..10);
    let group = format!("taken-{topic}");
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker().bootstrap()).set("group.id", &group).set("enable.auto.commit", "false");
    let member: BaseConsumer = config.create().unwrap();
    member.subscribe(&[&topic]).unwrap();
    until("a member", || {
        let _ = member.poll(Duration::from_millis(50));
        member.assignment().is_ok_and(|assigned| assigned.count() == 2)
    });
    let told = KafkaSettings { group: Some(group.clone()), bounded: false, ..settings(&topic) };
    let source = connect(&told);
    source.confirm(&[(0, 5)]);
    let mut brought = Brought::default();
    brought.until(&mut *open(&source, &[0]), 100, |brought| brought.count() == 10);
    let begun = Instant::now();
    drop(source);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(committed(&group, &topic), [None, None]);
}

/// What a broker says that may be on its way up.
fn told_at(bootstrap: &str) -> Option<i64> {
    client::committed(bootstrap, "g", "t", 0).ok().flatten()
}

#[test]
fn a_broker_that_comes_back_is_told_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let mut kafka = Kafka::start(folder.path(), KafkaOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    let bootstrap = kafka.bootstrap();
    client::create_topic(&bootstrap, "t", 1, &[]).unwrap();
    fill_at(&bootstrap, "t", 0, 0..10);
    let told = KafkaSettings { brokers: bootstrap.clone(), group: Some("g".into()), bounded: false, ..settings("t") };
    let source = connect(&told);
    source.confirm(&[(0, 1)]);
    until("the first", || told_at(&bootstrap) == Some(1));
    kafka.kill();
    (2..6).for_each(|next| source.confirm(&[(0, next)]));
    kafka.resume().unwrap_or_else(|error| panic!("{error}"));
    until("the newest", || told_at(&bootstrap) == Some(5));
}
