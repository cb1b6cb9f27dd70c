//! Numbers as JSON writes them, exactly: scanned once into digits and an exponent of ten, then taken as whole number, decimal or
//! float. Knows bytes only.
//!
//! Any number of digits and any exponent is exact and takes time in proportion to the text: `1e999999999999` is judged, not
//! computed.

mod short;

use super::bytes::word;
pub(super) use short::Short;

/// Significant digits that fit a `u64` whatever they are.
const DIGITS_FAST: usize = 19;
/// Significant digits that fit a `u128`.
const DIGITS_WIDE: usize = 38;
/// Exponents stop here: beyond what any text of digits could bring back into range.
const EXPONENT_MAX: i64 = 1_000_000_000_000_000;

/// A scanned number: `digits × 10^exponent`, the digits in `mantissa` where they fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'a> {
    /// As written, a JSON number.
    text: &'a [u8],
    negative: bool,
    /// The digits without the point, where there are at most 19 after leading zeros.
    mantissa: u64,
    /// The power of ten of the last digit.
    exponent: i64,
    /// More than 19 digits: `mantissa` means nothing.
    long: bool,
}

/// How to take digits that the scale has no place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// There must be none.
    Exact,
    /// To the nearest, a tie to the even neighbour.
    HalfEven,
    /// Towards minus infinity.
    Floor,
}

/// Why a number is no value of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    OutOfRange,
    NotWhole,
}

/// What is wrong with a number's text, with the byte where.
pub(super) type Malformed = (usize, &'static str);

impl<'a> Number<'a> {
    /// Scans the number that begins at `bytes[start]` (`-` or a digit) and gives the byte after it.
    #[inline(always)]
    pub(super) fn scan(bytes: &'a [u8], start: usize) -> Result<(Self, usize), Malformed> {
        let negative = bytes.get(start) == Some(&b'-');
        let first = start + usize::from(negative);
        if let Some(Short { mantissa, decimals, len }) = word(bytes, first).and_then(Short::scan)
            && let Some(text) = bytes.get(start..first + len)
        {
            return Ok((Self { text, negative, mantissa, exponent: -i64::from(decimals), long: false }, first + len));
        }
        Self::scan_any(bytes, start, first, negative)
    }

    #[inline(never)]
    fn scan_any(bytes: &'a [u8], start: usize, first: usize, negative: bool) -> Result<(Self, usize), Malformed> {
        let mut mantissa = 0u64;
        let mut at = digits(bytes, first, &mut mantissa);
        if at == first {
            return Err((at, "expected a digit"));
        }
        if bytes[first] == b'0' && at - first > 1 {
            return Err((first, "a number must not begin with `0`"));
        }
        let mut count = at - first;
        let mut exponent = 0i64;
        if bytes.get(at) == Some(&b'.') {
            let point = at + 1;
            at = digits(bytes, point, &mut mantissa);
            if at == point {
                return Err((at, "expected a digit after the point"));
            }
            count += at - point;
            exponent = -((at - point) as i64);
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            let (power, end) = scan_exponent(bytes, at + 1)?;
            exponent += power;
            at = end;
        }
        let text = &bytes[start..at];
        let long = count > DIGITS_FAST && significant_digits(text) > DIGITS_FAST;
        Ok((Self { text, negative, mantissa, exponent, long }, at))
    }

    /// The value times `10^scale` as a 64-bit whole number.
    #[inline(always)]
    pub(super) fn scaled(&self, scale: u8, rounding: Rounding) -> Result<i64, Misfit> {
        let shift = self.exponent + i64::from(scale);
        if !self.long
            && let Ok(mantissa) = i64::try_from(self.mantissa)
            && let Some(&power) = usize::try_from(shift).ok().and_then(|shift| POWERS_I64.get(shift))
            && let Some(magnitude) = mantissa.checked_mul(power)
        {
            return Ok(if self.negative { -magnitude } else { magnitude });
        }
        self.scaled_any(scale, rounding)
    }

    #[inline(never)]
    fn scaled_any(&self, scale: u8, rounding: Rounding) -> Result<i64, Misfit> {
        let (wide, sticky, dropped) = if self.long { self.wide() } else { (u128::from(self.mantissa), false, 0) };
        let shift = self.exponent + dropped + i64::from(scale);
        signed(shifted(wide, sticky, shift, self.negative, rounding)?, self.negative)
    }

    /// The first 38 significant digits, whether a digit other than 0 comes after them, and how many come after.
    fn wide(&self) -> (u128, bool, i64) {
        let (mut wide, mut taken, mut dropped, mut sticky) = (0u128, 0, 0i64, false);
        for digit in significant(self.text) {
            if taken < DIGITS_WIDE {
                wide = wide * 10 + u128::from(digit - b'0');
                taken += 1;
            } else {
                sticky |= digit != b'0';
                dropped += 1;
            }
        }
        (wide, sticky, dropped)
    }

    /// The nearest float; `None` beyond the finite ones. Minus zero stays.
    #[inline]
    pub(super) fn float(&self) -> Option<f64> {
        // Exact operands, one correctly rounded operation (Clinger, "How to read floating point numbers accurately", 1990).
        if !self.long && self.mantissa < 1 << 53 && (-22..=22).contains(&self.exponent) {
            let magnitude = self.mantissa as f64;
            let power = POWERS_F64[self.exponent.unsigned_abs() as usize];
            let value = if self.exponent < 0 { magnitude / power } else { magnitude * power };
            return Some(if self.negative { -value } else { value });
        }
        self.float_any()
    }

    #[inline(never)]
    fn float_any(&self) -> Option<f64> {
        let value: f64 = std::str::from_utf8(self.text).ok()?.parse().ok()?;
        value.is_finite().then_some(value)
    }
}

/// Folds digits into `mantissa` (wrapping) and gives the first byte that is none.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit <= 9) {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

/// The exponent after `e`, and the byte after it.
fn scan_exponent(bytes: &[u8], start: usize) -> Result<(i64, usize), Malformed> {
    let sign = bytes.get(start).copied();
    let first = start + usize::from(matches!(sign, Some(b'+' | b'-')));
    let (mut power, mut at) = (0i64, first);
    while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
        power = (power * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX);
        at += 1;
    }
    if at == first {
        return Err((at, "expected a digit in the exponent"));
    }
    Ok((if sign == Some(b'-') { -power } else { power }, at))
}

