//! The table of all peers: medians, each run's CPU time, and what is to be said about rows.

use crate::bench::jobs::{PEERS, Peer};
use crate::bench::results::{Compared, Peers, Run};

/// Medians of a peer's runs on one topic.
pub(super) struct Medians {
    pub(super) events: u64,
    pub(super) cpu_s: f64,
    wall_s: f64,
    peak_mb: f64,
    start_s: Option<f64>,
}

impl Medians {
    /// Of a peer on a topic; `None` if it did not run there.
    pub(super) fn of(figures: &Peers, peer: &str, events: u64) -> Option<Medians> {
        let runs: Vec<&Run> = figures.runs.iter().filter(|run| run.peer == peer && run.events == events).collect();
        let middle = |of: &dyn Fn(&Run) -> Option<f64>| median(runs.iter().filter_map(|run| of(run)).collect());
        Some(Medians {
            events,
            cpu_s: middle(&|run| Some(run.took.cpu_s()))?,
            wall_s: middle(&|run| Some(run.took.wall_s))?,
            peak_mb: middle(&|run| Some(run.took.peak_bytes as f64 / 1e6))?,
            start_s: middle(&|run| run.took.start_s),
        })
    }

    /// Million invoices a CPU-second, the start included.
    pub(super) fn whole(&self) -> f64 {
        self.events as f64 / self.cpu_s / 1e6
    }
}

/// Million invoices a CPU-second between the smallest and the largest topic: what a run costs that has been going on for a while.
pub(super) fn warm(figures: &Peers, peer: &str) -> Option<f64> {
    let (first, last) = (*figures.sizes.first()?, *figures.sizes.last()?);
    let (small, large) = (Medians::of(figures, peer, first)?, Medians::of(figures, peer, last)?);
    let cpu_s = large.cpu_s - small.cpu_s;
    (last > first && cpu_s > 0.0).then(|| (last - first) as f64 / cpu_s / 1e6)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

/// The table with what stands below it.
pub(super) fn text(figures: &Peers) -> String {
    let sizes: Vec<String> = figures.sizes.iter().map(|events| format!("whole run of {}", millions(*events))).collect();
    let mut text = format!(
        "
## Throughput

Million invoices a CPU-second: user and system time of the engine's processes, without the broker's; medians of {} runs in turn. *Warm* is the slope
between the topics; *whole* has the engine's start in it.

| | | warm | {} | M a second | peak MB | first record after | rows |
|---|---|---|{}---|---|---|---|
",
        figures.rounds,
        sizes.join(" | "),
        "---|".repeat(sizes.len())
    );
    let asked = PEERS.iter().filter(|peer| !figures.left_out.iter().any(|name| name == peer.name));
    asked.for_each(|peer| text += &row(figures, peer));
    text += "\nM a second (by the clock), memory and start are of the run of the largest topic. Each run's CPU seconds:\n\n";
    text += &every_run(figures);
    if !figures.left_out.is_empty() {
        text += &format!("\nLeft out of this measurement by choice: {}.\n", figures.left_out.join(", "));
    }
    text
}

fn row(figures: &Peers, peer: &Peer) -> String {
    let head = format!("| {} | {} |", peer.name, peer.tells);
    if let Some(why) = figures.not_run.get(peer.name) {
        return format!("{head} not run: {why} |{}\n", " |".repeat(figures.sizes.len() + 4));
    }
    let largest = figures.sizes.last().and_then(|events| Medians::of(figures, peer.name, *events));
    let Some(largest) = largest else { return String::new() };
    let whole = figures.sizes.iter().map(|events| {
        Medians::of(figures, peer.name, *events).map_or("-".to_owned(), |medians| format!("{:.2}", medians.whole()))
    });
    format!(
        "{head} {} | {} | {:.2} | {:.0} | {} | {} |\n",
        warm(figures, peer.name).map_or("-".to_owned(), |warm| format!("{warm:.2}")),
        whole.collect::<Vec<_>>().join(" | "),
        largest.events as f64 / largest.wall_s / 1e6,
        largest.peak_mb,
        largest.start_s.map_or("-".to_owned(), |seconds| format!("{seconds:.2} s")),
        rows(figures, peer.name),
    )
}

/// What the worst run of a peer did to its rows.
fn rows(figures: &Peers, peer: &str) -> String {
    let both = figures.runs.iter().filter(|run| run.peer == peer).filter_map(|run| run.rows.as_ref());
    let all: Vec<&Compared> = both.flat_map(|rows| [&rows.global, &rows.country]).collect();
    if all.is_empty() {
        return "none".to_owned();
    }
    if peer == PEERS[0].name {
        return "every invoice counted".to_owned();
    }
    let most = |of: &dyn Fn(&Compared) -> u64| all.iter().map(|compared| of(compared)).max().unwrap_or(0);
    let told: Vec<String> = [
        (most(&|rows| rows.wrong), "wrong"),
        (most(&|rows| rows.missing), "missing"),
        (most(&|rows| rows.extra), "too many"),
        (most(&|rows| rows.open), "not closed at the end"),
        (most(&|rows| rows.repeated), "told more than once"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if told.is_empty() { "as Weir's".to_owned() } else { format!("up to {}", told.join(", ")) }
}

fn every_run(figures: &Peers) -> String {
    let mut text = String::new();
    for peer in &PEERS {
        let of = |events: &u64| {
            let runs = figures.runs.iter().filter(|run| run.peer == peer.name && run.events == *events);
            let seconds: Vec<String> = runs.map(|run| format!("{:.1}", run.took.cpu_s())).collect();
            (!seconds.is_empty()).then(|| format!("{} ({})", seconds.join(", "), millions(*events)))
        };
        let told: Vec<String> = figures.sizes.iter().filter_map(of).collect();
        if !told.is_empty() {
            text += &format!("* {}: {}\n", peer.name, told.join("; "));
        }
    }
    text
}

/// 5 M, 0.1 M.
pub(super) fn millions(events: u64) -> String {
    format!("{} M", events as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn sizes_are_told_in_millions() {
        assert_eq!(millions(5_000_000), "5 M");
        assert_eq!(millions(100_000), "0.1 M");
    }
}
