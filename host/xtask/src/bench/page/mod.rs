//! `BENCHMARKS.md` from the figures in `target/bench`: the page holds nothing that was not measured, and says what was not.

mod epochs;
mod latency;
mod limits;
mod table;
mod verdicts;

use super::machine::Machine;
use super::results::{self, Epochs, Latency, Peers};
use std::path::Path;

const HEAD: &str = "# Benchmarks

The same job in Weir, Flink, Kafka Streams and Spark, side by side on one machine: invoices as JSON from a Kafka topic of eight partitions;
orders, sales, returns and the mean transaction in windows of one minute, over all and per country, with ten minutes of disorder allowed; rows into files
or topics. Each engine is tuned as its own handbook says: [`bench/peers/README.md`](bench/peers/README.md).

This page is written by `cargo xtask bench --peers`, `cargo xtask bench latency` and `cargo xtask bench epochs`; don't edit it.
";

const BUSY: &str = " **Other work was going on: read ratios, and measure again on a quiet machine for the rest.**";

/// The page.
pub fn text(folder: &Path) -> Result<String, String> {
    let peers: Option<Peers> = results::read(folder, results::PEERS)?;
    let latency: Option<Latency> = results::read(folder, results::LATENCY)?;
    let epochs: Option<Epochs> = results::read(folder, results::EPOCHS)?;
    if peers.is_none() && latency.is_none() && epochs.is_none() {
        return Err(format!("there are no figures in {}; measure: cargo xtask bench --peers", folder.display()));
    }
    let mut page = HEAD.to_owned();
    if let Some(peers) = &peers {
        page += &verdicts::text(peers);
        page += &table::text(peers);
    }
    page += &latency::text(latency.as_ref());
    page += &epochs::text(epochs.as_ref());
    if let Some(peers) = &peers {
        page += &machine(&peers.machine);
        page += &commands(peers);
    }
    page += limits::TEXT;
    Ok(page)
}

fn machine(machine: &Machine) -> String {
    let versions: Vec<String> =
        machine.versions.iter().map(|(name, version)| format!("| {name} | {version} |\n")).collect();
    format!(
        "\n## Machine and versions\n\n{}: {} cores, {:.0} GiB of memory, {}; load before the start {}; {}.{}\n\n| | |\n|---|---|\n{}",
        machine.processor,
        machine.cores,
        machine.memory_gib,
        machine.system,
        machine.load,
        machine.day,
        if machine.is_busy() { BUSY } else { "" },
        versions.concat()
    )
}

fn commands(peers: &Peers) -> String {
    format!(
        "
## Measure again

```sh
sudo apt-get install --no-install-recommends openjdk-17-jdk-headless maven python3 python3-venv
python3 -m venv target/bench/venv && target/bench/venv/bin/pip install pyspark=={spark}
{command}
cargo xtask bench latency
```

Needs about 500 bytes of disk, and as much free memory, for each invoice of all topics. `--peers NAME,…` runs some of them, `--events N,N` sets the sizes of
the topics, `--rounds N` the runs of each. Every run's figures are in `target/bench/peers.json`; logs and rows are in `target/bench/peers`.
",
        spark = version(peers, "Spark"),
        command = peers.command,
    )
}

fn version<'a>(peers: &'a Peers, name: &str) -> &'a str {
    peers.machine.versions.iter().find(|(of, _)| of == name).map_or("?", |(_, version)| version)
}
