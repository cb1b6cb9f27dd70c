//! How a state travels: a fixed number of columns, a row a slot.
//!
//! `#[derive(State)]` puts the columns of a struct's fields side by side. A field may be a scalar, a list of scalars, a sum of
//! `number`, a map or set of scalars, a tuple, or another derived struct; a type of the author's own says by `StateVia` as what
//! it travels.

use crate::bindings::exports::weir::plugin::types::{Column, ColumnType, Failure};
use crate::column::{ColumnRef, FromColumn, List, OutputValue};
use crate::number::{Decimal, Timestamp};
use crate::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// A state, or part of one, as columns. Derive it; implement `StateVia` for a type of your own.
pub trait StateColumns: Sized {
    /// Columns being written.
    type Builders: Default;
    /// All columns, their types known.
    type Views<'a>;

    /// Appends the types of the columns.
    fn describe(types: &mut Vec<ColumnType>);

    /// Appends a row.
    ///
    /// # Errors
    /// Where the contract does not take a value: a float that is not finite.
    fn write(&self, builders: &mut Self::Builders) -> Result<(), Reason>;

    /// Appends the columns.
    ///
    /// # Errors
    /// Names the row of a value that does not fit in with the others.
    fn finish(builders: Self::Builders, columns: &mut Vec<Column>) -> Result<(), (usize, Reason)>;

    /// Takes its columns off the front, once a call.
    ///
    /// # Errors
    /// Where they are not of the described types or not of `rows` rows.
    fn open<'a>(columns: &mut &[ColumnRef<'a>], rows: usize) -> Result<Self::Views<'a>, Failure>;

    /// The state of a row below `rows`.
    ///
    /// # Errors
    /// Where the columns hold what `write` never writes.
    fn read(views: &Self::Views<'_>, row: usize) -> Result<Self, Reason>;
}

/// A type that travels as another one: a digest as its list of counters.
pub trait StateVia: Sized {
    /// What it travels as.
    type Via: StateColumns;

    /// The travelling form; equal states must give equal forms.
    fn to_via(&self) -> Self::Via;

    /// Back from it.
    ///
    /// # Errors
    /// Where it is nothing that `to_via` gives.
    fn from_via(via: Self::Via) -> Result<Self, Reason>;
}

impl<T: StateVia> StateColumns for T {
    type Builders = <T::Via as StateColumns>::Builders;
    type Views<'a> = <T::Via as StateColumns>::Views<'a>;

    fn describe(types: &mut Vec<ColumnType>) {
        T::Via::describe(types);
    }

    fn write(&self, builders: &mut Self::Builders) -> Result<(), Reason> {
        self.to_via().write(builders)
    }

    fn finish(builders: Self::Builders, columns: &mut Vec<Column>) -> Result<(), (usize, Reason)> {
        T::Via::finish(builders, columns)
    }

    fn open<'a>(columns: &mut &[ColumnRef<'a>], rows: usize) -> Result<Self::Views<'a>, Failure> {
        T::Via::open(columns, rows)
    }

    fn read(views: &Self::Views<'_>, row: usize) -> Result<Self, Reason> {
        T::from_via(T::Via::read(views, row)?)
    }
}

/// A type that is one column: written as `$type`, read as `$read`.
macro_rules! one_column {
    ($a:lifetime, $type:ty, $read:ty, $back:expr) => {
        impl StateColumns for $type {
            type Builders = <$type as OutputValue>::Builder;
            type Views<$a> = <$read as FromColumn<$a>>::View;

            fn describe(types: &mut Vec<ColumnType>) {
                types.push(<$type as OutputValue>::TYPE);
            }

            fn write(&self, builders: &mut Self::Builders) -> Result<(), Reason> {
                OutputValue::write(self.clone(), builders)
            }

            fn finish(builders: Self::Builders, columns: &mut Vec<Column>) -> Result<(), (usize, Reason)> {
                columns.push(<$type as OutputValue>::finish(builders)?);
                Ok(())
            }

            fn open<$a>(columns: &mut &[ColumnRef<$a>], rows: usize) -> Result<Self::Views<$a>, Failure> {
                <$read as FromColumn<$a>>::open(take(columns)?, rows).map_err(|mismatch| mismatch.failure("state"))
            }

            fn read<$a>(views: &Self::Views<$a>, row: usize) -> Result<Self, Reason> {
                Ok(($back)(<$read as FromColumn<$a>>::get(views, row)))
            }
        }
    };
}

/// Takes the first column.
fn take<'a>(columns: &mut &[ColumnRef<'a>]) -> Result<ColumnRef<'a>, Failure> {
    let (first, rest) =
        columns.split_first().ok_or_else(|| Failure::Other("a column of the state is missing".to_owned()))?;
    *columns = rest;
    Ok(*first)
}

