//! Ends, floods and slow lines, on the client's own mock of a cluster.

use super::*;
use crate::source::kafka::librdkafka::client;
use crate::source::kafka::{CONNECT_WAIT, Isolation, KafkaClient, KafkaStart, METADATA_INTERVAL};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use std::collections::BTreeMap;

type Cluster = MockCluster<'static, DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(60);

fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 2, 1).unwrap();
    cluster
}

fn settings(cluster: &Cluster) -> KafkaSettings {
    KafkaSettings {
        client: KafkaClient::Librdkafka,
        isolation: Isolation::ReadCommitted,
        brokers: cluster.bootstrap_servers(),
        topic: "t".to_owned(),
        start: KafkaStart::Earliest,
        bounded: false,
        properties: BTreeMap::new(),
        connect_wait: CONNECT_WAIT,
        group: None,
        on_lost_offsets: LostOffsets::Stop,
        metadata_interval: METADATA_INTERVAL,
        clock: || 0,
    }
}

fn config(cluster: &Cluster) -> ClientConfig {
    client::config(&settings(cluster)).unwrap()
}

fn fill(cluster: &Cluster, partition: i32, count: usize) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers()).set("linger.ms", "200");
    let producer: BaseProducer = config.create().unwrap();
    for _ in 0..count {
        let record = BaseRecord::<(), str>::to("t").partition(partition).payload("x");
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

fn place(id: i32, end: Option<i64>) -> Place {
    Place { partition: id as u32, id, begin: 0, is_oldest: false, end, epoch: None, lost: None }
}

fn open(cluster: &Cluster, places: &[Place]) -> KafkaReader {
    let watch = Watch::new([0; 16], None, METADATA_INTERVAL, false);
    KafkaReader::open(config(cluster), &settings(cluster), places, watch).unwrap()
}

fn position(reader: &KafkaReader, id: i32) -> i64 {
    let positions = reader.positions().unwrap();
    positions.iter().find(|place| place.0 == id).map_or(0, |place| place.1)
}

#[test]
fn a_partition_that_ended_by_the_clients_end_is_no_longer_fetched() {
    let cluster = cluster();
    fill(&cluster, 0, 10);
    // As with a transaction that was aborted at its end: fewer records than offsets.
    let mut reader = open(&cluster, &[place(0, Some(100)), place(1, None)]);
    let begun = Instant::now();
    while !matches!(reader.next(100, Duration::from_millis(100)).unwrap(), ReadEvent::Ended { partition: 0 }) {
        assert!(begun.elapsed() < PATIENCE, "it did not end");
    }
    fill(&cluster, 0, 1000);
    for _ in 0..20 {
        let event = reader.next(100, Duration::from_millis(100)).unwrap();
        assert!(matches!(event, ReadEvent::Nothing | ReadEvent::CaughtUp { partition: 1 }), "{event:?}");
    }
    assert_eq!(position(&reader, 0), 10, "what came after the end was fetched and thrown away");
}

#[test]
fn records_that_are_left_out_do_not_hold_up_the_reader() {
    let cluster = cluster();
    fill(&cluster, 0, 5000);
    let mut reader = open(&cluster, &[place(1, None)]);
    // The client also brings what the reader does not want.
    let both = [(0, Offset::Beginning), (1, Offset::Beginning)];
    assign(&reader.client, "t", both.into_iter()).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    while position(&reader, 0) <= 0 {
        assert!(begun.elapsed() < PATIENCE, "nothing came");
        reader.next(10, Duration::ZERO).unwrap();
    }
    let drained = position(&reader, 0);
    assert!(drained < 5000, "it went on past its wait until there was nothing left to throw away");
}

#[test]
fn over_a_slow_line_an_end_is_confirmed_in_several_short_tries() {
    let cluster = cluster();
    fill(&cluster, 0, 10);
    cluster.broker_round_trip_time(1, Duration::from_millis(400)).unwrap();
    let mut probes = Probes::new(config(&cluster), "t");
    let begun = Instant::now();
    let mut tries = 0;
    let quiet_until = loop {
        assert!(begun.elapsed() < PATIENCE, "it is never confirmed");
        let asked = Instant::now();
        tries += 1;
        let quiet_until = probes.quiet_until(0, 10, 10, asked + Duration::from_millis(500));
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        if let Some(quiet_until) = quiet_until {
            break quiet_until;
        }
    };
    assert_eq!(quiet_until, 10);
    assert!(tries > 1, "the line was not slow");
    cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    assert_eq!(probes.quiet_until(0, 9, 10, Instant::now() + Duration::from_secs(5)), None, "there is a record");
}
