//! Loops over whole columns, for a preprocessor that works on a block of rows at once: sums over lists, and which of two words
//! a text is.
//!
//! Each gives `None` where a row is out of the ordinary (a null, an empty list, a sum that might not fit): the block then goes row
//! by row, and the rows say what is wrong. Loops take eight values a turn, because with limits on a turn costs as much as a value.

use super::bitmap::all_ones;
use super::list::Lists;
use super::scalar::Texts;
use crate::number::Decimal;
use std::ops::Range;

/// Values a turn.
const TURN: usize = 8;

/// A column of lists in which lists and elements may be null.
type NullableLists<'a, T> = (Lists<'a, Option<T>>, Option<&'a [u8]>);
/// A column of texts that may be null.
type NullableTexts<'a> = (Texts<'a>, Option<&'a [u8]>);

/// For each row the sum of price × quantity, at the scale of the prices, and the sum of the quantities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// The scale of `products`.
    pub scale: u8,
    /// The mantissas of the sums of products.
    pub products: Vec<i64>,
    /// The sums of the quantities.
    pub quantities: Vec<i64>,
}

/// The totals of the items of `rows`. `None` where a list is empty, null or longer in one column than in the other, an element is
/// null, or the numbers are so large that a sum over the block might not fit 64 bits.
pub fn totals(
    (prices, price_lists): &NullableLists<'_, Decimal>,
    (quantities, quantity_lists): &NullableLists<'_, i64>,
    rows: Range<usize>,
) -> Option<Totals> {
    if !valid(price_lists, rows.clone()) || !valid(quantity_lists, rows.clone()) {
        return None;
    }
    let offsets = prices.offsets.get(rows.start..=rows.end)?;
    if !same(offsets, quantities.offsets.get(rows.start..=rows.end)?) {
        return None;
    }
    let elements = *offsets.first()? as usize..*offsets.last()? as usize;
    let (((scale, prices), prices_valid), (quantities, quantities_valid)) = (&prices.values, &quantities.values);
    if !valid(prices_valid, elements.clone()) || !valid(quantities_valid, elements.clone()) {
        return None;
    }
    let (prices, quantities) = (prices.get(elements.clone())?, quantities.get(elements)?);
    let running = Running::of(prices, quantities)?;
    Some(Totals {
        scale: *scale,
        products: differences(offsets, &running.products)?,
        quantities: differences(offsets, &running.quantities)?,
    })
}

/// A bitmap of `rows`, 1 where the text is `yes` and 0 where it is `no`; `None` where there is any other, or a null.
///
/// Both words have at most eight bytes.
pub fn either((texts, validity): &NullableTexts<'_>, rows: Range<usize>, yes: &str, no: &str) -> Option<Vec<u8>> {
    if !valid(validity, rows.clone()) {
        return None;
    }
    let offsets = texts.offsets().get(rows.start..=rows.end)?;
    let bytes = texts.bytes();
    let (yes, no) = (Word::new(yes)?, Word::new(no)?);
    let mut bits = Vec::with_capacity(rows.len().div_ceil(TURN));
    let (mut start, mut other) = (*offsets.first()?, false);
    let mut bit = |end: u32| {
        let word = Word::at(bytes, start, end);
        start = end;
        other |= !(word.is(yes) | word.is(no));
        u8::from(word.is(yes))
    };
    let (turns, rest) = offsets[1..].as_chunks::<TURN>();
    for [a, b, c, d, e, f, g, h] in turns {
        let low = bit(*a) | bit(*b) << 1 | bit(*c) << 2 | bit(*d) << 3;
        bits.push(low | bit(*e) << 4 | bit(*f) << 5 | bit(*g) << 6 | bit(*h) << 7);
    }
    if !rest.is_empty() {
        bits.push(rest.iter().enumerate().fold(0, |byte, (place, end)| byte | bit(*end) << place));
    }
    (!other).then_some(bits)
}

/// A text of at most eight bytes, as one number and its length.
#[derive(Clone, Copy)]
struct Word {
    bytes: u64,
    length: u32,
}

impl Word {
    fn new(text: &str) -> Option<Self> {
        (text.len() <= 8).then(|| Self::at(text.as_bytes(), 0, text.len() as u32))
    }

    /// What is beyond the end is shifted out; of a text of more than eight bytes the first eight count, and its length.
    #[inline(always)]
    fn at(bytes: &[u8], start: u32, end: u32) -> Self {
        let length = end - start;
        let eight = match bytes.get(start as usize..).and_then(|bytes| bytes.first_chunk()) {
            Some(eight) => u64::from_le_bytes(*eight),
            None => last_bytes(bytes, start as usize),
        };
        let beyond = 64 - 8 * length.min(8);
        // Shifted away and back, in two steps because 64 is too far for one.
        Self { bytes: eight << (beyond / 2) << (beyond / 2), length }
    }

