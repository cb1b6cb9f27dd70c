//! `cargo xtask bench`: every benchmark in turn, each under the command that gives its table alone.

use crate::command::{Done, cargo, run};
use crate::plugins;
use clap::Args;

/// `cargo xtask bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Invoices to measure with, in place of each benchmark's own number
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// The benchmarks to run; all, if left out
    #[arg(value_parser = BENCHES.map(|(name, _)| name))]
    names: Vec<String>,
}

/// The benchmarks of `host/benches`, and what each tells.
const BENCHES: [(&str, &str); 4] = [
    ("pipeline", "decode to rows in memory, plugins in WebAssembly and natively; ten KPIs beside one"),
    ("boundary", "what it costs to cross into a plugin, in each layout that the contract could have"),
    ("decode", "what decoding costs, beside serde_json"),
    ("kafka", "the whole binary on a real broker, beside a client that reads and drops"),
];

/// Runs the suite.
pub fn bench(args: &BenchArgs) -> Done {
    plugins::build_all("release")?;
    for (name, tells) in BENCHES {
        if args.names.is_empty() || args.names.iter().any(|wanted| wanted == name) {
            println!("\n== {name}: {tells}");
            one(name, args.events)?;
        }
    }
    println!("\nfigures of a quiet machine, and what they mean: host/decisions/004-figures.md");
    Ok(())
}

fn one(name: &str, events: Option<u64>) -> Done {
    let mut bench = cargo(&["bench", "--quiet", "--package", "weir", "--bench", name]);
    if let Some(events) = events {
        bench.env("WEIR_BENCH_EVENTS", events.to_string());
    }
    run(&mut bench)
}
