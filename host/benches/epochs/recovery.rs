//! A live topic, 1,000 groups, a checkpoint every second: `kill -9`, the same command again at once, and how long it takes from the kill until a
//! checkpoint holds all that had been sent when the new run began.

use super::feed::{Feed, Orders};
use super::groups::FIELDS;
use super::verdicts::{Verdict, median};
use super::weir_run::{Running, Site};
use std::path::Path;
use std::time::{Duration, Instant};
use weir::pipeline::{StatePlace, look};
use weir_services::client::create_topic;

const TOPIC: &str = "orders";
const PARTITIONS: u64 = 8;
const GROUPS: u64 = 1_000;
/// Orders a second: each group has twenty.
const RATE: u64 = 20_000;
const ROUNDS: u32 = 5;
const WANTED_MS: f64 = 2_000.0;
/// How long a run goes on before it is killed; each a little longer, so that the kills meet the epochs at other places.
const GOES_ON: Duration = Duration::from_millis(2_500);
const LONGER: Duration = Duration::from_millis(230);
/// Between two looks at the checkpoint.
const LOOK: Duration = Duration::from_millis(5);
/// What is not back by then does not come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures it.
pub fn measure(folder: &Path, brokers: &str) -> Vec<Verdict> {
    create_topic(brokers, TOPIC, PARTITIONS as i32, &[]).expect("a topic");
    let site = Site::new(folder, "recovery", &pipeline(brokers));
    let place = StatePlace::parse(site.checkpoint().to_str().expect("a plain path")).expect("a place");
    let brokers = brokers.to_owned();
    let feed = Feed::start(Orders { brokers, topic: TOPIC, partitions: PARTITIONS, groups: GROUPS, rate: RATE });
    let mut weir = site.start("weir=debug", &[]);
    wait_for(&mut weir, &place, RATE);
    println!("\n{GROUPS} groups, {RATE} orders a second, kill -9 and again at once, {ROUNDS} rounds");
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        std::thread::sleep(GOES_ON + LONGER * round);
        let killed = Instant::now();
        weir.kill();
        weir = site.start("weir=debug", &[]);
        let sent = feed.sent();
        wait_for(&mut weir, &place, sent);
        took.push(killed.elapsed().as_secs_f64() * 1e3);
    }
    println!("{}", took.iter().map(|ms| format!("{ms:.0} ms")).collect::<Vec<_>>().join(", "));
    let worst = took.iter().copied().fold(0.0, f64::max);
    let told = |which: &str| format!("{GROUPS} groups: from kill -9 to a checkpoint that has caught up, {which}, ms");
    vec![Verdict::at_most(told("median"), median(took), WANTED_MS), Verdict::at_most(told("worst"), worst, WANTED_MS)]
}

/// Until a checkpoint holds the first so many orders.
fn wait_for(weir: &mut Running<'_>, place: &StatePlace, orders: u64) {
    let began = Instant::now();
    while !holds(place, orders) {
        assert!(weir.is_alive(), "weir ended by itself");
        assert!(began.elapsed() < PATIENCE, "no checkpoint held {orders} orders after {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }
}

/// Whoever looks while a run claims or tidies the folder may find nothing, and looks again.
fn holds(place: &StatePlace, orders: u64) -> bool {
    look(place, None).is_ok_and(|picture| {
        let due = |partition: u64| (orders + PARTITIONS - 1 - partition) / PARTITIONS;
        picture.partitions.len() == PARTITIONS as usize
            && picture.partitions.iter().all(|partition| {
                partition.next_offset.is_some_and(|next| next >= due(partition.partition as u64) as i64)
            })
    })
}

fn pipeline(brokers: &str) -> String {
    format!(
        r#"[pipeline]
name = "recovery"

[source]
type = "kafka"
brokers = "{brokers}"
topic = "{TOPIC}"

{FIELDS}
window = "tumbling 1m"
"#
    )
}
