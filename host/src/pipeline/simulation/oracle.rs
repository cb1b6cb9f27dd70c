//! What the log comes to, folded naively: a record at a time, no state, no batches. Shares no code with what it judges.

use super::log::{Log, Rec, SECOND_US};
use super::sums::print;
use std::collections::BTreeMap;
use std::fmt::Write;
use weir_core::ledger::{KpiLedger, Ledger};
use weir_core::time::TimeRules;

/// Size and hop of each KPI's windows, and whether it has a key; as `instance::PIPELINE` says.
const KPIS: [(i64, i64, bool); 2] = [(60 * SECOND_US, 60 * SECOND_US, false), (180 * SECOND_US, 60 * SECOND_US, true)];

pub fn rules() -> TimeRules {
    TimeRules {
        max_out_of_orderness_us: 30 * SECOND_US,
        allowed_lateness_us: 300 * SECOND_US,
        max_future_skew_us: Some(36_000 * SECOND_US),
        max_time_jump_us: Some(3_600 * SECOND_US),
    }
}

/// KPI and start.
type Name = (usize, i64);

/// By key: count and sum.
type Rows = BTreeMap<&'static str, (i64, i64)>;

/// What a window takes.
#[derive(Debug, Default)]
struct Truth {
    in_time: Rows,
    /// By partition, in its order.
    late: BTreeMap<usize, Vec<(&'static str, i64)>>,
}

/// What becomes of a record.
#[derive(Debug, Clone, Default)]
struct Fate {
    /// Kind of its letter.
    letter: Option<&'static str>,
    kept: bool,
    /// By KPI: windows that took it, and that refused it.
    windows: [(u64, u64); 2],
}

#[derive(Debug)]
pub struct Oracle {
    windows: BTreeMap<Name, Truth>,
    fates: Vec<Vec<Fate>>,
}

impl Oracle {
    /// Of a log as long as this.
    pub fn new(log: &Log, lengths: &[usize]) -> Self {
        let mut windows = BTreeMap::new();
        let mut fates = Vec::new();
        for (partition, records) in log.partitions.iter().enumerate() {
            let mut clock = Clock::default();
            let records = records[..lengths[partition]].iter();
            fates.push(records.map(|record| fate(partition, record, &mut clock, &mut windows)).collect());
        }
        Self { windows, fates }
    }

    /// Whether a window may be published like this: with what came in time, and as many late records as its revision says, of each
    /// partition the first ones.
    pub fn may_be(&self, name: Name, revision: u64, rows: &str) -> bool {
        let Some(truth) = self.windows.get(&name) else { return false };
        let late: Vec<_> = truth.late.values().collect();
        some_prefixes(&late, revision, &mut truth.in_time.clone(), &mut |candidate| text(candidate) == rows)
    }

    /// Of a window, for people.
    pub fn told(&self, name: Name) -> String {
        format!("{:?}", self.windows.get(&name))
    }

    /// What every window comes to in the end.
    pub fn finals(&self) -> BTreeMap<Name, (u64, String)> {
        let last = |truth: &Truth| {
            let mut rows = truth.in_time.clone();
            truth.late.values().flatten().for_each(|late| add(&mut rows, *late));
            (truth.late.values().map(|late| late.len() as u64).sum(), text(&rows))
        };
        self.windows.iter().map(|(name, truth)| (*name, last(truth))).collect()
    }

    /// The books after so many records of each partition.
    pub fn ledger(&self, offsets: &[usize]) -> Ledger {
        let mut ledger = Ledger::new(KPIS.len());
        for fate in self.before(offsets).map(|(_, _, fate)| fate) {
            ledger.read += 1;
            ledger.undecodable += u64::from(fate.letter == Some("undecodable"));
            ledger.future_dated += u64::from(fate.letter == Some("future-dated"));
            ledger.kept += u64::from(fate.kept);
            for (kpi, (taken, refused)) in ledger.kpis.iter_mut().zip(fate.windows) {
                let (counted, late) = (u64::from(taken > 0), u64::from(fate.kept && taken == 0));
                *kpi = KpiLedger {
                    before: 0,
                    counted: kpi.counted + counted,
                    late: kpi.late + late,
                    refused_pairs: kpi.refused_pairs + refused,
                };
            }
        }
        ledger
    }

