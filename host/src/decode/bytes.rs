//! Looking at many bytes at once in a register, safe and portable. Knows bytes only.

use super::raw::{Chunk, Scan, Work};

/// Looking at chunks without asking the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

impl Scan for Portable {
    #[inline(always)]
    fn stops(self, chunk: &Chunk) -> u64 {
        let (words, _) = chunk.as_chunks::<8>();
        for (place, word) in words.iter().enumerate() {
            let stops = stops_8(u64::from_le_bytes(*word));
            if stops != 0 {
                // The first stop is what is asked for; whatever comes after it may be told or not.
                return stops << (8 * place);
            }
        }
        0
    }

    #[inline(always)]
    fn is_ascii(self, chunk: &Chunk) -> bool {
        chunk.iter().fold(0, |all, byte| all | byte) < 0x80
    }

    #[inline(always)]
    fn same(self, bytes: &[u8; 16], as_these: &[u8; 16], mask: &[u8; 16]) -> bool {
        (u128::from_le_bytes(*bytes) ^ u128::from_le_bytes(*as_these)) & u128::from_le_bytes(*mask) == 0
    }

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Done {
        work.run(self)
    }
}

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = EACH * 0x80;

/// The high bit of each byte that ends a plain part of a string. No carry leaves a byte: sums stay below 256.
#[inline(always)]
fn stop_bytes(word: u64) -> u64 {
    let low = word & !HIGH_BITS;
    let not_control = low + EACH * (0x80 - 0x20);
    let not_quote = (low ^ (EACH * u64::from(b'"'))) + EACH * 0x7f;
    let not_backslash = (low ^ (EACH * u64::from(b'\\'))) + EACH * 0x7f;
    !(word | (not_control & not_quote & not_backslash)) & HIGH_BITS
}

/// One bit a byte, the first byte's lowest.
#[inline(always)]
fn stops_8(word: u64) -> u64 {
    // Byte i's bit goes to bit 56 + i: of the product's terms each place gets one, and none carries.
    (stop_bytes(word) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The end of the plain bytes from `at` on: the place of the first quote, backslash or control character, or the end.
pub(super) fn plain_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let (words, last) = rest.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let stops = stop_bytes(u64::from_le_bytes(*word));
        if stops != 0 {
            return at + 8 * place + stops.trailing_zeros() as usize / 8;
        }
    }
    let plain = last.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').unwrap_or(last.len());
    at + 8 * words.len() + plain
}

/// Eight bytes from `at` on, the first lowest; zeros where the end comes before. `None` if there are fewer than 8 in all.
#[inline(always)]
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    if let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        return Some(u64::from_le_bytes(*chunk));
    }
    let missing = 8 - bytes.len().checked_sub(at).filter(|&left| left > 0)?;
    bytes.last_chunk().map(|chunk| u64::from_le_bytes(*chunk) >> (8 * missing))
}

#[cfg(test)]
mod tests {
    use super::{Portable, plain_end, word};
    use crate::decode::raw::{Chunk, Scan};

    fn is_stop(byte: u8) -> bool {
        byte < 0x20 || byte == b'"' || byte == b'\\'
    }

    #[test]
    fn every_byte_at_every_place() {
        for len in 0..40 {
            for place in 0..len {
                for byte in 0..=255u8 {
                    let mut bytes = vec![b'x'; len];
                    bytes[place] = byte;
                    for start in 0..=place {
                        let expected = if is_stop(byte) { place } else { len };
                        assert_eq!(plain_end(&bytes, start), expected, "{byte} at {place} of {len}");
                    }
                }
            }
        }
        assert_eq!([plain_end(b"", 0), plain_end(b"xxx", 3), plain_end(b"xxx", 9)], [0, 3, 9]);
    }

    #[test]
    fn chunks_portably_and_by_the_machine() {
        for byte in 0..=255u8 {
            for fill in [b'x', 0x80, 0xff, b' ', b'!', b'#'] {
                for place in 0..64 {
                    let mut chunk: Chunk = [fill; 64];
                    chunk[place] = byte;
                    let expected = if is_stop(byte) { place as u32 } else { 64 };
                    assert_eq!(Portable.stops(&chunk).trailing_zeros(), expected);
                    #[cfg(target_arch = "x86_64")]
                    if let Some(avx2) = crate::decode::raw::Avx2::detect() {
                        assert_eq!(avx2.stops(&chunk).trailing_zeros(), expected);
                    }
                }
            }
        }
    }

    #[test]
    fn words() {
        assert_eq!(word(b"123456789", 1), Some(u64::from_le_bytes(*b"23456789")));
        assert_eq!(word(b"123456789", 2), Some(u64::from_le_bytes(*b"3456789\0")));
        assert_eq!(word(b"123456789", 8), Some(u64::from(b'9')));
        assert_eq!(word(b"1234567", 0), None);
        assert_eq!(word(&[b'x'; 20], 20), None);
    }
}
