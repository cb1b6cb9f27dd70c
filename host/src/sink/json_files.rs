//! The sinks of files, `json-files` and `hdfs`: per KPI a folder, per interval of event time a file of rows, one JSON object a line.
//!
//! `path/<kpi>/2020-09-18T10-50-00Z.json` holds the rows of every window that starts in that interval (intervals align to
//! the Unix epoch), sorted by window and group key. An interval whose windows have nothing to say has no file.
//! Without a checkpoint a run begins anew: files of the intervals that it writes are replaced, all others are left alone.
//!
//! ```text
//! accept ─▶ kept ─ prepare ─▶ set aside in the run's folder ─▶ checkpoint ─ commit ─▶ renamed into place
//!             ▲                 ╰─ the file system is away: rows into the checkpoint, and again with the next epoch
//!             ╰── recover: rows that may still change are read out of the published files
//! ```
//! Knows nothing of what the columns mean (`row`), of which file system it is (`storage`), nor when an epoch ends (the pipeline).

mod aside;
mod files;
mod head;
mod kept;
mod kpi;
mod lock;
mod outage;
mod parallel;
mod prepared;
mod read_back;

use super::{KpiSchema, Resume, Sink, SinkError, SinkState};
use crate::storage::Storage;
use crate::telemetry;
use files::Aside;
use kpi::KpiState;
use outage::Outage;
use prepared::{Attempt, Change, Prepared, What};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use weir_core::results::Closed;

/// Bytes of rows in the checkpoint, while the file system is away, from which on the pipeline has to wait.
const CARRIED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Between two tries of `finish`.
const FINISH_EVERY: Duration = Duration::from_millis(200);

/// Settings of the sink.
#[derive(Debug, Clone)]
pub struct JsonFilesSettings {
    /// The file system.
    pub storage: Arc<dyn Storage>,
    /// The folder of the KPIs' folders; made if it is not there.
    pub path: PathBuf,
    /// Event time that a file covers, microseconds; above 0.
    pub interval_us: i64,
    /// The folder is on this machine, and locks keep apart runs that can't fence each other; so long a start waits for an older run, which
    /// it has shut out, to notice that and to end.
    pub locks: Option<Duration>,
}

/// Rows as JSON lines in files.
pub struct JsonFiles {
    settings: JsonFilesSettings,
    kpis: Vec<KpiState>,
    generation: u64,
    settled_us: i64,
    /// Number of the next attempt; part of the names of files set aside, so that one never meets another's.
    sequence: u64,
    outage: Option<Outage>,
}

impl JsonFiles {
    /// Checks the settings; touches nothing outside (`recover` does).
    pub fn new(settings: JsonFilesSettings, kpis: Vec<KpiSchema>) -> Result<Self, SinkError> {
        if settings.interval_us <= 0 {
            return Err(kpi::invalid(&settings, "the interval must be longer than 0"));
        }
        let kpis = kpis.iter().map(|kpi| KpiState::new(&settings, kpi)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { settings, kpis, generation: 0, settled_us: i64::MIN, sequence: 0, outage: None })
    }

    /// Refuses what a checkpoint of other settings holds.
    fn check(&self, prepared: &Prepared) -> Result<(), SinkError> {
        let (was, is) = (prepared.interval_us, self.settings.interval_us);
        if was != is {
            let reason = format!(
                "files covered {was} µs, now `interval` is {is} µs: put it back, or begin without the checkpoint"
            );
            return Err(self.unreadable(reason));
        }
        for files in prepared.kpis.iter().filter(|files| self.kpis.iter().all(|kpi| *kpi.name != *files.name)) {
            if !files.saved.carried.is_empty() || self.has_asides(&files.name)? {
                return Err(self.unreadable(format!(
                    "rows of KPI `{}`, which it is not given now, wait to be published: give it back for one more run, and stop that with SIGTERM",
                    files.name
                )));
            }
        }
        Ok(())
    }

