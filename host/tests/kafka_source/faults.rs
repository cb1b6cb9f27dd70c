//! What networks and clusters do: connections cut in the middle, leaders that move, topics made anew, batches packed and too large.

use super::{CLIENT, settings};
use crate::proxy::Proxy;
use crate::support::*;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use weir::source::SourceError;
use weir::source::kafka::{KafkaClient, KafkaSettings};
use weir_services::client;
use weir_services::kafka::{Cluster, Kafka, KafkaOptions};

fn with(settings: KafkaSettings, properties: &[(&str, &str)]) -> KafkaSettings {
    let mut settings = settings;
    settings.properties.extend(properties.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    settings
}

/// Answers of some ten kilobytes, and short pauses after a failure.
fn small_steps(settings: KafkaSettings) -> KafkaSettings {
    let properties: &[(&str, &str)] = match CLIENT {
        KafkaClient::Native => &[("max.partition.fetch.bytes", "16384"), ("fetch.max.bytes", "24576")],
        KafkaClient::Librdkafka => &[("fetch.message.max.bytes", "16384"), ("queued.max.messages.kbytes", "32")],
    };
    let pauses = [("reconnect.backoff.ms", "1"), ("reconnect.backoff.max.ms", "20")];
    with(with(settings, properties), &pauses)
}

#[test]
fn two_hundred_connections_cut_in_mid_answer_cost_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::bind();
    let options = KafkaOptions { proxied: Some(proxy.port()), ..KafkaOptions::default() };
    let kafka = Kafka::start(folder.path(), options).unwrap_or_else(|error| panic!("{error}"));
    client::create_topic(&kafka.bootstrap(), "t", 2, &[]).unwrap();
    (0..2).for_each(|partition| fill_at(&kafka.bootstrap(), "t", partition, 0..200_000));
    let brokers = format!("127.0.0.1:{}", proxy.port());
    // Less than two answers: every cut but a few falls into one.
    let cuts = proxy.serve(kafka.behind_proxy(), 200, 15_000..45_000);
    let live = KafkaSettings { brokers, bounded: false, ..small_steps(settings("t")) };
    let source = connect(&live);
    let mut reader = open(&source, &[0, 1]);
    let mut brought = Brought::default();
    brought.until(&mut *reader, 1000, |brought| brought.count() == 400_000);
    for partition in 0..2 {
        assert_eq!(brought.values(partition), expected(partition as i32, 0..200_000));
    }
    assert!(cuts.load(Ordering::Relaxed) >= 200, "{cuts:?} cuts");
}

#[test]
fn a_leader_that_is_killed_and_comes_back_costs_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(folder.path(), 3).unwrap_or_else(|error| panic!("{error}"));
    let bootstrap = cluster.bootstrap();
    let safe = [("min.insync.replicas", "2")];
    client::create_replicated_topic(&bootstrap, "t", (3, 3), &safe).unwrap();
    let live = KafkaSettings { brokers: bootstrap.clone(), bounded: false, ..settings("t") };
    let source = connect(&live);
    let mut reader = open(&source, &[0, 1, 2]);
    let (mut brought, mut filled) = (Brought::default(), 0);
    // With three partitions over three brokers each broker leads one.
    for id in [1, 2, 3] {
        (0..3).for_each(|partition| fill_at(&bootstrap, "t", partition, filled..filled + 5000));
        brought.until(&mut *reader, 500, |brought| brought.count() > 3 * filled);
        cluster.broker(id).unwrap().kill();
        (0..3).for_each(|partition| fill_at(&bootstrap, "t", partition, filled + 5000..filled + 6000));
        filled += 6000;
        brought.until(&mut *reader, 500, |brought| brought.count() == 3 * filled);
        cluster.broker(id).unwrap().resume().unwrap_or_else(|error| panic!("{error}"));
    }
    for partition in 0..3 {
        assert_eq!(brought.values(partition), expected(partition as i32, 0..filled));
    }
}

#[test]
fn batches_of_every_codec_are_read() {
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        // The broker packs anew what comes in another form: with the codecs of the Java clients.
        let topic = topic(1, &[("compression.type", codec)]);
        fill(&topic, 0, 0..3000);
        let brought = read_bounded(&settings(&topic));
        assert_eq!(brought.values(0), expected(0, 0..3000), "{codec}");
    }
}

#[test]
fn a_record_larger_than_an_answer_is_meant_to_be_comes_whole() {
    let topic = topic(1, &[]);
    let large = format!("\"{}\"", "x".repeat(300_000));
    let record = client::Produced { value: Some(large.as_bytes()), ..client::Produced::default() };
    client::produce(&broker().bootstrap(), &topic, [record]).unwrap();
    let brought = read_bounded(&small_steps(settings(&topic)));
    assert_eq!(brought.values(0), [large]);
}

#[test]
fn an_answer_beyond_the_limit_is_told_with_the_property_that_allows_it() {
    if CLIENT == KafkaClient::Librdkafka {
        return; // raises its limit to what it asks for
    }
    let topic = topic(1, &[]);
    let large = "x".repeat(300_000);
    let record = client::Produced { value: Some(large.as_bytes()), ..client::Produced::default() };
    client::produce(&broker().bootstrap(), &topic, [record]).unwrap();
    let source = connect(&with(settings(&topic), &[("receive.message.max.bytes", "100000")]));
    let error = stopped(&mut *open(&source, &[0]));
    assert!(matches!(&error, SourceError::Setting(told) if told.contains("receive.message.max.bytes")), "{error}");
}

#[test]
fn a_topic_that_is_deleted_or_made_anew_stops_the_run() {
    for is_made_anew in [true, false] {
        let topic = topic(1, &[]);
        fill(&topic, 0, 0..100);
        // The native client also hears of it from a fetch.
        let often = Duration::from_secs(if CLIENT == KafkaClient::Librdkafka { 1 } else { 30 });
        let live = KafkaSettings { bounded: false, metadata_interval: often, ..settings(&topic) };
        let source = connect(&live);
        let mut reader = open(&source, &[0]);
        let mut brought = Brought::default();
        brought.until(&mut *reader, 100, |brought| brought.count() == 100);
        client::delete_topic(&broker().bootstrap(), &topic).unwrap();
        if is_made_anew {
            create_again(&topic);
            fill(&topic, 0, 0..200);
        }
        let error = stopped(&mut *reader);
        assert!(matches!(error, SourceError::Lost(_)), "{error}");
        if is_made_anew {
            let then = source.partitions()[0].identity.clone().unwrap();
            let now = connect(&live).partitions()[0].identity.clone().unwrap();
            assert!(error.to_string().contains(&format!("made anew while it was read (id {then} then, {now} now)")), "{error}");
        }
    }
}

/// Reads until the reader stops.
fn stopped(reader: &mut dyn weir::source::Reader) -> SourceError {
    let (begun, mut brought) = (Instant::now(), Brought::default());
    loop {
        assert!(begun.elapsed() < PATIENCE, "it went on, {} records", brought.count());
        if let Err(error) = brought.step(reader, 100) {
            return error;
        }
    }
}
