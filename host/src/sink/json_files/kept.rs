//! The rows of one KPI that may still change: windows as rendered text, by interval of event time.
//!
//! ```text
//! accept ─▶ Changed ─ prepare ─▶ Prepared ─ commit ─▶ Committed ─ settled ─▶ forgotten
//!              ╰─ the file system is away ─▶ Carried ─╯
//! ```
//! An interval goes from memory once no window that starts in it can come any more and its file is published. Knows
//! nothing of disks.

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
    /// A file of this life of the pipeline holds its windows: it is published, or set aside.
    on_file: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Windows came since the last `prepare`.
    #[default]
    Changed,
    /// Its rows could not be set aside: they travel in the checkpoint.
    Carried,
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
    /// Starts of the intervals that are not final and have a file, rising.
    pub(super) open: Vec<i64>,
    /// Windows of intervals that are not final whose revision took all their rows: they leave no trace in a file, and a lower
    /// revision must not bring them back.
    pub(super) silent: Vec<Window>,
    /// Windows of the intervals that could not be set aside, all of each.
    pub(super) carried: Vec<Window>,
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

impl Window {
    fn key(&self) -> (i64, i64) {
        (self.start_us, self.end_us)
    }
}

impl Interval {
    /// The whole content of the file.
    pub(super) fn content(&self) -> Vec<u8> {
        let texts = self.windows.values().map(|(_, text)| text);
        let mut content = Vec::with_capacity(texts.clone().map(|text| text.len()).sum());
        texts.for_each(|text| content.extend_from_slice(text));
        content
    }

    fn is_empty(&self) -> bool {
        self.windows.values().all(|(_, text)| text.is_empty())
    }

    fn windows(&self) -> impl Iterator<Item = Window> {
        self.windows.iter().map(|(&(start_us, end_us), (revision, text))| Window {
            start_us,
            end_us,
            revision: *revision,
            text: text.clone(),
        })
    }

    fn waits(&self) -> bool {
        matches!(self.stage, Stage::Changed | Stage::Carried)
    }
}

impl Kept {
    pub(super) fn new(interval_us: i64) -> Self {
        Self { interval_us, longest_us: 0, dropped_us: i64::MIN, intervals: BTreeMap::new() }
    }

    /// The start of a window's interval, where its file is finished and forgotten: before `accept` it is to be taken back, because writing
    /// it again would lose the other windows' rows. A window comes so late only where a KPI has begun anew with longer windows.
    pub(super) fn forgot(&self, start_us: i64, settled_us: i64) -> Option<i64> {
        let start_us = self.interval_of(start_us);
        let forgotten = start_us <= self.dropped_us && !self.intervals.contains_key(&start_us);
        (forgotten && self.is_settled(start_us, settled_us)).then_some(start_us)
    }

    /// Takes back the windows of an interval's file.
    pub(super) fn take_back(&mut self, start_us: i64, windows: Vec<Window>) {
        let on_file = !windows.is_empty();
        let windows = windows.into_iter().map(|window| (window.key(), (window.revision, window.text))).collect();
        self.intervals.insert(start_us, Interval { windows, stage: Stage::Committed, on_file });
    }

    /// Takes a window, in place of the one before if its revision is not lower.
    pub(super) fn accept(&mut self, window: Window) {
        self.longest_us = self.longest_us.max(window.end_us.saturating_sub(window.start_us));
        let interval = self.intervals.entry(self.interval_of(window.start_us)).or_default();
        let former = interval.windows.get(&window.key());
        let new = (window.revision, window.text.clone());
        if former.is_none_or(|former| former.0 <= new.0 && *former != new) {
            interval.windows.insert(window.key(), new);
            interval.stage = Stage::Changed;
        }
    }

    /// The intervals whose windows are in no file yet, with their starts, rising.
    pub(super) fn changed(&self) -> impl Iterator<Item = (i64, &Interval)> {
        let all = self.intervals.iter().map(|(start_us, interval)| (*start_us, interval));
        all.filter(|(_, interval)| interval.waits())
    }

