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
    type Values = Texts<'a>;

    fn open(values: ValuesRef<'a>, length: usize) -> Result<Self::Values, String> {
        let ValuesRef::Text { offsets, bytes } = values else {
            return other_type("text", values);
        };
        let offsets =
            exactly(offsets, length + 1).map_err(|_| format!("{} offsets for {length} texts", offsets.len()))?;
        Texts::new(offsets, bytes)
    }

    #[inline(always)]
    fn get(texts: &Self::Values, i: usize) -> Self {
        texts.get(i)
    }
}

/// Texts end to end. Invariant: the bytes are UTF-8, and the offsets rise and cut no character.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    offsets: &'a [u32],
    text: &'a str,
}

impl<'a> Texts<'a> {
    fn new(offsets: &'a [u32], bytes: &'a [u8]) -> Result<Self, String> {
        let text = match is_ascii(bytes) {
            // SAFETY: ASCII is UTF-8. `from_utf8` would look at four bytes a turn, and each turn costs fuel.
            true => unsafe { std::str::from_utf8_unchecked(bytes) },
            false => std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8 at byte {}", e.valid_up_to()))?,
        };
        let past_end = offsets.last().is_some_and(|last| *last as usize > bytes.len());
        // In ASCII no character can be cut.
        let cut = || !is_ascii(bytes) && !offsets.iter().all(|offset| text.is_char_boundary(*offset as usize));
        if past_end || !rising(offsets) || cut() {
            return Err("text offsets that go back, run past the end or cut a character".to_owned());
        }
        Ok(Self { offsets, text })
    }

    #[inline(always)]
    fn get(&self, i: usize) -> &'a str {
        let range = self.offsets[i] as usize..self.offsets[i + 1] as usize;
        debug_assert!(self.text.get(range.clone()).is_some(), "offsets rise and cut no character");
        // SAFETY: the invariant, which `new` has checked once for all offsets.
        unsafe { self.text.get_unchecked(range) }
    }

    pub(super) fn offsets(&self) -> &'a [u32] {
        self.offsets
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }
}

/// Many bytes a turn.
fn is_ascii(bytes: &[u8]) -> bool {
    let (turns, rest) = bytes.as_chunks::<32>();
    let all = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all | byte);
    turns.iter().fold(all(rest), |bits, turn| bits | all(turn)) < 0x80
}

/// Whether no offset is smaller than the one before; sixteen a turn.
pub(super) fn rising(offsets: &[u32]) -> bool {
    let Some((_, following)) = offsets.split_first() else { return true };
    let (turns, rest) = following.as_chunks::<16>();
    let (before, _) = offsets.as_chunks::<16>();
    let falls = |before: &[u32], after: &[u32]| before.iter().zip(after).fold(false, |falls, (a, b)| falls | (a > b));
    let fall = before.iter().zip(turns).fold(false, |fall, (before, after)| fall | falls(before, after));
    !(fall | falls(&offsets[turns.len() * 16..], rest))
}
