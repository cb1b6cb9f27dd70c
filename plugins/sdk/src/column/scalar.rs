//! The six types of one value, read from typed slices: what `get` does after the type was checked once.

use super::bitmap::{bit, bitmap};
use super::view::ValuesRef;
use crate::bindings::exports::weir::plugin::types::ScalarType;
use crate::number::{Decimal, SCALE_MAX, Timestamp};

/// A type of one value: `bool`, `i64`, `f64`, `Decimal`, `Timestamp`, `&str`. Implemented here only.
pub trait Scalar<'a>: Sized {
    /// Its type in the contract.
    const TYPE: ScalarType;
    /// Values of this type side by side.
    type Values: Copy;

    /// Checks type and length, once a call.
    ///
    /// # Errors
    /// A sentence for `Mismatch::Column`.
    fn open(values: ValuesRef<'a>, length: usize) -> Result<Self::Values, String>;

    /// Value `i`, which is below the length.
    fn get(values: &Self::Values, i: usize) -> Self;
}

#[cold]
fn other_type<T>(wanted: &str, given: ValuesRef<'_>) -> Result<T, String> {
    Err(format!("asked for {wanted}, was given {}", given.name()))
}

#[inline]
fn exactly<T>(values: &[T], length: usize) -> Result<&[T], String> {
    match values.get(..length) {
        Some(all) if values.len() == length => Ok(all),
        _ => Err(format!("{} values for {length} rows", values.len())),
    }
}

/// A type whose values are the elements of one slice.
macro_rules! plain {
    ($type:ty, $variant:ident, $word:literal, $element:ty, $make:expr) => {
        impl<'a> Scalar<'a> for $type {
            const TYPE: ScalarType = ScalarType::$variant;
            type Values = &'a [$element];

            #[inline]
            fn open(values: ValuesRef<'a>, length: usize) -> Result<Self::Values, String> {
                match values {
                    ValuesRef::$variant(values) => exactly(values, length),
                    other => other_type($word, other),
                }
            }

            #[inline(always)]
            fn get(values: &Self::Values, i: usize) -> Self {
                ($make)(values[i])
            }
        }
    };
}

plain!(i64, Int64, "int64", i64, |value| value);
plain!(f64, Float64, "float64", f64, |value| value);
plain!(Timestamp, Timestamp, "timestamp", i64, Timestamp);

impl<'a> Scalar<'a> for bool {
    const TYPE: ScalarType = ScalarType::Boolean;
    type Values = &'a [u8];

    #[inline]
    fn open(values: ValuesRef<'a>, length: usize) -> Result<Self::Values, String> {
        match values {
            ValuesRef::Boolean(bytes) => bitmap(bytes, length),
            other => other_type("boolean", other),
        }
    }

    #[inline(always)]
    fn get(values: &Self::Values, i: usize) -> Self {
        bit(values, i)
    }
}

impl<'a> Scalar<'a> for Decimal {
    const TYPE: ScalarType = ScalarType::Decimal(None);
    type Values = (u8, &'a [i64]);

    #[inline]
    fn open(values: ValuesRef<'a>, length: usize) -> Result<Self::Values, String> {
        match values {
            ValuesRef::Decimal { scale, .. } if scale > SCALE_MAX => {
                Err(format!("a decimal's scale is at most {SCALE_MAX}, not {scale}"))
            }
            ValuesRef::Decimal { scale, mantissas } => Ok((scale, exactly(mantissas, length)?)),
            other => other_type("decimal", other),
        }
    }

    #[inline(always)]
    fn get((scale, mantissas): &Self::Values, i: usize) -> Self {
        Self::unchecked(mantissas[i], *scale)
    }
}

impl<'a> Scalar<'a> for &'a str {
    const TYPE: ScalarType = ScalarType::Text;
    type Values = (&'a [u32], &'a str);

    fn open(values: ValuesRef<'a>, length: usize) -> Result<Self::Values, String> {
        let ValuesRef::Text { offsets, bytes } = values else {
            return other_type("text", values);
        };
        let offsets =
            exactly(offsets, length + 1).map_err(|_| format!("{} offsets for {length} texts", offsets.len()))?;
        let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))?;
        if !offsets.is_sorted() || !offsets.iter().all(|offset| text.is_char_boundary(*offset as usize)) {
            return Err("text offsets that go back, run past the end or cut a character".to_owned());
        }
        Ok((offsets, text))
    }

    #[inline]
    fn get((offsets, text): &Self::Values, i: usize) -> Self {
        &text[offsets[i] as usize..offsets[i + 1] as usize]
    }
}
