//! What all cases showed, as tables for a terminal and for the page.

use crate::kills::Verdict;
use crate::sinks::Kind;
use std::collections::BTreeMap;

/// Rows in order, each with its verdicts by sink.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<(String, BTreeMap<Kind, Cell>)>,
}

/// The verdicts of one row and sink.
#[derive(Debug, Default)]
struct Cell {
    cases: u64,
    kills: u64,
    failed: u64,
    not_reached: u64,
    lost: u64,
    twice: u64,
}

impl Table {
    /// Adds a verdict to a row, which is made if it is new.
    pub fn add(&mut self, row: &str, sink: Kind, verdict: &Verdict) {
        let place = self.rows.iter().position(|(name, _)| name == row).unwrap_or_else(|| {
            self.rows.push((row.to_owned(), BTreeMap::new()));
            self.rows.len() - 1
        });
        let cell = self.rows[place].1.entry(sink).or_default();
        cell.cases += 1;
        cell.kills += verdict.kills;
        cell.failed += u64::from(!verdict.difference.is_none());
        cell.not_reached += u64::from(verdict.not_reached);
        cell.lost += verdict.difference.lost;
        cell.twice += verdict.difference.twice;
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Cases, kills, and cases that failed.
    pub fn totals(&self) -> (u64, u64, u64) {
        let cells = self.rows.iter().flat_map(|(_, cells)| cells.values());
        cells.fold((0, 0, 0), |(cases, kills, failed), cell| {
            (cases + cell.cases, kills + cell.kills, failed + cell.failed)
        })
    }

    /// As Markdown.
    pub fn text(&self, head: &str, sinks: &[Kind]) -> String {
        let names: Vec<&str> = sinks.iter().map(|sink| sink.name()).collect();
        let mut text = format!("| {head} | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(sinks.len()));
        for (row, cells) in &self.rows {
            let told: Vec<String> = sinks.iter().map(|sink| cells.get(sink).map_or("–".into(), Cell::text)).collect();
            text += &format!("| {row} | {} |\n", told.join(" | "));
        }
        text
    }
}

impl Cell {
    /// `5/5`: passed of those that there were; and what else there is to say.
    fn text(&self) -> String {
        let mut text = format!("{}/{}", self.cases - self.failed, self.cases);
        if self.not_reached > 0 {
            text += &format!(", not reached {}", self.not_reached);
        }
        if self.failed > 0 {
            text = format!("**{text}**, {} lost, {} twice", self.lost, self.twice);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Difference;

    #[test]
    fn a_cell_tells_what_passed_and_what_did_not() {
        let mut table = Table::default();
        table.add("a", Kind::Kafka, &Verdict { kills: 1, ..Verdict::default() });
        table.add("a", Kind::Kafka, &Verdict { not_reached: true, ..Verdict::default() });
        let difference = Difference { lost: 2, ..Difference::default() };
        table.add("b", Kind::Redis, &Verdict { kills: 1, not_reached: false, difference });
        let text = table.text("point", &[Kind::Kafka, Kind::Redis]);
        assert!(text.ends_with("| a | 2/2, not reached 1 | – |\n| b | – | **0/1**, 2 lost, 0 twice |\n"), "{text}");
        assert_eq!(table.totals(), (3, 2, 1));
    }
}
