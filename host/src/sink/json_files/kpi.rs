//! One KPI of the sink: its rows, its folder, and the changes of files that wait to be published.

use super::super::row::RowWriter;
use super::super::{KpiSchema, SinkError};
use super::JsonFilesSettings;
use super::files::{Aside, Folder};
use super::kept::{Kept, Window};
use super::parallel;
use super::prepared::{Attempt, Change, KpiFiles, What};
use super::read_back as head_of;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use weir_core::results::Closed;

pub(super) struct KpiState {
    pub(super) name: Arc<str>,
    pub(super) kpi: usize,
    writer: RowWriter,
    pub(super) folder: Folder,
    pub(super) kept: Kept,
    /// Changes that are set aside and not yet published, by interval.
    pending: BTreeMap<i64, Change>,
}

impl KpiState {
    pub(super) fn new(settings: &JsonFilesSettings, kpi: &KpiSchema) -> Result<Self, SinkError> {
        if kpi.name.is_empty() || kpi.name.starts_with('.') || kpi.name.contains(['/', '\0']) {
            return Err(invalid(settings, &format!("KPI name `{}` can't be the name of a folder", kpi.name)));
        }
        let (storage, path) = (Arc::clone(&settings.storage), settings.path.join(&kpi.name));
        Ok(Self {
            name: kpi.name.as_str().into(),
            kpi: kpi.kpi,
            writer: RowWriter::new(kpi),
            folder: Folder::new(storage, path, settings.interval_us),
            kept: Kept::new(settings.interval_us),
            pending: BTreeMap::new(),
        })
    }

    pub(super) fn accept(&mut self, closed: &Closed, interval_us: i64, settled_us: i64) -> Result<(), SinkError> {
        let rows = |source| SinkError::Rows { kpi: Arc::clone(&self.name), source };
        let table = self.writer.rows(&closed.table).map_err(rows)?;
        for window in &closed.windows {
            let mut text = Vec::new();
            table.push_window(&mut text, window).map_err(rows)?;
            let (start_us, end_us, revision) = (window.start_us, window.end_us, window.revision);
            if let Some(forgotten) = self.kept.forgot(start_us, settled_us) {
                let windows = read_back(&self.folder, forgotten, interval_us)?;
                self.kept.take_back(forgotten, windows);
            }
            self.kept.accept(Window { start_us, end_us, revision, text: text.into() });
        }
        Ok(())
    }

    pub(super) fn asides(&self) -> impl Iterator<Item = Aside<'_>> {
        self.kept.changed().map(|(interval_us, interval)| {
            let pending = self.pending.contains_key(&interval_us);
            Aside { folder: &self.folder, interval_us, interval, pending }
        })
    }

    /// Takes this KPI's share of what became of `asides`, which is in their order.
    pub(super) fn changes(&self, outcomes: &mut impl Iterator<Item = Option<What>>, attempt: Attempt) -> Vec<Change> {
        let changed = self.kept.changed().zip(outcomes);
        changed.filter_map(|((interval_us, _), what)| Some(Change { interval_us, attempt, what: what? })).collect()
    }

    /// These changes are set aside; each stands for the one before of its file.
    pub(super) fn prepared(&mut self, changes: Vec<Change>) {
        self.pending.extend(changes.into_iter().map(|change| (change.interval_us, change)));
        self.kept.mark_prepared();
    }

    /// This KPI's part of a checkpoint. A file that was set aside before its interval changed again, and whose rows are carried now, is not in
    /// it: once the file system is back the newer rows are published without another checkpoint, and a restart must not go behind them.
    pub(super) fn files(&self, settled_us: i64) -> KpiFiles {
        let changes = self.pending().filter(|change| !self.kept.carries(change.interval_us)).collect();
        KpiFiles { name: self.name.to_string(), changes, saved: self.kept.save(settled_us) }
    }

    /// Whether a change, or a later one of its file, still is to be published.
    pub(super) fn is_pending(&self, change: &Change) -> bool {
        self.pending.get(&change.interval_us).is_some_and(|pending| pending.attempt >= change.attempt)
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = Change> {
        self.pending.values().copied()
    }

    pub(super) fn published(&mut self, change: &Change) {
        if self.pending.get(&change.interval_us) == Some(change) {
            self.pending.remove(&change.interval_us);
        }
    }

    pub(super) fn committed(&mut self) {
        let pending = &self.pending;
        self.kept.mark_committed(|interval_us| pending.contains_key(&interval_us));
    }

    pub(super) fn pending_bytes(&self) -> u64 {
        self.pending.values().map(|change| change.what.bytes()).sum()
    }

    /// Whether everything accepted is published.
    pub(super) fn is_done(&self) -> bool {
        self.pending.is_empty() && self.kept.changed().next().is_none()
    }

    /// Publishes what the checkpoint prepared, and takes back the windows that may still change.
    pub(super) fn restore(&mut self, files: KpiFiles, interval_us: i64) -> Result<(), SinkError> {
        let as_prepared =
            parallel::each(&files.changes, self.folder.calls_at_once(), |change| self.folder.publish(change, true))?;
        if !files.changes.is_empty() {
            self.folder.sync(files.changes.iter())?;
        }
        for (change, _) in files.changes.iter().zip(as_prepared).filter(|(_, as_prepared)| !as_prepared) {
            let file = self.folder.place(change.interval_us);
            tracing::warn!(
                file,
                "the file is not as this checkpoint left it: a later epoch has written it, or somebody has changed or removed it"
            );
        }
        let mut from_files = Vec::with_capacity(files.saved.open.len());
        for start_us in &files.saved.open {
            from_files.push((*start_us, read_back(&self.folder, *start_us, interval_us)?));
        }
        self.kept.restore(files.saved, from_files);
        Ok(())
    }
}

/// The windows of a published file that is to be written again.
fn read_back(folder: &Folder, start_us: i64, interval_us: i64) -> Result<Vec<Window>, SinkError> {
    let file = folder.place(start_us);
    let Some(content) = folder.read(start_us)? else {
        tracing::warn!(
            file,
            "a file that may still change is gone: written again, it will hold only windows that come from now on"
        );
        return Ok(vec![]);
    };
    let read = head_of::read(&content, start_us..start_us.saturating_add(interval_us));
    if read.foreign > 0 {
        let lines = read.foreign;
        tracing::warn!(file, lines, "somebody has changed the file: these lines go when it is written again");
    }
    Ok(read.windows)
}

pub(super) fn invalid(settings: &JsonFilesSettings, reason: &str) -> SinkError {
    let source = io::Error::new(ErrorKind::InvalidInput, reason);
    SinkError::Io { place: settings.storage.place(&settings.path), source }
}
