//! An epoch's rows on their way through the checkpoint: lines of COPY text, by window, with the names of their table and columns.
//!
//! ```text
//! epoch = part*    part = version u64 · table text · columns [text] · windows [start i64 · end i64 · revision u64 · lines bytes]
//! line  = group key ⇥ outputs ⇥ unavailable ⏎
//! ```
//!
//! Names travel with the rows, because a run that goes on from a checkpoint may write other outputs. What is the same for all rows
//! of a window (its bounds, its revision) is written once.

use super::table::Table;
use super::text::{NULL, push_cell, push_key, push_text};
use crate::sink::KpiSchema;
use crate::sink::cells::Cells;
use crate::sink::outbox::Render;
use crate::sink::wire::{Reader, push_bytes, push_i64, push_len, push_u64};
use arrow_array::Array;
use arrow_schema::ArrowError;
use std::collections::BTreeMap;
use std::ops::Range;
use weir_core::results::{Closed, ClosedWindow, ResultTable, WindowContent};

/// Of the format above.
const VERSION: u64 = 1;

/// Columns before the first of a line: bounds, revision, ordinal.
pub(super) const HEAD_COLUMNS: usize = 4;

/// Renders windows of some KPIs.
pub(super) struct Lines {
    kpis: Vec<Kpi>,
}

struct Kpi {
    kpi: usize,
    table: String,
    columns: Vec<String>,
    keys: usize,
    /// Places in the table of results.
    outputs: Vec<usize>,
}

impl Lines {
    pub(super) fn new(kpis: &[KpiSchema], tables: &[Table]) -> Self {
        let kpi = |(kpi, table): (&KpiSchema, &Table)| Kpi {
            kpi: kpi.kpi,
            table: table.name.clone(),
            columns: table.columns[HEAD_COLUMNS..].iter().map(|column| column.name.clone()).collect(),
            keys: kpi.keys.len(),
            outputs: kpi.outputs.iter().map(|(place, _)| *place).collect(),
        };
        Self { kpis: kpis.iter().zip(tables).map(kpi).collect() }
    }
}

impl Render for Lines {
    fn render(&mut self, out: &mut Vec<u8>, closed: &Closed) -> Result<(), ArrowError> {
        let Some(kpi) = self.kpis.iter().find(|kpi| kpi.kpi == closed.kpi) else { return Ok(()) };
        let outputs = kpi.outputs(&closed.table)?;
        push_u64(out, VERSION);
        push_bytes(out, kpi.table.as_bytes());
        push_len(out, kpi.columns.len());
        kpi.columns.iter().for_each(|name| push_bytes(out, name.as_bytes()));
        push_len(out, closed.windows.len());
        let mut lines = Vec::new();
        for window in &closed.windows {
            lines.clear();
            kpi.push_lines(&mut lines, window, &closed.table, &outputs)?;
            push_i64(out, window.start_us);
            push_i64(out, window.end_us);
            push_u64(out, window.revision);
            push_bytes(out, &lines);
        }
        Ok(())
    }
}

impl Kpi {
    fn outputs<'t>(&self, table: &'t ResultTable) -> Result<Vec<Cells<'t>>, ArrowError> {
        if table.keys.is_empty() {
            // A quarantined KPI's windows come with a table of no columns.
            return Ok(Vec::new());
        }
        let cells = |&place: &usize| {
            let column = table.columns.get(place).filter(|column| column.len() == table.keys.len());
            let missing =
                || ArrowError::SchemaError(format!("output {place} is missing, or not as long as the group keys"));
            Cells::of(column.ok_or_else(missing)?)
        };
        self.outputs.iter().map(cells).collect()
    }

    fn push_lines(
        &self,
        out: &mut Vec<u8>,
        window: &ClosedWindow,
        table: &ResultTable,
        outputs: &[Cells<'_>],
    ) -> Result<(), ArrowError> {
        match &window.content {
            WindowContent::Rows(rows) => {
                self.check(rows, table)?;
                rows.clone().for_each(|row| push_line(out, row, table, outputs));
            }
            WindowContent::Unavailable(reason) => {
                for _ in 0..self.keys + self.outputs.len() {
                    out.extend_from_slice(NULL);
                    out.push(b'\t');
                }
                push_text(out, reason);
                out.push(b'\n');
            }
        }
        Ok(())
    }

    fn check(&self, rows: &Range<usize>, table: &ResultTable) -> Result<(), ArrowError> {
        match table.keys.get(rows.clone()) {
            Some(keys) if keys.iter().all(|key| key.len() == self.keys) => Ok(()),
            Some(_) => Err(ArrowError::SchemaError(format!("group keys that are not of {} values", self.keys))),
            None => {
                Err(ArrowError::InvalidArgumentError(format!("rows {rows:?} of a table that has {}", table.keys.len())))
            }
        }
    }
}

