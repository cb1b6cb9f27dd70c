//! The page of a run: date, machine, versions, command and tables.

use crate::args::Args;
use crate::sinks::Kind;
use crate::table::Table;
use std::process::Command;
use std::time::Duration;

const HEAD: &str = "# Torture

kill -9 at every named point with every sink, and at random moments, on a real broker and real servers. After each death the same pipeline runs
again and is left alone; then every row in the sink, every dead and late letter, and the ledger have to be those of a run that nobody killed. `5/5`: five
cases, all passed. A point that a run does not come by is *not reached*; `–`: the point lies within another sink.

This page is written by `cargo xtask torture --page`; don't edit it.
";

/// Both tables.
pub fn tables(points: &Table, others: &Table, sinks: &[Kind]) -> String {
    let mut text = String::new();
    for (table, head) in [(points, "killed at"), (others, "what happens")] {
        if !table.is_empty() {
            let (cases, kills, failed) = table.totals();
            text += &format!("{}\n{cases} cases, {kills} kills, {failed} failed.\n\n", table.text(head, sinks));
        }
    }
    text
}

/// The page.
pub fn text(args: &Args, version: &str, tables: &str, took: Duration) -> String {
    let command: Vec<String> = std::env::args().skip(1).collect();
    let facts = [
        ("Date", told("date", &["-u", "+%F"])),
        ("Machine", format!("{}, {} cores", processor(), std::thread::available_parallelism().map_or(0, usize::from))),
        ("Weir", version.to_owned()),
        ("Kafka broker", weir_services::kafka::VERSION.to_owned()),
        ("HDFS", weir_services::hdfs::VERSION.to_owned()),
        ("PostgreSQL", told("psql", &["--version"])),
        ("Redis", told("redis-server", &["--version"])),
        ("Records", args.records.to_string()),
        ("Took", format!("{:.0} minutes", took.as_secs_f64() / 60.0)),
        ("Command", format!("`cargo xtask torture {}`", command.join(" "))),
    ];
    let facts: String = facts.iter().map(|(name, fact)| format!("| {name} | {fact} |\n")).collect();
    format!("{HEAD}\n| | |\n|---|---|\n{facts}\n{tables}")
}

/// Of the sources. To be asked at the start: they may go on while a torture runs.
pub fn version() -> String {
    told("git", &["describe", "--always", "--dirty"])
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("?".to_owned(), |(_, name)| name.to_owned())
}

fn told(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(crate::built::root()).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or("not installed".to_owned(), |text| String::from_utf8_lossy(&text).trim().to_owned())
}
