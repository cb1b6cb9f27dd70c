//! Looking at many bytes at once: where the plain part of a string ends. Safe and portable; on x86-64 through SSE2, which is always
//! there. Knows bytes only.

/// The plain bytes at the start: those before a quote, a backslash or a control character. `non_ascii` is set if one of the
/// bytes looked at is above 127 (a few beyond the plain ones may be looked at too).
#[inline]
pub(super) fn plain_len(bytes: &[u8], non_ascii: &mut bool) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<16>() {
        let (stops, high) = stops_16(chunk);
        *non_ascii |= high != 0;
        if stops != 0 {
            return at + stops.trailing_zeros() as usize;
        }
        at += 16;
    }
    for &byte in &bytes[at..] {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            break;
        }
        *non_ascii |= byte >= 0x80;
        at += 1;
    }
    at
}

/// Bit by bit: which of the bytes end a plain part, which are above 127.
#[cfg(target_arch = "x86_64")]
#[inline]
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
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8,
    };
    let value = u128::from_le_bytes(*chunk);
    let bytes = _mm_set_epi64x((value >> 64) as i64, value as i64);
    let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
    let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
    let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    let stops = _mm_or_si128(_mm_or_si128(quote, backslash), control);
    (
        _mm_movemask_epi8(stops) as u32,
        _mm_movemask_epi8(bytes) as u32,
    )
}

/// Bit by bit: which of the bytes end a plain part, which are above 127.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
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
    use super::{plain_len, portable_stops_16, stops_16};

    #[test]
    fn every_byte_at_every_place() {
        for len in 0..40 {
            for place in 0..len {
                for byte in 0..=255u8 {
                    let mut bytes = vec![b'x'; len];
                    bytes[place] = byte;
                    let mut non_ascii = false;
                    let stops = byte < 0x20 || byte == b'"' || byte == b'\\';
                    assert_eq!(
                        plain_len(&bytes, &mut non_ascii),
                        if stops { place } else { len },
                        "{byte} at {place} of {len}"
                    );
                    assert_eq!(non_ascii, byte >= 0x80);
                    if let Some(chunk) = bytes.first_chunk() {
                        assert_eq!(stops_16(chunk), portable_stops_16(chunk));
                    }
                }
            }
        }
    }
}
