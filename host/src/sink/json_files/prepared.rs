//! What `prepare` puts into a checkpoint: the files set aside, and the rows that may still change.
//!
//! ```text
//! magic and version │ sequence, settled, interval │ KPIs: name, written, removed │ KPIs: longest, dropped, windows
//! ```
//! Numbers are little-endian; texts and lists have their length before them. The files stand before the rows, so that
//! `commit` need not read these. Bytes from a disk are not trusted: reading fails, and never panics or reserves memory ahead.

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
            if !reader.0.is_empty() {
                return Err(format!("{} bytes too many", reader.0.len()));
            }
        }
        Ok(prepared)
    }
}

impl KpiFiles {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, String> {
        let name = String::from_utf8(reader.bytes()?.to_vec()).map_err(|_| "a KPI's name is not UTF-8".to_owned())?;
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

fn push_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn push_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&(len as u64).to_le_bytes());
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_len(out, bytes.len());
    out.extend_from_slice(bytes);
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

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.0.split_at_checked(len).ok_or_else(|| "it ends too early".to_owned())?;
        self.0 = rest;
        Ok(head)
    }

    fn word(&mut self) -> Result<[u8; 8], String> {
        let mut word = [0; 8];
        word.copy_from_slice(self.take(8)?);
        Ok(word)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.word().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, String> {
        self.word().map(i64::from_le_bytes)
    }

    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let len = usize::try_from(self.u64()?).map_err(|_| "it ends too early".to_owned())?;
        self.take(len)
    }

    /// Every item takes at least a byte, so a wrong length ends at the end of the bytes.
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let len = self.u64()?;
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(item(self)?);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests;
