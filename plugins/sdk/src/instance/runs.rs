//! The fold of rows whose slots come in runs, as the host sorts them where many KPIs share a grouping: a run at a time, by the KPI's
//! `update_run`. To fold a run row by row into a state taken out of its slot gains nothing, and was left.
//!
//! Needs no sorted slots: a run is a run wherever it stands, and rows are folded in the order in which they came.

use crate::bindings::exports::weir::plugin::types::Failure;
use crate::column::Inputs;
use crate::kpi::Kpi;
use std::ops::Range;

/// Rows that a run must have in the mean: below, its beginning and end cost what its rows gain.
const ROWS_MIN: usize = 8;
/// Slots compared a turn.
const COMPARED: usize = 16;

/// Whether slots come in few runs, beside the number of rows.
pub(super) fn few(groups: &[u32]) -> bool {
    let Some((_, following)) = groups.split_first() else { return false };
    let (turns, rest) = following.as_chunks::<COMPARED>();
    let (before, _) = groups.as_chunks::<COMPARED>();
    let borders = |before: &[u32], after: &[u32]| before.iter().zip(after).map(|(a, b)| u32::from(a != b)).sum::<u32>();
    let of_turns: u32 = before.iter().zip(turns).map(|(before, after)| borders(before, after)).sum();
    let borders = of_turns + borders(&groups[turns.len() * COMPARED..], rest);
    (borders as usize + 1).saturating_mul(ROWS_MIN) <= groups.len()
}

/// Folds row `i` into slot `groups[i]`; every slot is there.
///
/// # Errors
/// Names the row that can't be worked on.
pub(super) fn fold<'a, K: Kpi>(
    slots: &mut [K],
    groups: &[u32],
    views: &<K::Input<'a> as Inputs<'a>>::Views,
    options: &K::Options,
) -> Result<(), Failure> {
    let mut start = 0;
    while let Some(group) = groups.get(start) {
        let end = start + length(&groups[start..], *group);
        let state = &mut slots[*group as usize];
        if !state.update_run(views, start..end, options) {
            rows(state, views, start..end, options)?;
        }
        start = end;
    }
    Ok(())
}

/// How many of the first groups are this one.
fn length(groups: &[u32], group: u32) -> usize {
    let (turns, rest) = groups.as_chunks::<COMPARED>();
    let differ = |turn: &&[u32; COMPARED]| turn.iter().fold(0, |differ, other| differ | (other ^ group)) != 0;
    let whole = turns.iter().position(|turn| differ(&turn)).unwrap_or(turns.len());
    let last = turns.get(whole).map_or(rest, |turn| turn.as_slice());
    whole * COMPARED + last.iter().position(|other| *other != group).unwrap_or(last.len())
}

/// Folds a run row by row.
fn rows<'a, K: Kpi>(
    state: &mut K,
    views: &<K::Input<'a> as Inputs<'a>>::Views,
    rows: Range<usize>,
    options: &K::Options,
) -> Result<(), Failure> {
    for row in rows {
        state.update(K::Input::row(views, row), options).map_err(|reason| reason.at_row(row))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
