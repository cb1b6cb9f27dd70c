//! The partitions of one reader: where each stands, the block it is filling, and what is ready to be handed over.
//!
//! It knows offsets and bytes and no client: what came is put in, events are taken out. So its rules can be tested without Kafka.

#[cfg(test)]
mod tests;

use super::{Loss, Place};
use crate::source::ReadEvent;
use std::collections::VecDeque;
use std::sync::Arc;
use weir_core::block::{Block, Record};

/// A block is full with this much, and all blocks being filled with twice as much.
const BLOCK_BYTES: usize = 4 << 20;

/// Where a partition stands.
#[derive(Debug)]
pub(super) struct Part {
    /// Which it is.
    pub(super) place: Place,
    /// The offset after the last record taken.
    pub(super) next: i64,
    /// It has brought its last record.
    pub(super) ended: bool,
    /// The client said that it was read to its end, and nothing came since.
    pub(super) at_end: bool,
    /// An end up to which there is, as was looked up, no record after the last taken.
    pub(super) quiet_until: i64,
    bytes: Vec<u8>,
    records: Vec<Record>,
    /// How large its last block was, to make room for the next at once.
    last_bytes: usize,
}

/// What came from the client.
pub(super) struct Message<'a> {
    /// The partition's id.
    pub(super) id: i32,
    /// Its offset.
    pub(super) offset: i64,
    /// Its value; empty where it is null.
    pub(super) value: &'a [u8],
    /// When it arrived, microseconds.
    pub(super) arrival_us: i64,
    /// Its timestamp, milliseconds.
    pub(super) timestamp_ms: i64,
}

/// The partitions of a reader.
pub(super) struct Parts {
    parts: Vec<Part>,
    /// Index into `parts` by partition id.
    by_id: Vec<Option<usize>>,
    /// At most a block and three tellings a partition: nothing is taken in while something waits here.
    ready: VecDeque<ReadEvent>,
    /// Bytes in all blocks being filled.
    filling_bytes: usize,
    filling_records: usize,
    /// Partitions that ended and are not yet told.
    ended: Vec<i32>,
    /// Partitions that ended and that the client still fetches.
    fetched: Vec<i32>,
}

impl Parts {
    /// Partitions at their beginnings; a bounded one that has nothing to bring ends at once.
    pub(super) fn new(places: &[Place]) -> Parts {
        let id_max = places.iter().map(|place| place.id).max().unwrap_or(-1);
        let mut by_id = vec![None; usize::try_from(id_max + 1).unwrap_or(0)];
        let mut parts = Vec::with_capacity(places.len());
        for (index, place) in places.iter().enumerate() {
            by_id[place.id as usize] = Some(index);
            parts.push(Part {
                place: *place,
                next: place.begin,
                ended: false,
                at_end: false,
                quiet_until: place.begin,
                bytes: Vec::new(),
                records: Vec::new(),
                last_bytes: 0,
            });
        }
        let mut parts = Parts {
            parts,
            by_id,
            ready: VecDeque::new(),
            filling_bytes: 0,
            filling_records: 0,
            ended: Vec::new(),
            fetched: Vec::new(),
        };
        for index in 0..parts.parts.len() {
            let place = parts.parts[index].place;
            parts.ready.extend(place.lost.map(|lost| lost.event(place.partition)));
            parts.reached(index, place.begin);
        }
        // What ends here is not assigned at all.
        parts.fetched.clear();
        parts.flush();
        parts
    }

    /// All partitions.
    pub(super) fn all(&self) -> &[Part] {
        &self.parts
    }

