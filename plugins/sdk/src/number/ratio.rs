//! The double nearest to an exact quotient, ties to even: IEEE 754's own rounding, done on whole numbers of 128 bits.
//!
//! A float division of two rounded operands may be off in the last bit; an average of money must not be.

/// Whole numbers up to here are doubles, so that one division of two of them rounds once and correctly (IEEE 754, 5.4.1).
const EXACT_MAX: u128 = 1 << 53;
/// Bits of quotient to find before rounding: 53, one to round by, and room; the rest goes into `sticky`.
const QUOTIENT_MIN: u128 = 1 << 64;
/// Largest denominator whose rests can be doubled without losing its top bit.
const DENOMINATOR_MAX: u128 = 1 << 127;

/// `numerator / denominator` as the nearest double, ties to even; `None` where the denominator is 0 or above 2^127.
///
/// The exact quotient lies between 2^-127 and 2^127, so that the result is always finite and never subnormal.
pub fn ratio_to_f64(numerator: i128, denominator: u128) -> Option<f64> {
    if denominator == 0 || denominator > DENOMINATOR_MAX {
        return None;
    }
    let magnitude = numerator.unsigned_abs();
    let quotient = if magnitude <= EXACT_MAX && denominator <= EXACT_MAX {
        magnitude as f64 / denominator as f64
    } else {
        long_division(magnitude, denominator)
    };
    Some(if numerator < 0 { -quotient } else { quotient })
}

fn long_division(magnitude: u128, denominator: u128) -> f64 {
    let (mut quotient, mut rest) = (magnitude / denominator, magnitude % denominator);
    let mut exponent = 0_i32;
    while quotient < QUOTIENT_MIN && rest != 0 {
        // As many bits at once as neither number loses; at least one, since rest < denominator <= 2^127.
        let shift = rest.leading_zeros().min(63);
        let shifted = rest << shift;
        quotient = (quotient << shift) | (shifted / denominator);
        rest = shifted % denominator;
        exponent -= shift as i32;
    }
    round_to_f64(quotient, exponent, rest != 0).unwrap_or(f64::INFINITY)
}

/// `magnitude` × 2^`exponent`, plus a little more where `sticky`, as the nearest double, ties to even; `None` beyond the largest.
///
/// With `sticky`, `magnitude` must have at least 55 bits.
pub(super) fn round_to_f64(magnitude: u128, exponent: i32, sticky: bool) -> Option<f64> {
    if magnitude == 0 {
        return Some(0.0);
    }
    let bits = 128 - magnitude.leading_zeros() as i32;
    debug_assert!(!sticky || bits >= 55, "too few bits to round by");
    // The lowest bit that a double can hold here: 53 bits from the top, but never below 2^-1074.
    let drop = (bits - 53).max(-1074 - exponent).max(0);
    if drop > 127 {
        return Some(0.0); // below a quarter of the least subnormal
    }
    let kept = (magnitude >> drop) as u64;
    let half = if drop == 0 { 0 } else { 1_u128 << (drop - 1) };
    let rest = if drop == 0 { 0 } else { magnitude & ((1 << drop) - 1) };
    let up = drop > 0 && (rest > half || (rest == half && (sticky || kept & 1 == 1)));
    let kept = kept + u64::from(up); // at most 2^53: exact as a double
    let value = scale(kept as f64, exponent + drop);
    value.is_finite().then_some(value)
}

/// `value` × 2^`exponent` in steps that are each exact: the caller has rounded already, and a result below 2^-1022 fits its grid.
fn scale(mut value: f64, mut exponent: i32) -> f64 {
    while exponent > 1023 && value.is_finite() {
        value *= power_of_two(1023);
        exponent -= 1023;
    }
    while exponent < -1022 {
        // Multiplying by 2^-969 keeps 53-bit values normal on the way; only the last step may reach the subnormals.
        let step = (-exponent).min(969);
        value *= power_of_two(-step);
        exponent += step;
    }
    value * power_of_two(exponent)
}

/// 2^`exponent` for -1022..=1023, built from its bits.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
pub(super) mod tests;
