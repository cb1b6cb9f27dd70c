//! What a case left behind, and how it differs from what the reference left.

use crate::sinks::Held;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that a pipeline gave: by name, what each sink holds and the letters; and the ledger.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Sinks by their names, letters by their files' names.
    pub held: BTreeMap<&'static str, Held>,
    /// The part of the report that depends on the data alone.
    pub ledger: Value,
    /// The epoch of the last checkpoint, which depends on the pace; not compared.
    pub epoch: u64,
}

/// What is wrong with an outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Rows of the reference that are not there.
    pub lost: u64,
    /// Rows that are there and not in the reference, or once more than there.
    pub twice: u64,
    /// Each thing that differs, with an example.
    pub notes: Vec<String>,
}

/// Parts of the report that depend on the data alone.
const LEDGER: [&str; 9] =
    ["read", "undecodable", "future_dated", "rejected", "filtered", "kept", "balanced", "kpis", "ended_by"];

/// Notes of a case at the most.
const NOTES_MAX: usize = 6;

/// The ledger of a report.
pub fn ledger(report: &Value) -> Value {
    LEDGER.iter().map(|part| ((*part).to_owned(), report[*part].clone())).collect::<serde_json::Map<_, _>>().into()
}

impl Difference {
    /// Whether nothing is wrong.
    pub fn is_none(&self) -> bool {
        self.lost == 0 && self.twice == 0 && self.notes.is_empty()
    }

    /// From the reference to what was got.
    pub fn between(expected: &Outcome, got: &Outcome) -> Self {
        let mut difference = Self::default();
        for (name, held) in &expected.held {
            match got.held.get(name) {
                Some(other) => difference.held(name, held, other),
                None => difference.note(format!("{name} was not looked at")),
            }
        }
        if got.ledger != expected.ledger {
            difference.note(format!("ledger {} instead of {}", got.ledger, expected.ledger));
        }
        if got.ledger["balanced"] != Value::Bool(true) {
            difference.note("the ledger does not balance".to_owned());
        }
        difference
    }

    fn held(&mut self, sink: &str, expected: &Held, got: &Held) {
        let nothing = Vec::new();
        for (place, rows) in &expected.rows {
            if !got.rows.contains_key(place) {
                self.note(format!("{sink}: {place} is missing"));
            }
            self.rows(&format!("{sink}: {place}"), rows, got.rows.get(place).unwrap_or(&nothing));
        }
        for (place, rows) in got.rows.iter().filter(|(place, _)| !expected.rows.contains_key(*place)) {
            self.note(format!("{sink}: {place} is in no reference"));
            self.rows(&format!("{sink}: {place}"), &nothing, rows);
        }
        let again = got.again.saturating_sub(expected.again);
        if again > 0 {
            self.twice += again;
            self.note(format!("{sink}: {again} messages came again in the same revision"));
        }
    }

    fn rows(&mut self, place: &str, expected: &[Vec<u8>], got: &[Vec<u8>]) {
        if expected == got {
            return;
        }
        let mut counts: BTreeMap<&[u8], i64> = BTreeMap::new();
        expected.iter().for_each(|row| *counts.entry(row).or_default() += 1);
        got.iter().for_each(|row| *counts.entry(row).or_default() -= 1);
        let (lost, twice) = (total(&counts, 1), total(&counts, -1));
        self.lost += lost;
        self.twice += twice;
        if lost == 0 && twice == 0 {
            return self.note(format!("{place}: rows in another order"));
        }
        let example = |sign: i64| {
            let row = counts.iter().find(|(_, count)| **count * sign > 0).map(|(row, _)| *row)?;
            Some(String::from_utf8_lossy(row).chars().take(200).collect::<String>())
        };
        self.note(format!("{place}: {lost} lost {:?}, {twice} too many {:?}", example(1), example(-1)));
    }

    fn note(&mut self, note: String) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(note);
        }
    }
}

fn total(counts: &BTreeMap<&[u8], i64>, sign: i64) -> u64 {
    counts.values().map(|count| (count * sign).max(0).unsigned_abs()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(rows: &[&str], again: u64) -> Outcome {
        let rows = rows.iter().map(|row| row.as_bytes().to_vec()).collect();
        let held = Held { rows: [("place".to_owned(), rows)].into(), again };
        Outcome { held: [("sink", held)].into(), ledger: serde_json::json!({"read": 3, "balanced": true}), epoch: 7 }
    }

    #[test]
    fn rows_lost_and_twice_are_counted() {
        let expected = outcome(&["a", "b", "c"], 0);
        assert!(Difference::between(&expected, &expected).is_none());
        let difference = Difference::between(&expected, &outcome(&["a", "a", "c"], 2));
        assert_eq!((difference.lost, difference.twice), (1, 3));
        let order = Difference::between(&expected, &outcome(&["b", "a", "c"], 0));
        assert_eq!((order.lost, order.twice, order.notes.len()), (0, 0, 1));
    }

    #[test]
    fn a_ledger_that_differs_or_does_not_balance_is_told() {
        let expected = outcome(&["a"], 0);
        let mut got = expected.clone();
        got.ledger = serde_json::json!({"read": 3, "balanced": false});
        assert_eq!(Difference::between(&expected, &got).notes.len(), 2);
    }
}
