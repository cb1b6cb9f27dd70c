//! What one answer brought for one partition, on its way into blocks: batches are checked and unpacked as they are needed, and plain
//! ones are handed over where they lie.
//!
//! It knows batches and offsets; no sockets, no brokers. Everything that comes in may be broken, and is then said to be.

use super::batch::{self, Batch, Codec, HEADER_BYTES};
use super::records::Span;
use super::unpack;
use super::wire::Malformed;
use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use weir_core::block::Record;

/// A block is full with this much unpacked.
const BLOCK_BYTES: usize = 4 << 20;

/// Batches of one partition.
#[derive(Debug)]
pub struct Chunk {
    frame: Arc<Vec<u8>>,
    /// What is not looked at yet, as a range of the frame.
    rest: Range<usize>,
    /// Spans with records to hand over, and the buffer that they lie in.
    spans: VecDeque<Span>,
    buffer: Arc<Vec<u8>>,
    aborts: Aborts,
    now_us: i64,
}

/// Records that were handed over, and how far that reaches.
#[derive(Debug, Default)]
pub struct Taken {
    /// Their buffer.
    pub bytes: Arc<Vec<u8>>,
    /// The records, offsets rising; none, where only offsets without records were passed.
    pub records: Vec<Record>,
    /// The offset to go on at, if it moved.
    pub next: Option<i64>,
    /// The leader's epoch of the last record, where there is one.
    pub epoch: i32,
    /// A record at or beyond the end was met: nothing more is wanted.
    pub is_beyond: bool,
}

impl Chunk {
    /// The batches in `range` of `frame`. `aborted` lists (producer, first offset) of aborted transactions, where only committed records
    /// are wanted; `now_us` is when the answer came.
    #[must_use]
    pub fn new(frame: Arc<Vec<u8>>, range: Range<usize>, aborted: Option<Vec<(i64, i64)>>, now_us: i64) -> Self {
        let buffer = Arc::clone(&frame);
        Self { frame, rest: range, spans: VecDeque::new(), buffer, aborts: Aborts::new(aborted), now_us }
    }

    /// Hands over records of offsets `from..until`, at most `records_max`; `None`: this chunk has no more.
    ///
    /// # Errors
    /// A batch is not what Kafka's format says; nothing of it was handed over.
    pub fn take(&mut self, (from, until): (i64, i64), records_max: usize) -> Result<Option<Taken>, Malformed> {
        let mut taken = Taken::default();
        if self.spans.is_empty() {
            taken.next = self.gather(from, records_max)?;
        }
        if self.spans.is_empty() {
            return Ok(taken.next.is_some().then_some(taken));
        }
        taken.bytes = Arc::clone(&self.buffer);
        taken.records.reserve(records_max.min(self.spans.iter().map(Span::left).sum()));
        while let Some(span) = self.spans.front_mut() {
            let (offsets, before) = ((from, until), taken.records.len());
            taken.is_beyond = span.read(&self.buffer, offsets, self.now_us, &mut taken.records, records_max)?;
            if taken.records.len() > before {
                taken.epoch = span.epoch();
            }
            if !span.is_done() {
                break;
            }
            taken.next = Some(span.next_offset());
            self.spans.pop_front();
        }
        if let Some(last) = taken.records.last() {
            taken.next = taken.next.max(Some(last.offset + 1));
        }
        Ok(Some(taken))
    }

    /// Checks batches and makes spans of them until there is enough for a block: plain ones, or packed ones into a buffer of their
    /// own. Returns the offset behind batches that hold no record for us, if the first ones were such.
    fn gather(&mut self, from: i64, records_max: usize) -> Result<Option<i64>, Malformed> {
        let (mut unpacked, mut passed, mut records) = (Vec::new(), None, 0);
        while records < records_max && unpacked.len() < BLOCK_BYTES {
            let Some(batch) = batch::next(&self.frame[..self.rest.end], self.rest.start)? else {
                self.rest.start = self.rest.end;
                break;
            };
            let is_packed = batch.codec != Codec::None;
            if !self.spans.is_empty() && is_packed == unpacked.is_empty() {
                break; // another buffer
            }
            batch::check_sum(&self.frame, &batch)?;
            let is_wanted = self.aborts.is_wanted(&self.frame, &batch) && batch.next_offset > from && batch.records > 0;
            if is_wanted {
                let body = batch.start + HEADER_BYTES..batch.end;
                let span = if is_packed {
                    let start = unpacked.len();
                    unpack::unpack(batch.codec, &self.frame[body], &mut unpacked)?;
                    Span::new(&batch, start, unpacked.len())
                } else {
                    Span::new(&batch, body.start, body.end)
                };
                self.spans.push_back(span);
                records += batch.records as usize;
            } else if self.spans.is_empty() {
                passed = Some(batch.next_offset);
            } else if let Some(last) = self.spans.back_mut() {
                last.pass(batch.next_offset);
            }
            self.rest.start = batch.end;
        }
        self.buffer = if unpacked.is_empty() { Arc::clone(&self.frame) } else { Arc::new(unpacked) };
        Ok(passed)
    }
}

/// Which batches belong to aborted transactions. Source: Kafka's consumer, `CompletedFetch`: a producer's batches count as aborted from
/// the first offset of one of its aborted transactions to the marker that ends it.
#[derive(Debug)]
struct Aborts {
    committed_only: bool,
    /// By first offset, falling.
    ahead: Vec<(i64, i64)>,
    producers: BTreeSet<i64>,
}

impl Aborts {
    fn new(aborted: Option<Vec<(i64, i64)>>) -> Self {
        let committed_only = aborted.is_some();
        let mut ahead = aborted.unwrap_or_default();
        ahead.sort_unstable_by_key(|(_, first)| std::cmp::Reverse(*first));
        Self { committed_only, ahead, producers: BTreeSet::new() }
    }

    /// Whether a batch holds records for us: it is no control batch and of no aborted transaction.
    fn is_wanted(&mut self, frame: &[u8], batch: &Batch) -> bool {
        while let Some((producer, _)) = self.ahead.pop_if(|(_, first)| *first < batch.next_offset) {
            self.producers.insert(producer);
        }
        if batch.is_control {
            if batch::is_abort(frame, batch) {
                self.producers.remove(&batch.producer_id);
            }
            return false;
        }
        !(self.committed_only && batch.is_transactional && self.producers.contains(&batch.producer_id))
    }
}