    /// Whether windows came since the last `prepare`.
    pub(super) fn has_news(&self) -> bool {
        self.intervals.values().any(|interval| interval.stage == Stage::Changed)
    }

    /// Whether the checkpoint gets all rows of the interval.
    pub(super) fn carries(&self, start_us: i64) -> bool {
        self.intervals.get(&start_us).is_some_and(Interval::waits)
    }

    /// Bytes of rows that are in no file and travel in the checkpoint.
    pub(super) fn carried_bytes(&self) -> u64 {
        let carried = self.intervals.values().filter(|interval| interval.stage == Stage::Carried);
        carried.flat_map(|interval| interval.windows.values()).map(|(_, text)| text.len() as u64).sum()
    }

    /// All that changed is set aside.
    pub(super) fn mark_prepared(&mut self) {
        for interval in self.intervals.values_mut().filter(|interval| interval.waits()) {
            interval.stage = Stage::Prepared;
            interval.on_file = !interval.is_empty();
        }
    }

    /// What changed can't be set aside, and goes into the checkpoint.
    pub(super) fn mark_carried(&mut self) {
        let changed = self.intervals.values_mut().filter(|interval| interval.stage == Stage::Changed);
        changed.for_each(|interval| interval.stage = Stage::Carried);
    }

    /// What is set aside is published, but for the intervals that wait.
    pub(super) fn mark_committed(&mut self, waits: impl Fn(i64) -> bool) {
        for (start_us, interval) in &mut self.intervals {
            if interval.stage == Stage::Prepared && !waits(*start_us) {
                interval.stage = Stage::Committed;
            }
        }
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

    /// What a checkpoint needs to go on from: where the windows of all intervals that are not final are found.
    pub(super) fn save(&self, settled_us: i64) -> Saved {
        let (longest_us, dropped_us) = (self.longest_us, self.dropped_us);
        let mut saved = Saved { longest_us, dropped_us, open: vec![], silent: vec![], carried: vec![] };
        for (start_us, interval) in &self.intervals {
            if interval.waits() {
                saved.carried.extend(interval.windows());
            }
            if self.is_settled(*start_us, settled_us) {
                saved.dropped_us = saved.dropped_us.max(*start_us);
                continue;
            }
            if interval.on_file {
                saved.open.push(*start_us);
            }
            if !interval.waits() {
                saved.silent.extend(interval.windows().filter(|window| window.text.is_empty() && window.revision > 0));
            }
        }
        saved
    }

    /// Goes on from a checkpoint, whose files are published: these windows were read out of the open ones. A file may be newer than the
    /// checkpoint, so of two revisions the higher one stays.
    pub(super) fn restore(&mut self, saved: Saved, from_files: Vec<(i64, Vec<Window>)>) {
        *self = Self { longest_us: saved.longest_us, dropped_us: saved.dropped_us, ..Self::new(self.interval_us) };
        for (start_us, windows) in from_files {
            self.take_back(start_us, windows);
        }
        for window in saved.silent {
            self.put_back(window, Stage::Committed);
        }
        for window in saved.carried {
            self.put_back(window, Stage::Carried);
        }
    }

    fn put_back(&mut self, window: Window, stage: Stage) {
        let start_us = self.interval_of(window.start_us);
        let fresh = || Interval { windows: BTreeMap::new(), stage, on_file: false };
        let interval = self.intervals.entry(start_us).or_insert_with(fresh);
        if stage == Stage::Carried {
            interval.stage = stage;
        }
        // One that is carried was published by the watermark, and is never poorer than what the end of bounded input wrote at that revision.
        let carried = stage == Stage::Carried;
        let yields = |former: &Revised| former.0 < window.revision || (carried && former.0 == window.revision);
        if interval.windows.get(&window.key()).is_none_or(yields) {
            interval.windows.insert(window.key(), (window.revision, window.text));
        }
    }

    fn interval_of(&self, start_us: i64) -> i64 {
        start_us.saturating_sub(start_us.rem_euclid(self.interval_us))
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
