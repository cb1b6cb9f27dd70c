//! Random values of a KPI's inputs, and columns made of them.

use crate::bindings::exports::weir::plugin::types::{Column, ColumnType, Input, ScalarType, Values};
use crate::column::{Build, OutputValue};
use crate::number::{Decimal, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

/// One value of a random row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// None.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Int64(i64),
    /// A finite float.
    Float64(f64),
    /// A decimal.
    Decimal(Decimal),
    /// An instant.
    Timestamp(Timestamp),
    /// A text.
    Text(String),
    /// A list of values.
    List(Vec<Cell>),
}

/// Values of an input's type.
pub(super) fn any(input: &Input) -> BoxedStrategy<Cell> {
    let values = match input.type_ {
        ColumnType::Scalar(scalar) => of(scalar),
        ColumnType::ListOf(scalar) => vec(of(scalar), 0..4).prop_map(Cell::List).boxed(),
    };
    match input.nullable {
        true => prop_oneof![1 => Just(Cell::Null), 4 => values].boxed(),
        false => values,
    }
}

/// From small to 2^40: cases with sums of many, without leaving 64 bits at once.
fn whole() -> impl Strategy<Value = i64> {
    prop_oneof![3 => -9..=9_i64, 3 => -1_000_000..=1_000_000_i64, 1 => -(1_i64 << 40)..=1 << 40]
}

fn of(scalar: ScalarType) -> BoxedStrategy<Cell> {
    match scalar {
        ScalarType::Boolean => proptest::bool::ANY.prop_map(Cell::Boolean).boxed(),
        ScalarType::Int64 => whole().prop_map(Cell::Int64).boxed(),
        ScalarType::Float64 => float().prop_map(Cell::Float64).boxed(),
        ScalarType::Decimal(scale) => decimal(scale.unwrap_or(4)).prop_map(Cell::Decimal).boxed(),
        ScalarType::Timestamp => whole().prop_map(|at| Cell::Timestamp(Timestamp(at))).boxed(),
        ScalarType::Text => "[a-cé]{0,3}".prop_map(Cell::Text).boxed(),
    }
}

/// Numbers whose float sums depend on the order of addition.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![3 => -1e3..1e3, 2 => whole().prop_map(|n| n as f64 / 10.0), 1 => -1e18..1e18, 1 => -1e-9..1e-9]
}

fn decimal(scale: u8) -> impl Strategy<Value = Decimal> {
    whole().prop_map(move |mantissa| Decimal::new(mantissa, scale).unwrap_or_default())
}

/// A column of this type.
///
/// # Errors
/// Where a cell is of another type, or decimals can't share a scale.
pub(super) fn column(column_type: ColumnType, cells: &[&Cell]) -> Result<Column, String> {
    let ColumnType::ListOf(scalar) = column_type else {
        let (values, validity) = values(column_type, cells)?;
        return Ok(Column { lists: None, values, validity, element_validity: None });
    };
    let (mut offsets, mut elements, mut present) = (vec![0], Vec::new(), Vec::new());
    for cell in cells {
        match cell {
            Cell::List(list) => elements.extend(list),
            Cell::Null => {}
            other => return Err(format!("{other:?} in a column of lists")),
        }
        present.push(Cell::Boolean(**cell != Cell::Null));
        offsets.push(elements.len() as u32);
    }
    let (values, element_validity) = values(ColumnType::Scalar(scalar), &elements)?;
    let validity = bits(&present).filter(|_| cells.contains(&&Cell::Null));
    Ok(Column { lists: Some(offsets), values, validity, element_validity })
}

fn bits(cells: &[Cell]) -> Option<Vec<u8>> {
    match values(ColumnType::Scalar(ScalarType::Boolean), &cells.iter().collect::<Vec<_>>()) {
        Ok((Values::Boolean(bits), _)) => Some(bits),
        _ => None,
    }
}

/// Values and validity of scalar cells.
fn values(column_type: ColumnType, cells: &[&Cell]) -> Result<(Values, Option<Vec<u8>>), String> {
    macro_rules! build {
        ($variant:ident) => {
            built(cells, |cell| match cell {
                Cell::$variant(value) => Some(value.clone()),
                _ => None,
            })
        };
    }
    match column_type {
        ColumnType::ListOf(_) => Err("a list of lists".to_owned()),
        ColumnType::Scalar(ScalarType::Boolean) => build!(Boolean),
        ColumnType::Scalar(ScalarType::Int64) => build!(Int64),
        ColumnType::Scalar(ScalarType::Float64) => build!(Float64),
        ColumnType::Scalar(ScalarType::Decimal(_)) => build!(Decimal),
        ColumnType::Scalar(ScalarType::Timestamp) => build!(Timestamp),
        ColumnType::Scalar(ScalarType::Text) => build!(Text),
    }
}

fn built<T: Build>(cells: &[&Cell], value: impl Fn(&Cell) -> Option<T>) -> Result<(Values, Option<Vec<u8>>), String> {
    let mut builder = <Option<T> as OutputValue>::Builder::default();
    for cell in cells {
        let value = value(cell);
        if value.is_none() && **cell != Cell::Null {
            return Err(format!("{cell:?} in a column of {:?}", T::TYPE));
        }
        OutputValue::write(value, &mut builder).map_err(|reason| reason.to_string())?;
    }
    let column = <Option<T> as OutputValue>::finish(builder).map_err(|(_, reason)| reason.to_string())?;
    Ok((column.values, column.validity))
}
