//! Letters for late records: each is told with the KPIs that refused it, and by how many of their windows.

use super::batch::Batch;
use super::letters::{Letter, Refused};
use super::progress::Count;
use super::shared::Shared;
use crate::sink::dead_letters::DeadLetterKind;
use std::collections::BTreeMap;
use weir_core::fold::{FoldReport, LateRow};
use weir_core::ledger::Ledger;

/// Counts a fold for every KPI and makes letters of what is late: one a record, whatever the number of KPIs.
pub(super) fn account(
    report: &FoldReport,
    batch: &Batch<'_>,
    shared: &Shared,
    ledger: &mut Ledger,
    letters: &mut Vec<Letter>,
) {
    let mut refused: BTreeMap<u32, Vec<Refused>> = BTreeMap::new();
    for (place, grouping) in report.groupings.iter().enumerate() {
        for &kpi in &shared.grouping_kpis[place] {
            let counts = &mut ledger.kpis[kpi];
            counts.counted += grouping.counted;
            counts.late += grouping.late;
            counts.refused_pairs += grouping.refused_pairs;
            shared.progress.add(Count::Late, grouping.late);
        }
        for late in &grouping.late_rows {
            refused.entry(late.row).or_default().extend(by_kpi(late, batch, shared, place));
        }
    }
    for (row, refused) in refused {
        let wholly = refused.iter().all(|refused| refused.windows_taken == 0);
        let reason = if wholly {
            "its windows had ended, and `allowed_lateness` was over"
        } else {
            "some of its windows had ended, and `allowed_lateness` was over; it counts in the others"
        };
        let (index, event_us) = (batch.rows[row as usize], batch.event_us[row as usize]);
        let mut letter = Letter::new(batch.block, index, DeadLetterKind::Late, reason.to_owned()).at(event_us);
        letter.refused = refused;
        letters.push(letter);
    }
}

fn by_kpi<'a>(
    late: &LateRow,
    batch: &Batch<'_>,
    shared: &'a Shared,
    grouping: usize,
) -> impl Iterator<Item = Refused> + 'a {
    let windowing = shared.windowings[grouping];
    let windows = windowing.windows_of(windowing.pane_of(batch.event_us[late.row as usize])).count();
    let (windows_refused, windows_taken) = (late.refused, windows.saturating_sub(late.refused));
    shared.grouping_kpis[grouping].iter().map(move |&kpi| Refused { kpi, windows_refused, windows_taken })
}
