//! `cargo xtask bench --peers`: one broker, the same topics for everybody, each peer in turn, round after round.
//!
//! A run counts only if it ended well and its rows are those of Weir, whose own must hold every invoice. Whatever differs is kept with
//! the figures and told on the page.

use super::jobs::{Kind, PEERS, Peer, Site};
use super::machine::Machine;
use super::results::{self, Peers, Rows, Run, Took};
use super::{BenchArgs, folder, tools};
use crate::command::{Done, root, shown};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use weir_services::kafka::{Kafka, KafkaOptions};

/// A JVM's start and warming-up weigh on the smaller; what lies between the two is warm.
const SIZES: [u64; 2] = [5_000_000, 20_000_000];
/// Enough to have the plugins compiled and everything loaded once.
const WARM_UP_EVENTS: u64 = 1_000;

/// Measures, and keeps the figures.
pub fn run(names: &str, args: &BenchArgs) -> Done {
    tools::check()?;
    let asked = Peer::chosen(names)?;
    let mut figures = begin(args, &asked);
    let able: Vec<Peer> = asked.into_iter().filter(|peer| !figures.not_run.contains_key(peer.name)).collect();
    for (peer, why) in &figures.not_run {
        println!("{peer} is not run: {why}");
    }
    tools::build(&able)?;
    let place = folder().join("peers");
    tools::empty(&place)?;
    let broker = Kafka::start(&place.join("broker"), KafkaOptions::default()).map_err(|error| error.to_string())?;
    let bench = Bench { brokers: broker.bootstrap(), place: place.clone(), heap: args.heap.clone() };
    bench.fill(&figures.sizes)?;
    bench.warm_up(&able)?;
    let done = bench.rounds(&able, &mut figures);
    drop(broker);
    // Ten gigabytes of topics are worth nothing without their broker; logs and rows of the last round stay.
    let _ = std::fs::remove_dir_all(place.join("broker"));
    done
}

fn begin(args: &BenchArgs, asked: &[Peer]) -> Peers {
    let mut sizes = if args.events.is_empty() { SIZES.to_vec() } else { args.events.clone() };
    sizes.sort_unstable();
    sizes.dedup();
    let lacks = |peer: &Peer| Some((peer.name.to_owned(), tools::lacks(*peer)?));
    let typed: Vec<String> = std::env::args().skip(1).collect();
    Peers {
        machine: Machine::this(),
        command: format!("cargo xtask {}", typed.join(" ")),
        sizes,
        rounds: args.rounds,
        heap: args.heap.clone(),
        runs: Vec::new(),
        not_run: asked.iter().filter_map(lacks).collect(),
        left_out: PEERS.iter().filter(|peer| !asked.contains(peer)).map(|peer| peer.name.to_owned()).collect(),
    }
}

struct Bench {
    brokers: String,
    place: PathBuf,
    heap: String,
}

impl Bench {
    fn fill(&self, sizes: &[u64]) -> Done {
        for events in sizes.iter().chain([&WARM_UP_EVENTS]) {
            tools::load(&self.brokers, &topic(*events), *events)?;
        }
        Ok(())
    }

    /// Weir keeps compiled plugins, so its first run ever is another thing than all later ones. A JVM keeps nothing.
    fn warm_up(&self, peers: &[Peer]) -> Done {
        let weirs = peers.iter().filter(|peer| matches!(peer.kind, Kind::Weir(_)));
        weirs.copied().try_for_each(|peer| self.one(peer, WARM_UP_EVENTS).map(drop))
    }

    fn rounds(&self, peers: &[Peer], figures: &mut Peers) -> Done {
        for events in &figures.sizes {
            tools::read_once(&self.brokers, &topic(*events))?;
        }
        for round in 1..=figures.rounds {
            for events in figures.sizes.clone() {
                println!("\n{events} invoices, round {round} of {}", figures.rounds);
                self.round(peers, events, figures)?;
            }
        }
        Ok(())
    }

