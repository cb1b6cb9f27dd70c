//! Keeps the newest row of each group for the view. Does nothing when nobody looks.

use super::progress::Progress;
use crate::sink::KpiSchema;
use crate::sink::row::RowWriter;
use std::collections::BTreeMap;
use weir_core::results::{Closed, ClosedWindow};

/// Groups shown of a KPI; the rest is left out.
const GROUPS_MAX: usize = 64;

/// Windows looked at of one closing: a backfill closes thousands at once, and only the last are new.
const WINDOWS_MAX: usize = 2;

/// Renders rows for the view.
pub(super) struct Watch {
    writers: Vec<RowWriter>,
}

impl Watch {
    pub fn new<'a>(kpis: impl Iterator<Item = &'a KpiSchema>) -> Self {
        Self { writers: kpis.map(RowWriter::new).collect() }
    }

    /// Shows the newest of these rows.
    pub fn show(&self, closed: &Closed, progress: &Progress) {
        if !progress.watched() {
            return;
        }
        let Ok(rows) = self.writers[closed.kpi].rows(&closed.table) else { return };
        let mut newest = BTreeMap::new();
        for window in closed.windows.iter().rev().take(WINDOWS_MAX).rev() {
            let mut text = Vec::new();
            if rows.push_window(&mut text, window).is_ok() {
                add_lines(&mut newest, &text, window, closed);
            }
        }
        let mut live = progress.live();
        let shown = &mut live.newest[closed.kpi];
        for (key, row) in newest {
            if shown.len() < GROUPS_MAX || shown.contains_key(&key) {
                shown.insert(key, row);
            }
        }
    }
}

fn add_lines(newest: &mut BTreeMap<String, String>, text: &[u8], window: &ClosedWindow, closed: &Closed) {
    let first = match &window.content {
        weir_core::results::WindowContent::Rows(rows) => rows.start,
        weir_core::results::WindowContent::Unavailable(_) => usize::MAX,
    };
    for (at, line) in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        let key = closed.table.keys.get(first.saturating_add(at)).map_or_else(String::new, |key| format!("{key:?}"));
        newest.insert(key, String::from_utf8_lossy(line).into_owned());
    }
}
