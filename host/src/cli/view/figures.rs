//! Turns counters into what people read: rates, times, shares, the summary.

use crate::pipeline::{Count, Live, Places, Progress, Report, SinkLine};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Rates between two looks.
pub struct Figures {
    started: Instant,
    last: Instant,
    last_read: u64,
    /// Records a second since the last look.
    pub rate: f64,
}

impl Figures {
    /// Begins to measure.
    pub fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, last_read: 0, rate: 0.0 }
    }

    /// Takes a look.
    pub fn renew(&mut self, progress: &Progress) {
        let now = Instant::now();
        let read = progress.get(Count::Read);
        let seconds = now.duration_since(self.last).as_secs_f64();
        if seconds > 0.0 {
            self.rate = read.saturating_sub(self.last_read) as f64 / seconds;
        }
        (self.last, self.last_read) = (now, read);
    }

    /// Time left of a bounded run, from the share done so far.
    pub fn left(&self, share: f64) -> Option<Duration> {
        let elapsed = self.last.duration_since(self.started).as_secs_f64();
        (share > 0.01).then(|| Duration::from_secs_f64((elapsed / share - elapsed).max(0.0)))
    }

    /// Everything in one line.
    pub fn line(&self, progress: &Progress) -> String {
        let live = progress.live().clone();
        let mut line = format!(
            "read {} ({}/s)  watermark {}  open windows {}  rows {}  dead letters {}",
            grouped(progress.get(Count::Read)),
            grouped(self.rate as u64),
            live.watermark_us.map_or_else(|| "-".into(), time),
            live.open_windows(),
            grouped(live.rows),
            grouped(dead_letters(progress)),
        );
        if let Some(share) = progress.share_done() {
            let _ = write!(line, "  done {:.0} %", share * 100.0);
            if let Some(left) = self.left(share).filter(|_| share < 1.0) {
                let _ = write!(line, ", {} left", seconds(left));
            }
        }
        let late = progress.get(Count::Late);
        if late > 0 {
            let _ = write!(line, "  late {}", grouped(late));
        }
        for (kpi, reason) in &live.quarantined {
            let _ = write!(line, "  QUARANTINED {kpi}: {reason}");
        }
        for sink in waiting_sinks(&live) {
            let _ = write!(line, "  {sink}");
        }
        line
    }
}

/// Records that are in the dead-letter file.
pub fn dead_letters(progress: &Progress) -> u64 {
    [Count::Undecodable, Count::FutureDated, Count::Rejected].into_iter().map(|count| progress.get(count)).sum()
}

/// `12,345,678`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `3.2 MiB`
pub fn show_bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1_024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// Sinks that don't take rows now, each with what waits for it and why.
pub fn waiting_sinks(live: &Live) -> Vec<String> {
    let line = |sink: &SinkLine| {
        let reason = sink.state.waiting.as_ref()?;
        let holds = if sink.state.full { ", and holds up the pipeline" } else { "" };
        Some(format!("SINK {} is away: {} wait{holds} ({reason})", sink.name, show_bytes(sink.state.undelivered_bytes)))
    };
    live.sinks.iter().filter_map(line).collect()
}

/// A moment of event time, for people.
pub fn time(us: i64) -> String {
    crate::pipeline::timestamp_text(us)
}

/// `5 s`, `2 min 5 s`
pub fn seconds(duration: Duration) -> String {
    let total = duration.as_secs();
    if total < 60 { format!("{total} s") } else { format!("{} min {} s", total / 60, total % 60) }
}

/// The last lines of a run.
pub fn summary(report: &Report, places: &Places) -> String {
    let mut text = format!(
        "\n{} ended ({}) after {:.2} s: {} records, {} a CPU-second\n",
        report.pipeline,
        report.ended_by,
        report.seconds,
        grouped(report.read),
        grouped(report.events_per_cpu_second as u64),
    );
    for place in &places.sinks {
        let _ = writeln!(text, "  rows          {place}");
    }
    let _ = writeln!(text, "  dead letters  {}", places.dead_letters.display());
    if report.kpis.values().any(|kpi| kpi.late > 0 || kpi.refused_pairs > 0) {
        let _ = writeln!(text, "  late records  {}", places.late.display());
    }
    ledger(&mut text, report);
    text.trim_end().to_owned()
}

fn ledger(text: &mut String, report: &Report) {
    let verdict = if report.balanced { "balanced" } else { "NOT BALANCED: please report this" };
    let _ = writeln!(
        text,
        "ledger ({verdict})\n  read {} = undecodable {} + future-dated {} + rejected {} + filtered {} + kept {}",
        grouped(report.read),
        grouped(report.undecodable),
        grouped(report.future_dated),
        grouped(report.rejected),
        grouped(report.filtered),
        grouped(report.kept),
    );
    for (name, kpi) in &report.kpis {
        let _ = writeln!(
            text,
            "  {name}: kept {} = {}counted {} + late {}; {} windows, {} rows, {} revisions",
            grouped(report.kept),
            if kpi.before > 0 { format!("before it began {} + ", grouped(kpi.before)) } else { String::new() },
            grouped(kpi.counted),
            grouped(kpi.late),
            grouped(kpi.windows),
            grouped(kpi.rows),
            grouped(kpi.revisions),
        );
        if let Some(reason) = &kpi.quarantined {
            let _ = writeln!(text, "  {name}: QUARANTINED, its windows are unavailable: {reason}");
        }
    }
    if report.ended_by != "end of input" && report.open_windows > 0 {
        let kept = if report.checkpoint_epoch.is_some() {
            "kept in the checkpoint"
        } else {
            "dropped: set [checkpoint] to keep them"
        };
        let _ = writeln!(text, "  {} open windows {kept}", report.open_windows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::from_millis(5_900)), "5 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
    }
}
