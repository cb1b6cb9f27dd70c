//! What a run of rows of one column comes to, for a KPI that folds runs at once: sums, and how many flags are set.
//!
//! Knows nothing of states. Loops take many values a turn, because with limits on a turn costs as much as a value.

use crate::number::Decimal;
use std::ops::Range;

/// Values a turn.
const TURN: usize = 16;
/// Bits a turn: what eight bytes hold, wherever in a byte they begin.
const BITS: usize = 56;

/// The sum of a run of decimals, at their scale. `None` where a sum on the way might not fit 64 bits, whatever the order.
#[inline]
pub fn sum((scale, mantissas): &(u8, &[i64]), rows: Range<usize>) -> Option<Decimal> {
    let mantissas = mantissas.get(rows)?;
    let (turns, rest) = mantissas.as_chunks::<TURN>();
    let (mut sums, mut magnitudes) = ([0_i64; 2], [0_i64; 2]);
    for turn in turns {
        // Two sums side by side: a vector of them.
        for pair in turn.as_chunks::<2>().0 {
            for side in 0..2 {
                sums[side] = sums[side].wrapping_add(pair[side]);
                magnitudes[side] |= pair[side] ^ (pair[side] >> 63);
            }
        }
    }
    let (mut sum, mut magnitude) = (sums[0].wrapping_add(sums[1]), magnitudes[0] | magnitudes[1]);
    for mantissa in rest {
        sum = sum.wrapping_add(*mantissa);
        magnitude |= mantissa ^ (mantissa >> 63);
    }
    // Every sum on the way is at most the number of values times the largest: 2^n × 2^m <= 2^62.
    let width = (usize::BITS - mantissas.len().leading_zeros()) + (64 - magnitude.leading_zeros());
    (width <= 62).then(|| Decimal::unchecked(sum, *scale))
}

/// How many of a run of flags are set.
#[inline]
pub fn ones(bits: &[u8], rows: Range<usize>) -> u64 {
    let mut ones = 0;
    let mut row = rows.start;
    while row < rows.end {
        let count = (rows.end - row).min(BITS);
        let word = word(bits, row / 8) >> (row % 8) & ((1 << count) - 1);
        ones += u64::from(word.count_ones());
        row += count;
    }
    ones
}

/// Eight bytes from this one on, zeros beyond the end.
#[inline(always)]
fn word(bytes: &[u8], first: usize) -> u64 {
    match bytes.get(first..).and_then(|bytes| bytes.first_chunk()) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => last_bytes(bytes.get(first..).unwrap_or_default()),
    }
}

/// Fewer than eight bytes are left.
#[cold]
fn last_bytes(left: &[u8]) -> u64 {
    left.iter().enumerate().fold(0, |word, (place, byte)| word | u64::from(*byte) << (place * 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::bitmap::bit;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_run_comes_to_what_its_rows_come_to(
            rows in prop::collection::vec((-1_i64 << 50..1 << 50, any::<u8>()), 1..300), cut in any::<(usize, usize)>()
        ) {
            let (mantissas, bits): (Vec<i64>, Vec<u8>) = rows.into_iter().unzip();
            let (a, b) = (cut.0 % mantissas.len(), cut.1 % mantissas.len());
            let run = a.min(b)..a.max(b);
            let wanted = mantissas[run.clone()].iter().sum::<i64>();
            prop_assert_eq!(sum(&(3, &mantissas), run.clone()).map(|sum| (sum.mantissa(), sum.scale())), Some((wanted, 3)));
            let run = a.min(b) * 8 + cut.1 % 8..a.max(b) * 8 + 8;
            prop_assert_eq!(ones(&bits, run.clone()), run.filter(|i| bit(&bits, *i)).count() as u64);
        }
    }

    #[test]
    fn a_sum_that_might_not_fit_is_none() {
        assert!(sum(&(0, &[1 << 60, 1 << 58]), 0..2).is_none());
        assert!(sum(&(0, &[1 << 59, -(1 << 59)]), 0..2).is_some());
        assert!(sum(&(0, &[i64::MIN; 40]), 0..40).is_none());
    }
}
