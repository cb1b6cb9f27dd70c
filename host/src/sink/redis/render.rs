//! Closed windows into texts: group keys as they stand in a Redis key, rows as JSON lines.

use super::windows::Window;
use crate::sink::KpiSchema;
use crate::sink::cells::push_key;
use crate::sink::outbox::Render;
use crate::sink::row::RowWriter;
use arrow_schema::ArrowError;
use std::fmt::Write;
use weir_core::group::{GroupKey, KeyValue};
use weir_core::results::{Closed, ClosedWindow, WindowContent};

/// The one group key of a KPI without `by`.
const ALL: &str = "all";

/// Renders rows of these KPIs.
pub(super) struct RedisRender {
    /// By `Closed::kpi`.
    kpis: Vec<(usize, String, RowWriter)>,
}

impl RedisRender {
    pub fn new(kpis: &[KpiSchema]) -> Self {
        Self { kpis: kpis.iter().map(|kpi| (kpi.kpi, kpi.name.clone(), RowWriter::new(kpi))).collect() }
    }
}

impl Render for RedisRender {
    fn render(&mut self, out: &mut Vec<u8>, closed: &Closed) -> Result<(), ArrowError> {
        let Some((_, kpi, writer)) = self.kpis.iter().find(|(kpi, ..)| *kpi == closed.kpi) else {
            return Err(ArrowError::InvalidArgumentError(format!("KPI {} is none of this sink's", closed.kpi)));
        };
        let rows = writer.rows(&closed.table)?;
        let mut lines = Vec::new();
        for window in &closed.windows {
            lines.clear();
            rows.push_window(&mut lines, window)?;
            let text =
                std::str::from_utf8(&lines).map_err(|error| ArrowError::InvalidArgumentError(error.to_string()))?;
            push(out, kpi, window, &closed.table.keys, text);
        }
        Ok(())
    }
}

/// Appends a window whose rows are these lines.
fn push(out: &mut Vec<u8>, kpi: &str, window: &ClosedWindow, keys: &[GroupKey], lines: &str) {
    let (start_us, end_us, revision) = (window.start_us, window.end_us, window.revision);
    let mut empty = Window { kpi, start_us, end_us, revision, lines: 0, unavailable: "", rows: Vec::new() };
    match &window.content {
        WindowContent::Unavailable(reason) => {
            empty.unavailable = if reason.is_empty() { "quarantined" } else { reason };
            empty.push(out);
        }
        WindowContent::Rows(range) => {
            // `push_window` has seen that the table has these rows.
            let keys = keys.get(range.clone()).unwrap_or_default();
            let (texts, spans) = groups(keys, lines);
            let rows = texts.iter().zip(spans).map(|(key, span)| (key.as_str(), &lines[span])).collect();
            Window { lines: keys.len() as u64, rows, ..empty }.push(out);
        }
    }
}

/// Rows of one key stand together: the text of each key, and where its lines are, the last line end left out.
fn groups(keys: &[GroupKey], lines: &str) -> (Vec<String>, Vec<std::ops::Range<usize>>) {
    let (mut texts, mut spans) = (Vec::new(), Vec::<std::ops::Range<usize>>::new());
    let mut before: Option<&GroupKey> = None;
    let mut start = 0;
    // A JSON text holds no line end of its own.
    for (key, line) in keys.iter().zip(lines.split_inclusive('\n')) {
        let end = start + line.len();
        match spans.last_mut().filter(|_| before == Some(key)) {
            Some(span) => span.end = end - 1,
            None => {
                texts.push(key_text(key));
                spans.push(start..end - 1);
            }
        }
        (before, start) = (Some(key), end);
    }
    (texts, spans)
}

/// A group key within a Redis key: its values with colons between them. In texts `%`, `:` and control characters are `%25`, `%3A`, …;
/// a null is `%null`, which no text is.
pub(super) fn key_text(key: &[KeyValue]) -> String {
    if key.is_empty() {
        return ALL.to_owned();
    }
    let mut out = String::new();
    for (place, value) in key.iter().enumerate() {
        if place > 0 {
            out.push(':');
        }
        push_value(&mut out, value);
    }
    out
}

fn push_value(out: &mut String, value: &KeyValue) {
    match value {
        KeyValue::Null => out.push_str("%null"),
        KeyValue::Text(text) => push_escaped(out, text),
        // As in rows, but those have no word for what is not finite.
        KeyValue::Float64(_) if value.as_f64().is_some_and(|number| !number.is_finite()) => {
            let _ = write!(out, "{}", value.as_f64().unwrap_or(f64::NAN));
        }
        value => {
            let mut bytes = Vec::new();
            push_key(&mut bytes, value);
            push_escaped(out, String::from_utf8_lossy(&bytes).trim_matches('"'));
        }
    }
}

fn push_escaped(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '%' | ':' | '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "%{:02X}", u32::from(char));
            }
            char => out.push(char),
        }
    }
}
