use super::*;
use crate::number::ratio::tests::{is_nearest, units};
use num_bigint::BigInt;
use proptest::collection::vec;
use proptest::num::f64 as floats;
use proptest::prelude::*;

fn sum(values: impl IntoIterator<Item = f64>) -> ExactSum {
    let mut sum = ExactSum::default();
    values.into_iter().for_each(|value| sum.add(value).unwrap());
    sum
}

/// Every kind of finite double; close ones, so that they meet in the same digits, and far ones.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => -1e3..1e3,
        2 => floats::NORMAL | floats::SUBNORMAL | floats::ZERO | floats::POSITIVE | floats::NEGATIVE,
        1 => (-9..9_i64).prop_map(|n| n as f64 * 2.0_f64.powi(53)),
        1 => prop_oneof![Just(f64::MAX), Just(f64::MIN), Just(f64::from_bits(1)), Just(0.1), Just(1e16), Just(1.0)],
    ]
}

#[test]
fn nothing_is_lost() {
    assert_eq!(sum([]).to_f64().unwrap().to_bits(), 0);
    assert_eq!(sum([1e16, 1.0, -1e16]).to_f64().unwrap(), 1.0);
    assert_eq!(sum([f64::MAX, f64::from_bits(1), -f64::MAX]).to_f64().unwrap(), f64::from_bits(1));
    assert_eq!(sum([0.1; 10]).to_f64().unwrap(), 1.0);
    assert_eq!(sum([-0.0, -0.0]).to_f64().unwrap().to_bits(), 0);
    // A tie, and a hair beside it that 128 bits don't reach.
    assert_eq!(sum([2.0_f64.powi(53), 1.0]).to_f64().unwrap(), 2.0_f64.powi(53));
    assert_eq!(sum([2.0_f64.powi(53), 1.0, 1e-300]).to_f64().unwrap(), 2.0_f64.powi(53) + 2.0);
}

#[test]
fn beyond_the_largest_is_an_error_and_back_again_is_not() {
    let mut large = sum([f64::MAX, f64::MAX]);
    assert!(large.to_f64().unwrap_err().as_str().contains("beyond the largest"));
    large.add(f64::MIN).unwrap();
    assert_eq!(large.to_f64().unwrap(), f64::MAX);
}

#[test]
fn what_is_not_finite_is_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(ExactSum::default().add(value).unwrap_err().as_str().contains("can't be summed"));
    }
}

#[test]
fn carries_move_before_a_digit_overflows() {
    let mut full = sum([f64::MAX, -1.5]);
    full.pending = PENDING_MAX;
    full.digits.iter_mut().for_each(|digit| *digit += (1 << 62) - (1 << 33));
    let (before, largest) = (full.clone(), f64::MAX);
    full.add(largest).unwrap();
    assert_eq!(full.pending, 2);
    let mut expected = before.canonical();
    expected.merge(&sum([largest]));
    assert_eq!(full, expected);
}

#[test]
fn a_state_that_no_sum_has_is_refused() {
    assert!(ExactSum::from_via((-1, vec![1])).is_err());
    assert!(ExactSum::from_via((60, vec![1; 9])).is_err());
    assert!(ExactSum::from_via((i64::MAX, vec![1])).is_err());
    assert!(ExactSum::from_via((0, vec![1 << 31])).is_err());
    assert!(ExactSum::from_via((0, vec![-(1 << 31)])).is_ok());
}

proptest! {
    #[test]
    fn any_order_and_split_gives_the_exact_sum(values in vec((number(), any::<u16>(), any::<bool>()), 0..60)) {
        let expected = sum(values.iter().map(|value| value.0));
        let exact = values.iter().map(|value| units(value.0)).sum::<BigInt>();
        match expected.to_f64() {
            Ok(value) => prop_assert!(is_nearest(value, &exact, &BigInt::from(1)), "{value:?}"),
            Err(_) => prop_assert!(exact.magnitude() > units(f64::MAX).magnitude()),
        }

        let mut order = values.clone();
        order.sort_by_key(|value| value.1);
        let part = |left: bool| sum(values.iter().filter(|value| value.2 == left).map(|value| value.0));
        let (mut left, mut right) = (part(true), part(false));
        left.merge(&part(false));
        right.merge(&part(true));
        for other in [sum(order.iter().map(|value| value.0)), left, right] {
            prop_assert_eq!(other.to_via(), expected.to_via());
        }
        prop_assert_eq!(ExactSum::from_via(expected.to_via()).unwrap().to_via(), expected.to_via());
    }
}
