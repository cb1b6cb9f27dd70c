//! Closed windows as messages: what an epoch's bytes on their way to the topic hold.
//!
//! * Key: `{"kpi":"sales-by-country","window_start":"2020-09-18T10:55:00.000Z","group":{"country":"Germany"}}`, so that a compacted topic
//!   keeps the last revision of each row. Where a KPI gives a group several rows in a window, the second has `"row":1` after the group.
//! * Value: the row as in files, without the line end. A window that is unavailable is one message, with an empty group.
//! * Headers: see [`HEADERS`].

use crate::sink::cells::{push_key, push_text};
use crate::sink::outbox::Render;
use crate::sink::row::RowWriter;
use crate::sink::wire::{Reader, push_bytes, push_i64, push_u64};
use crate::sink::{KpiSchema, timestamp_text};
use arrow_schema::ArrowError;
use std::io::Write;
use weir_core::group::GroupKey;
use weir_core::results::{Closed, ClosedWindow, WindowContent};

/// Headers of each message: whose it is (`pipeline/sink`), the epoch that brought it and of which lineage, and the window.
pub const HEADERS: [&str; 6] =
    ["weir-sink", "weir-lineage", "weir-epoch", "weir-kpi", "weir-window-start", "weir-revision"];

/// Renders messages of some KPIs.
pub struct Messages {
    kpis: Vec<(KpiSchema, RowWriter)>,
    /// Rows of a window as in files; kept for its memory.
    text: Vec<u8>,
}

impl Messages {
    /// For these KPIs.
    pub fn new(kpis: Vec<KpiSchema>) -> Self {
        Self { kpis: kpis.into_iter().map(|kpi| (kpi.clone(), RowWriter::new(&kpi))).collect(), text: Vec::new() }
    }
}

impl Render for Messages {
    fn render(&mut self, out: &mut Vec<u8>, closed: &Closed) -> Result<(), ArrowError> {
        let Some((kpi, writer)) = self.kpis.iter().find(|(kpi, _)| kpi.kpi == closed.kpi) else { return Ok(()) };
        let rows = writer.rows(&closed.table)?;
        for window in &closed.windows {
            self.text.clear();
            rows.push_window(&mut self.text, window)?;
            // A row holds no line end but its own: JSON escapes them in texts.
            let values = self.text.split(|byte| *byte == b'\n').filter(|row| !row.is_empty());
            for (key, value) in keys(kpi, window, &closed.table.keys).into_iter().zip(values) {
                push_message(out, &kpi.name, window, &key, value);
            }
        }
        Ok(())
    }
}

/// One key a row, in the order of the rows. `push_window` has checked the range.
fn keys(kpi: &KpiSchema, window: &ClosedWindow, groups: &[GroupKey]) -> Vec<Vec<u8>> {
    let groups = match &window.content {
        WindowContent::Rows(range) => &groups[range.clone()],
        WindowContent::Unavailable(_) => return vec![key(kpi, window.start_us, None, 0)],
    };
    let mut keys = Vec::with_capacity(groups.len());
    let mut nth = 0;
    for (place, group) in groups.iter().enumerate() {
        nth = if place > 0 && groups[place - 1] == *group { nth + 1 } else { 0 };
        keys.push(key(kpi, window.start_us, Some(group), nth));
    }
    keys
}

fn key(kpi: &KpiSchema, start_us: i64, group: Option<&GroupKey>, nth: usize) -> Vec<u8> {
    let mut key = b"{\"kpi\":".to_vec();
    push_text(&mut key, &kpi.name);
    key.extend_from_slice(b",\"window_start\":");
    push_text(&mut key, &timestamp_text(start_us));
    key.extend_from_slice(b",\"group\":{");
    for (place, (field, value)) in kpi.keys.iter().zip(group.into_iter().flat_map(|group| group.iter())).enumerate() {
        if place > 0 {
            key.push(b',');
        }
        push_text(&mut key, &field.path);
        key.push(b':');
        push_key(&mut key, value);
    }
    key.push(b'}');
    if nth > 0 {
        // Writing to a `Vec` cannot fail.
        let _ = write!(key, ",\"row\":{nth}");
    }
    key.push(b'}');
    key
}

fn push_message(out: &mut Vec<u8>, kpi: &str, window: &ClosedWindow, key: &[u8], value: &[u8]) {
    push_bytes(out, kpi.as_bytes());
    push_i64(out, window.start_us);
    push_u64(out, window.revision);
    push_bytes(out, key);
    push_bytes(out, value);
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub kpi: &'a str,
    pub window_start: String,
    pub revision: u64,
    pub key: &'a [u8],
    pub value: &'a [u8],
}

/// The messages of an epoch; its bytes may come out of a checkpoint.
pub(super) fn messages(bytes: &[u8]) -> Result<Vec<Message<'_>>, String> {
    let mut reader = Reader(bytes);
    let mut messages = Vec::new();
    while !reader.0.is_empty() {
        messages.push(Message {
            kpi: reader.text()?,
            window_start: timestamp_text(reader.i64()?),
            revision: reader.u64()?,
            key: reader.bytes()?,
            value: reader.bytes()?,
        });
    }
    Ok(messages)
}

#[cfg(test)]
mod tests;
