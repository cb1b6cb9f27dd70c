//! All `unsafe` of the decoder: loads without a check of their own, and AVX2 where the machine has it. Knows bytes only.
//!
//! Why at all: with a check at each of the some two hundred loads of a short record, checks are half of the instructions; and
//! `std::arch` offers its instructions only to code that has asked the machine (`std::simd` is not stable, and memchr, which asks,
//! can't look for a range of bytes). Everything here is safe to call, whatever the arguments.

use std::marker::PhantomData;
use std::ptr::NonNull;

/// Bytes after a record that can always be looked at.
pub(super) const PADDING: usize = 64;

/// Bytes that are looked at together.
pub(super) type Chunk = [u8; 64];

/// What is left of a record to read.
///
/// Invariant: from `here` on, `left + PADDING` bytes are readable for `'a`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest<'a> {
    here: NonNull<u8>,
    left: usize,
    bytes: PhantomData<&'a [u8]>,
}

impl<'a> Rest<'a> {
    /// The record that is the first `len` bytes, if `PADDING` more follow, whatever they are.
    pub(super) fn new(bytes: &'a [u8], len: usize) -> Option<Self> {
        let here = NonNull::from(bytes).cast();
        (bytes.len().checked_sub(PADDING)? >= len).then_some(Self { here, left: len, bytes: PhantomData })
    }

    /// How many bytes are left.
    #[inline(always)]
    pub(super) fn left(self) -> usize {
        self.left
    }

    /// The next `N` bytes, at most [`PADDING`]; beyond the record's end they are whatever follows it.
    #[inline(always)]
    pub(super) fn chunk<const N: usize>(self) -> &'a [u8; N] {
        const { assert!(N <= PADDING) };
        // SAFETY: by the invariant at least `PADDING` bytes are readable, and the assertion holds `N` to that.
        unsafe { self.here.cast().as_ref() }
    }

    /// The next byte; beyond the end whatever follows.
    #[inline(always)]
    pub(super) fn first(self) -> u8 {
        self.chunk::<1>()[0]
    }

    /// What is left after `count` bytes, if there are so many.
    #[inline(always)]
    pub(super) fn after(self, count: usize) -> Option<Self> {
        if count > self.left {
            return beyond();
        }
        // SAFETY: `count` is at most `left`, so the new place is within what the invariant says, and what is readable from
        // there is as much as the new `left` needs.
        Some(Self { here: unsafe { self.here.add(count) }, left: self.left - count, ..self })
    }

    /// Whether all that is left is ASCII; perhaps false for the sake of what follows the record.
    #[inline(always)]
    pub(super) fn is_ascii<S: Scan>(mut self, scan: S) -> bool {
        let mut ascii = true;
        loop {
            ascii &= scan.is_ascii(self.chunk());
            match self.after(PADDING) {
                Some(rest) => self = rest,
                None => return ascii,
            }
        }
    }

    /// The next `count` bytes, if so many are left.
    #[inline(always)]
    pub(super) fn taken(self, count: usize) -> Option<&'a [u8]> {
        // SAFETY: `count` is at most `left`, and so many bytes are readable.
        (count <= self.left).then(|| unsafe { std::slice::from_raw_parts(self.here.as_ptr(), count) })
    }
}

/// Out of line, so that the usual way is straight.
#[cold]
fn beyond<'a>() -> Option<Rest<'a>> {
    None
}

/// How to look at a chunk: by what the machine has, or portably. The answers are the same.
pub(super) trait Scan: Copy {
    /// One bit a byte, the first byte's lowest: where the plain part of a string ends, at a quote, a backslash or a control character.
    fn stops(self, chunk: &Chunk) -> u64;

    /// Whether no byte is above 127.
    fn is_ascii(self, chunk: &Chunk) -> bool;

    /// Whether 16 bytes are those, in the bits of the mask.
    fn same(self, bytes: &[u8; 16], as_these: &[u8; 16], mask: &[u8; 16]) -> bool;

    /// Does a piece of work in code that is compiled for the machine.
    fn run<W: Work>(self, work: W) -> W::Done;
}

/// A piece of work that scans. `run` should be inlined always, and what it calls too: code that is not inlined is compiled for every machine.
pub(super) trait Work {
    type Done;
    fn run<S: Scan>(self, scan: S) -> Self::Done;
}

/// Proof that the machine has AVX2 and the bit operations that came with it: only [`Avx2::detect`] makes one.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// Asks the machine.
    pub(super) fn detect() -> Option<Self> {
        let all =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2");
        all.then_some(Self(()))
    }
}

#[cfg(target_arch = "x86_64")]
impl Scan for Avx2 {
    #[inline(always)]
    fn stops(self, chunk: &Chunk) -> u64 {
        // SAFETY: `self` exists, so the machine has AVX2.
        unsafe { x86::stops(chunk) }
    }

    #[inline(always)]
    fn is_ascii(self, chunk: &Chunk) -> bool {
        // SAFETY: `self` exists, so the machine has AVX2.
        unsafe { x86::is_ascii(chunk) }
    }

    #[inline(always)]
    fn same(self, bytes: &[u8; 16], as_these: &[u8; 16], mask: &[u8; 16]) -> bool {
        // SAFETY: `self` exists, so the machine has AVX2.
        unsafe { x86::same(bytes, as_these, mask) }
    }

    #[inline(always)]
    fn run<W: Work>(self, work: W) -> W::Done {
        // SAFETY: `self` exists, so the machine has what the function is compiled for.
        unsafe { x86::run(self, work) }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Avx2, Chunk, Work};
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm_testz_si128, _mm_xor_si128, _mm256_cmpeq_epi8, _mm256_loadu_si256,
        _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_xor_si256,
    };

    #[target_feature(enable = "avx2,bmi1,bmi2")]
    pub(super) fn run<W: Work>(scan: Avx2, work: W) -> W::Done {
        work.run(scan)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn same(bytes: &[u8; 16], as_these: &[u8; 16], mask: &[u8; 16]) -> bool {
        _mm_testz_si128(_mm_xor_si128(load_16(bytes), load_16(as_these)), load_16(mask)) == 1
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_16(from: &[u8; 16]) -> __m128i {
        // SAFETY: the array has the 16 bytes of the load, which asks for no alignment.
        unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_64(from: &Chunk) -> (__m256i, __m256i) {
        let start = from.as_ptr().cast::<__m256i>();
        // SAFETY: the chunk has 64 bytes, twice what a load takes, and the loads ask for no alignment.
        unsafe { (_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1))) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn is_ascii(chunk: &Chunk) -> bool {
        let (low, high) = load_64(chunk);
        _mm256_movemask_epi8(_mm256_or_si256(low, high)) == 0
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn stops(chunk: &Chunk) -> u64 {
        let (low, high) = load_64(chunk);
        u64::from(stops_32(low)) | u64::from(stops_32(high)) << 32
    }

    /// With bit 1 turned the quote comes to 0x20, just above the control characters, and the space to where the quote was.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn stops_32(bytes: __m256i) -> u32 {
        let turned = _mm256_xor_si256(bytes, _mm256_set1_epi8(0x02));
        let quote_or_control = _mm256_cmpeq_epi8(_mm256_min_epu8(turned, _mm256_set1_epi8(0x20)), turned);
        let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\' as i8));
        _mm256_movemask_epi8(_mm256_or_si256(quote_or_control, backslash)) as u32
    }
}
