//! The exact sum of any number of decimals, in any order.
//!
//! A mantissa of 192 bits at the largest scale seen: 2^64 decimals of 2^63 × 10^18 fit, so that no sum on the way overflows and
//! whether the end result fits 64 bits does not depend on the order. Integers only, hence associative and commutative.

use super::decimal::{Decimal, SCALE_MAX, power_of_ten};
use super::ratio::ratio_to_f64;
use crate::reason::Reason;
use crate::state::StateVia;

/// An exact sum of decimals: (`wraps` × 2^128 + `low` + `near`) × 10^-`scale`.
///
/// Rows are added to `near`, one word with one check; what does not fit there goes to the rest. Invariant: where `near` is 0, a
/// value at a scale has one representation, and only that is compared and travels; `scale` is the largest added.
#[derive(Debug, Clone, Copy, Default)]
pub struct DecimalSum {
    near: i64,
    scale: u8,
    wraps: i64,
    low: i128,
}

impl PartialEq for DecimalSum {
    fn eq(&self, other: &Self) -> bool {
        self.to_via() == other.to_via()
    }
}

impl Eq for DecimalSum {}

impl DecimalSum {
    /// Adds one decimal.
    ///
    /// # Errors
    /// Never for fewer than 2^64 decimals.
    #[inline]
    pub fn add(&mut self, value: Decimal) -> Result<(), Reason> {
        if value.scale() == self.scale
            && let Some(near) = self.near.checked_add(value.mantissa())
        {
            self.near = near;
            return Ok(());
        }
        self.add_afar(value)
    }

    /// Takes one decimal away; exactly what adding its negation does.
    ///
    /// # Errors
    /// Never for fewer than 2^64 decimals.
    pub fn sub(&mut self, value: Decimal) -> Result<(), Reason> {
        self.merge(&Self::of(-i128::from(value.mantissa()), value.scale()))
    }

    /// Adds `price` × `quantity`, exactly: no product on the way has to fit 64 bits, only what `to_decimal` is asked for.
    ///
    /// # Errors
    /// Never for fewer than 2^63 products.
    #[inline]
    pub fn add_product(&mut self, price: Decimal, quantity: i64) -> Result<(), Reason> {
        if price.scale() == self.scale
            && let Some(product) = narrow_product(price.mantissa(), quantity)
            && let Some(near) = self.near.checked_add(product)
        {
            self.near = near;
            return Ok(());
        }
        self.add_product_afar(price, quantity)
    }

    fn of(low: i128, scale: u8) -> Self {
        Self { near: 0, scale, wraps: 0, low }
    }

    /// Brings `near` to the rest: the one representation.
    #[inline]
    fn settled(mut self) -> Result<Self, Reason> {
        let near = std::mem::take(&mut self.near);
        self.add_low(i128::from(near))?;
        Ok(self)
    }

    /// Adds another sum.
    ///
    /// # Errors
    /// Never for sums of fewer than 2^64 decimals in all.
    pub fn merge(&mut self, other: &Self) -> Result<(), Reason> {
        let mut other = other.settled()?;
        *self = self.settled()?;
        self.raise_scale(other.scale)?;
        other.raise_scale(self.scale)?;
        self.add_low(other.low)?;
        self.wraps = self.wraps.checked_add(other.wraps).ok_or(TOO_LARGE)?;
        Ok(())
    }

    /// Digits after the point: the largest scale added.
    pub fn scale(&self) -> u8 {
        self.scale
    }

    /// The sum as one decimal of the contract, at the largest scale added.
    ///
    /// Never at a smaller one, although some sums would fit then: the values of a column share a scale, so whether a call
    /// succeeds would depend on which other sums are in it.
    ///
    /// # Errors
    /// Where the sum does not fit 64 bits at that scale.
    pub fn to_decimal(&self) -> Result<Decimal, Reason> {
        let low = self.low()?;
        let decimal = i64::try_from(low).ok().and_then(|mantissa| Decimal::new(mantissa, self.scale));
        decimal.ok_or_else(|| {
            format!(
                "the sum {}e-{} does not fit a 64-bit decimal with {} digits after the point",
                low, self.scale, self.scale
            )
            .into()
        })
    }

    /// The sum divided by `count` as the nearest double, ties to even; `None` where `count` is 0.
    ///
    /// # Errors
    /// Where the sum needs more than 128 bits.
    pub fn ratio_to_f64(&self, count: u64) -> Result<Option<f64>, Reason> {
        let low = self.low()?;
        // 10^18 × 2^64 < 2^124: within what `ratio_to_f64` divides by.
        let unit = power_of_ten(self.scale).unwrap_or(1).unsigned_abs();
        Ok(ratio_to_f64(low, unit * u128::from(count)))
    }

