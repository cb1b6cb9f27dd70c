//! Turns: a reader over parts that are always ready (files, generated partitions), in turn, at a pace.
//!
//! It knows nothing of where records come from; a part hands over one block a turn until it has ended. Not for systems that
//! must be waited for, such as Kafka.

use super::pace::Pace;
use super::{ReadEvent, Reader, SourceError};
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir_core::block::Block;

/// One partition of a reader.
pub(super) trait Part: Send {
    /// Its place in `Source::partitions`.
    fn partition(&self) -> u32;

    /// The next records, at most `records_max`; `None` when the last one has been handed over.
    fn next_block(&mut self, records_max: usize) -> Result<Option<Block>, SourceError>;

    /// Bytes read of it so far.
    fn bytes_read(&self) -> u64 {
        0
    }
}

/// Reads its parts in turn, a block each.
pub(super) struct Turns<P> {
    parts: Vec<(P, bool)>,
    turn: usize,
    pace: Arc<Pace>,
}

impl<P: Part> Turns<P> {
    /// A reader over `parts` that shares `pace` with the source's other readers.
    pub(super) fn new(parts: Vec<P>, pace: Arc<Pace>) -> Turns<P> {
        Turns { parts: parts.into_iter().map(|part| (part, false)).collect(), turn: 0, pace }
    }

    /// The part whose turn it is: the next that has not ended.
    fn next_turn(&mut self) -> Option<usize> {
        let count = self.parts.len();
        let index = (0..count).map(|step| (self.turn + step) % count).find(|index| !self.parts[*index].1)?;
        self.turn = index + 1;
        Some(index)
    }

    /// What the pace allows of `wanted`; `None` when nothing is due within `wait`, which then has passed.
    fn paced(&self, wanted: usize, wait: Duration) -> Option<usize> {
        let until = Instant::now() + wait;
        loop {
            let now = Instant::now();
            match self.pace.take(wanted, now) {
                Ok(allowed) => return Some(allowed),
                Err(_) if now >= until => return None,
                Err(due) => std::thread::sleep(due.min(until - now)),
            }
        }
    }
}

impl<P: Part> Reader for Turns<P> {
    fn next(&mut self, max_records: usize, wait: Duration) -> Result<ReadEvent, SourceError> {
        if self.parts.iter().all(|(_, ended)| *ended) {
            return Ok(ReadEvent::Nothing);
        }
        let Some(allowed) = self.paced(max_records.max(1), wait) else {
            return Ok(ReadEvent::Nothing);
        };
        let Some(index) = self.next_turn() else {
            return Ok(ReadEvent::Nothing);
        };
        let (part, ended) = &mut self.parts[index];
        let block = part.next_block(allowed)?;
        self.pace.put_back(allowed - block.as_ref().map_or(0, |block| block.records.len()));
        Ok(match block {
            Some(block) => ReadEvent::Block(block),
            None => {
                *ended = true;
                ReadEvent::Ended { partition: part.partition() }
            }
        })
    }

    fn confirm_caught_up(&mut self, partition: u32) -> bool {
        self.parts.iter().any(|(part, ended)| part.partition() == partition && *ended)
    }

    fn bytes_read(&self, partition: u32) -> u64 {
        self.parts.iter().find(|(part, _)| part.partition() == partition).map_or(0, |(part, _)| part.bytes_read())
    }
}
