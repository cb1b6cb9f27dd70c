//! What is read: everything, once, in order, from where it was asked for to where it ends.

use super::settings;
use crate::support::*;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::time::{Duration, Instant};
use weir::source::kafka::KafkaStart;
use weir::source::{Assignment, OLDEST, ReadEvent};
use weir_services::client::{self, Produced};

#[test]
fn two_readers_bring_every_record_of_eight_partitions_once_and_in_order() {
    let topic = topic(8, &[]);
    (0..7).for_each(|partition| fill(&topic, partition, 0..5000 + partition as usize));
    let source = connect(&settings(&topic));
    let records: Vec<Option<u64>> = source.partitions().iter().map(|part| part.records).collect();
    let all: Vec<Option<u64>> =
        (0..8).map(|partition| Some(if partition == 7 { 0 } else { 5000 + partition })).collect();
    assert_eq!(records, all);
    let workers = [[0, 2, 4, 6], [1, 3, 5, 7]].map(|partitions| {
        let mut reader = open(&source, &partitions);
        std::thread::spawn(move || {
            let mut brought = Brought::default();
            brought.until(&mut *reader, 512, |brought| brought.ended.len() == 4);
            let before = Instant::now();
            assert!(matches!(reader.next(512, Duration::from_secs(60)), Ok(ReadEvent::Nothing)));
            assert!(before.elapsed() < Duration::from_secs(20), "all ended, yet it waited");
            brought
        })
    });
    let brought = workers.map(|worker| worker.join().unwrap());
    for partition in 0..8_i32 {
        let count = if partition == 7 { 0 } else { 5000 + partition as usize };
        let mine = &brought[partition as usize % 2];
        assert_eq!(mine.values(partition as u32), expected(partition, 0..count));
        assert_eq!(mine.offsets(partition as u32), (0..count as i64).collect::<Vec<_>>());
    }
    // Full blocks, not a record each: 17,500 records of a reader are some 35 blocks of 512 and the partial ones beside them.
    assert!(brought[0].blocks < 400, "{} blocks", brought[0].blocks);
}

#[test]
fn an_empty_topic_ends_at_once() {
    let topic = topic(3, &[]);
    let source = connect(&settings(&topic));
    let mut reader = open(&source, &[0, 1, 2]);
    let events: Vec<ReadEvent> = (0..4).map(|_| reader.next(10, Duration::ZERO).unwrap()).collect();
    assert!(events[..3].iter().all(|event| matches!(event, ReadEvent::Ended { .. })), "{events:?}");
    assert!(matches!(events[3], ReadEvent::Nothing));
}

#[test]
fn a_bounded_run_stops_at_the_ends_that_were_there_at_the_start() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..100);
    let source = connect(&settings(&topic));
    fill(&topic, 0, 100..300);
    fill(&topic, 1, 0..50);
    let mut reader = open(&source, &[0, 1]);
    let mut brought = Brought::default();
    brought.until(&mut *reader, 7, |brought| brought.ended.len() == 2);
    assert_eq!(brought.values(0), expected(0, 0..100));
    assert_eq!(brought.values(1), Vec::<String>::new());
}

#[test]
fn reading_goes_on_at_the_offsets_of_a_checkpoint() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..1000);
    fill(&topic, 1, 0..10);
    let source = connect(&settings(&topic));
    let assigned = [Assignment { partition: 0, offset: Some(777), epoch: None }, Assignment { partition: 1, offset: Some(10), epoch: None }];
    let mut reader = source.open(&assigned).unwrap();
    let mut brought = Brought::default();
    brought.until(&mut *reader, 100, |brought| brought.ended.len() == 2);
    assert_eq!(brought.values(0), expected(0, 777..1000));
    assert_eq!(brought.count(), 223);
}

#[test]
fn latest_begins_with_what_comes_after_connecting() {
    let topic = topic(1, &[]);
    fill(&topic, 0, 0..20);
    let source =
        connect(&weir::source::kafka::KafkaSettings { start: KafkaStart::Latest, bounded: false, ..settings(&topic) });
    assert_eq!(source.partitions()[0].records, None);
    fill(&topic, 0, 20..25);
    let mut reader = open(&source, &[0]);
    let mut brought = Brought::default();
    brought.until(&mut *reader, 100, |brought| brought.count() == 5);
    assert_eq!(brought.values(0), expected(0, 20..25));
}

