//! Columns come back as they went in, and broken bytes are refused.

use super::*;
use arrow_array::builder::{Decimal64Builder, ListBuilder, StringBuilder};
use arrow_array::*;
use proptest::prelude::*;

type Cells<T> = Vec<Option<T>>;

#[derive(Debug, Clone)]
struct Input {
    booleans: Cells<bool>,
    ints: Cells<i64>,
    floats: Cells<u64>,
    decimals: Cells<i64>,
    texts: Cells<String>,
    lists: Cells<Cells<i64>>,
    text_lists: Cells<Cells<String>>,
}

fn input() -> impl Strategy<Value = Input> {
    (0usize..20).prop_flat_map(|len| {
        fn column<S: Strategy>(values: S, len: usize) -> impl Strategy<Value = Cells<S::Value>> {
            proptest::collection::vec(proptest::option::of(values), len)
        }
        let list = proptest::collection::vec(proptest::option::of(any::<i64>()), 0..4);
        let text_list = proptest::collection::vec(proptest::option::of("\\PC{0,4}"), 0..4);
        (
            column(any::<bool>(), len),
            column(any::<i64>(), len),
            column(any::<u64>(), len),
            column(any::<i64>(), len),
            column("\\PC{0,8}", len),
            column(list, len),
            column(text_list, len),
        )
            .prop_map(|(booleans, ints, floats, decimals, texts, lists, text_lists)| Input {
                booleans,
                ints,
                floats,
                decimals,
                texts,
                lists,
                text_lists,
            })
    })
}

fn decimals() -> Decimal64Builder {
    Decimal64Builder::new().with_precision_and_scale(18, 4).unwrap()
}

fn columns(input: &Input) -> Vec<ArrayRef> {
    let mut money = decimals();
    input.decimals.iter().for_each(|value| money.append_option(*value));
    let mut lists = ListBuilder::new(decimals());
    input.lists.iter().for_each(|list| lists.append_option(list.clone()));
    let mut text_lists = ListBuilder::new(StringBuilder::new());
    input.text_lists.iter().for_each(|list| text_lists.append_option(list.clone()));
    vec![
        Arc::new(BooleanArray::from(input.booleans.clone())),
        Arc::new(Int64Array::from(input.ints.clone())),
        Arc::new(Float64Array::from_iter(input.floats.iter().map(|bits| bits.map(f64::from_bits)))),
        Arc::new(money.finish()),
        Arc::new(TimestampMicrosecondArray::from(input.ints.clone())),
        Arc::new(StringArray::from(input.texts.clone())),
        Arc::new(lists.finish()),
        Arc::new(text_lists.finish()),
    ]
}

proptest! {
    #[test]
    fn columns_come_back_as_they_went_in(input in input(), cut in 0usize..20) {
        let columns = columns(&input);
        let cut = cut.min(input.ints.len());
        for columns in [columns.clone(), columns.iter().map(|column| column.slice(cut, column.len() - cut)).collect()] {
            let back = decode_columns(&encode_columns(&columns).unwrap()).unwrap();
            prop_assert_eq!(back.len(), columns.len());
            for (back, column) in back.iter().zip(&columns) {
                prop_assert_eq!(back.to_data(), column.to_data());
            }
        }
    }
}

fn sample() -> Vec<ArrayRef> {
    vec![Arc::new(Int64Array::from(vec![1, 2])), Arc::new(StringArray::from(vec![Some("a"), None]))]
}

#[test]
fn no_columns_and_no_rows() {
    assert_eq!(decode_columns(&encode_columns(&[]).unwrap()).unwrap().len(), 0);
    let none: Vec<ArrayRef> = sample().iter().map(|column| column.slice(0, 0)).collect();
    let back = decode_columns(&encode_columns(&none).unwrap()).unwrap();
    assert_eq!((back.len(), back[0].len()), (2, 0));
}

#[test]
fn columns_of_two_lengths_are_refused() {
    let mut columns = sample();
    columns[0] = columns[0].slice(0, 1);
    assert!(encode_columns(&columns).is_err());
}

#[test]
fn torn_and_flipped_bytes_are_refused() {
    let bytes = encode_columns(&sample()).unwrap();
    for len in 0..bytes.len() {
        assert!(decode_columns(&bytes[..len]).is_err(), "{len} bytes");
    }
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x40;
        assert!(decode_columns(&flipped).is_err(), "byte {place}");
    }
}

#[test]
fn a_stream_that_holds_no_batch_is_refused() {
    let schema = Schema::new(vec![Field::new("", arrow_schema::DataType::Int64, true)]);
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.finish().unwrap();
    let stream = writer.into_inner().unwrap();
    assert!(decode_columns(&[Sha256::digest(&stream).to_vec(), stream].concat()).is_err());
}
