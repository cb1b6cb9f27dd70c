use super::*;
use num_bigint::BigInt;
use proptest::prelude::*;

/// A finite double × 2^1074: a whole number.
pub(crate) fn units(value: f64) -> BigInt {
    let bits = value.to_bits();
    let exponent = bits >> 52 & 0x7ff;
    let mantissa = bits & ((1 << 52) - 1) | u64::from(exponent != 0) << 52;
    let magnitude = BigInt::from(mantissa) << exponent.saturating_sub(1);
    if value < 0.0 { -magnitude } else { magnitude }
}

/// Whether no double lies nearer to `numerator / denominator` (in units of 2^-1074 where both are scaled), ties to even.
pub(crate) fn is_nearest(value: f64, numerator: &BigInt, denominator: &BigInt) -> bool {
    let error = |candidate: f64| {
        let difference = units(candidate) * denominator - numerator;
        if difference < BigInt::ZERO { -difference } else { difference }
    };
    let ours = error(value);
    [value.next_up(), value.next_down()].into_iter().filter(|other| other.is_finite()).all(|other| {
        let theirs = error(other);
        ours < theirs || ours == theirs && value.to_bits() & 1 == 0
    })
}

fn check(numerator: i128, denominator: u128) {
    let quotient = ratio_to_f64(numerator, denominator).unwrap();
    let scaled = BigInt::from(numerator) << 1074;
    assert!(is_nearest(quotient, &scaled, &BigInt::from(denominator)), "{numerator} / {denominator} gave {quotient:?}");
}

#[test]
fn known_quotients() {
    assert_eq!(ratio_to_f64(1, 3), Some(1.0 / 3.0));
    assert_eq!(ratio_to_f64(-1, 10), Some(-0.1));
    assert_eq!(ratio_to_f64(0, 7).unwrap().to_bits(), 0.0_f64.to_bits());
    assert_eq!(ratio_to_f64(i128::MIN, 1), Some(-(2.0_f64.powi(127))));
    assert_eq!(ratio_to_f64(1, 0), None);
    assert_eq!(ratio_to_f64(1, DENOMINATOR_MAX + 1), None);
    assert_eq!(ratio_to_f64(1, DENOMINATOR_MAX), Some(2.0_f64.powi(-127)));
}

#[test]
fn ties_go_to_even() {
    let odd = (1_i128 << 53) + 1;
    assert_eq!(ratio_to_f64(odd, 1), Some(9_007_199_254_740_992.0));
    assert_eq!(ratio_to_f64(odd + 2, 1), Some(9_007_199_254_740_996.0));
    // A hair above the tie, out of reach of the first 128 bits of quotient.
    check((odd << 70) + 1, 1 << 70);
    check(odd * 3 + 1, 3);
}

#[test]
fn a_million_over_seven_is_not_off_by_a_bit() {
    for numerator in [1_000_000_007_i128, i128::from(i64::MAX), i128::MAX, i128::MIN + 1, 3] {
        for denominator in [7, 3, 10_u128.pow(18), 10_u128.pow(18) * u128::from(u64::MAX), (1 << 127) - 1, 1 << 127] {
            check(numerator, denominator);
        }
    }
}

#[test]
fn rounding_reaches_from_the_least_subnormal_to_the_largest() {
    assert_eq!(round_to_f64(1, -1074, false), Some(f64::from_bits(1)));
    assert_eq!(round_to_f64(3, -1075, false), Some(f64::from_bits(2)));
    assert_eq!(round_to_f64(1, -1075, false), Some(0.0));
    assert_eq!(round_to_f64(1, -1080, false), Some(0.0));
    assert_eq!(round_to_f64((1 << 53) - 1, 971, false), Some(f64::MAX));
    assert_eq!(round_to_f64(1 << 53, 971, false), None);
    assert_eq!(round_to_f64((1 << 54) - 1, 970, false), None);
}

proptest! {
    #[test]
    fn every_quotient_is_the_nearest(numerator: i128, shift in 0_u32..127, denominator: u128, down in 1_u32..128) {
        check(numerator >> shift, (denominator >> down).max(1));
    }
}
