//! A small memory of keys met lately: most rows are answered by two loads and one comparison of fixed length, without a hash of
//! all bytes and without a search.
//!
//! A key has a few places; where they are taken, it drives out the key of the first. So it answers from what it remembers or not
//! at all, and whoever picks keys that share places makes it useless, not wrong. Knows no table.

use crate::slots::NONE;

/// Places at first and at the most, 24 bytes each: they are to stay in the processor's nearest caches beside everything else.
const PLACES: (usize, usize) = (1 << 8, 1 << 12);
/// With more keys than this the table alone is faster: most keys would be driven out before they come again.
const KEYS_MAX: usize = PLACES.1 / 4;
/// Places that a key may have, side by side.
const WAYS: usize = 2;

/// The first so many bytes of eight.
const MASKS: [u64; 9] =
    [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff, 0xff_ffff_ffff, 0xffff_ffff_ffff, 0xff_ffff_ffff_ffff, u64::MAX];

/// What tells keys apart: up to sixteen bytes and the length; a longer key needs a look at the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print {
    first: u64,
    last: u64,
    len: u32,
}

impl Print {
    /// Of the key `bytes[start..start + len]`. What follows the key in `bytes` may be read, but does not count.
    #[inline]
    pub(super) fn of(bytes: &[u8], start: usize, len: usize) -> Self {
        let eight = |at: usize| bytes.get(at..).and_then(|bytes| bytes.first_chunk()).copied().map(u64::from_le_bytes);
        // Without a branch on the length, which a stream of names makes unforeseeable.
        let (Some(first), Some(last)) = (eight(start), eight(start + len.saturating_sub(8))) else {
            return Self::of_last(bytes, start, len);
        };
        let mask = MASKS[len.min(8)];
        Self { first: first & mask, last: last & mask, len: len as u32 }
    }

    /// At the end of the bytes.
    #[cold]
    fn of_last(bytes: &[u8], start: usize, len: usize) -> Self {
        let mut padded = vec![0; len + 8];
        let key = bytes.get(start..start + len).unwrap_or_default();
        padded[..key.len()].copy_from_slice(key);
        Self::of(&padded, 0, len)
    }

    /// Whether equal prints mean equal keys.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        self.len <= 16
    }

    #[inline]
    fn set(&self, sets: usize) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(23) ^ u64::from(self.len)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40) as usize & (sets - 1)
    }
}

/// Prints and the numbers of their keys.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// A power of two; none until the first key.
    sets: Vec<[Met; WAYS]>,
}

/// A key met lately: its print, and its number.
#[derive(Debug, Clone, Copy)]
struct Met {
    first: u64,
    last: u64,
    len: u32,
    number: u32,
}

/// Holds no key.
const EMPTY: Met = Met { first: 0, last: 0, len: 0, number: NONE };

impl Met {
    /// The number if it has this print, else `NONE`, which is all ones.
    #[inline]
    fn number_of(&self, print: &Print) -> u32 {
        let bits = (self.first ^ print.first) | (self.last ^ print.last) | u64::from(self.len ^ print.len);
        self.number | u32::from(bits != 0).wrapping_neg()
    }
}

impl Recent {
    /// The number of a key with this print. Unless the print is whole, another key may have it.
    #[inline]
    pub(super) fn get(&self, print: &Print) -> Option<u32> {
        let [a, b] = self.sets.get(print.set(self.sets.len().max(1)))?;
        // Both are looked at before anything is decided: which one it is can't be foreseen.
        let number = a.number_of(print) & b.number_of(print);
        (number != NONE).then_some(number)
    }

    /// Whether it pays to ask, with so many keys known.
    #[inline]
    pub(super) fn pays(keys: usize) -> bool {
        keys <= KEYS_MAX
    }

    /// Remembers a key that is not known here; `keys` are how many there are, which says how much memory is worth it.
    pub(super) fn remember(&mut self, print: Print, number: u32, keys: usize) {
        if keys > KEYS_MAX {
            self.sets = Vec::new();
            return;
        }
        let wanted = (keys * 4).next_power_of_two().clamp(PLACES.0, PLACES.1) / WAYS;
        if wanted > self.sets.len() {
            self.sets = vec![[EMPTY; WAYS]; wanted];
        }
        let place = print.set(self.sets.len());
        let set = &mut self.sets[place];
        // The new one first, the one before it next to it; of two keys with one print only the later.
        let before = if set[0].number_of(&print) == NONE { set[0] } else { EMPTY };
        *set = [Met { first: print.first, last: print.last, len: print.len, number }, before];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_whole_print_is_its_key(bytes in prop::collection::vec(0..3_u8, 0..40), a in 0..40_usize, b in 0..40_usize, a_len in 0..20_usize, b_len in 0..20_usize) {
            let key = |start: usize, len: usize| {
                let start = start.min(bytes.len());
                (start, len.min(bytes.len() - start))
            };
            let ((a, a_len), (b, b_len)) = (key(a, a_len), key(b, b_len));
            let (first, second) = (Print::of(&bytes, a, a_len), Print::of(&bytes, b, b_len));
            let same = bytes[a..a + a_len] == bytes[b..b + b_len];
            prop_assert!(!same || first == second);
            prop_assert!(same || first != second || !first.is_whole());
        }
    }

    #[test]
    fn memory_grows_with_keys_to_a_bound() {
        let mut recent = Recent::default();
        let print = Print::of(b"a", 0, 1);
        assert_eq!(recent.get(&print), None);
        for (keys, places) in [(1, PLACES.0), (PLACES.0, PLACES.0 * 4), (KEYS_MAX, PLACES.1), (1, PLACES.1)] {
            recent.remember(print, 7, keys);
            assert_eq!((recent.sets.len() * WAYS, recent.get(&print)), (places, Some(7)));
        }
        recent.remember(print, 7, KEYS_MAX + 1);
        assert_eq!((recent.sets.len(), recent.get(&print)), (0, None));
    }
}
