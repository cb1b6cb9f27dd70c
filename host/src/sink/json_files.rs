//! The `json-files` sink: per KPI a folder, per interval of event time a file of rows, one JSON object a line.
//!
//! `path/<kpi>/2020-09-18T10-50-00Z.json` holds the rows of every window that starts in that interval (intervals align to
//! the Unix epoch), sorted by window and group key. An interval whose windows have nothing to say has no file.
//! Without a checkpoint a run begins anew: files of the intervals that it writes are replaced, all others are left alone.
//! Knows nothing of what the columns mean (`row`), nor when an epoch ends (the pipeline).

mod files;
mod kept;
mod prepared;

use super::folders;
use super::row::RowWriter;
use super::{KpiSchema, Resume, Sink, SinkError};
use arrow_schema::ArrowError;
use files::{Aside, Folder, Outcome};
use kept::{Kept, Window};
use prepared::{KpiFiles, Prepared};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_core::results::Closed;

/// Settings of the sink.
#[derive(Debug, Clone)]
pub struct JsonFilesSettings {
    /// The folder of the KPIs' folders; made if it is not there.
    pub path: PathBuf,
    /// Event time that a file covers, microseconds; above 0.
    pub interval_us: i64,
}

/// Rows as JSON lines in files.
pub struct JsonFiles {
    settings: JsonFilesSettings,
    kpis: Vec<KpiState>,
    settled_us: i64,
    /// Number of the next `prepare`; part of the names of files set aside, so that one attempt never meets another's.
    sequence: u64,
    /// The last one that was published.
    published: Option<u64>,
}

struct KpiState {
    name: Arc<str>,
    kpi: usize,
    writer: RowWriter,
    folder: Folder,
    kept: Kept,
}

impl JsonFiles {
    /// Checks the settings; touches nothing on disk (`recover` does).
    pub fn new(settings: JsonFilesSettings, kpis: Vec<KpiSchema>) -> Result<Self, SinkError> {
        if settings.interval_us <= 0 {
            return Err(invalid(&settings.path, "the interval must be longer than 0"));
        }
        let kpis = kpis.iter().map(|kpi| KpiState::new(&settings, kpi)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { settings, kpis, settled_us: i64::MIN, sequence: 0, published: None })
    }

    fn restore(&mut self, prepared: Prepared) -> Result<(), SinkError> {
        if prepared.interval_us != self.settings.interval_us {
            let (was, is) = (prepared.interval_us, self.settings.interval_us);
            let reason = format!(
                "files covered {was} µs, now `interval` is {is} µs: put it back, or begin without the checkpoint"
            );
            return Err(self.unreadable(reason));
        }
        self.settled_us = prepared.settled_us;
        self.sequence = prepared.sequence.saturating_add(1);
        self.published = Some(prepared.sequence);
        for files in prepared.kpis {
            let Some(kpi) = self.kpis.iter_mut().find(|kpi| *kpi.name == *files.name) else {
                let reason = format!("it wrote KPI `{}`, which it is not given now", files.name);
                return Err(self.unreadable(reason));
            };
            kpi.kept.restore(files.kept);
        }
        Ok(())
    }

    /// Renames what was set aside, removes what is to go, syncs each folder once.
    fn publish(&self, prepared: &Prepared, again: bool) -> Result<(), SinkError> {
        for files in &prepared.kpis {
            let Some(kpi) = self.kpis.iter().find(|kpi| *kpi.name == *files.name) else {
                continue;
            };
            for interval_us in &files.written {
                kpi.folder.publish(*interval_us, prepared.sequence, again)?;
            }
            for interval_us in &files.removed {
                kpi.folder.remove(*interval_us)?;
            }
            if !files.written.is_empty() || !files.removed.is_empty() {
                kpi.folder.sync()?;
            }
        }
        Ok(())
    }

    fn decode(&self, bytes: &[u8], with_rows: bool) -> Result<Prepared, SinkError> {
        Prepared::decode(bytes, with_rows).map_err(|reason| self.unreadable(reason))
    }

    fn unreadable(&self, reason: String) -> SinkError {
        SinkError::Recover { place: self.place(), reason }
    }

    fn drop_settled(&mut self) {
        for kpi in &mut self.kpis {
            kpi.kept.drop_settled(self.settled_us);
        }
    }
}

impl Sink for JsonFiles {
    fn recover(&mut self, from: &Resume<'_>) -> Result<Option<u64>, SinkError> {
        for kpi in &mut self.kpis {
            kpi.folder.open()?;
        }
        if let Some(bytes) = from.prepared {
            let prepared = self.decode(bytes, true)?;
            self.publish(&prepared, true)?;
            self.restore(prepared)?;
        }
        self.kpis.iter().try_for_each(|kpi| kpi.folder.remove_asides())?;
        Ok(None)
    }

