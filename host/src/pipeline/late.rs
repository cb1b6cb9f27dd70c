//! Letters for late records: each is told with the KPIs that refused it, and by how many of their windows.

use super::batch::Batch;
use super::letters::Letter;
use super::progress::Count;
use super::shared::Shared;
use crate::sink::dead_letters::LetterKind;
use weir_core::fold::{FoldReport, LateRow};
use weir_core::ledger::Ledger;

/// Counts a fold for every KPI and makes letters of what is late.
pub(super) fn account(
    report: &FoldReport,
    batch: &Batch<'_>,
    shared: &Shared,
    ledger: &mut Ledger,
    letters: &mut Vec<Letter>,
) {
    for (grouping, kpis) in report.groupings.iter().zip(&shared.grouping_kpis) {
        for &kpi in kpis {
            let counts = &mut ledger.kpis[kpi];
            counts.counted += grouping.counted;
            counts.late += grouping.late;
            counts.refused_pairs += grouping.refused_pairs;
            shared.progress.add(Count::Late, grouping.late);
        }
        letters.extend(grouping.late_rows.iter().map(|late| letter(late, batch, kpis)));
    }
}

fn letter(late: &LateRow, batch: &Batch<'_>, kpis: &[usize]) -> Letter {
    let row = late.row as usize;
    let reason = match (late.wholly, late.refused) {
        (true, 1) => "its window had ended, and `allowed_lateness` was over".to_owned(),
        (true, refused) => format!("its {refused} windows had ended, and `allowed_lateness` was over"),
        (false, refused) => {
            format!("{refused} of its windows had ended, and `allowed_lateness` was over; it counts in the others")
        }
    };
    let mut letter = Letter::new(batch.block, batch.rows[row], LetterKind::Late, reason).at(batch.event_us[row]);
    letter.kpis = kpis.to_vec();
    letter
}
