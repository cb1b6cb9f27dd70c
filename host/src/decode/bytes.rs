//! Looking at many bytes at once: where the plain part of a string ends. Safe and portable; on x86-64 through SSE2, which is always
//! there. Knows bytes only.

/// The end of the plain bytes from `at` on: the place of the first quote, backslash or control character, or the end. `high` is
/// not 0 afterwards if one of the bytes looked at is above 127 (a few around the plain ones may be looked at too).
#[inline(always)]
pub(super) fn plain_end(bytes: &[u8], mut at: usize, high: &mut u32) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let (stops, above) = stops_16(chunk);
        *high |= above;
        if stops != 0 {
            return at + stops.trailing_zeros() as usize;
        }
        at += 16;
    }
    last_plain_end(bytes, at, high)
}

/// The same for fewer than 16 bytes: looks at the last 16 and ignores those before.
fn last_plain_end(bytes: &[u8], at: usize, high: &mut u32) -> usize {
    let left = bytes.len().saturating_sub(at);
    if let Some(chunk) = bytes.last_chunk() {
        let (stops, above) = stops_16(chunk);
        *high |= above;
        let stops = (stops >> (16 - left)) | 1 << left;
        return at + stops.trailing_zeros() as usize;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    *high |= rest.iter().fold(0, |high, byte| high | u32::from(byte >> 7));
    at + rest.iter().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').unwrap_or(left)
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

/// Bit by bit: which of the bytes end a plain part, which are above 127.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn stops_16(chunk: &[u8; 16]) -> (u32, u32) {
    // SAFETY: SSE2 is part of every x86-64; the compiler only asks because the intrinsics name it. `std::simd` is not stable and
    // memchr, which has this loop, can't look for a range of bytes.
    unsafe { stops_16_sse2(chunk) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn stops_16_sse2(chunk: &[u8; 16]) -> (u32, u32) {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    };
    let value = u128::from_le_bytes(*chunk);
    let bytes = _mm_set_epi64x((value >> 64) as i64, value as i64);
    let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
    let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
    let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    let stops = _mm_or_si128(_mm_or_si128(quote, backslash), control);
    (_mm_movemask_epi8(stops) as u32, _mm_movemask_epi8(bytes) as u32)
}

/// Bit by bit: which of the bytes end a plain part, which are above 127.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn stops_16(chunk: &[u8; 16]) -> (u32, u32) {
    portable_stops_16(chunk)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable_stops_16(chunk: &[u8; 16]) -> (u32, u32) {
    let (mut stops, mut high) = (0, 0);
    for (place, &byte) in chunk.iter().enumerate() {
        stops |= u32::from(byte < 0x20 || byte == b'"' || byte == b'\\') << place;
        high |= u32::from(byte >> 7) << place;
    }
    (stops, high)
}

#[cfg(test)]
mod tests {
    use super::{plain_end, portable_stops_16, stops_16, word};

    #[test]
    fn every_byte_at_every_place() {
        for len in 0..40 {
            for place in 0..len {
                for byte in 0..=255u8 {
                    let mut bytes = vec![b'x'; len];
                    bytes[place] = byte;
                    let stops = byte < 0x20 || byte == b'"' || byte == b'\\';
                    for start in 0..=place {
                        let mut high = 0;
                        let expected = if stops { place } else { len };
                        assert_eq!(plain_end(&bytes, start, &mut high), expected, "{byte} at {place} of {len}");
                        assert_eq!(high != 0, byte >= 0x80);
                    }
                    if let Some(chunk) = bytes.first_chunk() {
                        assert_eq!(stops_16(chunk), portable_stops_16(chunk));
                    }
                }
            }
        }
    }

    #[test]
    fn a_start_at_or_beyond_the_end() {
        for (len, start) in [(0, 0), (3, 3), (20, 20)] {
            assert_eq!(plain_end(&vec![b'x'; len], start, &mut 0), start);
            assert_eq!(word(&vec![b'x'; len], start), None);
        }
    }

    #[test]
    fn words() {
        assert_eq!(word(b"123456789", 1), Some(u64::from_le_bytes(*b"23456789")));
        assert_eq!(word(b"123456789", 2), Some(u64::from_le_bytes(*b"3456789\0")));
        assert_eq!(word(b"123456789", 8), Some(u64::from(b'9')));
        assert_eq!(word(b"1234567", 0), None);
    }
}
