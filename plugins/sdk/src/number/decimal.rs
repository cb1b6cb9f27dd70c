//! One exact decimal of the contract: a 64-bit mantissa and a scale of at most 18. Every operation is exact or an error.

use crate::reason::Reason;
use std::cmp::Ordering;
use std::fmt;

/// The largest scale: 10^18 still fits a 64-bit mantissa.
pub const SCALE_MAX: u8 = 18;

/// `mantissa` × 10^-`scale`, exactly. Equal values are equal at any scale: 1.50 == 1.5.
#[derive(Debug, Clone, Copy, Default)]
pub struct Decimal {
    mantissa: i64,
    scale: u8,
}

impl Decimal {
    /// Nothing, at scale 0.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// `mantissa` × 10^-`scale`; `None` where the scale is above 18.
    pub const fn new(mantissa: i64, scale: u8) -> Option<Self> {
        if scale > SCALE_MAX { None } else { Some(Self { mantissa, scale }) }
    }

    /// For columns, whose scale was checked once.
    pub(crate) const fn unchecked(mantissa: i64, scale: u8) -> Self {
        debug_assert!(scale <= SCALE_MAX);
        Self { mantissa, scale }
    }

    /// The whole number before scaling.
    pub const fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// Digits after the point, 0 to 18.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// The sum, at the larger scale (or a smaller one, where only that fits).
    ///
    /// # Errors
    /// Where the sum does not fit 64 bits.
    #[inline]
    pub fn try_add(self, other: Self) -> Result<Self, Reason> {
        if self.scale == other.scale
            && let Some(mantissa) = self.mantissa.checked_add(other.mantissa)
        {
            return Ok(Self { mantissa, scale: self.scale });
        }
        let scale = self.scale.max(other.scale);
        // Each term is below 2^63 × 10^18 < 2^123: no overflow on the way.
        let sum = self.at(scale) + other.at(scale);
        Self::fitting(sum, scale).ok_or_else(|| format!("{self} + {other} does not fit a 64-bit decimal").into())
    }

    /// The difference, as `try_add` does.
    ///
    /// # Errors
    /// Where the difference does not fit 64 bits.
    pub fn try_sub(self, other: Self) -> Result<Self, Reason> {
        let scale = self.scale.max(other.scale);
        let difference = self.at(scale) - other.at(scale);
        Self::fitting(difference, scale).ok_or_else(|| format!("{self} - {other} does not fit a 64-bit decimal").into())
    }

    /// The product; its scale is the sum of the scales, less the trailing zeros that must go to fit.
    ///
    /// # Errors
    /// Where the exact product does not fit 64 bits at a scale of at most 18; nothing is rounded.
    #[inline]
    pub fn try_mul(self, other: Self) -> Result<Self, Reason> {
        let scale = self.scale + other.scale;
        if scale <= SCALE_MAX
            && let Some(mantissa) = self.mantissa.checked_mul(other.mantissa)
        {
            return Ok(Self { mantissa, scale });
        }
        let product = i128::from(self.mantissa) * i128::from(other.mantissa);
        Self::fitting(product, scale).ok_or_else(|| format!("{self} × {other} does not fit a 64-bit decimal").into())
    }

    /// The negation.
    ///
    /// # Errors
    /// For the one mantissa, -2^63, whose negation does not fit.
    pub fn try_neg(self) -> Result<Self, Reason> {
        Self::fitting(-i128::from(self.mantissa), self.scale)
            .ok_or_else(|| format!("-({self}) does not fit a 64-bit decimal").into())
    }

    /// The same value with `scale` digits after the point; `None` where digits would be lost or it does not fit.
    pub fn rescaled(self, scale: u8) -> Option<Self> {
        let mantissa = match scale.checked_sub(self.scale) {
            Some(more) => i128::from(self.mantissa).checked_mul(power_of_ten(more)?)?,
            None => {
                let divisor = power_of_ten(self.scale - scale)?;
                let whole = i128::from(self.mantissa);
                if whole % divisor != 0 {
                    return None;
                }
                whole / divisor
            }
        };
        Self::new(i64::try_from(mantissa).ok()?, scale)
    }

    /// `mantissa` × 10^-`scale` with as few trailing zeros taken off as make it fit; `None` where none do.
    pub(crate) fn fitting(mut mantissa: i128, mut scale: u8) -> Option<Self> {
        loop {
            if scale <= SCALE_MAX
                && let Ok(mantissa) = i64::try_from(mantissa)
            {
                return Some(Self { mantissa, scale });
            }
            if scale == 0 || mantissa % 10 != 0 {
                return None;
            }
            mantissa /= 10;
            scale -= 1;
        }
    }

    /// The mantissa at a larger scale.
    fn at(self, scale: u8) -> i128 {
        i128::from(self.mantissa) * power_of_ten(scale - self.scale).unwrap_or(1)
    }
}

/// 10^`exponent`, up to what 128 bits hold.
pub(crate) const fn power_of_ten(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(exponent as u32)
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Self {
        Self { mantissa: whole, scale: 0 }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        self.at(scale).cmp(&other.at(scale))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let (magnitude, scale) = (self.mantissa.unsigned_abs(), usize::from(self.scale));
        let unit = 10_u64.pow(u32::from(self.scale));
        match scale {
            0 => write!(f, "{sign}{magnitude}"),
            _ => write!(f, "{sign}{}.{:0scale$}", magnitude / unit, magnitude % unit),
        }
    }
}

#[cfg(test)]
mod tests;
