//! Values being written to columns: outputs of `evaluate` and `process`, and states.

use super::bitmap::Bits;
use super::decimals::DecimalBuilder;
use crate::bindings::exports::weir::plugin::types::{Column, ColumnType, ScalarType, Texts, Values};
use crate::number::{Decimal, Timestamp};
use crate::reason::Reason;

/// A scalar that can be written: `bool`, `i64`, `f64`, `Decimal`, `Timestamp`, `String`, `&'static str`. Implemented here only.
pub trait Build: Sized {
    /// Its type in the contract.
    const TYPE: ScalarType;
    /// Values being written.
    type Builder: Default;

    /// Appends a value.
    ///
    /// # Errors
    /// Where the contract does not take it: a float that is not finite.
    fn write(self, builder: &mut Self::Builder) -> Result<(), Reason>;

    /// Appends a place that is null or not looked at.
    fn nothing(builder: &mut Self::Builder);

    /// Makes room for this many.
    fn reserve(_builder: &mut Self::Builder, _values: usize) {}

    /// The values, or the place of one that does not fit in with the others.
    ///
    /// # Errors
    /// Where decimals can't share a scale.
    fn finish(builder: Self::Builder) -> Result<Values, (usize, Reason)>;
}

macro_rules! plain {
    ($type:ty, $variant:ident, $element:ty, $get:expr) => {
        impl Build for $type {
            const TYPE: ScalarType = ScalarType::$variant;
            type Builder = Vec<$element>;

            #[inline]
            fn write(self, builder: &mut Self::Builder) -> Result<(), Reason> {
                builder.push(($get)(self)?);
                Ok(())
            }

            fn nothing(builder: &mut Self::Builder) {
                builder.push(<$element>::default());
            }

            fn reserve(builder: &mut Self::Builder, values: usize) {
                builder.reserve(values);
            }

            fn finish(builder: Self::Builder) -> Result<Values, (usize, Reason)> {
                Ok(Values::$variant(builder))
            }
        }
    };
}

plain!(i64, Int64, i64, Ok::<i64, Reason>);
plain!(Timestamp, Timestamp, i64, |at: Timestamp| Ok::<i64, Reason>(at.0));
plain!(f64, Float64, f64, finite);

fn finite(value: f64) -> Result<f64, Reason> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(format!("{value} is not a finite number; give None where there is no value").into()),
    }
}

impl Build for bool {
    const TYPE: ScalarType = ScalarType::Boolean;
    type Builder = Bits;

    #[inline]
    fn write(self, builder: &mut Bits) -> Result<(), Reason> {
        builder.push(self);
        Ok(())
    }

    fn nothing(builder: &mut Bits) {
        builder.push(false);
    }

    fn reserve(builder: &mut Bits, values: usize) {
        builder.reserve(values);
    }

    fn finish(builder: Bits) -> Result<Values, (usize, Reason)> {
        Ok(Values::Boolean(builder.into_bytes()))
    }
}

impl Build for Decimal {
    const TYPE: ScalarType = ScalarType::Decimal(None);
    type Builder = DecimalBuilder;

    #[inline]
    fn write(self, builder: &mut DecimalBuilder) -> Result<(), Reason> {
        builder.push(self);
        Ok(())
    }

    fn nothing(builder: &mut DecimalBuilder) {
        builder.nothing();
    }

    fn reserve(builder: &mut DecimalBuilder, values: usize) {
        builder.reserve(values);
    }

    fn finish(builder: DecimalBuilder) -> Result<Values, (usize, Reason)> {
        builder.finish()
    }
}

