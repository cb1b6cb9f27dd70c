//! What `prepare` puts into a checkpoint: the files set aside, and the rows that may still change.
//!
//! ```text
//! magic and version │ sequence, settled, interval │ KPIs: name, written, removed │ KPIs: longest, dropped, windows
//! ```
//! Numbers are little-endian; texts and lists have their length before them. The files stand before the rows, so that
//! `commit` need not read these. Bytes from a disk are not trusted: reading fails, and never panics or reserves memory ahead.

use super::super::wire::{Reader, push_bytes, push_i64, push_len};
use super::kept::{Saved, Window};

const MAGIC: &[u8; 8] = b"weirJF\x00\x01";

/// What one `prepare` made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) sequence: u64,
    pub(super) settled_us: i64,
    pub(super) interval_us: i64,
    pub(super) kpis: Vec<KpiFiles>,
}

/// One KPI's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KpiFiles {
    pub(super) name: String,
    /// Starts of the intervals whose files are set aside.
    pub(super) written: Vec<i64>,
    /// Starts of the intervals that have no file any more.
    pub(super) removed: Vec<i64>,
    pub(super) kept: Saved,
}

impl Prepared {
    pub(super) fn encode(&self) -> Vec<u8> {
        let rows =
            self.kpis.iter().flat_map(|kpi| &kpi.kept.windows).map(|window| window.text.len() + 32).sum::<usize>();
        let mut out = Vec::with_capacity(rows + 1024);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        push_i64(&mut out, self.settled_us);
        push_i64(&mut out, self.interval_us);
        push_len(&mut out, self.kpis.len());
        for kpi in &self.kpis {
            push_bytes(&mut out, kpi.name.as_bytes());
            push_i64s(&mut out, &kpi.written);
            push_i64s(&mut out, &kpi.removed);
        }
        self.kpis.iter().for_each(|kpi| push_saved(&mut out, &kpi.kept));
        out
    }

    /// Reads it back; `with_rows` also the rows, which else stay empty.
    pub(super) fn decode(bytes: &[u8], with_rows: bool) -> Result<Self, String> {
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(
                "it is not of this version of the json-files sink: resume with the version that wrote it".to_owned()
            );
        }
        let (sequence, settled_us, interval_us) = (reader.u64()?, reader.i64()?, reader.i64()?);
        let kpis = reader.list(KpiFiles::decode)?;
        let mut prepared = Self { sequence, settled_us, interval_us, kpis };
        if with_rows {
            for kpi in &mut prepared.kpis {
                kpi.kept = Saved {
                    longest_us: reader.i64()?,
                    dropped_us: reader.i64()?,
                    windows: reader.list(Window::decode)?,
                };
            }
            reader.end()?;
        }
        Ok(prepared)
    }
}

impl KpiFiles {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, String> {
        let name = reader.text()?.to_owned();
        let (written, removed) = (reader.list(Reader::i64)?, reader.list(Reader::i64)?);
        Ok(Self { name, written, removed, kept: Saved { longest_us: 0, dropped_us: i64::MIN, windows: vec![] } })
    }
}

impl Window {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, String> {
        let (start_us, end_us, revision) = (reader.i64()?, reader.i64()?, reader.u64()?);
        Ok(Self { start_us, end_us, revision, text: reader.bytes()?.into() })
    }
}

fn push_i64s(out: &mut Vec<u8>, values: &[i64]) {
    push_len(out, values.len());
    values.iter().for_each(|value| push_i64(out, *value));
}

fn push_saved(out: &mut Vec<u8>, saved: &Saved) {
    push_i64(out, saved.longest_us);
    push_i64(out, saved.dropped_us);
    push_len(out, saved.windows.len());
    for window in &saved.windows {
        push_i64(out, window.start_us);
        push_i64(out, window.end_us);
        out.extend_from_slice(&window.revision.to_le_bytes());
        push_bytes(out, &window.text);
    }
}

#[cfg(test)]
mod tests;
