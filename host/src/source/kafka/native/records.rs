//! The records of one batch, unpacked: ranges in their buffer, nothing copied. Keys and headers are gone over.
//!
//! Source: Kafka's protocol guide, "Record". Knows no partitions and no sockets.

use super::batch::Batch;
use super::wire::Malformed;
use weir_core::block::{NO_TIMESTAMP, Record};

/// The records of a batch that were not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Where the next record begins in the buffer.
    at: usize,
    /// The byte after the last record.
    end: usize,
    left: u32,
    base_offset: i64,
    /// The least offset that the next record can have, and the first that none can have.
    least: i64,
    end_offset: i64,
    /// The offset to go on at once all were read.
    next_offset: i64,
    epoch: i32,
    base_timestamp_ms: i64,
    append_ms: Option<i64>,
}

const DAMAGED: Malformed = Malformed("a record does not fit its batch");

impl Span {
    /// The records of `batch` that lie in `start..end` of a buffer.
    pub(super) fn new(batch: &Batch, start: usize, end: usize) -> Self {
        Self {
            at: start,
            end,
            left: batch.records,
            base_offset: batch.base_offset,
            least: batch.base_offset,
            end_offset: batch.next_offset,
            next_offset: batch.next_offset,
            epoch: batch.leader_epoch,
            base_timestamp_ms: batch.base_timestamp_ms,
            append_ms: batch.is_append_time.then_some(batch.max_timestamp_ms),
        }
    }

    /// Whether all were read.
    pub(super) fn is_done(&self) -> bool {
        self.left == 0
    }

    /// How many were not read.
    pub(super) fn left(&self) -> usize {
        self.left as usize
    }

    /// The leader's epoch of its batch.
    pub(super) fn epoch(&self) -> i32 {
        self.epoch
    }

    /// The offset to go on at once all were read.
    pub(super) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Batches without a record for us follow, up to this offset.
    pub(super) fn pass(&mut self, next_offset: i64) {
        self.next_offset = next_offset;
    }

    /// Reads records of offsets `from..until` onto `records` until it holds `records_max`; true where a record at or beyond `until` was met.
    /// `now_us` is the arrival where the topic keeps no append time.
    pub(super) fn read(
        &mut self,
        buffer: &[u8],
        (from, until): (i64, i64),
        now_us: i64,
        records: &mut Vec<Record>,
        records_max: usize,
    ) -> Result<bool, Malformed> {
        while self.left > 0 && records.len() < records_max {
            let (record, end) = self.one(buffer, now_us)?;
            if record.offset < self.least || record.offset >= self.end_offset {
                return Err(Malformed("a record's offset does not lie in its batch, behind the one before"));
            }
            if record.offset >= until {
                return Ok(true);
            }
            self.at = end;
            self.left -= 1;
            self.least = record.offset + 1;
            if record.offset >= from {
                records.push(record);
            }
        }
        if self.left == 0 && self.at != self.end {
            return Err(Malformed("a record batch holds more than its records"));
        }
        Ok(false)
    }

    #[inline]
    fn one(&self, buffer: &[u8], now_us: i64) -> Result<(Record, usize), Malformed> {
        let bytes = buffer.get(..self.end).ok_or(DAMAGED)?;
        let mut at = self.at;
        let len = varint(bytes, &mut at)?;
        let end = usize::try_from(len).ok().and_then(|len| at.checked_add(len)).filter(|end| *end <= self.end);
        let end = end.ok_or(DAMAGED)?;
        at += 1; // attributes, of which there are none yet
        let timestamp_delta = varint(bytes, &mut at)?;
        let offset_delta = varint(bytes, &mut at)?;
        at += usize::try_from(varint(bytes, &mut at)?.max(0)).map_err(|_| DAMAGED)?; // the key; -1 is null
        let value = usize::try_from(varint(bytes, &mut at)?.max(0)).map_err(|_| DAMAGED)?;
        let value_end = at.checked_add(value).filter(|value_end| *value_end <= end).ok_or(DAMAGED)?;
        let timestamp_ms = self.append_ms.unwrap_or_else(|| self.base_timestamp_ms.wrapping_add(timestamp_delta));
        let timestamp_ms = if timestamp_ms == -1 { NO_TIMESTAMP } else { timestamp_ms };
        let record = Record {
            start: u32::try_from(at).map_err(|_| DAMAGED)?,
            len: (value_end - at) as u32,
            offset: self.base_offset.checked_add(offset_delta).ok_or(DAMAGED)?,
            arrival_us: self.append_ms.map_or(now_us, |ms| ms.saturating_mul(1000)),
            timestamp_ms,
        };
        Ok((record, end))
    }
}

/// The key of the first record in these bytes.
pub(super) fn first_key(bytes: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    varint(bytes, &mut at).ok()?;
    at += 1;
    varint(bytes, &mut at).ok()?;
    varint(bytes, &mut at).ok()?;
    let len = usize::try_from(varint(bytes, &mut at).ok()?).ok()?;
    bytes.get(at..at.checked_add(len)?)
}

/// A zigzag varint of up to ten bytes; most have one or two.
#[inline(always)]
fn varint(bytes: &[u8], at: &mut usize) -> Result<i64, Malformed> {
    let Some(&[first, second]) = bytes.get(*at..*at + 2) else { return long_varint(bytes, at) };
    if first < 0x80 {
        *at += 1;
        return Ok(i64::from(first >> 1) ^ -i64::from(first & 1));
    }
    if second < 0x80 {
        *at += 2;
        let value = i64::from(first & 0x7f) | i64::from(second) << 7;
        return Ok((value >> 1) ^ -(value & 1));
    }
    long_varint(bytes, at)
}

#[inline(never)]
fn long_varint(bytes: &[u8], at: &mut usize) -> Result<i64, Malformed> {
    let mut value = 0_u64;
    let mut shift = 0;
    loop {
        let byte = *bytes.get(*at).ok_or(DAMAGED)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
        shift += 7;
        if shift > 63 {
            return Err(DAMAGED);
        }
    }
}