    /// The partition at this place of the source, to note something about it.
    pub(super) fn at_place(&mut self, partition: u32) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.place.partition == partition)
    }

    /// Whether all have ended.
    pub(super) fn all_ended(&self) -> bool {
        self.parts.iter().all(|part| part.ended)
    }

    /// Whether some block has a record.
    pub(super) fn is_filling(&self) -> bool {
        self.filling_records > 0
    }

    /// How many records are in blocks that are not ready.
    pub(super) fn filling_records(&self) -> usize {
        self.filling_records
    }

    /// Takes a message in; true when it is time to hand over: a block is full or a partition has ended.
    pub(super) fn take(&mut self, message: &Message<'_>, records_max: usize) -> bool {
        let Some(index) = usize::try_from(message.id).ok().and_then(|id| *self.by_id.get(id)?) else {
            return false;
        };
        let part = &mut self.parts[index];
        if part.ended || message.offset < part.next {
            return false;
        }
        part.at_end = false;
        part.next = message.offset + 1;
        let is_wanted = part.place.end.is_none_or(|end| message.offset < end);
        if is_wanted {
            part.push(message);
            self.filling_bytes += message.value.len();
            self.filling_records += 1;
        }
        let part = &self.parts[index];
        let is_full = part.records.len() >= records_max
            || part.bytes.len() >= BLOCK_BYTES
            || self.filling_bytes >= 2 * BLOCK_BYTES;
        let next = part.next;
        self.reached(index, next) || is_full
    }

    /// The client has read a partition to the end that it has now.
    pub(super) fn at_end(&mut self, id: i32) {
        let Some(index) = usize::try_from(id).ok().and_then(|id| *self.by_id.get(id)?) else {
            return;
        };
        self.parts[index].at_end = true;
        // An end now is not before the end at connecting, even where the last offsets hold no record (control records,
        // aborted or compacted ones).
        let end = self.parts[index].place.end;
        let partition = self.parts[index].place.partition;
        self.flush();
        match end {
            Some(end) => _ = self.reached(index, end),
            None => self.ready.push_back(ReadEvent::CaughtUp { partition }),
        }
        self.flush();
    }

    /// The client stands at this offset of a partition; true if that ends it.
    pub(super) fn position(&mut self, id: i32, position: i64) -> bool {
        let index = usize::try_from(id).ok().and_then(|id| *self.by_id.get(id)?);
        index.is_some_and(|index| self.reached(index, position))
    }

    /// Offsets of a partition are gone: what was taken is made ready, the loss is told, and it goes on behind it.
    pub(super) fn lose(&mut self, index: usize, loss: Loss) {
        self.flush();
        let part = &mut self.parts[index];
        (part.next, part.quiet_until, part.at_end) = (loss.next(), loss.next(), false);
        self.ready.push_back(loss.event(part.place.partition));
        self.reached(index, loss.next());
        self.flush();
    }

    fn reached(&mut self, index: usize, offset: i64) -> bool {
        let part = &mut self.parts[index];
        let ends = !part.ended && part.place.end.is_some_and(|end| offset >= end);
        if ends {
            part.ended = true;
            self.ended.push(part.place.id);
            self.fetched.push(part.place.id);
        }
        ends
    }

    /// Makes every block that has a record ready, and then tells which partitions have ended.
    pub(super) fn flush(&mut self) {
        for part in &mut self.parts {
            if !part.records.is_empty() {
                self.ready.push_back(ReadEvent::Block(part.block()));
            }
        }
        self.filling_bytes = 0;
        self.filling_records = 0;
        for id in &self.ended {
            let index = self.by_id[*id as usize];
            let partition = index.map(|index| self.parts[index].place.partition);
            self.ready.extend(partition.map(|partition| ReadEvent::Ended { partition }));
        }
        self.ended.clear();
    }

    /// The ids of partitions that ended since this was last asked: there is no use in fetching them on.
    pub(super) fn take_fetched(&mut self) -> Vec<i32> {
        std::mem::take(&mut self.fetched)
    }

    /// Whether something can be handed over.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next event, a block of at most `records_max`.
    pub(super) fn next_event(&mut self, records_max: usize) -> Option<ReadEvent> {
        let mut event = self.ready.pop_front()?;
        if let ReadEvent::Block(block) = &mut event
            && block.records.len() > records_max
        {
            // The block was filled when the caller wanted more at once.
            let rest = block.records.split_off(records_max);
            self.ready.push_front(ReadEvent::Block(Block {
                partition: block.partition,
                bytes: block.bytes.clone(),
                records: rest,
            }));
        }
        Some(event)
    }
}

impl Part {
    /// It was to begin at the oldest record, and nothing came yet: wherever that is now.
    pub(super) fn is_untouched(&self) -> bool {
        self.place.is_oldest && self.next == self.place.begin
    }

    fn push(&mut self, message: &Message<'_>) {
        if self.records.is_empty() {
            self.bytes.reserve(self.last_bytes);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message.value);
        // A block is below 4 MiB before its last record, and a record below 1 GiB (librdkafka's receive.message.max.bytes).
        debug_assert!(u32::try_from(self.bytes.len()).is_ok());
        self.records.push(Record {
            start: start as u32,
            len: message.value.len() as u32,
            offset: message.offset,
            arrival_us: message.arrival_us,
            timestamp_ms: message.timestamp_ms,
        });
    }

    fn block(&mut self) -> Block {
        let bytes = std::mem::take(&mut self.bytes);
        let records = std::mem::take(&mut self.records);
        self.last_bytes = bytes.len().min(BLOCK_BYTES);
        Block { partition: self.place.partition, bytes: Arc::new(bytes), records }
    }
}
