//! The fold of rows whose slots come in any order: a row at a time, into the state where it lies.
//!
//! Knows rows and slots; which fold a batch takes is decided elsewhere.

use super::TURN;
use crate::bindings::exports::weir::plugin::types::Failure;
use crate::column::Inputs;
use crate::kpi::Kpi;

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
    let (turns, rest) = groups.as_chunks::<TURN>();
    for (turn, groups) in turns.iter().enumerate() {
        let first = turn * TURN;
        // Read before anything is written, so that the compiler may take values of neighbouring rows together.
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|place| K::Input::row(views, first + place));
        // Written out: an inner loop stays a loop, with its rows in memory.
        macro_rules! fold {
            ($($place:literal $row:ident),*) => {$(
                slots[groups[$place] as usize].update($row, options).map_err(|reason| reason.at_row(first + $place))?;
            )*};
        }
        fold!(0 a, 1 b, 2 c, 3 d, 4 e, 5 f, 6 g, 7 h);
    }
    let first = turns.len() * TURN;
    for (place, group) in rest.iter().enumerate() {
        let input = K::Input::row(views, first + place);
        slots[*group as usize].update(input, options).map_err(|reason| reason.at_row(first + place))?;
    }
    Ok(())
}
