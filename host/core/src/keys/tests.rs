//! Keys read back as they were, and apart from each other.

use super::*;
use arrow_array::{BooleanArray, Decimal64Array, Float64Array, Int64Array, TimestampMicrosecondArray};

fn columns() -> (Vec<ArrayRef>, Vec<ScalarType>) {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)])),
        Arc::new(Int64Array::from(vec![Some(-5), None, Some(7), Some(-5)])),
        Arc::new(Float64Array::from(vec![Some(-0.0), None, Some(2.5), Some(0.0)])),
        Arc::new(
            Decimal64Array::from(vec![Some(12), None, Some(-3), Some(12)]).with_precision_and_scale(18, 2).unwrap(),
        ),
        Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(2), Some(1)])),
        Arc::new(StringArray::from(vec![Some("é"), None, Some(""), Some("é")])),
    ];
    let types = columns.iter().map(|column| ScalarType::of_arrow(column.data_type()).unwrap()).collect();
    (columns, types)
}

#[test]
fn equal_keys_have_equal_numbers_and_every_type_reads_back() {
    let (columns, types) = columns();
    let mut table = KeyTable::new(types);
    let mut numbers = Vec::new();
    table.number(&columns, 4, &mut numbers).unwrap();
    assert_eq!(numbers, [0, 1, 2, 0]);
    let expected = [
        KeyValue::Boolean(true),
        KeyValue::Int64(-5),
        KeyValue::from_f64(0.0),
        KeyValue::Decimal(12, 2),
        KeyValue::Timestamp(1),
        KeyValue::Text("é".into()),
    ];
    assert_eq!(&*table.group(0), expected);
    assert_eq!(&*table.group(1), [const { KeyValue::Null }; 6]);
}

#[test]
fn each_type_alone_reads_back_with_null_apart_from_every_value() {
    let (columns, types) = columns();
    for (column, key_type) in columns.into_iter().zip(types) {
        let mut table = KeyTable::new(vec![key_type]);
        let mut numbers = Vec::new();
        table.number(&[column], 4, &mut numbers).unwrap();
        assert_eq!(numbers, [0, 1, 2, 0], "{key_type}");
        assert_eq!(&*table.group(1), [KeyValue::Null]);
        assert_ne!(&*table.group(2), [KeyValue::Null]);
    }
}

#[test]
fn texts_of_two_columns_do_not_run_together() {
    let texts = |texts: [&str; 2]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let mut table = KeyTable::new(vec![ScalarType::Text; 2]);
    let mut numbers = Vec::new();
    table.number(&[texts(["a", "ab"]), texts(["bc", "c"])], 2, &mut numbers).unwrap();
    assert_eq!(numbers, [0, 1]);
    assert_eq!(&*table.group(1), [KeyValue::Text("ab".into()), KeyValue::Text("c".into())]);
}

#[test]
fn other_types_and_lengths_are_refused() {
    let mut table = KeyTable::new(vec![ScalarType::Decimal(Some(2))]);
    let mut numbers = Vec::new();
    let decimals =
        |scale| Arc::new(Decimal64Array::from(vec![1]).with_precision_and_scale(18, scale).unwrap()) as ArrayRef;
    assert!(table.number(&[decimals(2)], 1, &mut numbers).is_ok());
    assert!(table.number(&[decimals(2)], 2, &mut numbers).is_err());
    assert!(table.number(&[decimals(3)], 1, &mut numbers).is_err());
    assert!(table.number(&[], 1, &mut numbers).is_err());
    assert!(table.number(&[Arc::new(StringArray::from(vec!["1"]))], 1, &mut numbers).is_err());
}

#[test]
fn renumbering_keeps_the_named_keys() {
    let mut table = KeyTable::new(vec![ScalarType::Text]);
    let mut numbers = Vec::new();
    let column: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("c")]));
    table.number(std::slice::from_ref(&column), 4, &mut numbers).unwrap();
    table.renumber(&[NONE, 1, 0, NONE]);
    assert_eq!(table.len(), 2);
    table.number(&[column], 4, &mut numbers).unwrap();
    assert_eq!(numbers, [2, 1, 0, 3]);
}

fn names(numbers: impl Iterator<Item = u32>) -> ArrayRef {
    Arc::new(numbers.map(|number| Some(format!("a customer whose name is long {number}"))).collect::<StringArray>())
}

#[test]
fn numbers_stay_with_few_keys_and_with_many() {
    let mut table = KeyTable::new(vec![ScalarType::Text]);
    for count in [1, 40, 1_000, 5_000] {
        let column = names((0..count).map(|place| place * 7 % count));
        let (mut first, mut again) = (Vec::new(), Vec::new());
        table.number(std::slice::from_ref(&column), count as usize, &mut first).unwrap();
        table.number(&[column], count as usize, &mut again).unwrap();
        assert_eq!(first, again);
        first.sort_unstable();
        first.dedup();
        assert_eq!((first.len(), table.len()), (count as usize, count as usize));
    }
}

#[test]
fn rows_that_another_table_has_numbered_need_no_look_of_their_own() {
    let column = names((0..300).map(|place| place * place % 41));
    let (mut other, mut mine) = (KeyTable::new(vec![ScalarType::Text]), KeyTable::new(vec![ScalarType::Text]));
    let mut numbers = Vec::new();
    mine.number(&[names(20..60)], 40, &mut numbers).unwrap();
    let (mut others, mut like) = (Vec::new(), Vec::new());
    other.number(std::slice::from_ref(&column), 300, &mut others).unwrap();
    mine.number_like(&other, &others, &mut like);
    mine.number(&[column], 300, &mut numbers).unwrap();
    assert_eq!(like, numbers);
}