/// A scalar, `Option` of it and a list of it.
macro_rules! scalar {
    ($a:lifetime, $type:ty, $read:ty, $back:expr) => {
        one_column!($a, $type, $read, $back);
        one_column!($a, Option<$type>, Option<$read>, |value: Option<$read>| value.map($back));
        one_column!($a, Vec<$type>, List<$a, $read>, |list: List<$a, $read>| list.iter().map($back).collect());
    };
}

scalar!('a, bool, bool, |value| value);
scalar!('a, i64, i64, |value| value);
scalar!('a, f64, f64, |value| value);
scalar!('a, Timestamp, Timestamp, |value| value);
scalar!('a, String, &'a str, str::to_owned);

/// A state of two to six parts.
macro_rules! tuple {
    ($($part:ident $place:tt),*) => {
        impl<$($part: StateColumns),*> StateColumns for ($($part,)*) {
            type Builders = ($($part::Builders,)*);
            type Views<'a> = ($($part::Views<'a>,)*);

            fn describe(types: &mut Vec<ColumnType>) {
                $($part::describe(types);)*
            }

            fn write(&self, builders: &mut Self::Builders) -> Result<(), Reason> {
                $(self.$place.write(&mut builders.$place)?;)*
                Ok(())
            }

            fn finish(builders: Self::Builders, columns: &mut Vec<Column>) -> Result<(), (usize, Reason)> {
                $($part::finish(builders.$place, columns)?;)*
                Ok(())
            }

            fn open<'a>(columns: &mut &[ColumnRef<'a>], rows: usize) -> Result<Self::Views<'a>, Failure> {
                Ok(($($part::open(columns, rows)?,)*))
            }

            fn read(views: &Self::Views<'_>, row: usize) -> Result<Self, Reason> {
                Ok(($($part::read(&views.$place, row)?,)*))
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);

/// The same 64 bits.
impl StateVia for u64 {
    type Via = i64;

    fn to_via(&self) -> i64 {
        self.cast_signed()
    }

    fn from_via(via: i64) -> Result<Self, Reason> {
        Ok(via.cast_unsigned())
    }
}

/// Null where there is none.
impl StateVia for Option<u64> {
    type Via = Option<i64>;

    fn to_via(&self) -> Option<i64> {
        self.map(u64::cast_signed)
    }

    fn from_via(via: Option<i64>) -> Result<Self, Reason> {
        Ok(via.map(i64::cast_unsigned))
    }
}

/// Mantissa and scale: states of one column need not share a scale.
impl StateVia for Decimal {
    type Via = (i64, i64);

    fn to_via(&self) -> (i64, i64) {
        (self.mantissa(), i64::from(self.scale()))
    }

    fn from_via((mantissa, scale): (i64, i64)) -> Result<Self, Reason> {
        let decimal = u8::try_from(scale).ok().and_then(|scale| Self::new(mantissa, scale));
        decimal.ok_or_else(|| format!("a decimal's scale is 0 to 18, not {scale}").into())
    }
}

/// A null mantissa where there is none.
impl StateVia for Option<Decimal> {
    type Via = (Option<i64>, i64);

    fn to_via(&self) -> Self::Via {
        (self.map(Decimal::mantissa), self.map_or(0, |decimal| i64::from(decimal.scale())))
    }

    fn from_via((mantissa, scale): Self::Via) -> Result<Self, Reason> {
        mantissa.map(|mantissa| Decimal::from_via((mantissa, scale))).transpose()
    }
}

/// Keys and values side by side, in the order of keys.
impl<K: Ord + Clone, V: Clone> StateVia for BTreeMap<K, V>
where
    Vec<K>: StateColumns,
    Vec<V>: StateColumns,
{
    type Via = (Vec<K>, Vec<V>);

    fn to_via(&self) -> Self::Via {
        (self.keys().cloned().collect(), self.values().cloned().collect())
    }

    fn from_via((keys, values): Self::Via) -> Result<Self, Reason> {
        match keys.len() == values.len() {
            true => Ok(keys.into_iter().zip(values).collect()),
            false => Err(format!("a map with {} keys and {} values", keys.len(), values.len()).into()),
        }
    }
}

/// Members in order.
impl<K: Ord + Clone> StateVia for BTreeSet<K>
where
    Vec<K>: StateColumns,
{
    type Via = Vec<K>;

    fn to_via(&self) -> Vec<K> {
        self.iter().cloned().collect()
    }

    fn from_via(via: Vec<K>) -> Result<Self, Reason> {
        Ok(via.into_iter().collect())
    }
}