fn push_line(out: &mut Vec<u8>, row: usize, table: &ResultTable, outputs: &[Cells<'_>]) {
    for value in table.keys[row].iter() {
        push_key(out, value);
        out.push(b'\t');
    }
    for cells in outputs {
        push_cell(out, cells, row);
        out.push(b'\t');
    }
    out.extend_from_slice(NULL);
    out.push(b'\n');
}

/// What an epoch has for a table: each window once, in its last form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub table: &'a str,
    /// After those of the head.
    pub columns: Vec<&'a str>,
    /// By start and end, microseconds.
    pub windows: BTreeMap<(i64, i64), Window<'a>>,
}

/// A window's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window<'a> {
    pub revision: u64,
    pub lines: &'a [u8],
}

/// Reads an epoch's rows; fails where they are not as above.
pub(super) fn parts(rows: &[u8]) -> Result<Vec<Part<'_>>, String> {
    let mut reader = Reader(rows);
    let mut parts: Vec<Part<'_>> = Vec::new();
    while !reader.0.is_empty() {
        if reader.u64()? != VERSION {
            return Err("it is not of this version of the sink: resume with the version that wrote it".to_owned());
        }
        let (table, columns) = (reader.text()?, reader.list(Reader::text)?);
        let window = |reader: &mut Reader<'_>| Ok::<_, String>((reader.i64()?, reader.i64()?));
        let known = parts.iter().position(|part| part.table == table && part.columns == columns);
        let place = known.unwrap_or(parts.len());
        if known.is_none() {
            parts.push(Part { table, columns, windows: BTreeMap::new() });
        }
        for _ in 0..reader.u64()? {
            let bounds = window(&mut reader)?;
            let new = Window { revision: reader.u64()?, lines: reader.bytes()? };
            let kept = parts[place].windows.entry(bounds).or_insert(new);
            if kept.revision <= new.revision {
                *kept = new;
            }
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::test_rows::{MINUTE_US, T0_US, closed, schema, window};
    use std::sync::Arc;

    fn lines() -> Lines {
        let kpis = [schema("sales-by-country", 3)];
        Lines::new(&kpis, &[Table::of(&kpis[0]).unwrap()])
    }

    fn rendered(of: &[Closed]) -> Vec<u8> {
        let (mut lines, mut out) = (lines(), Vec::new());
        of.iter().for_each(|closed| lines.render(&mut out, closed).unwrap());
        out
    }

    #[test]
    fn a_window_is_there_once_in_its_highest_revision() {
        let rows = rendered(&[
            closed(3, 0, 2, &[(None, 1, -5, 0.5), (Some("a\tb"), 2, 614_600, 0.0)]),
            closed(3, 1, 0, &[(None, 9, 0, 1.0)]),
            closed(3, 0, 1, &[(Some("old"), 0, 0, 0.0)]),
        ]);
        let parts = parts(&rows).unwrap();
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].columns, ["country", "OPM", "total_sale_volume", "rate_of_return", "unavailable"]);
        let windows: Vec<_> = parts[0].windows.iter().map(|(bounds, window)| (bounds.0, window.revision)).collect();
        assert_eq!(windows, [(T0_US, 2), (T0_US + MINUTE_US, 0)]);
        let first = parts[0].windows[&(T0_US, T0_US + MINUTE_US)].lines;
        assert_eq!(std::str::from_utf8(first).unwrap(), "\\N\t1\t-0.0005\t0.5\t\\N\na\\tb\t2\t61.46\t0.0\t\\N\n");
    }

    #[test]
    fn a_window_of_a_quarantined_kpi_is_one_line() {
        let content = WindowContent::Unavailable("it\ntrapped".into());
        let table = Arc::new(ResultTable { keys: Vec::new(), columns: Vec::new() });
        let rows = rendered(&[Closed { kpi: 3, windows: vec![window(0, 0, content)], table }]);
        let parts = parts(&rows).unwrap();
        let lines = parts[0].windows.values().next().unwrap().lines;
        assert_eq!(std::str::from_utf8(lines).unwrap(), "\\N\t\\N\t\\N\t\\N\tit\\ntrapped\n");
    }

    #[test]
    fn bytes_that_end_too_early_are_refused() {
        let rows = rendered(&[closed(3, 0, 0, &[(None, 1, 2, 0.5)])]);
        for len in 1..rows.len() {
            assert!(parts(&rows[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn rows_that_do_not_fit_the_description_are_refused() {
        let mut wrong = closed(3, 0, 0, &[(None, 1, 2, 0.5)]);
        Arc::make_mut(&mut wrong.table).columns.pop();
        assert!(lines().render(&mut Vec::new(), &wrong).is_err());
    }
}
