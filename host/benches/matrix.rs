//! Where the time goes: CPU nanoseconds an event of each stage, from the broker's bytes to rows in files, over kinds of messages, numbers of
//! groups and numbers of KPIs. `cargo bench -p weir --bench matrix`; `WEIR_BENCH_EVENTS` sets the number of events of a topic.
//!
//! The binary itself is measured (`weir run --stages`), on a real broker, one worker, with a checkpoint every second. Runs take turns, medians are
//! told. The cases that lose are in the table too. Needs Java and, the first time, Maven and a network.

#![allow(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

#[path = "matrix/messages.rs"]
mod messages;
#[path = "matrix/run.rs"]
mod run;

use messages::{Message, Topic};
use run::{Case, Client, Figures, Kpis};
use std::path::Path;
use weir_services::kafka::{Kafka, KafkaOptions};

/// Runs of each case.
const RUNS: usize = 3;
/// Events of a topic; a fifth of that where they are large.
const EVENTS: usize = 500_000;

fn main() {
    let folder = tempfile::Builder::new().prefix("weir-bench-matrix-").tempdir().expect("a temporary folder");
    let broker = Kafka::start(&folder.path().join("broker"), KafkaOptions::default()).expect("a broker");
    measure(&broker.bootstrap(), folder.path());
    drop(broker);
}

fn events() -> usize {
    std::env::var("WEIR_BENCH_EVENTS").map_or(EVENTS, |text| text.parse().expect("WEIR_BENCH_EVENTS is a number"))
}

fn measure(brokers: &str, folder: &Path) {
    let plain = |kind| Topic { message: kind, groups: 40, packed: false };
    let kinds = [Message::Small, Message::Invoice, Message::Large, Message::Escaped, Message::Shuffled];
    let packed = Topic { packed: true, ..plain(Message::Invoice) };
    let topics = kinds.into_iter().map(plain).chain([packed]);
    let by_message = topics.map(|topic| Case::new(topic, Kpis::Same(1)));
    let by_groups = [1, 40, 20_000].into_iter().flat_map(|groups| {
        let topic = Topic { groups, ..plain(Message::Invoice) };
        [1, 10, 50].map(|kpis| Case::new(topic, Kpis::Same(kpis)))
    });
    let other_windows = Case::new(plain(Message::Invoice), Kpis::OtherWindows(10));
    let librdkafka = Case { client: Client::Librdkafka, ..Case::new(plain(Message::Invoice), Kpis::Same(1)) };
    tell("messages, 40 groups, 1 KPI", &ran(brokers, folder, by_message.collect()));
    tell(
        "groups and KPIs, 400 bytes; KPIs share windows and groups but for the last row",
        &ran(brokers, folder, by_groups.chain([other_windows]).collect()),
    );
    tell(
        "clients, 400 bytes, 40 groups, 1 KPI",
        &ran(brokers, folder, vec![Case { client: Client::Native, ..librdkafka }, librdkafka]),
    );
    println!(
        "\nstages are CPU time of their threads; `rest` is what no stage claims: start, channels, other threads; `each KPI` is time inside of one KPI's plugin, a part of fold, flush and close"
    );
}

fn ran(brokers: &str, folder: &Path, cases: Vec<Case>) -> Vec<(Case, Vec<Figures>)> {
    let mut ran: Vec<(Case, Vec<Figures>)> = cases.into_iter().map(|case| (case, Vec::new())).collect();
    for (case, _) in &ran {
        let count = if case.topic.message.is_large() { events() / 5 } else { events() };
        case.topic.fill(brokers, count);
        case.run(brokers, folder); // once before it counts: page cache, compiled plugins
    }
    for _ in 0..RUNS {
        ran.iter_mut().for_each(|(case, figures)| figures.push(case.run(brokers, folder)));
    }
    ran
}

fn tell(title: &str, ran: &[(Case, Vec<Figures>)]) {
    println!("\n{title}; ns an event, medians of {RUNS} runs in turn");
    print!("{:<40}", "");
    run::STAGES.iter().chain(&["rest", "all", "M/CPU-s", "each KPI"]).for_each(|name| print!(" {name:>10}"));
    println!();
    for (case, figures) in ran {
        print!("{:<40}", case.name());
        (0..run::STAGES.len()).for_each(|stage| print!(" {:>10.1}", run::median(figures, |one| one.stages[stage])));
        let all = run::median(figures, |one| one.all);
        let rest = run::median(figures, |one| one.all - one.stages.iter().sum::<f64>());
        let each = run::median(figures, |one| one.each_kpi);
        println!(" {rest:>10.1} {all:>10.1} {:>10.3} {each:>10.1}", 1e3 / all);
    }
}