    #[inline(always)]
    fn is(self, other: Self) -> bool {
        (self.bytes ^ other.bytes) | u64::from(self.length ^ other.length) == 0
    }
}

/// Fewer than eight bytes are left.
#[cold]
fn last_bytes(bytes: &[u8], start: usize) -> u64 {
    let left = bytes.get(start..).unwrap_or_default();
    left.iter().take(8).enumerate().fold(0, |word, (place, byte)| word | u64::from(*byte) << (place * 8))
}

/// Running sums over the elements of a block, the first 0: what a row comes to is a difference of two. So rows of any number of
/// elements take the same time, and nothing depends on where a row ends until the differences are taken.
struct Running {
    products: Vec<i64>,
    quantities: Vec<i64>,
}

impl Running {
    fn of(prices: &[i64], quantities: &[i64]) -> Option<Self> {
        let mut running = Self { products: vec![0; prices.len() + 1], quantities: vec![0; prices.len() + 1] };
        let (mut product, mut quantity) = (0_i64, 0_i64);
        let (mut price_bits, mut quantity_bits) = (0, 0);
        let mut one = |price: i64, count: i64, products: &mut i64, quantities: &mut i64| {
            product = product.wrapping_add(price.wrapping_mul(count));
            quantity = quantity.wrapping_add(count);
            (*products, *quantities) = (product, quantity);
            price_bits |= price ^ (price >> 63);
            quantity_bits |= count ^ (count >> 63);
        };
        let (price_turns, price_rest) = prices.as_chunks::<TURN>();
        let (quantity_turns, quantity_rest) = quantities.as_chunks::<TURN>();
        let (product_turns, product_rest) = running.products[1..].as_chunks_mut::<TURN>();
        let (sum_turns, sum_rest) = running.quantities[1..].as_chunks_mut::<TURN>();
        for (((p, q), products), sums) in price_turns.iter().zip(quantity_turns).zip(product_turns).zip(sum_turns) {
            for place in 0..TURN {
                one(p[place], q[place], &mut products[place], &mut sums[place]);
            }
        }
        for (((p, q), product), sum) in price_rest.iter().zip(quantity_rest).zip(product_rest).zip(sum_rest) {
            one(*p, *q, product, sum);
        }
        // Every sum on the way is at most the number of elements times the largest product: 2^a × 2^b × 2^n <= 2^62.
        let bits = |value: usize| usize::BITS - value.leading_zeros();
        let width = (64 - price_bits.leading_zeros()) + (64 - quantity_bits.leading_zeros()) + bits(prices.len());
        (width <= 62).then_some(running)
    }
}

/// For each row the running sum at its end less that at its start; `None` where a row is empty.
fn differences(offsets: &[u32], running: &[i64]) -> Option<Vec<i64>> {
    let base = *offsets.first()?;
    let mut sums = vec![0; offsets.len() - 1];
    let (mut before, mut start) = (*running.first()?, base);
    let mut empty = false;
    let mut one = |end: u32, sum: &mut i64| {
        let after = running[(end - base) as usize];
        (*sum, before) = (after - before, after);
        empty |= end == start;
        start = end;
    };
    let (end_turns, end_rest) = offsets[1..].as_chunks::<TURN>();
    let (sum_turns, sum_rest) = sums.as_chunks_mut::<TURN>();
    for (ends, sums) in end_turns.iter().zip(sum_turns) {
        for place in 0..TURN {
            one(ends[place], &mut sums[place]);
        }
    }
    end_rest.iter().zip(sum_rest).for_each(|(end, sum)| one(*end, sum));
    (!empty).then_some(sums)
}

/// Negates the values whose bit is 0.
pub fn negate_unless(bits: &[u8], values: &mut [i64]) {
    let negate = |byte: u8, place: usize, value: &mut i64| {
        let sign = i64::from(byte >> place & 1) - 1;
        *value = (*value ^ sign).wrapping_sub(sign);
    };
    let (turns, rest) = values.as_chunks_mut::<TURN>();
    for (byte, [a, b, c, d, e, f, g, h]) in bits.iter().zip(turns) {
        for (place, value) in [a, b, c, d, e, f, g, h].into_iter().enumerate() {
            negate(*byte, place, value);
        }
    }
    if let Some(byte) = bits.last() {
        rest.iter_mut().enumerate().for_each(|(place, value)| negate(*byte, place, value));
    }
}

fn valid(validity: &Option<&[u8]>, range: Range<usize>) -> bool {
    validity.is_none_or(|validity| all_ones(validity, range))
}

fn same(a: &[u32], b: &[u32]) -> bool {
    let (a_turns, a_rest) = a.as_chunks::<16>();
    let (b_turns, b_rest) = b.as_chunks::<16>();
    let differ = |a: &[u32], b: &[u32]| a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b));
    let turns = a_turns.iter().zip(b_turns).fold(0, |all, (a, b)| all | differ(a, b));
    a.len() == b.len() && turns | differ(a_rest, b_rest) == 0
}
