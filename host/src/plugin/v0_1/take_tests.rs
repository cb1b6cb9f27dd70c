use super::super::bindings::types::DecimalsResult;
use super::*;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

const INT: ColumnType = ColumnType::Scalar(ScalarType::Int64);
const BOOLEAN: ColumnType = ColumnType::Scalar(ScalarType::Boolean);
const TEXT: ColumnType = ColumnType::Scalar(ScalarType::Text);

fn plain(values: ValuesResult) -> ColumnResult {
    ColumnResult { lists: None, values, validity: None, element_validity: None }
}

fn text(offsets: &[u32], bytes: &[u8]) -> ColumnResult {
    plain(ValuesResult::Text(TextsResult { offsets: offsets.to_vec(), bytes: bytes.to_vec() }))
}

fn decimal(scale: u8) -> ColumnResult {
    plain(ValuesResult::Decimal(DecimalsResult { scale, mantissas: vec![i64::MIN, i64::MAX] }))
}

fn wrong(given: ColumnResult, declared: ColumnType, rows: usize) -> String {
    column(given, declared, rows).expect_err("taken")
}

#[test]
fn whole_columns_are_taken() {
    let ints = column(plain(ValuesResult::Int64(vec![1, -2])), INT, 2).expect("ints");
    assert_eq!(ints.as_primitive::<Int64Type>().values().to_vec(), [1, -2]);
    let texts = column(text(&[0, 2, 2], "é".as_bytes()), TEXT, 2).expect("texts");
    assert_eq!(texts.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["é", ""]);
    let empty = column(text(&[0], b""), TEXT, 0).expect("no texts");
    assert_eq!(empty.len(), 0);
    let bits = column(plain(ValuesResult::Boolean(vec![0xff, 0b01])), BOOLEAN, 9).expect("bits");
    assert_eq!(bits.as_boolean().true_count(), 9);
}

#[test]
fn validity_becomes_nulls() {
    let given = ColumnResult { validity: Some(vec![0b10]), ..plain(ValuesResult::Int64(vec![1, 2])) };
    let ints = column(given, INT, 2).expect("ints");
    assert!(ints.is_null(0) && ints.is_valid(1));
    let given = ColumnResult { validity: Some(vec![0b11]), ..plain(ValuesResult::Int64(vec![1, 2])) };
    assert!(column(given, INT, 2).expect("ints").nulls().is_none(), "all set is none null");
}

#[test]
fn lists_are_taken_with_their_elements() {
    let given = ColumnResult {
        lists: Some(vec![0, 2, 2]),
        element_validity: Some(vec![0b01]),
        ..plain(ValuesResult::Int64(vec![7, 8]))
    };
    let lists = column(given, ColumnType::List(ScalarType::Int64), 2).expect("lists");
    let first = lists.as_list::<i32>().value(0);
    assert!(first.len() == 2 && first.is_null(1) && lists.as_list::<i32>().value(1).is_empty());
    assert_eq!(lists.data_type(), &ColumnType::List(ScalarType::Int64).arrow());
}

#[test]
fn wrong_lengths_are_refused() {
    assert!(wrong(plain(ValuesResult::Int64(vec![1])), INT, 2).contains("1 values, but 2"));
    assert!(wrong(plain(ValuesResult::Boolean(vec![0, 0])), BOOLEAN, 8).contains("2 bytes, but 8 values need 1"));
    let validity = ColumnResult { validity: Some(vec![]), ..plain(ValuesResult::Int64(vec![1])) };
    assert!(wrong(validity, INT, 1).contains("bitmap of 0 bytes"));
    let lists = ColumnResult { lists: Some(vec![0, 1]), ..plain(ValuesResult::Int64(vec![1, 2])) };
    assert!(wrong(lists, ColumnType::List(ScalarType::Int64), 1).contains("2 values, but 1"));
}

#[test]
fn wrong_offsets_are_refused() {
    assert!(wrong(text(&[], b""), TEXT, 0).contains("0 offsets"));
    assert!(wrong(text(&[0, 1], b"a"), TEXT, 2).contains("2 offsets, but 2 values need 3"));
    assert!(wrong(text(&[1, 1], b"a"), TEXT, 1).contains("begin with 0"));
    assert!(wrong(text(&[0, 2, 1], b"ab"), TEXT, 2).contains("fall, from 2 to 1 at 1"));
    assert!(wrong(text(&[0, 3], b"ab"), TEXT, 1).contains("up to byte 3, but 2"));
    assert!(wrong(text(&[0, u32::MAX], b"ab"), TEXT, 1).contains("2,147,483,647"));
    assert!(wrong(text(&[0, 1, 2], "é".as_bytes()), TEXT, 2).contains("not UTF-8"), "a cut character");
    assert!(wrong(text(&[0, 1], &[0xff]), TEXT, 1).contains("not UTF-8"));
}

#[test]
fn wrong_types_are_refused() {
    assert!(wrong(plain(ValuesResult::Timestamp(vec![1])), INT, 1).contains("holds timestamp, but int64"));
    let two = ColumnType::Scalar(ScalarType::Decimal(Some(2)));
    let any = ColumnType::Scalar(ScalarType::Decimal(None));
    assert!(wrong(decimal(3), two, 2).contains("holds decimal(3), but decimal(2)"));
    assert!(wrong(decimal(19), any, 2).contains("scale 19"));
    let taken = column(decimal(18), any, 2).expect("any scale");
    assert_eq!(ColumnType::of_arrow(taken.data_type()), Some(ColumnType::Scalar(ScalarType::Decimal(Some(18)))));
    let lists = ColumnResult { lists: Some(vec![0, 1]), ..plain(ValuesResult::Int64(vec![1])) };
    assert!(wrong(lists, INT, 1).contains("column of lists"));
    assert!(
        wrong(plain(ValuesResult::Int64(vec![1])), ColumnType::List(ScalarType::Int64), 1).contains("one value a row")
    );
}

#[test]
fn the_number_of_columns_is_the_declared_one() {
    let name = |_| "total".to_owned();
    let error = columns(Vec::new(), [INT].into_iter(), 0, name).expect_err("taken");
    assert!(error.contains("0 columns, but 1"));
    let none = vec![plain(ValuesResult::Int64(vec![]))];
    let error = columns(none, [INT].into_iter(), 1, name).expect_err("taken");
    assert!(error.contains("column `total`"), "{error}");
}