    /// Partition, offset and kind of each letter, sorted: the dead ones, the late ones.
    pub fn letters(&self, offsets: &[usize]) -> [Vec<(u32, i64, &'static str)>; 2] {
        let all = self
            .before(offsets)
            .filter_map(|(partition, offset, fate)| fate.letter.map(|kind| (partition as u32, offset as i64, kind)));
        let (late, dead) = all.partition(|(_, _, kind)| *kind == "late");
        [dead, late]
    }

    /// How many records each partition has.
    pub fn ends(&self) -> Vec<usize> {
        self.fates.iter().map(Vec::len).collect()
    }

    fn before(&self, offsets: &[usize]) -> impl Iterator<Item = (usize, usize, &Fate)> {
        let read = self.fates.iter().zip(offsets.to_vec()).enumerate();
        read.flat_map(|(partition, (fates, end))| {
            fates[..end].iter().enumerate().map(move |(offset, fate)| (partition, offset, fate))
        })
    }
}

fn fate(partition: usize, record: &Rec, clock: &mut Clock, windows: &mut BTreeMap<Name, Truth>) -> Fate {
    let mut fate = Fate::default();
    let Some(event_us) = record.event_us else {
        fate.letter = Some("undecodable");
        return fate;
    };
    let Some(before) = clock.read(event_us, record.arrival_us) else {
        fate.letter = Some("future-dated");
        return fate;
    };
    fate.kept = true;
    for (kpi, (size, hop, keyed)) in KPIS.into_iter().enumerate() {
        let key = if keyed { record.key } else { "" };
        let first = (event_us - size).div_euclid(hop) + 1;
        for start_us in (first..=event_us.div_euclid(hop)).map(|place| place * hop) {
            let end_us = start_us + size;
            if before >= end_us + rules().allowed_lateness_us {
                fate.windows[kpi].1 += 1;
                fate.letter = Some("late");
                continue;
            }
            fate.windows[kpi].0 += 1;
            let truth = windows.entry((kpi, start_us)).or_default();
            match before >= end_us {
                true => truth.late.entry(partition).or_default().push((key, print(record.id))),
                false => add(&mut truth.in_time, (key, print(record.id))),
            }
        }
    }
    fate
}

#[derive(Default)]
struct Clock {
    front_us: Option<i64>,
    far: Vec<i64>,
}

impl Clock {
    /// The watermark before the record; `None` if it is future-dated.
    fn read(&mut self, event_us: i64, arrival_us: i64) -> Option<i64> {
        let rules = rules();
        if event_us - arrival_us > rules.max_future_skew_us? {
            return None;
        }
        let Some(front_us) = self.front_us else {
            self.front_us = Some(event_us);
            return Some(i64::MIN);
        };
        if event_us - front_us > rules.max_time_jump_us? {
            self.far.push(event_us);
            if self.far.len() == 5 {
                self.front_us = self.far.drain(..).min();
            }
        } else {
            self.far.clear();
            self.front_us = Some(front_us.max(event_us));
        }
        Some(front_us - rules.max_out_of_orderness_us)
    }
}

fn add(rows: &mut Rows, (key, print): (&'static str, i64)) {
    let row = rows.entry(key).or_default();
    *row = (row.0 + 1, row.1.wrapping_add(print));
}

fn text(rows: &Rows) -> String {
    let mut text = String::new();
    rows.iter().for_each(|(key, (count, sum))| _ = write!(text, "{key}={count}:{sum};"));
    text
}

/// Whether some first records of each list, `left` in all, make rows that are right.
fn some_prefixes(
    lists: &[&Vec<(&'static str, i64)>],
    left: u64,
    rows: &mut Rows,
    right: &mut dyn FnMut(&Rows) -> bool,
) -> bool {
    let Some((list, rest)) = lists.split_first() else { return left == 0 && right(rows) };
    let mut rows = rows.clone();
    for taken in 0..=list.len().min(left as usize) {
        if taken > 0 {
            add(&mut rows, list[taken - 1]);
        }
        if some_prefixes(rest, left - taken as u64, &mut rows.clone(), right) {
            return true;
        }
    }
    false
}
