use super::*;
use crate::number::ratio::tests::is_nearest;
use num_bigint::BigInt;
use proptest::collection::vec;
use proptest::prelude::*;

fn decimal(mantissa: i64, scale: u8) -> Decimal {
    Decimal::new(mantissa, scale).unwrap()
}

fn sum(values: &[Decimal]) -> DecimalSum {
    let mut sum = DecimalSum::default();
    values.iter().for_each(|value| sum.add(*value).unwrap());
    sum
}

/// The value × 10^18.
fn units(sum: &DecimalSum) -> BigInt {
    let sum = sum.settled().unwrap();
    ((BigInt::from(sum.wraps) << 128) + sum.low) * BigInt::from(10).pow(u32::from(SCALE_MAX - sum.scale))
}

fn number() -> impl Strategy<Value = Decimal> {
    let mantissas = prop_oneof![any::<i64>(), -1000..1000_i64, Just(i64::MAX), Just(i64::MIN)];
    (mantissas, 0..=SCALE_MAX).prop_map(|(mantissa, scale)| decimal(mantissa, scale))
}

#[test]
fn an_overflow_on_the_way_is_none_at_the_end() {
    let mut values = vec![decimal(i64::MAX, 0); 40];
    values.push(decimal(25, 18));
    values.extend(vec![decimal(-i64::MAX, 0); 40]);
    let expected = sum(&values);
    assert_eq!(expected.to_decimal().unwrap().to_string(), "0.000000000000000025");
    values.reverse();
    assert_eq!(sum(&values), expected);
    values.sort();
    assert_eq!(sum(&values), expected);
}

#[test]
fn both_sides_of_64_bits() {
    assert_eq!(sum(&[decimal(i64::MAX, 4)]).to_decimal().unwrap().mantissa(), i64::MAX);
    let over = sum(&[decimal(i64::MAX, 4), decimal(1, 4)]);
    assert!(over.to_decimal().unwrap_err().as_str().contains("9223372036854775808e-4 does not fit"));
    assert_eq!(sum(&[decimal(i64::MIN, 4), decimal(1, 4), decimal(-1, 4)]).to_decimal().unwrap().mantissa(), i64::MIN);
    assert!(sum(&[decimal(i64::MIN, 4), decimal(-1, 4)]).to_decimal().is_err());
    // It would fit with fewer digits: still an error, or the answer would depend on other sums in the column.
    assert!(sum(&[decimal(i64::MAX, 0), decimal(0, 1)]).to_decimal().is_err());
}

#[test]
fn a_sum_beyond_128_bits_says_so() {
    let values = vec![decimal(i64::MAX, 0); 40];
    let mut large = sum(&values);
    large.add(decimal(0, 18)).unwrap();
    assert!(large.settled().unwrap().wraps != 0);
    assert!(large.to_decimal().is_err() && large.to_f64().is_err() && large.ratio_to_f64(3).is_err());
}

#[test]
fn a_state_that_no_sum_has_is_refused() {
    assert!(DecimalSum::from_via((0, 0, 0, 19)).is_err());
    assert!(DecimalSum::from_via((0, 0, 0, -1)).is_err());
}

#[test]
fn products_need_not_fit_64_bits() {
    let mut cost = DecimalSum::default();
    cost.add_product(decimal(i64::MAX, 4), i64::MIN).unwrap();
    assert!(cost.to_decimal().is_err());
    cost.add_product(decimal(i64::MAX, 4), i64::MAX).unwrap();
    cost.add_product(decimal(25_500, 4), 6).unwrap();
    assert_eq!(units(&cost), (BigInt::from(153_000) - i64::MAX) * BigInt::from(10).pow(14));
}

proptest! {
    #[test]
    fn any_order_and_split_gives_the_exact_sum(values in vec((number(), any::<u16>(), any::<bool>()), 0..60)) {
        let plain = values.iter().map(|value| value.0).collect::<Vec<_>>();
        let expected = sum(&plain);
        let exact = plain.iter().map(|value| units(&sum(&[*value]))).sum::<BigInt>();
        prop_assert_eq!(units(&expected), exact.clone());

        let mut order = values.clone();
        order.sort_by_key(|value| value.1);
        prop_assert_eq!(sum(&order.iter().map(|value| value.0).collect::<Vec<_>>()), expected);

        let part = |left: bool| sum(&values.iter().filter(|value| value.2 == left).map(|value| value.0).collect::<Vec<_>>());
        let (mut left, mut right) = (part(true), part(false));
        left.merge(&part(false)).unwrap();
        right.merge(&part(true)).unwrap();
        prop_assert_eq!(left, expected);
        prop_assert_eq!(right, expected);
        prop_assert_eq!(DecimalSum::from_via(expected.to_via()).unwrap(), expected);

        let mut gone = expected;
        plain.iter().for_each(|value| gone.sub(*value).unwrap());
        prop_assert_eq!(units(&gone), BigInt::ZERO);
    }

    #[test]
    fn an_average_is_the_nearest_double(values in vec(number(), 1..60), count: u64) {
        let sum = sum(&values);
        if let Ok(Some(average)) = sum.ratio_to_f64(count) {
            let denominator = BigInt::from(count) * BigInt::from(10).pow(u32::from(SCALE_MAX));
            prop_assert!(is_nearest(average, &(units(&sum) << 1074), &denominator));
        }
    }
}
