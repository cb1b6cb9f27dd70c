//! The exact sum of any number of doubles, in any order, rounded once at the end.
//!
//! A superaccumulator (Kulisch): the doubles are whole multiples of 2^-1074, so their sum is one whole number, kept here in
//! digits of 32 bits, each in an `i64` that has room for 2^31 additions before carries must move. Only the digits that the data
//! touches are kept: three to five for money-like numbers, 66 at the very most. Integers only, hence associative and commutative.

use super::ratio::round_to_f64;
use crate::reason::Reason;
use crate::state::StateVia;

/// Additions that a digit takes before its carry must move: 2^30 of less than 2^32 stay below 2^62.
const PENDING_MAX: u32 = 1 << 30;
/// Digits for the exponents of doubles, and two more for 2^64 of the largest.
const DIGITS_MAX: usize = 68;

/// An exact sum of doubles: Σ `digits[i]` × 2^(32 × (`base` + i) - 1074).
#[derive(Debug, Clone, Default)]
pub struct ExactSum {
    digits: Vec<i64>,
    base: usize,
    pending: u32,
}

impl ExactSum {
    /// Adds one number.
    ///
    /// # Errors
    /// Where it is not finite.
    #[inline]
    pub fn add(&mut self, value: f64) -> Result<(), Reason> {
        let bits = value.to_bits();
        let exponent = (bits >> 52) as usize & 0x7ff;
        if exponent == 0x7ff {
            return Err(not_finite(value));
        }
        // IEEE 754, 3.4: a subnormal has exponent 1 and no hidden bit.
        let hidden = u64::from(exponent != 0) << 52;
        let mantissa = (bits & ((1 << 52) - 1)) | hidden;
        let place = exponent.saturating_sub(1);
        let (digit, shift) = (place / 32, place % 32);
        let (low, high) = (u64::from(mantissa as u32) << shift, (mantissa >> 32) << shift);
        let sign = 1 - 2 * (bits >> 63) as i64;
        if digit < self.base || digit + 3 > self.base + self.digits.len() || self.pending == PENDING_MAX {
            self.make_room(digit);
        }
        self.pending += 1;
        if let Some([a, b, c]) = self.digits.get_mut(digit - self.base..).and_then(|d| d.first_chunk_mut::<3>()) {
            *a += sign * i64::from(low as u32);
            *b += sign * (i64::from((low >> 32) as u32) + i64::from(high as u32));
            *c += sign * i64::from((high >> 32) as u32);
        }
        Ok(())
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        let other = other.canonical();
        let Some(last) = other.digits.len().checked_sub(1) else {
            return;
        };
        self.carry();
        self.cover(other.base, other.base + last + 1);
        for (digit, more) in self.digits.iter_mut().skip(other.base - self.base).zip(&other.digits) {
            *digit += more;
        }
        self.pending = 2;
    }

    /// The sum as the nearest double, ties to even.
    ///
    /// # Errors
    /// Where it is beyond the largest double.
    pub fn to_f64(&self) -> Result<f64, Reason> {
        let sum = self.canonical();
        let negative = sum.digits.last().is_some_and(|digit| *digit < 0);
        let magnitude = sum.magnitude(negative);
        let end = magnitude.len().saturating_sub(4);
        let top = magnitude.iter().skip(end).rev().fold(0_u128, |sum, digit| (sum << 32) | u128::from(*digit));
        let sticky = magnitude.iter().take(end).any(|digit| *digit != 0);
        let exponent = 32 * (sum.base + end) as i32 - 1074;
        let rounded = round_to_f64(top, exponent, sticky).ok_or("the sum is beyond the largest float64")?;
        Ok(if negative { -rounded } else { rounded })
    }

    /// Digits of the magnitude from the lowest, each below 2^32, the highest of them not 0.
    fn magnitude(&self, negative: bool) -> Vec<u32> {
        let mut carry = 0_i64;
        let mut magnitude = Vec::with_capacity(self.digits.len());
        for digit in &self.digits {
            let value = if negative { -digit } else { *digit } + carry;
            magnitude.push(value as u32);
            carry = value >> 32;
        }
        debug_assert!(carry == 0, "the highest digit has the sign of the sum");
        while magnitude.last() == Some(&0) {
            magnitude.pop();
        }
        magnitude
    }

    /// The one representation of this value: digits from -2^31 to 2^31 - 1, none of them 0 at either end.
    fn canonical(&self) -> Self {
        let mut sum = self.clone();
        sum.carry();
        while sum.digits.last() == Some(&0) {
            sum.digits.pop();
        }
        let zeros = sum.digits.iter().take_while(|digit| **digit == 0).count();
        sum.digits.drain(..zeros);
        sum.base = if sum.digits.is_empty() { 0 } else { sum.base + zeros };
        sum.pending = 0;
        sum
    }

    /// Moves carries up, so that every digit is from -2^31 to 2^31 - 1.
    fn carry(&mut self) {
        let mut carry = 0_i64;
        for digit in &mut self.digits {
            let value = *digit + carry;
            carry = (value + (1 << 31)) >> 32;
            *digit = value - (carry << 32);
        }
        if carry != 0 {
            self.digits.push(carry); // below 2^31: a digit holds less than 2^63
        }
        self.pending = 1;
    }

    #[cold]
    fn make_room(&mut self, digit: usize) {
        if self.pending == PENDING_MAX {
            self.carry();
        }
        self.cover(digit, digit + 3);
    }

    /// Adds zeros below and above, so that digits `from..to` are kept.
    fn cover(&mut self, from: usize, to: usize) {
        if self.digits.is_empty() {
            self.base = from;
        }
        let below = self.base.saturating_sub(from);
        self.digits.splice(0..0, std::iter::repeat_n(0, below));
        self.base -= below;
        let needed = to.saturating_sub(self.base);
        if self.digits.len() < needed {
            self.digits.resize(needed, 0);
        }
    }
}

#[cold]
fn not_finite(value: f64) -> Reason {
    format!("{value} can't be summed: only finite numbers can").into()
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.canonical(), other.canonical());
        a.base == b.base && a.digits == b.digits
    }
}

impl StateVia for ExactSum {
    type Via = (i64, Vec<i64>);

    fn to_via(&self) -> Self::Via {
        let sum = self.canonical();
        (sum.base as i64, sum.digits)
    }

    fn from_via((base, digits): Self::Via) -> Result<Self, Reason> {
        let base = usize::try_from(base)
            .ok()
            .filter(|base| base + digits.len() <= DIGITS_MAX)
            .ok_or("an exact sum has at most 68 digits")?;
        if digits.iter().any(|digit| i32::try_from(*digit).is_err()) {
            return Err("a digit of an exact sum must fit 32 bits".into());
        }
        Ok(Self { digits, base, pending: 1 })
    }
}

#[cfg(test)]
mod tests;
