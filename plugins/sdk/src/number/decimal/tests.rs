use super::*;
use num_bigint::BigInt;
use proptest::prelude::*;

fn decimal(mantissa: i64, scale: u8) -> Decimal {
    Decimal::new(mantissa, scale).unwrap()
}

/// The value × 10^36.
fn units(value: Decimal) -> BigInt {
    BigInt::from(value.mantissa()) * BigInt::from(10).pow(36 - u32::from(value.scale()))
}

fn number() -> impl Strategy<Value = Decimal> {
    let mantissas = prop_oneof![any::<i64>(), -1000..1000_i64, Just(i64::MAX), Just(i64::MIN)];
    (mantissas, 0..=SCALE_MAX).prop_map(|(mantissa, scale)| decimal(mantissa, scale))
}

#[test]
fn a_scale_above_18_is_none() {
    assert_eq!(Decimal::new(1, 18).unwrap().scale(), 18);
    assert!(Decimal::new(1, 19).is_none());
}

#[test]
fn text_has_as_many_digits_as_the_scale() {
    assert_eq!(decimal(614_600, 4).to_string(), "61.4600");
    assert_eq!(decimal(-5, 2).to_string(), "-0.05");
    assert_eq!(decimal(i64::MIN, 18).to_string(), "-9.223372036854775808");
    assert_eq!(decimal(-7, 0).to_string(), "-7");
}

#[test]
fn overflow_is_an_error_that_shows_the_numbers() {
    let max = decimal(i64::MAX, 0);
    assert!(max.try_add(decimal(1, 0)).unwrap_err().as_str().contains("9223372036854775807 + 1"));
    assert!(max.try_mul(decimal(2, 0)).is_err());
    assert!(decimal(i64::MIN, 0).try_neg().is_err());
    assert!(decimal(i64::MIN, 0).try_sub(decimal(1, 0)).is_err());
    assert_eq!(decimal(i64::MIN, 0).try_add(decimal(i64::MAX, 0)).unwrap(), decimal(-1, 0));
    // 10 × 0.1 at 18 digits each needs 36: the zeros go.
    assert_eq!(decimal(10_i64.pow(18), 18).try_mul(decimal(10_i64.pow(18), 18)).unwrap(), decimal(1, 0));
}

#[test]
fn rescaling_loses_no_digit() {
    assert_eq!(decimal(150, 2).rescaled(1).map(Decimal::mantissa), Some(15));
    assert_eq!(decimal(155, 2).rescaled(1).map(Decimal::mantissa), None);
    assert_eq!(decimal(1, 0).rescaled(18).map(Decimal::mantissa), Some(10_i64.pow(18)));
    assert_eq!(decimal(10, 0).rescaled(18).map(Decimal::mantissa), None);
    assert_eq!(decimal(1, 0).rescaled(19).map(Decimal::mantissa), None);
}

proptest! {
    #[test]
    fn operations_are_exact_or_errors(a in number(), b in number()) {
        let ten = BigInt::from(10);
        if let Ok(sum) = a.try_add(b) { prop_assert_eq!(units(sum), units(a) + units(b)); }
        if let Ok(difference) = a.try_sub(b) { prop_assert_eq!(units(difference), units(a) - units(b)); }
        if let Ok(product) = a.try_mul(b) { prop_assert_eq!(units(product) * ten.pow(36), units(a) * units(b)); }
        if let Ok(negation) = a.try_neg() { prop_assert_eq!(units(negation), -units(a)); }
        prop_assert_eq!(a.cmp(&b), units(a).cmp(&units(b)));
    }

    #[test]
    fn an_error_means_that_it_does_not_fit(a in number(), b in number()) {
        if a.scale() == b.scale() && a.try_add(b).is_err() {
            let sum = i128::from(a.mantissa()) + i128::from(b.mantissa());
            prop_assert!(i64::try_from(sum).is_err());
        }
    }
}
