use super::*;
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{BooleanArray, Decimal64Array, Float64Array, Int32Array, Int64Array, StringArray};
use std::sync::Arc;

fn lent(array: &ArrayRef) -> Lent<'_> {
    let mut lent = lend(std::slice::from_ref(array), array.len()).expect("crosses");
    lent.remove(0)
}

#[test]
fn numbers_are_borrowed_also_from_the_middle() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let slice = array.slice(1, 2);
    let LentValues::Int64(values) = lent(&slice).values else { panic!("not int64") };
    assert_eq!(values, [2, 3]);
    let whole = array.to_data().buffers()[0].as_ptr();
    assert_eq!(values.as_ptr().cast::<u8>(), whole.wrapping_add(8), "no copy");
}

#[test]
fn a_bitmap_at_a_byte_is_borrowed_and_else_aligned() {
    let bits: Vec<bool> = (0..40).map(|n| n % 3 == 0).collect();
    let array: ArrayRef = Arc::new(BooleanArray::from(bits.clone()));
    for start in 0..20 {
        for len in 0..20 {
            let slice = array.slice(start, len);
            let LentValues::Boolean(bytes) = lent(&slice).values else { panic!("not boolean") };
            assert_eq!(bytes.len(), len.div_ceil(8));
            let bit = |n: usize| bytes[n / 8] >> (n % 8) & 1 == 1;
            assert!((0..len).all(|n| bit(n) == bits[start + n]), "{start}+{len}");
            assert!((len..bytes.len() * 8).all(|n| !bit(n)), "zeros after the last, {start}+{len}");
        }
    }
    let LentValues::Boolean(bytes) = lent(&array).values else { panic!("not boolean") };
    assert!(matches!(bytes, Cow::Borrowed(_)));
}

#[test]
fn validity_goes_along_only_where_a_null_is() {
    let array: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0)]));
    assert_eq!(lent(&array).validity.as_deref(), Some(&[0b101_u8][..]));
    assert!(lent(&array.slice(2, 1)).validity.is_none());
    assert_eq!(lent(&array.slice(1, 2)).validity.as_deref(), Some(&[0b10_u8][..]));
}

#[test]
fn texts_begin_at_zero() {
    let array: ArrayRef = Arc::new(StringArray::from(vec!["ab", "c", "", "def"]));
    let LentValues::Text(offsets, bytes) = lent(&array).values else { panic!("not text") };
    assert!(matches!(offsets, Cow::Borrowed(_)));
    assert_eq!((&offsets[..], bytes), (&[0, 2, 3, 3, 6][..], &b"abcdef"[..]));
    let slice = array.slice(1, 3);
    let LentValues::Text(offsets, bytes) = lent(&slice).values else { panic!("not text") };
    assert_eq!((&offsets[..], bytes), (&[0, 1, 1, 4][..], &b"cdef"[..]));
    let none = array.slice(4, 0);
    let LentValues::Text(offsets, bytes) = lent(&none).values else { panic!("not text") };
    assert_eq!((&offsets[..], bytes), (&[0][..], &b""[..]));
}

#[test]
fn lists_of_a_slice_take_only_their_own_values() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("a"), Some("bb")]);
    lists.append_null();
    lists.append_value([None, Some("ccc")]);
    let array: ArrayRef = Arc::new(lists.finish());
    let slice = array.slice(1, 2);
    let lent = lent(&slice);
    assert_eq!(lent.lists.as_deref(), Some(&[0, 0, 2][..]));
    assert_eq!(lent.validity.as_deref(), Some(&[0b10_u8][..]));
    assert_eq!(lent.element_validity.as_deref(), Some(&[0b10_u8][..]));
    let LentValues::Text(offsets, bytes) = lent.values else { panic!("not text") };
    assert_eq!((&offsets[..], bytes), (&[0, 0, 3][..], &b"ccc"[..]));
}

#[test]
fn a_decimal_carries_its_scale() {
    let array: ArrayRef = Arc::new(Decimal64Array::from(vec![6146]).with_precision_and_scale(18, 2).expect("fits"));
    assert!(matches!(lent(&array).values, LentValues::Decimal(2, [6146])));
}

#[test]
fn a_fault_of_the_host_is_told() {
    let odd: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    assert!(lend(std::slice::from_ref(&odd), 1).err().is_some_and(|what| what.contains("Int32")));
    let short: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    assert!(lend(std::slice::from_ref(&short), 2).err().is_some_and(|what| what.contains("1 values for 2 rows")));
}