    fn accept(&mut self, closed: &Closed) -> Result<(), SinkError> {
        let settled_us = self.settled_us;
        let Some(kpi) = self.kpis.iter_mut().find(|kpi| kpi.kpi == closed.kpi) else {
            return Ok(());
        };
        kpi.accept(closed, settled_us).map_err(|source| SinkError::Rows { kpi: kpi.name.clone(), source })
    }

    fn settle(&mut self, before_us: i64) {
        self.settled_us = self.settled_us.max(before_us);
        self.drop_settled();
    }

    fn prepare(&mut self, _epoch: u64) -> Result<super::Prepared, SinkError> {
        let asides: Vec<Aside<'_>> = self.kpis.iter().flat_map(KpiState::asides).collect();
        let outcomes = files::write_asides(&asides, self.sequence)?;
        let mut prepared = Prepared {
            sequence: self.sequence,
            settled_us: self.settled_us,
            interval_us: self.settings.interval_us,
            kpis: vec![],
        };
        let mut outcomes = outcomes.into_iter();
        for kpi in &self.kpis {
            let files = kpi.files(&mut outcomes, self.settled_us);
            if !files.written.is_empty() {
                kpi.folder.sync()?;
            }
            prepared.kpis.push(files);
        }
        let bytes = prepared.encode();
        self.sequence += 1;
        self.kpis.iter_mut().for_each(|kpi| kpi.kept.mark_prepared());
        Ok(super::Prepared { bytes, undelivered: 0 })
    }

    fn commit(&mut self, _epoch: u64, prepared: &[u8]) -> Result<(), SinkError> {
        let prepared = self.decode(prepared, false)?;
        let again = self.published >= Some(prepared.sequence);
        self.publish(&prepared, again)?;
        self.published = self.published.max(Some(prepared.sequence));
        if prepared.sequence.checked_add(1) == Some(self.sequence) {
            self.kpis.iter_mut().for_each(|kpi| kpi.kept.mark_committed());
            self.drop_settled();
        }
        Ok(())
    }

    fn place(&self) -> String {
        self.settings.path.display().to_string()
    }
}

impl KpiState {
    fn new(settings: &JsonFilesSettings, kpi: &KpiSchema) -> Result<Self, SinkError> {
        if kpi.name.is_empty() || kpi.name.starts_with('.') || kpi.name.contains(['/', '\0']) {
            return Err(invalid(&settings.path, &format!("KPI name `{}` can't be the name of a folder", kpi.name)));
        }
        Ok(Self {
            name: kpi.name.as_str().into(),
            kpi: kpi.kpi,
            writer: RowWriter::new(kpi),
            folder: Folder::new(settings.path.join(&kpi.name), settings.interval_us),
            kept: Kept::new(settings.interval_us),
        })
    }

    fn accept(&mut self, closed: &Closed, settled_us: i64) -> Result<(), ArrowError> {
        let rows = self.writer.rows(&closed.table)?;
        for window in &closed.windows {
            let mut text = Vec::new();
            rows.push_window(&mut text, window)?;
            let (start_us, end_us, revision) = (window.start_us, window.end_us, window.revision);
            self.kept
                .accept(Window { start_us, end_us, revision, text: text.into() }, settled_us)
                .map_err(ArrowError::InvalidArgumentError)?;
        }
        Ok(())
    }

    fn asides(&self) -> impl Iterator<Item = Aside<'_>> {
        self.kept.changed().map(|(interval_us, interval)| Aside { folder: &self.folder, interval_us, interval })
    }

    /// Takes this KPI's share of the outcomes, which are in the order of `asides`.
    fn files(&self, outcomes: &mut impl Iterator<Item = Outcome>, settled_us: i64) -> KpiFiles {
        let mut files = KpiFiles {
            name: self.name.to_string(),
            written: vec![],
            removed: vec![],
            kept: self.kept.save(settled_us),
        };
        for ((interval_us, _), outcome) in self.kept.changed().zip(outcomes) {
            match outcome {
                Outcome::Written => files.written.push(interval_us),
                Outcome::Empty => files.removed.push(interval_us),
                Outcome::Unchanged => {}
            }
        }
        files
    }
}

fn invalid(path: &Path, reason: &str) -> SinkError {
    folders::failed(path, std::io::Error::new(std::io::ErrorKind::InvalidInput, reason))
}

#[cfg(test)]
mod tests;