#[test]
fn a_partition_that_a_checkpoint_does_not_know_begins_with_its_oldest_record() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..20);
    fill(&topic, 1, 0..7);
    let live = weir::source::kafka::KafkaSettings { bounded: false, ..settings(&topic) };
    assert_eq!(connect(&live).partitions()[0].begin, None, "the oldest record needs no offset");
    let source = connect(&weir::source::kafka::KafkaSettings { start: KafkaStart::Latest, ..live });
    fill(&topic, 0, 20..25);
    let begins: Vec<Option<i64>> = source.partitions().iter().map(|part| part.begin).collect();
    assert_eq!(begins, [Some(20), Some(7)], "the ends at connecting");
    assert!(source.grows());
    let assigned = [(0, Some(OLDEST)), (1, None)];
    let mut reader = source.open(&assigned.map(|(partition, offset)| Assignment { partition, offset, epoch: None })).unwrap();
    let mut brought = Brought::default();
    brought.until(&mut *reader, 100, |brought| {
        brought.count() >= 25 && brought.caught_up.contains(&0) && brought.caught_up.contains(&1)
    });
    assert_eq!(brought.values(0), expected(0, 0..25));
    assert_eq!(brought.values(1), Vec::<String>::new());
}

#[test]
fn a_timestamp_begins_with_the_first_record_at_or_after_it() {
    let topic = topic(2, &[]);
    let values: Vec<String> = (0..100).map(|number| value(0, number)).collect();
    let stamped = values.iter().enumerate().map(|(number, value)| Produced {
        value: Some(value.as_bytes()),
        timestamp_ms: Some(1_000_000 + number as i64 * 10),
        ..Produced::default()
    });
    client::produce(&broker().bootstrap(), &topic, stamped).unwrap();
    for (from_us, first) in
        [(1_000_500_000, 50), (1_000_499_001, 50), (1_000_500_001, 51), (0, 0), (-5, 0), (2_000_000_000, 100)]
    {
        let from = weir::source::kafka::KafkaSettings { start: KafkaStart::Timestamp(from_us), ..settings(&topic) };
        let brought = read_bounded(&from);
        assert_eq!(brought.values(0), expected(0, first..100), "from {from_us}");
    }
    let first = &read_bounded(&settings(&topic)).records[&0][0].0;
    assert_eq!((first.timestamp_ms, first.arrival_us), (1_000_000, NOW_US));
}

#[test]
fn the_append_time_is_the_arrival_where_the_topic_records_it() {
    let topic = topic(1, &[("message.timestamp.type", "LogAppendTime")]);
    fill(&topic, 0, 0..1);
    let record = read_bounded(&settings(&topic)).records[&0][0].0;
    assert_eq!(record.arrival_us, record.timestamp_ms * 1000);
    assert!(record.arrival_us > NOW_US);
}

#[test]
fn null_and_empty_values_are_records_of_no_bytes() {
    let topic = topic(1, &[]);
    let values = [None, Some(b"".as_slice()), Some(b"x"), None];
    client::produce(
        &broker().bootstrap(),
        &topic,
        values.map(|value| Produced { value, key: Some(b"k"), ..Produced::default() }),
    )
    .unwrap();
    let brought = read_bounded(&settings(&topic));
    assert_eq!(brought.values(0), ["", "", "x", ""]);
    assert_eq!(brought.offsets(0), [0, 1, 2, 3]);
}

fn transactional(id: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker().bootstrap()).set("transactional.id", id);
    let producer: BaseProducer = config.create().unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    producer
}

