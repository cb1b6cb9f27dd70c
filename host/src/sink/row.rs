//! Rows as JSON text, byte for byte the same for the same rows.
//!
//! `{"window":{"start":"…","end":"…"},"country":"Germany","OPM":1,"total_sale_volume":61.46}`: no spaces; `window`, then
//! `revision` where it is above 0 (right after the window it belongs to, so that every row of a revised window begins
//! alike), then the group key, then the outputs as declared. A window of a quarantined KPI is one row,
//! `{"window":{…},"unavailable":"reason"}`. Knows nothing of files.

use super::KpiSchema;
use super::cells::{Cells, push_int, push_key, push_text};
use super::instant;
use arrow_array::Array;
use arrow_schema::ArrowError;
use std::ops::Range;
use weir_core::group::GroupKey;
use weir_core::results::{ClosedWindow, ResultTable, WindowContent};

/// Renders rows of one KPI.
#[derive(Debug, Clone)]
pub struct RowWriter {
    /// `,"country":` for each column of the group key.
    key_names: Vec<Vec<u8>>,
    /// The same for each output, with its place in the table.
    output_names: Vec<(usize, Vec<u8>)>,
}

/// The columns of one table, their types looked up once for all of its windows.
pub struct Rows<'a> {
    writer: &'a RowWriter,
    keys: &'a [GroupKey],
    outputs: Vec<(&'a [u8], Cells<'a>)>,
}

impl RowWriter {
    /// For a KPI of this schema. Names that occur twice are the configuration's to refuse.
    pub fn new(kpi: &KpiSchema) -> Self {
        let key_names = kpi.keys.iter().map(|field| prefix(&field.path)).collect();
        let output_names = kpi.outputs.iter().map(|(place, output)| (*place, prefix(&output.field.path))).collect();
        Self { key_names, output_names }
    }

    /// Looks at a table once; fails where it does not hold the columns that the schema names.
    pub fn rows<'a>(&'a self, table: &'a ResultTable) -> Result<Rows<'a>, ArrowError> {
        if table.keys.is_empty() {
            // A quarantined KPI's windows come with a table of no columns.
            return Ok(Rows { writer: self, keys: &table.keys, outputs: Vec::new() });
        }
        let mut outputs = Vec::with_capacity(self.output_names.len());
        for (place, name) in &self.output_names {
            let column = table.columns.get(*place).ok_or_else(|| {
                ArrowError::SchemaError(format!("output {place} is missing: there are {} columns", table.columns.len()))
            })?;
            if column.len() != table.keys.len() {
                let (len, keys) = (column.len(), table.keys.len());
                return Err(ArrowError::SchemaError(format!("output {place} has {len} rows, the group keys {keys}")));
            }
            outputs.push((name.as_slice(), Cells::of(column)?));
        }
        Ok(Rows { writer: self, keys: &table.keys, outputs })
    }
}

impl Rows<'_> {
    /// Appends the rows of a window, each with a line end after it; nothing where it has none.
    pub fn push_window(&self, out: &mut Vec<u8>, window: &ClosedWindow) -> Result<(), ArrowError> {
        let mut head = Vec::with_capacity(96);
        push_head(&mut head, window.start_us, window.end_us, window.revision);
        match &window.content {
            WindowContent::Unavailable(reason) => {
                out.extend_from_slice(&head);
                out.extend_from_slice(b",\"unavailable\":");
                push_text(out, reason);
                out.extend_from_slice(b"}\n");
            }
            WindowContent::Rows(range) => {
                self.check(range)?;
                for row in range.clone() {
                    out.extend_from_slice(&head);
                    self.push_row(out, row);
                }
            }
        }
        Ok(())
    }

    fn check(&self, range: &Range<usize>) -> Result<(), ArrowError> {
        let columns = self.writer.key_names.len();
        let Some(keys) = self.keys.get(range.clone()) else {
            let rows = self.keys.len();
            return Err(ArrowError::InvalidArgumentError(format!("rows {range:?} of a table that has {rows}")));
        };
        match keys.iter().find(|key| key.len() != columns) {
            Some(key) => {
                Err(ArrowError::SchemaError(format!("a group key of {} values for {columns} columns", key.len())))
            }
            None => Ok(()),
        }
    }

    fn push_row(&self, out: &mut Vec<u8>, row: usize) {
        for (name, value) in self.writer.key_names.iter().zip(self.keys[row].iter()) {
            out.extend_from_slice(name);
            push_key(out, value);
        }
        for (name, cells) in &self.outputs {
            out.extend_from_slice(name);
            cells.push(out, row);
        }
        out.extend_from_slice(b"}\n");
    }
}

fn prefix(name: &str) -> Vec<u8> {
    let mut prefix = vec![b','];
    push_text(&mut prefix, name);
    prefix.push(b':');
    prefix
}

/// What every row of a window begins with.
pub(super) fn push_head(out: &mut Vec<u8>, start_us: i64, end_us: i64, revision: u64) {
    out.extend_from_slice(b"{\"window\":{\"start\":\"");
    instant::push_micros(out, start_us);
    out.extend_from_slice(b"\",\"end\":\"");
    instant::push_micros(out, end_us);
    out.extend_from_slice(b"\"}");
    if revision > 0 {
        out.extend_from_slice(b",\"revision\":");
        push_int(out, revision);
    }
}

#[cfg(test)]
mod tests;
