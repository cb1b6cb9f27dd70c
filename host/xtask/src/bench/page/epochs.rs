//! The benchmark of checkpoints as a table of wishes; nothing where it was not run.

use crate::bench::results::{Epochs, Wish};

/// The section.
pub(super) fn text(figures: Option<&Epochs>) -> String {
    let Some(Epochs { machine, verdicts }) = figures else { return String::new() };
    let rows: String = verdicts.iter().map(row).collect();
    format!(
        "
## Checkpoints

What a checkpoint every second costs the retail pipeline, how long one of 100,000 open groups takes, and how soon a killed run is back
(`cargo xtask bench epochs`). {machine}.

| | measured | wanted | |
|---|---|---|---|
{rows}"
    )
}

fn row(wish: &Wish) -> String {
    let Wish { what, measured, wanted, at_most, met } = wish;
    let (digits, sign) = if *at_most { (1, "at most") } else { (3, "at least") };
    let met = if *met { "met" } else { "**missed**" };
    format!("| {what} | {measured:.digits$} | {sign} {wanted} | {met} |\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_is_told_as_loudly_as_a_hit() {
        let wish = |at_most, met| Wish { what: "a".into(), measured: 0.5, wanted: 1.0, at_most, met };
        assert_eq!(row(&wish(true, true)), "| a | 0.5 | at most 1 | met |\n");
        assert_eq!(row(&wish(false, false)), "| a | 0.500 | at least 1 | **missed** |\n");
        assert_eq!(text(None), "");
    }
}
