//! A worker: owns some partitions and does everything up to the fold on its own plugin instances.
//!
//! ```text
//! next block ─▶ decode ─▶ judge time ─▶ preprocess ─▶ fold ─▶ post the watermark ─▶ flush what is due ─▶ the keeper
//! ```
//!
//! The order of the last three is what makes a closed window whole: a partition's watermark is posted after its records are
//! folded, and the flush comes after the pipeline's watermark was read.

use super::batch::{Batch, Steps};
use super::gap::Gap;
use super::late;
use super::letters::Letter;
use super::message::{Cut, Ended, Message};
use super::partitions::Partitions;
use super::progress::Count;
use super::run::RunError;
use super::shared::Shared;
use crate::decode::Decoder;
use crate::sink::dead_letters::DeadLetterKind;
use crate::source::{ReadEvent, Reader};
use crate::telemetry::failpoint;
use crate::telemetry::stages::{self, Stage, lap};
use crossbeam_channel::Sender;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use weir_core::block::Block;
use weir_core::fold::{FoldRows, Folder};
use weir_core::ledger::Ledger;
use weir_core::plugin::{Cost, PluginError};

/// How long a reader may wait for records before the worker looks around (watermark, stop, epoch).
const WAIT: Duration = Duration::from_millis(10);

/// Cells that are given up at once where a barrier is asked for and there are many: records go on being read in between.
/// The simulation has few cells and is to meet this, too.
const PART_CELLS: usize = if cfg!(test) { 4 } else { 4_096 };

/// How often the picture of a worker is renewed.
const SHOW_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Worker {
    pub index: usize,
    pub shared: Arc<Shared>,
    pub reader: Box<dyn Reader>,
    pub decoder: Decoder,
    pub steps: Steps,
    pub folder: Folder,
    pub partitions: Partitions,
    pub keeper: Sender<(usize, Message)>,
    pub ledger: Ledger,
    /// The pipeline's watermark when this worker last flushed.
    pub acknowledged_us: i64,
    /// When the picture was renewed.
    pub shown: Instant,
    /// The last epoch whose barrier this worker has passed.
    pub epoch: u64,
    /// Before its next barrier: how many more parts of its cells it may give up ahead; `None` where no barrier is asked for.
    pub parts_left: Option<usize>,
    pub gap: Gap,
}

/// What came of a round.
#[derive(Debug)]
pub(super) enum Stepped {
    On,
    /// Every partition of this worker has ended, and there was nothing to do.
    Idle,
    Ended(Ended),
}

impl Worker {
    /// Works until every partition ended, or until asked to stop.
    pub fn run(mut self) -> Result<Ended, RunError> {
        stages::begin();
        loop {
            match self.step()? {
                Stepped::On => {}
                // Once all have ended a reader answers at once.
                Stepped::Idle => thread::sleep(WAIT),
                Stepped::Ended(ended) => return Ok(ended),
            }
        }
    }

    /// Goes once round.
    pub fn step(&mut self) -> Result<Stepped, RunError> {
        if self.shared.shutdown.requested() {
            return self.end(false).map(Stepped::Ended);
        }
        if self.shared.all_ended() {
            return self.end(true).map(Stepped::Ended);
        }
        self.pass_barrier()?;
        lap(Stage::Checkpoint);
        self.gap.end(self.index, self.epoch);
        // With a barrier to pass, nobody waits for records.
        let wait = if self.parts_left.is_some() { Duration::ZERO } else { WAIT };
        let event = self.reader.next(self.shared.batch_rows_max, wait)?;
        lap(Stage::Fetch);
        let idle = matches!(event, ReadEvent::Nothing) && self.partitions.all_ended();
        match event {
            ReadEvent::Block(block) => {
                failpoint!("block-read");
                self.work(&block)?;
            }
            ReadEvent::CaughtUp { partition } => self.partitions.caught_up(partition, &self.shared)?,
            ReadEvent::Lost { partition, from, until, next } => {
                self.partitions.lost(partition, (from, until), next, &self.shared)?;
            }
            ReadEvent::Ended { partition } => self.partitions.ended(partition, &self.shared)?,
            ReadEvent::Nothing => {}
        }
        self.gap.begin();
        self.partitions.step_aside(self.reader.as_mut(), &self.shared);
        self.flush_due()?;
        lap(Stage::Flush);
        Ok(if idle { Stepped::Idle } else { Stepped::On })
    }

    fn work(&mut self, block: &Block) -> Result<(), RunError> {
        let read = block.records.len() as u64;
        let decoded = self.decoder.decode(block);
        lap(Stage::Decode);
        let mut letters = Vec::new();
        for (index, reason) in decoded.undecodable {
            letters.push(Letter::new(block, index, DeadLetterKind::Undecodable, reason));
        }
        let undecodable = letters.len() as u64;
        let mut batch = Batch::new(block, decoded.columns, decoded.rows, self.shared.event_time);
        self.partitions.judge(&mut batch, &self.shared, &mut letters)?;
        lap(Stage::Judge);
        let future_dated = letters.len() as u64 - undecodable;
        let filtered = self.steps.run(&mut batch, &self.shared, &mut letters)?;
        lap(Stage::Preprocess);
        let rejected = letters.len() as u64 - undecodable - future_dated;
        self.count(read, undecodable, future_dated, rejected, filtered, batch.rows.len() as u64);
        self.fold(&batch, &mut letters)?;
        lap(Stage::Fold);
        failpoint!("block-folded");
        self.partitions.worked(block, &self.shared)?;
        if !letters.is_empty() {
            self.send(Message::Letters(letters))?;
        }
        self.shared.progress.set_bytes_read(block.partition, self.reader.bytes_read(block.partition));
        self.shared.count_read(read);
        Ok(())
    }

