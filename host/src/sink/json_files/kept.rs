//! The rows of one KPI that may still change: windows as rendered text, by interval of event time.
//!
//! An interval goes from memory once no window that starts in it can come any more and its file is published. Knows
//! nothing of disks.

use super::super::instant;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A window's rows as text; `text` is empty where the window has nothing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) revision: u64,
    /// Shared with what goes into a checkpoint.
    pub(super) text: Arc<[u8]>,
}

/// A revision and its text.
type Revised = (u64, Arc<[u8]>);

/// The windows that start in one interval.
#[derive(Debug, Default)]
pub(super) struct Interval {
    /// By start and end.
    windows: BTreeMap<(i64, i64), Revised>,
    stage: Stage,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Windows came since the last `prepare`.
    #[default]
    Changed,
    /// Its file is set aside, or is as it should be.
    Prepared,
    /// Its file is published.
    Committed,
}

/// What a checkpoint keeps of a KPI's intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) longest_us: i64,
    pub(super) dropped_us: i64,
    pub(super) windows: Vec<Window>,
}

/// The intervals of one KPI.
#[derive(Debug)]
pub(super) struct Kept {
    interval_us: i64,
    /// Length of the longest window seen.
    longest_us: i64,
    /// Start of the latest interval that went from memory; `i64::MIN` before the first.
    dropped_us: i64,
    intervals: BTreeMap<i64, Interval>,
}

impl Interval {
    /// The whole content of the file.
    pub(super) fn content(&self) -> Vec<u8> {
        let texts = self.windows.values().map(|(_, text)| text);
        let mut content = Vec::with_capacity(texts.clone().map(|text| text.len()).sum());
        texts.for_each(|text| content.extend_from_slice(text));
        content
    }
}

impl Kept {
    pub(super) fn new(interval_us: i64) -> Self {
        Self { interval_us, longest_us: 0, dropped_us: i64::MIN, intervals: BTreeMap::new() }
    }

    /// Takes a window, in place of the one before if its revision is not lower. Fails where the file of its interval is
    /// finished and forgotten, because writing it again would lose the other windows' rows.
    pub(super) fn accept(&mut self, window: Window, settled_us: i64) -> Result<(), String> {
        let start_us = window.start_us.saturating_sub(window.start_us.rem_euclid(self.interval_us));
        if start_us <= self.dropped_us
            && !self.intervals.contains_key(&start_us)
            && self.is_settled(start_us, settled_us)
        {
            return Err(came_too_late(&window));
        }
        self.longest_us = self.longest_us.max(window.end_us.saturating_sub(window.start_us));
        let interval = self.intervals.entry(start_us).or_default();
        let new = (window.revision, window.text);
        let former = interval.windows.get(&(window.start_us, window.end_us));
        if former.is_none_or(|former| former.0 <= new.0 && *former != new) {
            interval.windows.insert((window.start_us, window.end_us), new);
            interval.stage = Stage::Changed;
        }
        Ok(())
    }

    /// The intervals that changed since the last `prepare`, with their starts, rising.
    pub(super) fn changed(&self) -> impl Iterator<Item = (i64, &Interval)> {
        let all = self.intervals.iter().map(|(start_us, interval)| (*start_us, interval));
        all.filter(|(_, interval)| interval.stage == Stage::Changed)
    }

    pub(super) fn mark_prepared(&mut self) {
        self.advance(Stage::Changed, Stage::Prepared);
    }

    pub(super) fn mark_committed(&mut self) {
        self.advance(Stage::Prepared, Stage::Committed);
    }

    fn advance(&mut self, from: Stage, to: Stage) {
        self.intervals.values_mut().filter(|interval| interval.stage == from).for_each(|interval| interval.stage = to);
    }

    /// Forgets intervals whose files are published and final.
    pub(super) fn drop_settled(&mut self, settled_us: i64) {
        let (interval_us, longest_us) = (self.interval_us, self.longest_us);
        let dropped_us = &mut self.dropped_us;
        self.intervals.retain(|start_us, interval| {
            let keep =
                interval.stage != Stage::Committed || !is_settled(*start_us, interval_us, longest_us, settled_us);
            if !keep {
                *dropped_us = (*dropped_us).max(*start_us);
            }
            keep
        });
    }

    /// What a checkpoint needs to go on from: the windows of all intervals that are not final.
    pub(super) fn save(&self, settled_us: i64) -> Saved {
        let (mut dropped_us, mut windows) = (self.dropped_us, vec![]);
        for (interval_start_us, interval) in &self.intervals {
            if self.is_settled(*interval_start_us, settled_us) {
                dropped_us = dropped_us.max(*interval_start_us);
                continue;
            }
            windows.extend(interval.windows.iter().map(|(&(start_us, end_us), (revision, text))| Window {
                start_us,
                end_us,
                revision: *revision,
                text: text.clone(),
            }));
        }
        Saved { longest_us: self.longest_us, dropped_us, windows }
    }

    /// Goes on from a checkpoint, whose files are published.
    pub(super) fn restore(&mut self, saved: Saved) {
        *self = Self { longest_us: saved.longest_us, dropped_us: saved.dropped_us, ..Self::new(self.interval_us) };
        for window in saved.windows {
            let start_us = window.start_us.saturating_sub(window.start_us.rem_euclid(self.interval_us));
            let interval = self.intervals.entry(start_us).or_default();
            interval.windows.insert((window.start_us, window.end_us), (window.revision, window.text));
            interval.stage = Stage::Committed;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.intervals.len()
    }

    fn is_settled(&self, start_us: i64, settled_us: i64) -> bool {
        is_settled(start_us, self.interval_us, self.longest_us, settled_us)
    }
}

/// Whether every window that starts in the interval has ended at `settled_us`: the last one starts just before the
/// interval's end and is as long as the longest.
fn is_settled(start_us: i64, interval_us: i64, longest_us: i64, settled_us: i64) -> bool {
    start_us.saturating_add(interval_us).saturating_add(longest_us) <= settled_us
}

fn came_too_late(window: &Window) -> String {
    let mut start = Vec::new();
    instant::push_micros(&mut start, window.start_us);
    let start = String::from_utf8_lossy(&start).into_owned();
    format!(
        "the window of {start} came after its file was finished: it was settled before, which is a bug of the pipeline"
    )
}