/// Texts being written, end to end; `ends` are all offsets but the first.
#[derive(Debug, Clone, Default)]
pub struct TextBuilder {
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl TextBuilder {
    fn push(&mut self, text: &str) -> Result<(), Reason> {
        let end =
            u32::try_from(self.bytes.len() + text.len()).map_err(|_| "the texts of one call need more than 4 GiB")?;
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(end);
        Ok(())
    }
}

macro_rules! text {
    ($type:ty) => {
        impl Build for $type {
            const TYPE: ScalarType = ScalarType::Text;
            type Builder = TextBuilder;

            fn write(self, builder: &mut TextBuilder) -> Result<(), Reason> {
                builder.push(self.as_ref())
            }

            fn nothing(builder: &mut TextBuilder) {
                builder.ends.push(builder.ends.last().copied().unwrap_or(0));
            }

            fn finish(builder: TextBuilder) -> Result<Values, (usize, Reason)> {
                let offsets = std::iter::once(0).chain(builder.ends).collect();
                Ok(Values::Text(Texts { offsets, bytes: builder.bytes }))
            }
        }
    };
}

text!(String);
text!(&'static str);

/// A type that a field of an output may have: a scalar, `Vec` of scalars, or `Option` of either.
pub trait OutputValue: Sized {
    /// Its type in the contract.
    const TYPE: ColumnType;
    /// Whether it may be null.
    const NULLABLE: bool;
    /// A column being written.
    type Builder: Default;

    /// Appends a row.
    ///
    /// # Errors
    /// Where the contract does not take the value.
    fn write(self, builder: &mut Self::Builder) -> Result<(), Reason>;

    /// Appends a row that is not looked at.
    fn nothing(builder: &mut Self::Builder);

    /// Makes room for this many rows.
    fn reserve(_builder: &mut Self::Builder, _rows: usize) {}

    /// The column, or the row of a value that does not fit in with the others.
    ///
    /// # Errors
    /// Where decimals can't share a scale.
    fn finish(builder: Self::Builder) -> Result<Column, (usize, Reason)>;
}

impl<T: Build> OutputValue for T {
    const TYPE: ColumnType = ColumnType::Scalar(T::TYPE);
    const NULLABLE: bool = false;
    type Builder = T::Builder;

    #[inline]
    fn write(self, builder: &mut Self::Builder) -> Result<(), Reason> {
        T::write(self, builder)
    }

    fn nothing(builder: &mut Self::Builder) {
        T::nothing(builder);
    }

    fn reserve(builder: &mut Self::Builder, rows: usize) {
        T::reserve(builder, rows);
    }

    fn finish(builder: Self::Builder) -> Result<Column, (usize, Reason)> {
        Ok(Column { lists: None, values: T::finish(builder)?, validity: None, element_validity: None })
    }
}

impl<T: OutputValue> OutputValue for Option<T> {
    const TYPE: ColumnType = T::TYPE;
    const NULLABLE: bool = true;
    type Builder = (T::Builder, Bits);

    #[inline]
    fn write(self, builder: &mut Self::Builder) -> Result<(), Reason> {
        const { assert!(!T::NULLABLE, "an option of an option has no column type") };
        builder.1.push(self.is_some());
        match self {
            Some(value) => value.write(&mut builder.0),
            None => {
                T::nothing(&mut builder.0);
                Ok(())
            }
        }
    }

    fn nothing(builder: &mut Self::Builder) {
        builder.1.push(false);
        T::nothing(&mut builder.0);
    }

    fn reserve(builder: &mut Self::Builder, rows: usize) {
        T::reserve(&mut builder.0, rows);
        builder.1.reserve(rows);
    }

    fn finish(builder: Self::Builder) -> Result<Column, (usize, Reason)> {
        Ok(Column { validity: builder.1.into_validity(), ..T::finish(builder.0)? })
    }
}

/// Lists being written; `ends` are all offsets but the first.
#[derive(Debug, Default)]
pub struct ListBuilder<B> {
    ends: Vec<u32>,
    elements: B,
}

impl<T: Build> OutputValue for Vec<T> {
    const TYPE: ColumnType = ColumnType::ListOf(T::TYPE);
    const NULLABLE: bool = false;
    type Builder = ListBuilder<T::Builder>;

    fn write(self, builder: &mut Self::Builder) -> Result<(), Reason> {
        let start = builder.ends.last().copied().unwrap_or(0);
        let end = u32::try_from(self.len()).ok().and_then(|length| start.checked_add(length));
        builder.ends.push(end.ok_or("the lists of one call have more than 2^32 elements")?);
        self.into_iter().try_for_each(|value| value.write(&mut builder.elements))
    }

    fn nothing(builder: &mut Self::Builder) {
        builder.ends.push(builder.ends.last().copied().unwrap_or(0));
    }

    fn finish(builder: Self::Builder) -> Result<Column, (usize, Reason)> {
        let ListBuilder { ends, elements } = builder;
        let values = T::finish(elements)
            .map_err(|(element, reason)| (ends.partition_point(|end| *end as usize <= element), reason))?;
        let lists = Some(std::iter::once(0).chain(ends).collect());
        Ok(Column { lists, values, validity: None, element_validity: None })
    }
}
