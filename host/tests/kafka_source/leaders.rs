//! Leaders that are killed, over and over, while records come and go.

use super::settings;
use crate::support::*;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use weir::source::kafka::KafkaSettings;
use weir_services::client;
use weir_services::kafka::Cluster;

const KILLS: usize = 10;

/// The broker that leads partition 0, other than `gone`, and whether every copy is up to date.
fn leader(bootstrap: &str, gone: Option<i32>) -> (i32, bool) {
    let mut config = ClientConfig::new();
    let asking: BaseConsumer = config.set("bootstrap.servers", bootstrap).create().unwrap();
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "no leader but {gone:?}");
        if let Ok(metadata) = asking.fetch_metadata(Some("t"), Duration::from_secs(2))
            && let Some(part) = metadata.topics()[0].partitions().iter().find(|part| part.id() == 0)
            && part.leader() > 0
            && Some(part.leader()) != gone
        {
            return (part.leader(), part.isr().len() == 3);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// Fills three partitions in turn until told to stop; how many records each has got.
fn load(bootstrap: &str, stop: &AtomicBool, filled: &AtomicUsize) {
    while !stop.load(Ordering::Relaxed) {
        let from = filled.load(Ordering::Relaxed);
        // Idempotent and acknowledged by two copies: what is told to be there is there, once.
        (0..3).for_each(|partition| fill_at(bootstrap, "t", partition, from..from + 500));
        filled.store(from + 500, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[ignore = "two minutes and more: a broker that was killed takes its time; three kills are in `faults`"]
fn ten_leaders_killed_under_load_cost_no_record_and_bring_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(folder.path(), 3).unwrap_or_else(|error| panic!("{error}"));
    let bootstrap = cluster.bootstrap();
    client::create_replicated_topic(&bootstrap, "t", (3, 3), &[("min.insync.replicas", "2")]).unwrap();
    let live = KafkaSettings { brokers: bootstrap.clone(), bounded: false, ..settings("t") };
    let (stop, filled, is_filled) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicBool::new(false));
    let brought = thread::scope(|scope| {
        let loading = scope.spawn(|| load(&bootstrap, &stop, &filled));
        let reading = scope.spawn(|| {
            let mut reader = open(&connect(&live), &[0, 1, 2]);
            let mut brought = Brought::default();
            // Offsets rise or `step` panics: nothing comes twice.
            while !is_filled.load(Ordering::Acquire) {
                brought.step(&mut *reader, 500).unwrap();
            }
            brought.until(&mut *reader, 500, |brought| brought.count() >= 3 * filled.load(Ordering::Relaxed));
            brought
        });
        for _ in 0..KILLS {
            let begun = Instant::now();
            let id = loop {
                let (id, is_whole) = leader(&bootstrap, None);
                if is_whole || begun.elapsed() > PATIENCE {
                    break id;
                }
            };
            let broker = cluster.broker(id as usize).unwrap();
            broker.kill();
            leader(&bootstrap, Some(id));
            cluster.broker(id as usize).unwrap().resume().unwrap_or_else(|error| panic!("{error}"));
        }
        // What is being filled is finished first, then the reader is told where it ends.
        stop.store(true, Ordering::Relaxed);
        loading.join().unwrap();
        is_filled.store(true, Ordering::Release);
        reading.join().unwrap()
    });
    let filled = filled.load(Ordering::Relaxed);
    for partition in 0..3 {
        assert_eq!(brought.values(partition).len(), filled, "partition {partition}");
        assert!(brought.values(partition) == expected(partition as i32, 0..filled), "partition {partition}");
    }
    assert!(filled > 1000, "{filled} records a partition are no load");
}
