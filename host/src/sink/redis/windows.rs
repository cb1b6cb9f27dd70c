//! Windows as they lie in a checkpoint until Redis has taken them: names, keys and rows as texts, ready to send. Knows no Redis.

use crate::sink::wire::{Reader, push_bytes, push_i64, push_len, push_u64};

/// Before each window: which form it has.
const FORM: u8 = 1;

/// A window of a KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window<'a> {
    /// The KPI's name.
    pub kpi: &'a str,
    pub start_us: i64,
    pub end_us: i64,
    pub revision: u64,
    /// Its rows, as many as there are lines.
    pub lines: u64,
    /// Why it has none, where its KPI is quarantined; else empty.
    pub unavailable: &'a str,
    /// Group keys as text with their rows, JSON lines without the last line end.
    pub rows: Vec<(&'a str, &'a str)>,
}

impl Window<'_> {
    /// Appends it.
    pub fn push(&self, out: &mut Vec<u8>) {
        out.push(FORM);
        push_bytes(out, self.kpi.as_bytes());
        push_i64(out, self.start_us);
        push_i64(out, self.end_us);
        push_u64(out, self.revision);
        push_u64(out, self.lines);
        push_bytes(out, self.unavailable.as_bytes());
        push_len(out, self.rows.len());
        for (key, row) in &self.rows {
            push_bytes(out, key.as_bytes());
            push_bytes(out, row.as_bytes());
        }
    }
}

/// The windows of an epoch, in the order in which they came.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Window<'_>>, String> {
    let mut reader = Reader(bytes);
    let mut windows = Vec::new();
    while !reader.0.is_empty() {
        if reader.take(1)? != [FORM] {
            return Err("a window is not of this version of the sink".to_owned());
        }
        windows.push(Window {
            kpi: reader.text()?,
            start_us: reader.i64()?,
            end_us: reader.i64()?,
            revision: reader.u64()?,
            lines: reader.u64()?,
            unavailable: reader.text()?,
            rows: reader.list(|reader| Ok((reader.text()?, reader.text()?)))?,
        });
    }
    Ok(windows)
}