/// The digits of a number's text before the exponent, from the first that is not 0.
fn significant(text: &[u8]) -> impl Iterator<Item = u8> {
    let digits = text.iter().copied().take_while(|byte| !matches!(byte, b'e' | b'E'));
    digits.filter(u8::is_ascii_digit).skip_while(|&digit| digit == b'0')
}

#[cold]
fn significant_digits(text: &[u8]) -> usize {
    significant(text).count()
}

/// The magnitude `(digits + f) × 10^shift`, rounded, where `f` is in (0, 1) if `sticky` and 0 if not. Sticky digits come with
/// 38 digits before them, so a shift of 0 or more is then out of range anyway.
fn shifted(digits: u128, sticky: bool, shift: i64, negative: bool, rounding: Rounding) -> Result<u128, Misfit> {
    if digits == 0 {
        return Ok(0);
    }
    if shift >= 0 {
        let power = usize::try_from(shift).ok().and_then(|shift| POWERS_U128.get(shift));
        return power.and_then(|power| digits.checked_mul(*power)).ok_or(Misfit::OutOfRange);
    }
    let Some(&power) = usize::try_from(shift.unsigned_abs()).ok().and_then(|shift| POWERS_U128.get(shift)) else {
        // Beyond 10^38, the most that 38 digits can come to: a tenth at the most.
        return match rounding {
            Rounding::Exact => Err(Misfit::NotWhole),
            Rounding::HalfEven => Ok(0),
            Rounding::Floor => Ok(u128::from(negative)),
        };
    };
    let (quotient, rest) = (digits / power, digits % power);
    let up = match rounding {
        Rounding::Exact if rest != 0 || sticky => return Err(misfit_of_fraction(quotient)),
        Rounding::Exact => false,
        Rounding::Floor => negative && (rest != 0 || sticky),
        Rounding::HalfEven => match rest.cmp(&(power / 2)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => sticky || quotient % 2 == 1,
        },
    };
    Ok(quotient + u128::from(up))
}

/// A fraction beyond the range is out of range first.
fn misfit_of_fraction(quotient: u128) -> Misfit {
    if quotient > i64::MAX as u128 { Misfit::OutOfRange } else { Misfit::NotWhole }
}

fn signed(magnitude: u128, negative: bool) -> Result<i64, Misfit> {
    let value = i128::try_from(magnitude).map_err(|_| Misfit::OutOfRange)?;
    i64::try_from(if negative { -value } else { value }).map_err(|_| Misfit::OutOfRange)
}

const POWERS_U128: [u128; DIGITS_WIDE + 1] = {
    let mut powers = [1u128; DIGITS_WIDE + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

const POWERS_I64: [i64; 19] = {
    let mut powers = [1i64; 19];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

const POWERS_F64: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

#[cfg(test)]
mod tests;
