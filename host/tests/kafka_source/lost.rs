//! Offsets that are not there any more: told with all that is lost, and gone past only where that is wanted.

use super::settings;
use crate::support::*;
use std::time::Instant;
use weir::source::kafka::{KafkaClient, KafkaSettings, LostOffsets};
use weir::source::{Assignment, Reader, SourceError};
use weir_services::client;

fn lost(result: Result<(), SourceError>) -> String {
    match result {
        Err(SourceError::Lost(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_checkpoint_before_the_beginning_is_told_with_the_offsets_that_are_gone() {
    let topic = topic(1, &[]);
    fill(&topic, 0, 0..100);
    client::delete_records(&broker().bootstrap(), &topic, 0, 60).unwrap();
    let source = connect(&settings(&topic));
    let told = lost(source.open(&[Assignment { partition: 0, offset: Some(40), epoch: None }]).map(drop));
    assert!(told.contains("offsets 40 to 59") && told.contains(&topic) && told.contains("`start`"), "{told}");
    let told = lost(source.open(&[Assignment { partition: 0, offset: Some(101), epoch: None }]).map(drop));
    assert!(told.contains("beyond its end at 100"), "{told}");
    assert_eq!(read_bounded(&settings(&topic)).offsets(0), (60..100).collect::<Vec<_>>());
}

#[test]
fn records_deleted_while_a_reader_is_behind_stop_it_with_the_offsets_that_are_gone() {
    let topic = topic(1, &[]);
    fill(&topic, 0, 0..100);
    let source = connect(&KafkaSettings { bounded: false, ..settings(&topic) });
    client::delete_records(&broker().bootstrap(), &topic, 0, 60).unwrap();
    let mut reader = source.open(&[Assignment { partition: 0, offset: Some(40), epoch: None }]).unwrap();
    let told = stopped(&mut *reader);
    assert!(told.contains("offsets 40 to 59"), "{told}");
    // A checkpoint of a topic that was longer once.
    let mut reader = source.open(&[Assignment { partition: 0, offset: Some(200), epoch: None }]).unwrap();
    let told = stopped(&mut *reader);
    assert!(told.contains("offset 200") && told.contains("beyond its end at 100"), "{told}");
}

/// Reads until the reader stops, which has to be before the first record.
fn stopped(reader: &mut dyn Reader) -> String {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it went on");
        let mut brought = Brought::default();
        let stepped = brought.step(reader, 10);
        assert_eq!(brought.count(), 0, "it jumped over lost records");
        if stepped.is_err() {
            return lost(stepped);
        }
    }
}

/// Before the beginning and beyond the end, at the start of a bounded run and of one without an end.
#[test]
fn told_to_continue_a_run_says_what_is_lost_and_reads_the_rest() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..100);
    fill(&topic, 1, 0..10);
    client::delete_records(&broker().bootstrap(), &topic, 0, 60).unwrap();
    for bounded in [true, false] {
        let told = KafkaSettings { on_lost_offsets: LostOffsets::Continue, bounded, ..settings(&topic) };
        let assigned = [(0, 40), (1, 200)];
        let assigned =
            assigned.map(|(partition, offset)| Assignment { partition, offset: Some(offset), epoch: None });
        let mut reader = connect(&told).open(&assigned).unwrap();
        let mut brought = Brought::default();
        brought.until(&mut *reader, 7, |brought| brought.count() == 40 && brought.lost.len() == 2);
        brought.lost.sort_unstable();
        assert_eq!(brought.lost, [(0, 40, 60, 60), (1, 10, 200, 10)]);
        assert_eq!(brought.values(0), expected(0, 60..100));
        if !bounded {
            fill(&topic, 1, 10..15);
            brought.until(&mut *reader, 7, |brought| brought.count() == 45);
            assert_eq!(brought.values(1), expected(1, 10..15));
        }
    }
}

/// A reader that is at the begin of two partitions when 19,000 records of the first are deleted; what it brought, and how it ended.
fn deleted_in_mid_run(on_lost_offsets: LostOffsets) -> (Brought, Result<(), SourceError>) {
    let topic = topic(2, &[]);
    (0..2).for_each(|partition| fill(&topic, partition, 0..20_000));
    let mut small = KafkaSettings { on_lost_offsets, bounded: false, ..settings(&topic) };
    let properties: &[(&str, &str)] = match super::CLIENT {
        KafkaClient::Native => &[("max.partition.fetch.bytes", "8192"), ("fetch.max.bytes", "16384")],
        KafkaClient::Librdkafka => {
            &[("queued.max.messages.kbytes", "16"), ("fetch.message.max.bytes", "8192"), ("queued.min.messages", "100")]
        }
    };
    small.properties.extend(properties.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    let mut reader = open(&connect(&small), &[0, 1]);
    let mut brought = Brought::default();
    brought.until(&mut *reader, 50, |brought| brought.offsets(0).len() > 100);
    client::delete_records(&broker().bootstrap(), &topic, 0, 19_000).unwrap();
    let begun = Instant::now();
    while brought.values(1).len() < 20_000 || brought.offsets(0).last() != Some(&19_999) {
        assert!(begun.elapsed() < PATIENCE, "{} records", brought.count());
        if let Err(error) = brought.step(&mut *reader, 500) {
            return (brought, Err(error));
        }
    }
    (brought, Ok(()))
}

#[test]
fn records_deleted_in_mid_run_are_told_and_the_other_partitions_go_on() {
    let (brought, ended) = deleted_in_mid_run(LostOffsets::Continue);
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(brought.values(1), expected(1, 0..20_000));
    let [(0, from, 19_000, 19_000)] = brought.lost[..] else { panic!("{:?}", brought.lost) };
    let offsets: Vec<i64> = (0..from).chain(19_000..20_000).collect();
    assert_eq!(brought.offsets(0), offsets, "what is not lost came, once");
}

#[test]
fn records_deleted_in_mid_run_stop_it_unless_told_otherwise() {
    let (brought, ended) = deleted_in_mid_run(LostOffsets::Stop);
    let (told, next) = (lost(ended), brought.offsets(0).len());
    assert!(told.contains(&format!("offsets {next} to 18999")), "{told}");
    assert!(told.contains(&format!("{} at the most", 19_000 - next)), "{told}");
    assert!(told.contains("To go on at 19000 without them, set [source] on_lost_offsets = \"continue\""), "{told}");
}