    /// The sum as the nearest double, ties to even.
    ///
    /// # Errors
    /// Where the sum needs more than 128 bits.
    pub fn to_f64(&self) -> Result<f64, Reason> {
        Ok(self.ratio_to_f64(1)?.unwrap_or(0.0))
    }

    #[inline]
    fn add_low(&mut self, low: i128) -> Result<(), Reason> {
        let (sum, wrapped) = self.low.overflowing_add(low);
        self.low = sum;
        if wrapped {
            self.wraps = self.wraps.checked_add(if low < 0 { -1 } else { 1 }).ok_or(TOO_LARGE)?;
        }
        Ok(())
    }

    /// The whole mantissa, where 128 bits hold it.
    fn low(&self) -> Result<i128, Reason> {
        let settled = self.settled()?;
        if settled.wraps != 0 {
            return Err(TOO_LARGE.into());
        }
        Ok(settled.low)
    }

    /// At another scale, or beyond what `near` holds.
    #[cold]
    #[inline(never)]
    fn add_afar(&mut self, value: Decimal) -> Result<(), Reason> {
        self.add_wide(i128::from(value.mantissa()), value.scale())
    }

    #[cold]
    #[inline(never)]
    fn add_product_afar(&mut self, price: Decimal, quantity: i64) -> Result<(), Reason> {
        self.add_wide(i128::from(price.mantissa()) * i128::from(quantity), price.scale())
    }

    fn add_wide(&mut self, low: i128, scale: u8) -> Result<(), Reason> {
        // Nothing is nothing at any scale: a sum that begins takes the scale of what comes, without a multiplication.
        if self.near == 0 && self.low == 0 && self.wraps == 0 && self.scale < scale {
            self.scale = scale;
        }
        if self.scale == scale
            && let Ok(low) = i64::try_from(low)
            && let Some(near) = self.near.checked_add(low)
        {
            self.near = near;
            return Ok(());
        }
        self.merge(&Self::of(low, scale))
    }

    /// Brings a settled sum to `scale`, where that is larger: times ten, once a digit, in 192 bits.
    fn raise_scale(&mut self, scale: u8) -> Result<(), Reason> {
        while self.scale < scale {
            if self.wraps == 0
                && let Some(low) = power_of_ten(scale - self.scale).and_then(|unit| self.low.checked_mul(unit))
            {
                self.low = low;
                self.scale = scale;
                return Ok(());
            }
            // x × 10 = x doubled, and x doubled three times.
            let mut twice = *self;
            twice.double()?;
            let mut eight = twice;
            eight.double()?;
            eight.double()?;
            twice.add_low(eight.low)?;
            twice.wraps = twice.wraps.checked_add(eight.wraps).ok_or(TOO_LARGE)?;
            *self = Self { scale: self.scale + 1, ..twice };
        }
        Ok(())
    }

    fn double(&mut self) -> Result<(), Reason> {
        self.wraps = self.wraps.checked_mul(2).ok_or(TOO_LARGE)?;
        self.add_low(self.low)
    }
}

const TOO_LARGE: &str = "the sum does not fit a 64-bit decimal: it needs more than 128 bits";

/// The product of factors of 32 bits. WebAssembly has no 128-bit multiplication, and asking whether a product of 64 bits
/// overflows needs one; most products are of smaller factors.
#[inline]
fn narrow_product(a: i64, b: i64) -> Option<i64> {
    match (i32::try_from(a), i32::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i64::from(a) * i64::from(b)),
        _ => None,
    }
}

impl StateVia for DecimalSum {
    type Via = (i64, i64, i64, i64);

    fn to_via(&self) -> Self::Via {
        let mut wraps = self.wraps;
        let (low, wrapped) = self.low.overflowing_add(i128::from(self.near));
        if wrapped {
            // Saturates beyond 2^63 wraps, which 2^64 decimals do not reach.
            wraps = wraps.saturating_add(if self.near < 0 { -1 } else { 1 });
        }
        (wraps, (low >> 64) as i64, low as i64, i64::from(self.scale))
    }

    fn from_via((wraps, high, low, scale): Self::Via) -> Result<Self, Reason> {
        let scale = u8::try_from(scale)
            .ok()
            .filter(|scale| *scale <= SCALE_MAX)
            .ok_or("the scale of a decimal sum must be 0 to 18")?;
        Ok(Self { near: 0, scale, wraps, low: (i128::from(high) << 64) | i128::from(low as u64) })
    }
}

#[cfg(test)]
mod tests;
