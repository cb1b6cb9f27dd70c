use super::bitmap::{all_ones, bit};
use super::*;
use crate::number::{Decimal, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

fn message(mismatch: Mismatch) -> String {
    match mismatch.failure("c") {
        Failure::AtRow(at) => format!("row {}: {}", at.row, at.reason),
        Failure::Other(what) => what,
    }
}

fn error<'a, T: FromColumn<'a>>(column: ColumnRef<'a>, rows: usize) -> String {
    message(T::open(column, rows).err().expect("a mismatch"))
}

fn values<'a, T: FromColumn<'a>>(column: ColumnRef<'a>, rows: usize) -> Vec<T> {
    let view = T::open(column, rows).map_err(message).unwrap();
    (0..rows).map(|row| T::get(&view, row)).collect()
}

const WHOLE: ColumnRef<'_> =
    ColumnRef { lists: None, values: ValuesRef::Int64(&[1, 2, 3]), validity: None, element_validity: None };

fn text<'a>(offsets: &'a [u32], bytes: &'a [u8]) -> ColumnRef<'a> {
    ColumnRef::of(ValuesRef::Text { offsets, bytes })
}

#[test]
fn values_and_nulls_are_read_where_they_lie() {
    assert_eq!(values::<i64>(WHOLE, 3), [1, 2, 3]);
    let holes = ColumnRef { validity: Some(&[0b101]), ..WHOLE };
    assert_eq!(values::<Option<i64>>(holes, 3), [Some(1), None, Some(3)]);
    assert_eq!(values::<bool>(ColumnRef::of(ValuesRef::Boolean(&[0, 0b10])), 10)[8..], [false, true]);
    assert_eq!(values::<Timestamp>(ColumnRef::of(ValuesRef::Timestamp(&[-1])), 1), [Timestamp(-1)]);
    let money = ColumnRef::of(ValuesRef::Decimal { scale: 2, mantissas: &[150] });
    assert_eq!(values::<Decimal>(money, 1), [Decimal::new(15, 1).unwrap()]);
    assert_eq!(values::<&str>(text(&[0, 2, 2, 3], "éa".as_bytes()), 3), ["é", "", "a"]);
    let lists = ColumnRef { lists: Some(&[0, 2, 2, 3]), element_validity: Some(&[0b101]), ..WHOLE };
    let lists = values::<List<'_, Option<i64>>>(lists, 3);
    assert_eq!(lists[0].iter().collect::<Vec<_>>(), [Some(1), None]);
    assert!(lists[1].is_empty() && lists[2].get(0) == Some(Some(3)) && lists[2].get(1).is_none());
}

#[test]
fn what_is_not_as_described_is_refused_by_name() {
    assert_eq!(error::<f64>(WHOLE, 3), "column `c`: asked for float64, was given int64");
    assert_eq!(error::<i64>(WHOLE, 2), "column `c`: 3 values for 2 rows");
    assert_eq!(error::<i64>(WHOLE, 4), "column `c`: 3 values for 4 rows");
    assert_eq!(error::<List<'_, i64>>(WHOLE, 3), "column `c`: asked for a list, was given one int64 a row");
    let lists = ColumnRef { lists: Some(&[0, 3]), ..WHOLE };
    assert_eq!(error::<i64>(lists, 1), "column `c`: asked for one value a row, was given lists");
    assert!(error::<List<'_, i64>>(ColumnRef { lists: Some(&[0, 3, 2]), ..WHOLE }, 2).contains("go back"));
    assert!(error::<List<'_, i64>>(ColumnRef { lists: Some(&[0, 4]), ..WHOLE }, 1).contains("3 values for 4"));
    let fine = ColumnRef::of(ValuesRef::Decimal { scale: 19, mantissas: &[1] });
    assert!(error::<Decimal>(fine, 1).contains("at most 18, not 19"));
    assert!(error::<bool>(ColumnRef::of(ValuesRef::Boolean(&[0])), 9).contains("a bitmap of 1 bytes for 9 values"));
    assert!(error::<&str>(text(&[0, 1], &[0xff]), 1).contains("not UTF-8 at byte 0"));
    assert!(error::<&str>(text(&[0, 1, 2], "é".as_bytes()), 2).contains("cut a character"));
    assert!(error::<&str>(text(&[0, 9], b"a"), 1).contains("past the end"));
}

#[test]
fn a_null_that_is_not_taken_names_its_row() {
    let holes = ColumnRef { validity: Some(&[0b011]), ..WHOLE };
    assert_eq!(error::<i64>(holes, 3), "row 2: c: null, which the plugin does not take here");
    assert_eq!(values::<i64>(ColumnRef { validity: Some(&[0b0111]), ..WHOLE }, 3), [1, 2, 3]);
    let lists = ColumnRef { lists: Some(&[0, 0, 1, 3]), element_validity: Some(&[0b011]), ..WHOLE };
    assert_eq!(error::<List<'_, i64>>(lists, 3), "row 2: c: an element: null, which the plugin does not take here");
}

#[test]
fn what_is_written_reads_back() {
    fn written<T: OutputValue>(values: Vec<T>) -> crate::types::Column {
        let mut builder = T::Builder::default();
        values.into_iter().for_each(|value| OutputValue::write(value, &mut builder).unwrap());
        T::finish(builder).unwrap()
    }
    let bits = (0..11).map(|i| (i != 4).then_some(i % 3 == 0)).collect::<Vec<_>>();
    assert_eq!(values::<Option<bool>>(ColumnRef::from(&written(bits.clone())), 11), bits);
    let words = vec!["é".to_owned(), String::new(), "abc".to_owned()];
    assert_eq!(values::<&str>(ColumnRef::from(&written(words.clone())), 3), words);
    let lists = vec![Some(vec![1_i64, 2]), None, Some(vec![]), Some(vec![3])];
    let column = written(lists.clone());
    let read = values::<Option<List<'_, i64>>>(ColumnRef::from(&column), 4);
    assert_eq!(read.into_iter().map(|list| list.map(|list| list.iter().collect())).collect::<Vec<_>>(), lists);
}

#[test]
fn decimals_share_the_largest_scale_or_the_least_that_fits() {
    let decimal = |mantissa, scale| Decimal::new(mantissa, scale).unwrap();
    let column = |values: &[Decimal]| {
        let mut builder = <Decimal as OutputValue>::Builder::default();
        values.iter().for_each(|value| OutputValue::write(*value, &mut builder).unwrap());
        <Decimal as OutputValue>::finish(builder)
    };
    let mantissas = |values: &[Decimal]| match column(values).unwrap().values {
        crate::types::Values::Decimal(decimals) => (decimals.scale, decimals.mantissas),
        other => panic!("{other:?}"),
    };
    assert_eq!(mantissas(&[decimal(1, 0), decimal(25, 2)]), (2, vec![100, 25]));
    assert_eq!(mantissas(&[decimal(i64::MAX, 0), decimal(200, 2)]), (0, vec![i64::MAX, 2]));
    let (row, reason) = column(&[decimal(25, 2), decimal(i64::MAX, 0)]).unwrap_err();
    assert!(row == 1 && reason.as_str().contains("does not fit 64 bits at the scale 2"), "{reason}");
}

#[test]
fn a_float_that_is_not_finite_is_refused() {
    let mut builder = <f64 as OutputValue>::Builder::default();
    assert!(OutputValue::write(f64::NAN, &mut builder).unwrap_err().as_str().contains("give None"));
    assert!(OutputValue::write(f64::MAX, &mut builder).is_ok());
}

proptest! {
    #[test]
    fn a_bitmap_is_its_bits_however_it_was_written(parts in vec((vec(prop::bool::weighted(0.9), 0..40), 0..3_u8), 0..8), from in 0..200_usize, to in 0..200_usize) {
        let mut written = Bits::default();
        let mut expected = Vec::new();
        for (bits, way) in parts {
            match way {
                0 => bits.iter().for_each(|value| written.push(*value)),
                1 => written.extend_ones(bits.len()),
                _ => {
                    let mut part = Bits::default();
                    bits.iter().for_each(|value| part.push(*value));
                    let mut bytes = part.into_bytes();
                    bytes.push(0xff);
                    written.extend(&bytes, bits.len());
                }
            }
            expected.extend(bits.iter().map(|value| *value || way == 1));
        }
        prop_assert_eq!(written.clone().into_validity().is_none(), expected.iter().all(|value| *value));
        let bytes = written.into_bytes();
        prop_assert_eq!(bytes.len(), expected.len().div_ceil(8));
        prop_assert_eq!((0..expected.len()).map(|i| bit(&bytes, i)).collect::<Vec<_>>(), expected.clone());
        prop_assert!((expected.len()..bytes.len() * 8).all(|i| !bit(&bytes, i)));
        let range = from.min(expected.len())..to.clamp(from, expected.len().max(from)).min(expected.len());
        prop_assert_eq!(all_ones(&bytes, range.clone()), expected[range].iter().all(|value| *value));
    }

    #[test]
    fn decimals_written_at_once_are_as_one_by_one(parts in vec((vec(-1000..1000_i64, 0..5), 0..4_u8, any::<bool>()), 0..6)) {
        let (mut at_once, mut one_by_one) = (DecimalBuilder::default(), DecimalBuilder::default());
        for (mantissas, scale, nothing) in &parts {
            at_once.extend(*scale, mantissas);
            mantissas.iter().for_each(|mantissa| one_by_one.push(Decimal::new(*mantissa, *scale).unwrap()));
            if *nothing {
                at_once.nothing();
                one_by_one.nothing();
            }
        }
        prop_assert_eq!(at_once.finish(), one_by_one.finish());
    }
}
