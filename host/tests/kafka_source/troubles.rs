//! What goes wrong while reading: a broker stopped or gone, partitions added.

use super::{CLIENT, settings};
use crate::support::*;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use weir::source::kafka::{KafkaClient, KafkaSettings};
use weir::source::SourceError;
use weir_services::client;
use weir_services::kafka::{Kafka, KafkaOptions};

#[test]
fn a_broker_that_is_stopped_and_comes_back_costs_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut kafka = Kafka::start(folder.path(), KafkaOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    let bootstrap = kafka.bootstrap();
    client::create_topic(&bootstrap, "t", 2, &[]).unwrap();
    (0..2).for_each(|partition| fill_at(&bootstrap, "t", partition, 0..20_000));
    let mut live = KafkaSettings { brokers: bootstrap.clone(), bounded: false, ..settings("t") };
    // Small fetches, so that the stop falls into the middle of the reading.
    let small: &[(&str, &str)] = match CLIENT {
        KafkaClient::Native => &[("max.partition.fetch.bytes", "8192"), ("fetch.max.bytes", "16384")],
        KafkaClient::Librdkafka => {
            &[("queued.max.messages.kbytes", "16"), ("fetch.message.max.bytes", "8192"), ("queued.min.messages", "100")]
        }
    };
    live.properties.extend(small.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    let source = connect(&live);
    let mut reader = open(&source, &[0, 1]);
    let mut brought = Brought::default();
    brought.until(&mut *reader, 50, |brought| brought.count() > 1000);
    kafka.stop();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        brought.step(&mut *reader, 50).unwrap();
    }
    assert!(brought.count() < 40_000, "all was read before the broker stopped");
    let asked = Instant::now();
    assert!(!reader.confirm_caught_up(0), "a partition that can't be reached is not idle");
    // A second, and what a loaded machine takes on top.
    assert!(asked.elapsed() < Duration::from_millis(1900), "{:?}", asked.elapsed());
    kafka.resume().unwrap_or_else(|error| panic!("{error}"));
    (0..2).for_each(|partition| fill_at(&bootstrap, "t", partition, 20_000..20_100));
    brought.until(&mut *reader, 5000, |brought| brought.count() >= 40_200);
    for partition in 0..2 {
        assert_eq!(brought.values(partition), expected(partition as i32, 0..20_100));
    }
}

#[test]
fn a_reader_ends_in_time_although_its_broker_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = Kafka::start(folder.path(), KafkaOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    client::create_topic(&kafka.bootstrap(), "t", 1, &[]).unwrap();
    fill_at(&kafka.bootstrap(), "t", 0, 0..10);
    let source = connect(&KafkaSettings { brokers: kafka.bootstrap(), ..settings("t") });
    let mut reader = open(&source, &[0]);
    let mut brought = Brought::default();
    brought.until(&mut *reader, 50, |brought| brought.ended == [0]);
    drop(kafka);
    let begun = Instant::now();
    drop(reader);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// Gives the topic more partitions.
fn grow(topic: &str, count: usize) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker().bootstrap());
    let admin: AdminClient<DefaultClientContext> = config.create().unwrap();
    let (new, options) = (NewPartitions::new(topic, count), AdminOptions::new());
    let mut done = pin!(admin.create_partitions([&new], &options));
    let begun = Instant::now();
    let done = loop {
        assert!(begun.elapsed() < PATIENCE, "the broker does not answer");
        match done.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => break done.unwrap(),
            Poll::Pending => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert!(done.iter().all(Result::is_ok), "{done:?}");
}

#[test]
fn partitions_that_are_added_stop_a_run_that_would_not_read_them() {
    let topic = topic(2, &[]);
    fill(&topic, 0, 0..10);
    let often = KafkaSettings { metadata_interval: Duration::from_millis(200), ..settings(&topic) };
    let bounded = connect(&often);
    let live = connect(&KafkaSettings { bounded: false, ..often });
    let [mut first, mut second] = [0, 1].map(|place| open(&live, &[place]));
    let mut brought = Brought::default();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) || brought.count() < 10 {
        brought.step(&mut *first, 100).unwrap();
        assert!(begun.elapsed() < PATIENCE);
    }
    grow(&topic, 5);
    let begun = Instant::now();
    let error = loop {
        assert!(begun.elapsed() < PATIENCE, "nobody tells");
        if let Err(error) = brought.step(&mut *first, 100) {
            break error;
        }
    };
    let SourceError::Setting(told) = error else { panic!("{error:?}") };
    for part in [topic.as_str(), "from 2 to 5 partitions", "restart to read them", "oldest record"] {
        assert!(told.contains(part), "{told}");
    }
    // One reader asks, and a bounded run has its ends anyhow.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        brought.step(&mut *second, 100).unwrap();
    }
    let mut rest = Brought::default();
    rest.until(&mut *open(&bounded, &[0, 1]), 100, |brought| brought.ended.len() == 2);
    assert_eq!(rest.values(0), expected(0, 0..10));
}
