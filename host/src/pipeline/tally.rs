//! Counts what was published, by the data alone: a window counts once however often it was published, its rows as they stand
//! now, its revisions as the late records that it has taken.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use weir_core::results::{Closed, WindowContent};

/// Counts for each KPI, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub kpis: Vec<KpiTally>,
    /// For windows that may come again: end, KPI, start → rows and revision as last published.
    #[serde(with = "as_pairs")]
    unsettled: BTreeMap<(i64, usize, i64), (u64, u64)>,
}

/// Counts of one KPI.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KpiTally {
    pub windows: u64,
    pub rows: u64,
    pub revisions: u64,
}

impl Tally {
    pub fn new(kpis: usize) -> Self {
        Self { kpis: vec![KpiTally::default(); kpis], unsettled: BTreeMap::new() }
    }

    /// Counts published windows.
    pub fn add(&mut self, closed: &Closed) {
        let tally = &mut self.kpis[closed.kpi];
        for window in &closed.windows {
            let rows = match &window.content {
                WindowContent::Rows(rows) => rows.len() as u64,
                WindowContent::Unavailable(_) => 1,
            };
            let key = (window.end_us, closed.kpi, window.start_us);
            match self.unsettled.insert(key, (rows, window.revision)) {
                Some((rows_before, revision_before)) => {
                    tally.rows = tally.rows + rows - rows_before;
                    tally.revisions = tally.revisions + window.revision - revision_before;
                }
                None => {
                    tally.windows += 1;
                    tally.rows += rows;
                    tally.revisions += window.revision;
                }
            }
        }
    }

    /// Windows that end at or before this will not come again.
    pub fn settle(&mut self, before_us: i64) {
        while let Some(entry) = self.unsettled.first_entry() {
            if entry.key().0 > before_us {
                break;
            }
            entry.remove();
        }
    }

    /// The same for KPIs that stand elsewhere now: for each, its place then, `None` where it begins anew.
    pub fn moved(self, kpis: &[Option<usize>]) -> Self {
        let of = |place: &Option<usize>| place.and_then(|place| self.kpis.get(place).copied()).unwrap_or_default();
        let moved = |((end_us, then, start_us), counts)| {
            let now = kpis.iter().position(|place| *place == Some(then))?;
            Some(((end_us, now, start_us), counts))
        };
        Self { kpis: kpis.iter().map(of).collect(), unsettled: self.unsettled.into_iter().filter_map(moved).collect() }
    }

    /// Windows and rows of all KPIs.
    pub fn totals(&self) -> (u64, u64) {
        self.kpis.iter().fold((0, 0), |(windows, rows), kpi| (windows + kpi.windows, rows + kpi.rows))
    }
}

/// JSON has only texts as keys of a map, so the windows travel as pairs.
mod as_pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    type Windows = BTreeMap<(i64, usize, i64), (u64, u64)>;

    pub fn serialize<S: Serializer>(windows: &Windows, serializer: S) -> Result<S::Ok, S::Error> {
        windows.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Windows, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}