    /// Whether files of a KPI that is not given any more are set aside; a run that ends well leaves none.
    fn has_asides(&self, kpi: &str) -> Result<bool, SinkError> {
        let (storage, home) = (&self.settings.storage, self.settings.path.join(kpi));
        let entries = |path: &Path| match storage.list(path) {
            Err(source) if source.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|source| SinkError::Io { place: storage.place(path), source }),
        };
        for folder in entries(&home)?.into_iter().filter(|entry| entry.folder && entry.name.starts_with('.')) {
            if !entries(&home.join(folder.name))?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Publishes what the checkpoint prepared, and takes back what may still change.
    fn restore(&mut self, prepared: Prepared) -> Result<(), SinkError> {
        self.settled_us = prepared.settled_us;
        self.sequence = prepared.sequence;
        for files in prepared.kpis {
            if let Some(kpi) = self.kpis.iter_mut().find(|kpi| *kpi.name == *files.name) {
                kpi.restore(files, self.settings.interval_us)?;
            }
        }
        if self.carried_bytes() > 0 {
            self.outage = Some(Outage::before_the_start());
        }
        Ok(())
    }

    /// Writes what changed into the runs' folders.
    fn set_aside(&mut self) -> Result<(), SinkError> {
        let attempt = Attempt { generation: self.generation, sequence: self.sequence };
        let asides: Vec<Aside<'_>> = self.kpis.iter().flat_map(KpiState::asides).collect();
        telemetry::failpoint!("files-before-aside");
        let mut outcomes =
            parallel::each(&asides, self.settings.storage.calls_at_once(), |aside| aside.write(attempt))?.into_iter();
        drop(asides);
        let mut changes = Vec::new();
        for kpi in &self.kpis {
            let of_kpi = kpi.changes(&mut outcomes, attempt);
            match of_kpi.iter().any(|change| matches!(change.what, What::Written(_))) {
                true => kpi.folder.asides()?.sync()?,
                // A run that has nothing to write is to notice a newer one, too.
                false => kpi.folder.asides()?.check()?,
            }
            changes.push(of_kpi);
        }
        telemetry::failpoint!("files-after-aside");
        self.sequence += 1;
        self.kpis.iter_mut().zip(changes).for_each(|(kpi, changes)| kpi.prepared(changes));
        Ok(())
    }

    /// The changes of a checkpoint that are not published yet, with the places of their KPIs.
    fn due(&self, prepared: &Prepared) -> Vec<(usize, Change)> {
        let kpi_of = |name: &str| self.kpis.iter().position(|kpi| *kpi.name == *name);
        let of_kpis = prepared.kpis.iter().filter_map(|files| Some((kpi_of(&files.name)?, files)));
        of_kpis
            .flat_map(|(place, files)| files.changes.iter().map(move |change| (place, *change)))
            .filter(|(place, change)| self.kpis[*place].is_pending(change))
            .collect()
    }

    /// Renames what was set aside, removes what is to go, syncs each folder once.
    fn publish(&mut self, due: &[(usize, Change)]) -> Result<(), SinkError> {
        telemetry::failpoint!("files-before-publish");
        parallel::each(due, self.settings.storage.calls_at_once(), |(place, change)| {
            let done = self.kpis[*place].folder.publish(change, false);
            telemetry::failpoint!("files-between-publishes");
            done
        })?;
        for (place, kpi) in self.kpis.iter().enumerate() {
            let mut changes = due.iter().filter(|(of, _)| *of == place).map(|(_, change)| change).peekable();
            if changes.peek().is_some() {
                kpi.folder.sync(changes)?;
            }
        }
        telemetry::failpoint!("files-after-publish");
        due.iter().for_each(|(place, change)| self.kpis[*place].published(change));
        self.kpis.iter_mut().for_each(KpiState::committed);
        self.drop_settled();
        Ok(())
    }

    /// After an outage: sets aside and publishes what the checkpoint holds, without a new one. Rows that are in no checkpoint yet are not
    /// to be seen, so with such it waits for the next.
    fn catch_up(&mut self) -> Result<(), SinkError> {
        let due_now = self.outage.as_ref().is_some_and(|outage| !outage.is_too_soon());
        if !due_now || self.kpis.iter().any(|kpi| kpi.kept.has_news()) {
            return Ok(());
        }
        let done = self.set_aside().and_then(|()| {
            let pending = self.kpis.iter().enumerate();
            let due: Vec<_> =
                pending.flat_map(|(place, kpi)| kpi.pending().map(move |change| (place, change))).collect();
            self.publish(&due)
        });
        self.bear(done, 0).map(drop)
    }

    /// What goes into the checkpoint now.
    fn prepared(&self) -> Prepared {
        Prepared {
            sequence: self.sequence,
            settled_us: self.settled_us,
            interval_us: self.settings.interval_us,
            kpis: self.kpis.iter().map(|kpi| kpi.files(self.settled_us)).collect(),
        }
    }

    /// An error of a file system that is away is no failure of the sink.
    fn bear(&mut self, done: Result<(), SinkError>, epoch: u64) -> Result<bool, SinkError> {
        let place = self.place();
        outage::bear(&mut self.outage, done, &place, epoch)
    }

    fn carried_bytes(&self) -> u64 {
        self.kpis.iter().map(|kpi| kpi.kept.carried_bytes()).sum()
    }

    fn decode(&self, bytes: &[u8]) -> Result<Prepared, SinkError> {
        Prepared::decode(bytes).map_err(|reason| self.unreadable(reason))
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

#[cfg(test)]
impl JsonFiles {
    /// Sinks of this thread do one thing after the other.
    pub(crate) fn one_at_a_time() {
        parallel::ONE_AT_A_TIME.set(true);
    }

    /// If the file system is away, the next try is due.
    pub(crate) fn try_now(&mut self) {
        self.outage.iter_mut().for_each(Outage::set_due);
    }
}

impl Sink for JsonFiles {
    fn recover(&mut self, from: &Resume<'_>) -> Result<Option<u64>, SinkError> {
        let prepared = from.prepared.map(|bytes| self.decode(bytes)).transpose()?;
        prepared.as_ref().map_or(Ok(()), |prepared| self.check(prepared))?;
        self.generation = from.claim.generation;
        let until = self.settings.locks.map(|wait| Instant::now() + wait);
        for kpi in &mut self.kpis {
            kpi.folder.open(&from.claim, until)?;
        }
        telemetry::failpoint!("files-after-take-over");
        prepared.map_or(Ok(()), |prepared| self.restore(prepared))?;
        self.kpis.iter().try_for_each(|kpi| kpi.folder.asides()?.remove_leftovers())?;
        Ok(None)
    }

    fn accept(&mut self, closed: &Closed) -> Result<(), SinkError> {
        let (interval_us, settled_us) = (self.settings.interval_us, self.settled_us);
        let kpi = self.kpis.iter_mut().find(|kpi| kpi.kpi == closed.kpi);
        kpi.map_or(Ok(()), |kpi| kpi.accept(closed, interval_us, settled_us))
    }

    fn settle(&mut self, before_us: i64) {
        self.settled_us = self.settled_us.max(before_us);
        self.drop_settled();
    }

    fn prepare(&mut self, epoch: u64) -> Result<super::Prepared, SinkError> {
        let waits = self.outage.as_ref().is_some_and(Outage::is_too_soon);
        if waits || !self.set_aside().map(|()| true).or_else(|error| self.bear(Err(error), epoch))? {
            self.kpis.iter_mut().for_each(|kpi| kpi.kept.mark_carried());
        }
        let bytes = self.prepared().encode();
        Ok(super::Prepared { bytes, undelivered: self.carried_bytes() })
    }

    fn commit(&mut self, epoch: u64, prepared: &[u8]) -> Result<(), SinkError> {
        let due = self.due(&self.decode(prepared)?);
        if self.outage.as_ref().is_some_and(Outage::is_too_soon) {
            return Ok(());
        }
        let done = self.publish(&due);
        // Rows in the checkpoint say that it was away when they were to be set aside: nothing to publish does not prove it back.
        if self.carried_bytes() == 0 || done.is_err() {
            self.bear(done, epoch)?;
        }
        Ok(())
    }

    fn state(&self) -> SinkState {
        let carried = self.carried_bytes();
        SinkState {
            waiting: self.outage.as_ref().map(|outage| outage.reason.clone()),
            undelivered_bytes: carried + self.kpis.iter().map(KpiState::pending_bytes).sum::<u64>(),
            at_risk_bytes: 0,
            full: carried > CARRIED_BYTES_MAX,
            epoch: None,
        }
    }

    fn finish(&mut self, wait: Duration) -> Result<bool, SinkError> {
        let until = Instant::now() + wait;
        loop {
            self.catch_up()?;
            let left = until.saturating_duration_since(Instant::now());
            let done = self.kpis.iter().all(KpiState::is_done);
            if done || left.is_zero() {
                return Ok(done);
            }
            thread::sleep(FINISH_EVERY.min(left));
        }
    }

    fn fits(&self, prepared: &[u8]) -> Result<(), SinkError> {
        self.check(&self.decode(prepared)?)
    }

    fn known_by_place(&self) -> bool {
        true
    }

    fn leave(&mut self) {
        self.kpis.iter().filter_map(|kpi| kpi.folder.asides().ok()).for_each(aside::Asides::leave);
    }

    fn place(&self) -> String {
        self.settings.storage.place(&self.settings.path)
    }
}

#[cfg(test)]
mod tests;
