//! A value that may be null or not: `T` or `Option<T>` of a scalar type.

use super::Mismatch;
use super::bitmap::{bit, bitmap, first_zero};
use super::scalar::Scalar;
use super::view::ValuesRef;
use crate::bindings::exports::weir::plugin::types::ScalarType;

/// A scalar type, or `Option` of one. Implemented here only.
pub trait Element<'a>: Sized {
    /// Its type in the contract.
    const TYPE: ScalarType;
    /// Whether it takes nulls.
    const NULLABLE: bool;
    /// Values of this type side by side.
    type Values: Copy;

    /// Checks type, length and nulls, once a call.
    ///
    /// # Errors
    /// Where the column is of another type or length, or has a null (by its place) that this type does not take.
    fn open(values: ValuesRef<'a>, validity: Option<&'a [u8]>, length: usize) -> Result<Self::Values, Mismatch>;

    /// Value `i`, which is below the length.
    fn get(values: &Self::Values, i: usize) -> Self;
}

impl<'a, T: Scalar<'a>> Element<'a> for T {
    const TYPE: ScalarType = T::TYPE;
    const NULLABLE: bool = false;
    type Values = T::Values;

    #[inline]
    fn open(values: ValuesRef<'a>, validity: Option<&'a [u8]>, length: usize) -> Result<Self::Values, Mismatch> {
        if let Some(validity) = validity {
            refuse_nulls(validity, length)?;
        }
        T::open(values, length).map_err(Mismatch::Column)
    }

    #[inline(always)]
    fn get(values: &Self::Values, i: usize) -> Self {
        T::get(values, i)
    }
}

#[cold]
pub(super) fn refuse_nulls(validity: &[u8], length: usize) -> Result<(), Mismatch> {
    let validity = bitmap(validity, length).map_err(Mismatch::Column)?;
    match first_zero(validity, length) {
        Some(i) => Err(Mismatch::Row(i, "null, which the plugin does not take here".into())),
        None => Ok(()),
    }
}

impl<'a, T: Scalar<'a>> Element<'a> for Option<T> {
    const TYPE: ScalarType = T::TYPE;
    const NULLABLE: bool = true;
    type Values = (T::Values, Option<&'a [u8]>);

    #[inline]
    fn open(values: ValuesRef<'a>, validity: Option<&'a [u8]>, length: usize) -> Result<Self::Values, Mismatch> {
        let validity = validity.map(|bytes| bitmap(bytes, length)).transpose().map_err(Mismatch::Column)?;
        Ok((T::open(values, length).map_err(Mismatch::Column)?, validity))
    }

    #[inline(always)]
    fn get((values, validity): &Self::Values, i: usize) -> Self {
        match validity {
            Some(validity) if !bit(validity, i) => None,
            _ => Some(T::get(values, i)),
        }
    }
}
