//! `cargo xtask bench`: every benchmark in turn, each under the command that gives its table alone; with `--peers`, the same job in
//! other engines beside it. Both keep their figures in `target/bench`, and the page `BENCHMARKS.md` is made from them.

mod jobs;
mod machine;
mod page;
mod peers;
mod results;
mod tools;

use crate::command::{Done, cargo, root, run, target};
use crate::plugins;
use clap::Args;
use std::path::PathBuf;

/// `cargo xtask bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Invoices to measure with, in place of each benchmark's own number; for --peers two numbers, whose difference is the warm rate
    #[arg(long, value_name = "N[,N]", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..))]
    events: Vec<u64>,
    /// Flink, Kafka Streams, Spark and librdkafka's floor beside Weir, or those that are named
    #[arg(long, value_name = "NAME,…", num_args = 0..=1, default_missing_value = "all", conflicts_with = "names")]
    peers: Option<String>,
    /// Runs of each peer on each topic
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Memory of each Java process of the peers
    #[arg(long, value_name = "SIZE", default_value = "2g")]
    heap: String,
    /// Invoices a second of the latency benchmark, in place of half of what the machine carries
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// Where the page goes, in place of BENCHMARKS.md
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// The benchmarks to run; all, if left out. `page` only makes the page anew
    #[arg(value_parser = BENCHES.map(|(name, _)| name).into_iter().chain([PAGE]).collect::<Vec<_>>())]
    names: Vec<String>,
}

const PAGE: &str = "page";

/// The benchmarks of `host/benches`, and what each tells.
const BENCHES: [(&str, &str); 8] = [
    ("pipeline", "decode to rows in memory, plugins in WebAssembly and natively; ten KPIs beside one"),
    ("plugins", "time and fuel a row of each plugin, and of the fold around them"),
    ("boundary", "what it costs to cross into a plugin, in each layout that the contract could have"),
    ("decode", "what decoding costs, beside serde_json"),
    ("kafka", "the whole binary on a real broker, beside a client that reads and drops"),
    ("matrix", "where the time goes: CPU time by stage, over messages, groups and KPIs, both Kafka clients"),
    ("epochs", "what a checkpoint every second costs, how long one takes, how soon a killed run is back"),
    ("latency", "from a record's arrival to its closed window's row in a file, live, at half load"),
];

/// Where figures are kept.
fn folder() -> PathBuf {
    target().join("bench")
}

/// Runs the suite, or the peers.
pub fn bench(args: &BenchArgs) -> Done {
    match &args.peers {
        Some(names) => peers::run(names, args)?,
        None if args.names == [PAGE] => {}
        None => return suite(args),
    }
    write_page(args)
}

fn suite(args: &BenchArgs) -> Done {
    plugins::build_all("release")?;
    let mut with_page = false;
    for (name, tells) in BENCHES {
        if args.names.is_empty() || args.names.iter().any(|wanted| wanted == name) {
            println!("\n== {name}: {tells}");
            one(name, args)?;
            with_page |= ["latency", "epochs"].contains(&name);
        }
    }
    println!("\nfigures of a quiet machine, and what they mean: host/decisions/004-figures.md");
    // The others' figures are not on the page.
    if with_page { write_page(args) } else { Ok(()) }
}

fn one(name: &str, args: &BenchArgs) -> Done {
    let mut bench = cargo(&["bench", "--quiet", "--package", "weir", "--bench", name]);
    if let Some(events) = args.events.first() {
        bench.env("WEIR_BENCH_EVENTS", events.to_string());
    }
    if let Some(rate) = args.rate {
        bench.env("WEIR_BENCH_RATE", rate.to_string());
    }
    run(&mut bench)
}

fn write_page(args: &BenchArgs) -> Done {
    let path = args.page.clone().unwrap_or_else(|| root().join("BENCHMARKS.md"));
    let text = page::text(&folder())?;
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("\nthe page: {}", path.display());
    Ok(())
}
