//! The partitions of one worker: where each stands, what time it is in each, and which have stepped aside.

use super::batch::Batch;
use super::letters::Letter;
use super::message::Position;
use super::run::RunError;
use super::shared::Shared;
use crate::sink::dead_letters::DeadLetterKind;
use crate::source::Reader;
use crate::telemetry;
use arrow_array::BooleanArray;
use std::time::{Duration, Instant};
use weir_core::block::Block;
use weir_core::time::PartitionClock;

/// How long after a failed look at the end the next one waits.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The partitions of one worker.
#[derive(Default)]
pub(super) struct Partitions {
    owned: Vec<Owned>,
}

struct Owned {
    partition: u32,
    clock: PartitionClock,
    next_offset: Option<i64>,
    state: State,
    held: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is more to read, as far as we know.
    Reading,
    /// Read to its end; asked again at this moment whether that still holds, and then idle.
    CaughtUp(Instant),
    /// Stepped aside: it does not hold the watermark.
    Idle,
    /// Bounded, and has brought its last record.
    Ended,
}

impl Partitions {
    /// Adds a partition that begins at `next_offset` with this clock.
    pub fn add(&mut self, partition: u32, next_offset: Option<i64>, clock: PartitionClock) {
        self.owned.push(Owned { partition, clock, next_offset, state: State::Reading, held: false });
    }

    /// Where each stands; to be asked when everything that the reader brought is folded.
    pub fn positions(&self, reader: &dyn Reader) -> Vec<Position> {
        let position = |owned: &Owned| Position {
            partition: owned.partition,
            next_offset: owned.next_offset,
            epoch: reader.epoch(owned.partition),
            clock: owned.clock.export(),
        };
        self.owned.iter().map(position).collect()
    }

    /// Judges the time of every row, in order: future-dated rows become letters and leave the batch; the others move the front,
    /// and the batch learns each one's watermark before it.
    pub fn judge(&mut self, batch: &mut Batch<'_>, shared: &Shared, letters: &mut Vec<Letter>) -> Result<(), RunError> {
        let owned = self.get(batch.block.partition)?;
        owned.arrived(shared);
        let arrivals: Vec<i64> = batch.rows.iter().map(|&row| batch.block.records[row as usize].arrival_us).collect();
        let future = owned.clock.judge(&shared.rules, &batch.event_us, &arrivals, &mut batch.watermark_before);
        if future.is_empty() {
            return Ok(());
        }
        let mut keep = vec![true; batch.rows.len()];
        for row in future {
            let row = row as usize;
            keep[row] = false;
            let reason = "dated more than `max_future_skew` ahead of its arrival".to_owned();
            let letter = Letter::new(batch.block, batch.rows[row], DeadLetterKind::FutureDated, reason);
            letters.push(letter.at(batch.event_us[row]));
        }
        batch.retain(&BooleanArray::from(keep))
    }

    /// The block is folded: posts how far its partition is.
    pub fn worked(&mut self, block: &Block, shared: &Shared) -> Result<(), RunError> {
        let owned = self.get(block.partition)?;
        if let Some(last) = block.records.last() {
            owned.next_offset = Some(last.offset + 1);
        }
        shared.board().advance(owned.partition, owned.clock.watermark(&shared.rules));
        let held = owned.clock.is_held();
        if held != owned.held {
            owned.held = held;
            let mut live = shared.progress.live();
            live.held = if held { live.held + 1 } else { live.held.saturating_sub(1) };
            if held {
                let partition = &shared.partitions[owned.partition as usize];
                telemetry::front_held(&partition.name, partition.id);
            }
        }
        Ok(())
    }

    /// Offsets of the partition are gone, and the settings say to go on at `next`: that is where a later run begins, too.
    pub fn lost(
        &mut self,
        partition: u32,
        (from, until): (i64, i64),
        next: i64,
        shared: &Shared,
    ) -> Result<(), RunError> {
        self.get(partition)?.next_offset = Some(next);
        let partition = &shared.partitions[partition as usize];
        telemetry::offsets_lost(&partition.name, partition.id, (from, until), next);
        Ok(())
    }

    /// The partition was read to its end.
    pub fn caught_up(&mut self, partition: u32, shared: &Shared) -> Result<(), RunError> {
        let owned = self.get(partition)?;
        if owned.state == State::Reading {
            owned.state = State::CaughtUp(Instant::now() + shared.idle_timeout);
        }
        Ok(())
    }

    /// The partition has brought its last record. Where a later run may read on from the checkpoint, it goes on holding the
    /// watermark until all have ended: else what the later run brings would be late or not by which partition ended first.
    pub fn ended(&mut self, partition: u32, shared: &Shared) -> Result<(), RunError> {
        let owned = self.get(partition)?;
        if owned.state == State::Ended {
            return Ok(());
        }
        owned.state = State::Ended;
        if !(shared.ended_hold && owned.clock.front_us().is_some()) {
            shared.board().ended(partition);
        }
        shared.one_ended();
        Ok(())
    }

    /// Whether none will bring more.
    pub fn all_ended(&self) -> bool {
        self.owned.iter().all(|owned| owned.state == State::Ended)
    }

    /// A partition that was read to its end and brought nothing for the idle timeout steps aside, if its system confirms it.
    /// One is asked a call: the answer may take a while, and the worker has more to look after.
    pub fn step_aside(&mut self, reader: &mut dyn Reader, shared: &Shared) {
        let now = Instant::now();
        let due = |owned: &&mut Owned| matches!(owned.state, State::CaughtUp(due) if due <= now);
        let Some(owned) = self.owned.iter_mut().find(due) else { return };
        if !reader.confirm_caught_up(owned.partition) {
            owned.state = State::CaughtUp(Instant::now() + LOOK_AGAIN);
            return;
        }
        owned.state = State::Idle;
        shared.board().idle(owned.partition);
        shared.progress.live().idle += 1;
        let partition = &shared.partitions[owned.partition as usize];
        telemetry::partition_idle(&partition.name, partition.id);
    }

    fn get(&mut self, partition: u32) -> Result<&mut Owned, RunError> {
        self.owned.iter_mut().find(|owned| owned.partition == partition).ok_or(RunError::ForeignPartition(partition))
    }
}

impl Owned {
    /// Something came: an idle partition is live again, and what it brings is judged by no less than the watermark that went on
    /// without it.
    fn arrived(&mut self, shared: &Shared) {
        if self.state == State::Idle {
            let floor = shared.board().returned(self.partition);
            self.clock.raise_floor(floor);
            let mut live = shared.progress.live();
            live.idle = live.idle.saturating_sub(1);
            let partition = &shared.partitions[self.partition as usize];
            telemetry::partition_returned(&partition.name, partition.id);
        }
        self.state = State::Reading;
    }
}