    /// Each peer once. One that fails is out of it, and the page says so; without Weir there is nothing to compare.
    fn round(&self, peers: &[Peer], events: u64, figures: &mut Peers) -> Done {
        for peer in peers {
            if figures.not_run.contains_key(peer.name) {
                continue;
            }
            match (self.one(*peer, events), peer.kind) {
                (Ok(ran), _) => {
                    tell(&ran);
                    figures.runs.push(ran);
                }
                (Err(message), Kind::Weir(_)) => return Err(message),
                (Err(message), _) => {
                    println!("  {message}");
                    figures.not_run.insert(peer.name.to_owned(), format!("failed on {events} invoices"));
                }
            }
            // After each run: what an interrupted measurement had found is not lost.
            results::write(&folder(), results::PEERS, figures)?;
        }
        Ok(())
    }

    fn one(&self, peer: Peer, events: u64) -> Result<Run, String> {
        let (out, topic) = (self.out(peer, events), topic(events));
        tools::empty(&out)?;
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis());
        let app = format!("peers-{now}");
        let site = Site { brokers: &self.brokers, topic: &topic, out: &out, app: &app, heap: &self.heap };
        let took: Took = answer(&mut site.measured(peer))?;
        if took.status != 0 {
            return Err(format!(
                "{} failed (status {}); its log: {}",
                peer.name,
                took.status,
                out.join("log").display()
            ));
        }
        if let Kind::Streams(_) = peer.kind {
            quiet(&mut site.take_rows())?;
        }
        let mut ran = Run { peer: peer.name.to_owned(), events, took, rows: self.compared(peer, &out, events)? };
        if let Kind::Weir(_) = peer.kind {
            ran.took.start_s = balanced(&site.report(), events)?;
        }
        Ok(ran)
    }

    /// Beside the rows of the first peer, which is Weir and has run before; its own are compared with themselves, which counts them.
    fn compared(&self, peer: Peer, out: &Path, events: u64) -> Result<Option<Rows>, String> {
        let reference = PEERS[0];
        let want = reference.rows(&self.out(reference, events)).unwrap_or_default();
        let Some(got) = peer.rows(out) else { return Ok(None) };
        let mut check = Command::new("python3");
        check.arg(root().join("bench/peers/check.py")).args(want).args(got);
        let rows: Rows = answer(&mut check)?;
        let counted = [&rows.global, &rows.country].map(|rows| rows.invoices);
        if peer == reference && counted != [events; 2] {
            return Err(format!("of {events} invoices Weir's rows hold {counted:?}"));
        }
        Ok(Some(rows))
    }

    fn out(&self, peer: Peer, events: u64) -> PathBuf {
        self.place.join(format!("{}-{events}", peer.name))
    }
}

fn topic(events: u64) -> String {
    format!("invoices-{events}")
}

/// Runs a program whose standard output is one JSON value.
fn answer<T: DeserializeOwned>(command: &mut Command) -> Result<T, String> {
    let output = command.output().map_err(|error| format!("`{}`: {error}", shown(command)))?;
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).map_err(|error| format!("`{}`: {error}\n{}", shown(command), said()))
}

/// Runs a program that has nothing to tell unless it fails.
fn quiet(command: &mut Command) -> Done {
    let output = command.output().map_err(|error| format!("`{}`: {error}", shown(command)))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`{}` ended with {}:\n{}", shown(command), output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Every invoice must be accounted for; seconds from the start to the first record, from Weir's own report.
fn balanced(report: &Path, events: u64) -> Result<Option<f64>, String> {
    let bytes = std::fs::read(report).map_err(|error| format!("{}: {error}", report.display()))?;
    let told: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if told["balanced"] != true || told["kept"].as_u64() != Some(events) {
        return Err(format!("not every invoice was counted: {told}"));
    }
    Ok(told["seconds_to_first_record"].as_f64())
}

fn tell(ran: &Run) {
    let cpu_s = ran.took.cpu_s();
    println!(
        "  {:<16} {:>8.2} CPU s {:>8.2} s {:>7.3} M invoices a CPU-second {:>6.0} MB",
        ran.peer,
        cpu_s,
        ran.took.wall_s,
        ran.events as f64 / cpu_s / 1e6,
        ran.took.peak_bytes as f64 / 1e6
    );
}
