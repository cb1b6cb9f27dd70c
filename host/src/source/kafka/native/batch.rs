//! Record batches (format 2) in a buffer: where each lies, whether it is whole, what its header says. The records within are for
//! `records`, packed ones for `unpack`.
//!
//! Source: Kafka's protocol guide, "Record Batch". Knows no partitions and no sockets.

use super::wire::Malformed;
use std::ops::Range;

/// Bytes from the batch's begin to its first record.
pub(super) const HEADER_BYTES: usize = 61;
/// Bytes that the batch's own length does not count: base offset and length.
const LENGTH_END: usize = 12;
/// Where what the checksum covers begins.
const CRC_END: usize = 21;

/// How a batch's records are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// A batch's header. Offsets of records are relative to `base_offset`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch {
    /// Its first byte in the buffer.
    pub(super) start: usize,
    /// The byte after its last.
    pub(super) end: usize,
    pub(super) base_offset: i64,
    /// The offset after its last one; offsets that compaction removed are counted.
    pub(super) next_offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) codec: Codec,
    /// Timestamps are those of appending, one for the whole batch.
    pub(super) is_append_time: bool,
    pub(super) is_transactional: bool,
    pub(super) is_control: bool,
    pub(super) base_timestamp_ms: i64,
    pub(super) max_timestamp_ms: i64,
    pub(super) producer_id: i64,
    pub(super) records: u32,
}

/// The next batch at `at`, its checksum not looked at. `None`: what is left is only a part of one, as brokers send at the end of
/// what was asked for.
pub(super) fn next(bytes: &[u8], at: usize) -> Result<Option<Batch>, Malformed> {
    let Some(head) = bytes.get(at..).and_then(|rest| rest.get(..HEADER_BYTES)) else {
        return check_magic(bytes, at).map(|()| None);
    };
    check_magic(bytes, at)?;
    let len = usize::try_from(int32(head, 8)).map_err(|_| Malformed("a record batch has a negative length"))?;
    let end = at + LENGTH_END + len;
    if end < at + HEADER_BYTES {
        return Err(Malformed("a record batch is shorter than its header"));
    }
    if end > bytes.len() {
        return Ok(None);
    }
    header(head, at, end).map(Some)
}

/// A batch of an older format has another header; its sixteenth byte tells.
fn check_magic(bytes: &[u8], at: usize) -> Result<(), Malformed> {
    match bytes.get(at + 16) {
        Some(2) | None => Ok(()),
        Some(0 | 1) => {
            Err(Malformed("a record batch has the old format 0 or 1; read the topic with `client = \"librdkafka\"`"))
        }
        Some(_) => Err(Malformed("a record batch has an unknown format")),
    }
}

fn header(head: &[u8], start: usize, end: usize) -> Result<Batch, Malformed> {
    let attributes = int16(head, 21);
    let base_offset = int64(head, 0);
    let last_delta = int32(head, 23);
    let next_offset = base_offset.checked_add(i64::from(last_delta) + 1);
    let records =
        u32::try_from(int32(head, 57)).map_err(|_| Malformed("a record batch has a negative number of records"))?;
    if last_delta < 0 || base_offset < 0 {
        return Err(Malformed("a record batch has a negative offset"));
    }
    Ok(Batch {
        start,
        end,
        base_offset,
        next_offset: next_offset.ok_or(Malformed("the offsets of a record batch don't fit 64 bits"))?,
        leader_epoch: int32(head, 12),
        codec: match attributes & 7 {
            0 => Codec::None,
            1 => Codec::Gzip,
            2 => Codec::Snappy,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            _ => return Err(Malformed("a record batch is packed with an unknown codec")),
        },
        is_append_time: attributes & 8 != 0,
        is_transactional: attributes & 16 != 0,
        is_control: attributes & 32 != 0,
        base_timestamp_ms: int64(head, 27),
        max_timestamp_ms: int64(head, 35),
        producer_id: int64(head, 43),
        records,
    })
}

/// Whether the batch is as it was written: CRC-32C from the attributes to its end.
pub(super) fn check_sum(bytes: &[u8], batch: &Batch) -> Result<(), Malformed> {
    let whole = bytes.get(batch.start..batch.end).ok_or(Malformed("a record batch lies outside of its buffer"))?;
    let told = int32(whole, 17) as u32;
    if crc32c::crc32c(&whole[CRC_END..]) == told {
        Ok(())
    } else {
        Err(Malformed("the checksum of a record batch is wrong"))
    }
}

/// Whether a control batch says that its producer's transaction was aborted; its first record's key is version and type.
pub(super) fn is_abort(bytes: &[u8], batch: &Batch) -> bool {
    let record = bytes.get(batch.start + HEADER_BYTES..batch.end).unwrap_or_default();
    super::records::first_key(record).is_some_and(|key| key.len() >= 4 && key[2..4] == [0, 0])
}

/// The offset after the last whole batch in this range, and that batch's leader epoch; `None` where there is no whole one.
///
/// Base offsets and epochs are not under the checksum, so they are held against what is known: batches rise, the first one reaches beyond
/// `from`, which was asked for, and none is of a later epoch than the leader's. Not against the end that the broker tells: it looks at that
/// before it reads, and may send more.
pub(super) fn reach(
    bytes: &[u8],
    range: Range<usize>,
    from: i64,
    leader_epoch: i32,
) -> Result<Option<(i64, i32)>, Malformed> {
    let bytes = bytes.get(..range.end).ok_or(Malformed("record batches lie outside of their answer"))?;
    let (mut at, mut reached, mut least) = (range.start, None, 0);
    while let Some(batch) = next(bytes, at)? {
        if batch.base_offset < least || batch.next_offset <= from {
            return Err(Malformed("a record batch has an offset that does not belong there"));
        }
        if leader_epoch >= 0 && batch.leader_epoch > leader_epoch {
            return Err(Malformed("a record batch is of a later epoch than its leader"));
        }
        (at, least) = (batch.end, batch.next_offset);
        reached = Some((batch.next_offset, batch.leader_epoch));
    }
    Ok(reached)
}

fn int16(head: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([head[at], head[at + 1]])
}

fn int32(head: &[u8], at: usize) -> i32 {
    i32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn int64(head: &[u8], at: usize) -> i64 {
    (i64::from(int32(head, at)) << 32) | i64::from(int32(head, at + 4) as u32)
}
