//! Packed record batches: gzip, snappy, lz4, zstd onto the end of a buffer, bounded.

use super::batch::Codec;
use super::wire::Malformed;
use std::io::Read;

/// What one batch may unpack to: beyond any honest batch, and small enough that a bomb does no harm.
pub(super) const BATCH_BYTES_MAX: usize = 256 << 20;

/// The mark of snappy's framing by the Java clients, followed by two versions of four bytes each.
const XERIAL: &[u8] = b"\x82SNAPPY\0";
const XERIAL_HEAD_BYTES: usize = 16;

/// Unpacks a batch's records onto the end of `onto`.
///
/// # Errors
/// What is packed is broken, or unpacks to more than [`BATCH_BYTES_MAX`].
pub(super) fn unpack(codec: Codec, packed: &[u8], onto: &mut Vec<u8>) -> Result<(), Malformed> {
    match codec {
        Codec::None => {
            onto.extend_from_slice(packed);
            Ok(())
        }
        Codec::Gzip => read(flate2::read::MultiGzDecoder::new(packed), onto),
        Codec::Snappy => snappy(packed, onto),
        Codec::Lz4 => read(lz4_flex::frame::FrameDecoder::new(packed), onto),
        Codec::Zstd => read(zstd::Decoder::with_buffer(packed).map_err(|_| BROKEN)?, onto),
    }
}

const BROKEN: Malformed = Malformed("a record batch can't be unpacked");
const TOO_LARGE: Malformed = Malformed("a record batch unpacks to more than 256 MiB");

fn read(packed: impl Read, onto: &mut Vec<u8>) -> Result<(), Malformed> {
    let before = onto.len();
    let read = packed.take(BATCH_BYTES_MAX as u64 + 1).read_to_end(onto).map_err(|_| BROKEN)?;
    if read > BATCH_BYTES_MAX {
        onto.truncate(before);
        return Err(TOO_LARGE);
    }
    Ok(())
}

/// Snappy: one raw block (librdkafka), or blocks each behind its length (the Java clients).
fn snappy(packed: &[u8], onto: &mut Vec<u8>) -> Result<(), Malformed> {
    if !packed.starts_with(XERIAL) {
        return snappy_block(packed, onto, BATCH_BYTES_MAX);
    }
    let before = onto.len();
    let mut rest = packed.get(XERIAL_HEAD_BYTES..).ok_or(BROKEN)?;
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let block = after.get(..u32::from_be_bytes(*len) as usize).ok_or(BROKEN)?;
        snappy_block(block, onto, BATCH_BYTES_MAX - (onto.len() - before))?;
        rest = &after[block.len()..];
    }
    if rest.is_empty() { Ok(()) } else { Err(BROKEN) }
}

fn snappy_block(packed: &[u8], onto: &mut Vec<u8>, bytes_max: usize) -> Result<(), Malformed> {
    let len = snap::raw::decompress_len(packed).map_err(|_| BROKEN)?;
    if len > bytes_max {
        return Err(TOO_LARGE);
    }
    let before = onto.len();
    onto.resize(before + len, 0);
    let written = snap::raw::Decoder::new().decompress(packed, &mut onto[before..]).map_err(|_| BROKEN)?;
    onto.truncate(before + written);
    Ok(())
}
