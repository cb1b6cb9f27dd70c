//! What was wanted, what was measured, and whether the one meets the other; missed ones as loudly as met ones.

use super::table::{Medians, millions, warm};
use crate::bench::results::Peers;

/// A wish with its figure.
struct Verdict {
    wanted: String,
    /// `None`: one of its peers did not run.
    measured: Option<f64>,
    bound: f64,
    /// The figure is to be at most the bound, and not at least.
    at_most: bool,
    unit: &'static str,
}

/// The table of wishes.
pub(super) fn text(figures: &Peers) -> String {
    let mut text = "\n## What was wanted\n\n| wanted | measured | |\n|---|---|---|\n".to_owned();
    for verdict in verdicts(figures) {
        let Verdict { wanted, measured, bound, at_most, unit } = verdict;
        let told = measured.map_or("-".to_owned(), |value| format!("{value:.2}{unit}"));
        let is_met = |value: f64| if at_most { value <= bound } else { value >= bound };
        let met = measured.map_or("not measured", |value| if is_met(value) { "met" } else { "**missed**" });
        text += &format!("| {wanted} | {told} | {met} |\n");
    }
    text
}

fn verdicts(figures: &Peers) -> Vec<Verdict> {
    let (first, last) = (figures.sizes.first().copied().unwrap_or(0), figures.sizes.last().copied().unwrap_or(0));
    let whole = |peer: &str, events: u64| Medians::of(figures, peer, events).map(|medians| medians.whole());
    // Where there is one topic only, there is no slope.
    let pace = if first == last { "whole run" } else { "warm" };
    let steady = |peer: &str| if first == last { whole(peer, last) } else { warm(figures, peer) };
    let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let best =
        |of: &dyn Fn(&str) -> Option<f64>| of("flink-local").into_iter().chain(of("flink-plain")).reduce(f64::max);
    let cpu_s = |peer: &str| Medians::of(figures, peer, last).map(|medians| medians.cpu_s);
    let at_least = |wanted: String, measured, bound, unit| Verdict { wanted, measured, bound, at_most: false, unit };
    vec![
        at_least(
            format!("from Kafka to rows, whole run of {}: 2.0 M invoices a CPU-second", millions(first)),
            whole("weir", first),
            2.0,
            " M",
        ),
        at_least(format!("{pace}: twice the best Flink run"), ratio(steady("weir"), best(&steady)), 2.0, " times"),
        at_least(
            format!("whole run of {}: five times the best Flink run", millions(first)),
            ratio(whole("weir", first), best(&|peer| whole(peer, first))),
            5.0,
            " times",
        ),
        at_least(
            format!("{pace}: 2.5 times Weir through librdkafka"),
            ratio(steady("weir"), steady("weir-librdkafka")),
            2.5,
            " times",
        ),
        Verdict {
            wanted: format!(
                "all of Weir with ten KPIs: at most 0.6 of the CPU time in which librdkafka polls and drops, {}",
                millions(last)
            ),
            measured: ratio(cpu_s("weir-ten"), cpu_s("floor")),
            bound: 0.6,
            at_most: true,
            unit: "",
        },
    ]
}
