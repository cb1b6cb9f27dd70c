//! The latency benchmark as a table.

use crate::bench::results::{Latency, Variant};

/// The section; a word where nothing was measured.
pub(super) fn text(figures: Option<&Latency>) -> String {
    let Some(figures) = figures else {
        return "\n## Latency\n\nNot measured yet: `cargo xtask bench latency`.\n".to_owned();
    };
    let rows: String = figures.variants.iter().map(row).collect();
    format!(
        "
## Latency

From a record's arrival to its closed window's row in a file: from the broker's append time of the record that lets a window close (the last
partition's first one of the next second) to the moment when the file with the window's row has got its name. Live, windows of one second, two KPIs,
{rate} invoices a second: {share:.0} % of the {capacity} a second that feeder, broker and Weir carry together on this machine.

| | p50 | p99 | worst | rows | missing | sent a second | cores that Weir took |
|---|---|---|---|---|---|---|---|
{rows}
With a checkpoint a row is shown when the checkpoint that holds it is durable: half the interval is waited for in the mean. The intervals are a little off
100 ms and the default of a second, so that their phase to the windows wanders. Append times are whole
milliseconds, rounded down, so each figure is up to one too large.
",
        rate = figures.rate,
        capacity = figures.capacity,
        share = figures.rate as f64 / figures.capacity as f64 * 100.0,
    )
}

fn row(variant: &Variant) -> String {
    let Variant { name, p50_ms, p99_ms, worst_ms, rows, missing, rate, cores } = variant;
    format!(
        "| {name} | {p50_ms:.1} ms | {p99_ms:.1} ms | {worst_ms:.1} ms | {rows} | {missing} | {rate:.0} | {cores:.2} |\n"
    )
}