fn transaction(producer: &BaseProducer, topic: &str, numbers: std::ops::Range<usize>, commit: bool) {
    producer.begin_transaction().unwrap();
    for number in numbers {
        let text = value(0, number);
        producer
            .send(BaseRecord::<(), str>::to(topic).partition(0).payload(&text))
            .map_err(|(error, _)| error)
            .unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    if commit { producer.commit_transaction(PATIENCE).unwrap() } else { producer.abort_transaction(PATIENCE).unwrap() }
}

#[test]
fn a_transactional_topic_ends_although_its_last_offsets_hold_no_record() {
    let topic = topic(1, &[]);
    let producer = transactional(&topic);
    transaction(&producer, &topic, 0..10, true);
    transaction(&producer, &topic, 10..20, false);
    transaction(&producer, &topic, 20..30, true);
    transaction(&producer, &topic, 30..40, false);
    let committed = [expected(0, 0..10), expected(0, 20..30)].concat();
    let brought = read_bounded(&settings(&topic));
    assert_eq!(brought.values(0), committed);
    let mut dirty = settings(&topic);
    dirty.properties.insert("isolation.level".to_owned(), "read_uncommitted".to_owned());
    assert_eq!(read_bounded(&dirty).values(0), expected(0, 0..40));
    // A checkpoint on the last record: between it and the end there is nothing but control records and aborted ones.
    let source = connect(&settings(&topic));
    let mut reader =
        source.open(&[Assignment { partition: 0, offset: brought.offsets(0).last().map(|last| last + 1), epoch: None }]).unwrap();
    let mut rest = Brought::default();
    rest.until(&mut *reader, 100, |brought| brought.ended == [0]);
    assert_eq!(rest.count(), 0);
}

#[test]
fn an_open_transaction_is_not_waited_for() {
    let topic = topic(1, &[]);
    let producer = transactional(&topic);
    transaction(&producer, &topic, 0..10, true);
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::<(), str>::to(&topic).partition(0).payload("open")).map_err(|(error, _)| error).unwrap();
    producer.flush(PATIENCE).unwrap();
    assert_eq!(read_bounded(&settings(&topic)).values(0), expected(0, 0..10));
    producer.abort_transaction(PATIENCE).unwrap();
}

#[test]
fn a_partition_is_caught_up_when_the_broker_says_so() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..10);
    let producer = transactional(&topic);
    let source = connect(&weir::source::kafka::KafkaSettings { bounded: false, ..settings(&topic) });
    let mut reader = open(&source, &[0, 1]);
    assert!(!reader.confirm_caught_up(0), "nothing is read yet");
    let mut brought = Brought::default();
    brought.until(&mut *reader, 100, |brought| brought.caught_up.contains(&0) && brought.caught_up.contains(&1));
    assert_eq!(brought.values(0), expected(0, 0..10));
    assert!(reader.confirm_caught_up(0) && reader.confirm_caught_up(1) && !reader.confirm_caught_up(2));
    fill(&topic, 0, 10..11);
    assert!(!reader.confirm_caught_up(0), "a record came");
    brought.until(&mut *reader, 100, |brought| brought.count() == 11);
    // Behind the last record now lie offsets without one.
    transaction(&producer, &topic, 90..95, false);
    brought.until(&mut *reader, 100, |brought| brought.caught_up.iter().filter(|place| **place == 0).count() >= 3);
    let begun = Instant::now();
    while !reader.confirm_caught_up(0) {
        assert!(begun.elapsed() < PATIENCE);
        brought.step(&mut *reader, 100).unwrap();
    }
    assert_eq!(brought.count(), 11);
}

#[test]
fn a_trickle_is_handed_over_at_once() {
    let topic = topic(1, &[]);
    let source = connect(&weir::source::kafka::KafkaSettings { bounded: false, ..settings(&topic) });
    let mut reader = open(&source, &[0]);
    let mut brought = Brought::default();
    brought.until(&mut *reader, 8192, |brought| brought.caught_up == [0]);
    for number in 0..5 {
        fill(&topic, 0, number..number + 1);
        let begun = Instant::now();
        brought.until(&mut *reader, 8192, |brought| brought.count() == number + 1);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[test]
fn a_full_partition_does_not_starve_the_others() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..100_000);
    fill(&topic, 1, 0..100);
    let source = connect(&settings(&topic));
    let mut reader = open(&source, &[0, 1]);
    let mut brought = Brought::default();
    brought.until(&mut *reader, 1000, |brought| brought.values(1).len() == 100);
    assert!(brought.values(0).len() < 100_000, "the small partition came last");
}