    fn count(&mut self, read: u64, undecodable: u64, future_dated: u64, rejected: u64, filtered: u64, kept: u64) {
        self.ledger.read += read;
        self.ledger.undecodable += undecodable;
        self.ledger.future_dated += future_dated;
        self.ledger.rejected += rejected;
        self.ledger.filtered += filtered;
        self.ledger.kept += kept;
        let progress = &self.shared.progress;
        progress.add(Count::Undecodable, undecodable);
        progress.add(Count::FutureDated, future_dated);
        progress.add(Count::Rejected, rejected);
        progress.add(Count::Filtered, filtered);
    }

    fn fold(&mut self, batch: &Batch<'_>, letters: &mut Vec<Letter>) -> Result<(), RunError> {
        if batch.rows.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = self.shared.keys.iter().map(|places| batch.pick(places)).collect();
        let inputs: Vec<_> = self.shared.inputs.iter().map(|places| batch.pick(places)).collect();
        let rows = FoldRows {
            event_us: &batch.event_us,
            watermark_before: &batch.watermark_before,
            keys: &keys,
            inputs: &inputs,
        };
        let report = self.folder.fold(&rows)?;
        late::account(&report, batch, &self.shared, &mut self.ledger, letters);
        for failed in report.quarantined {
            // Said again with the record that brought it down; its windows will quote it.
            let reason = self.shared.kpi_failure(&failed.error, batch);
            self.folder.explain(failed.kpi, PluginError { reason, ..failed.error });
        }
        Ok(())
    }

    /// Hands over what windows at or below the pipeline's watermark still lack, and says up to where that holds.
    fn flush_due(&mut self) -> Result<(), RunError> {
        // Read before flushing: what this worker folds later is judged by watermarks at or above this one.
        let watermark_us = self.shared.board().pipeline();
        if watermark_us == i64::MAX {
            return Ok(());
        }
        let due = self.folder.has_due(watermark_us);
        if !due && watermark_us == self.acknowledged_us {
            return Ok(());
        }
        let delta = due.then(|| self.folder.flush(watermark_us));
        self.acknowledged_us = watermark_us;
        self.show();
        failpoint!("worker-before-flush");
        self.send(Message::Flushed { delta, acknowledged_us: watermark_us })?;
        failpoint!("worker-flushed");
        Ok(())
    }

    /// Takes part in the epoch that the keeper asked for, if there is a new one.
    fn pass_barrier(&mut self) -> Result<(), RunError> {
        let epoch = self.shared.epoch_wanted();
        if epoch == self.epoch || self.gives_up_a_part()? {
            return Ok(());
        }
        (self.epoch, self.parts_left) = (epoch, None);
        let cut = self.cut()?;
        failpoint!("barrier-before-cut-sent");
        self.send(Message::Barrier { epoch, cut })?;
        failpoint!("barrier-passed");
        Ok(())
    }

    /// Ahead of a barrier: hands over a part of many cells, so that the barrier itself does not hold up records for long. As many parts as
    /// there are cells when it is asked for, so that it comes however fast cells are added.
    fn gives_up_a_part(&mut self) -> Result<bool, RunError> {
        let cells = self.folder.live_cells();
        let left = self.parts_left.unwrap_or(cells / PART_CELLS);
        if left == 0 || cells <= PART_CELLS {
            return Ok(false);
        }
        self.parts_left = Some(left - 1);
        let delta = self.folder.flush_some(PART_CELLS);
        self.send(Message::Flushed { delta: Some(delta), acknowledged_us: self.acknowledged_us })?;
        Ok(true)
    }

    /// Flushes everything and says where this worker stands.
    fn cut(&mut self) -> Result<Cut, RunError> {
        let delta = self.folder.flush(i64::MAX);
        self.send(Message::Flushed { delta: Some(delta), acknowledged_us: self.acknowledged_us })?;
        Ok(Cut { positions: self.partitions.positions(self.reader.as_ref()), ledger: self.ledger.clone() })
    }

    fn end(&mut self, at_end: bool) -> Result<Ended, RunError> {
        let cut = self.cut()?;
        let costs = self.costs();
        failpoint!("worker-ended");
        Ok(Ended { cut, costs, at_end })
    }

    fn costs(&self) -> Vec<Cost> {
        let mut costs = self.steps.costs();
        costs.extend((0..self.shared.kpi_names.len()).map(|kpi| self.folder.cost(kpi)));
        costs
    }

    /// For people; not more often than they can see it.
    fn show(&mut self) {
        if !self.shared.progress.watched() || self.shown.elapsed() < SHOW_EVERY {
            return;
        }
        self.shown = Instant::now();
        let (costs, mut windows) = (self.costs(), BTreeSet::new());
        self.folder.open_windows(&mut windows);
        self.shared.progress.live().worker(self.index, costs, windows);
    }

    fn send(&self, message: Message) -> Result<(), RunError> {
        self.keeper.send((self.index, message)).map_err(|_| RunError::KeeperGone)
    }
}
