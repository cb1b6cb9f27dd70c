//! The rules of time read naively: a record at a time, a map of windows, every sum in 128 bits. Shares no code with the core
//! but the types of keys and rules.

use super::scenario::{KPIS, Rec, Scenario};
use crate::group::{GroupKey, KeyValue};
use crate::time::TimeRules;
use std::collections::BTreeMap;

/// Rows of a window: key and outputs.
pub type Rows = Vec<(GroupKey, Vec<i64>)>;

/// What the core must come to.
#[derive(Debug, Default, PartialEq)]
pub struct Truth {
    /// By KPI and window start: revision and rows.
    pub windows: BTreeMap<(usize, i64), (u64, Rows)>,
    /// By grouping: counted, late, refused pairs.
    pub counts: [(u64, u64, u64); 4],
    /// (grouping, partition, record, refused windows, wholly).
    pub late: Vec<(usize, usize, usize, u32, bool)>,
    pub kept: u64,
}

/// A window's late records taken, and its values by key.
type Window = (u64, BTreeMap<GroupKey, Vec<i64>>);

/// `floors[partition]`: (record, watermark): the partition came back from idle at this record, at this watermark.
pub fn truth(scenario: &Scenario, floors: &[Vec<(usize, i64)>]) -> Truth {
    let mut truth = Truth::default();
    let mut windows: [BTreeMap<i64, Window>; 4] = Default::default();
    for (partition, records) in scenario.partitions.iter().enumerate() {
        let mut clock = Clock::default();
        for (place, record) in records.iter().enumerate() {
            for (_, floor) in floors[partition].iter().filter(|floor| floor.0 == place) {
                clock.floor = Some(clock.floor.unwrap_or(i128::MIN).max(i128::from(*floor)));
            }
            if let Some(before) = clock.read(&scenario.rules, record) {
                truth.kept += 1;
                for (grouping, windows) in windows.iter_mut().enumerate() {
                    count(scenario, grouping, (partition, place, record), before, windows, &mut truth);
                }
            }
        }
    }
    for (kpi, &grouping) in KPIS.iter().enumerate() {
        for (start, (revision, groups)) in &windows[grouping] {
            truth.windows.insert((kpi, *start), (*revision, rows(kpi, groups)));
        }
    }
    truth.late.sort_unstable();
    truth
}

#[derive(Default)]
struct Clock {
    front: Option<i128>,
    far: Vec<i128>,
    floor: Option<i128>,
}

impl Clock {
    /// The watermark before the record; `None` if it is future-dated.
    fn read(&mut self, rules: &TimeRules, record: &Rec) -> Option<i128> {
        let (event, arrival) = (i128::from(record.event_us), i128::from(record.arrival_us));
        if rules.max_future_skew_us.is_some_and(|skew| event - arrival > i128::from(skew)) {
            return None;
        }
        let own = self.front.map(|front| front - i128::from(rules.max_out_of_orderness_us));
        let before = own.max(self.floor).unwrap_or(i128::MIN);
        let Some(front) = self.front else {
            self.front = Some(event);
            return Some(before);
        };
        if rules.max_time_jump_us.is_some_and(|jump| event - front > i128::from(jump)) {
            self.far.push(event);
            if self.far.len() == 5 {
                self.front = self.far.drain(..).min();
            }
        } else {
            self.far.clear();
            self.front = Some(front.max(event));
        }
        Some(before)
    }
}

fn count(
    scenario: &Scenario,
    grouping: usize,
    (partition, place, record): (usize, usize, &Rec),
    before: i128,
    windows: &mut BTreeMap<i64, Window>,
    truth: &mut Truth,
) {
    let windowing = &scenario.windowings[grouping];
    let (size, hop) = (windowing.size_us(), windowing.hop_us());
    let key = key(grouping, record);
    let (mut taken, mut refused) = (0u32, 0u32);
    for start in record.event_us - size + 1..=record.event_us {
        if (i128::from(start) - i128::from(windowing.offset_us())).rem_euclid(i128::from(hop)) != 0 {
            continue;
        }
        let end = i128::from(start + size);
        if before >= end + i128::from(scenario.rules.allowed_lateness_us) {
            refused += 1;
            continue;
        }
        taken += 1;
        let window = windows.entry(start).or_default();
        window.0 += u64::from(before >= end);
        window.1.entry(key.clone()).or_default().push(record.value);
    }
    let counts = &mut truth.counts[grouping];
    counts.0 += u64::from(taken > 0);
    counts.1 += u64::from(taken == 0);
    counts.2 += u64::from(refused);
    if refused > 0 {
        truth.late.push((grouping, partition, place, refused, taken == 0));
    }
}

fn key(grouping: usize, record: &Rec) -> GroupKey {
    let country = record.country.map_or(KeyValue::Null, |country| KeyValue::Text(country.into()));
    let key = [country, KeyValue::Int64(record.customer)];
    key[..[0, 1, 2, 1][grouping]].into()
}

fn rows(kpi: usize, groups: &BTreeMap<GroupKey, Vec<i64>>) -> Rows {
    let mut rows = Vec::new();
    for (key, values) in groups {
        if kpi == 2 {
            for remainder in 1..4 {
                let count = values.iter().filter(|value| value.rem_euclid(4) == remainder).count() as i64;
                rows.extend((count > 0).then(|| (key.clone(), vec![remainder, count])));
            }
        } else {
            rows.push((key.clone(), vec![values.len() as i64, values.iter().sum()]));
        }
    }
    rows
}
