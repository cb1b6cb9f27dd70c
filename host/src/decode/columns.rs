//! Builds columns record by record in plain vectors, so that a record that fails can be taken back, and hands them over as Arrow
//! arrays without copying (booleans and validity are packed to bits). Knows no format of records.
//!
//! Invariant: between records every column holds as many rows as the others, so the number of good rows alone says how
//! far to roll back: scalar columns to that length, lists to that many offsets, their elements to the last offset.

use super::schema::{DecodeField, FieldProblem};
use super::timestamp::TimestampReader;
use arrow_array::types::{Decimal64Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, ListArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use std::mem;
use std::sync::Arc;
use weir_core::types::{ColumnType, ScalarType};

/// The columns under construction.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) columns: Vec<Column>,
    lists: Vec<Lists>,
}

/// The values of one column: a row's, or a list element's.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) values: Values,
    /// Places of nulls, rising. Nulls are rare; a value that is there costs nothing here.
    nulls: Vec<u32>,
    /// Null makes the record undecodable.
    pub(super) required: bool,
    /// The list whose elements these are.
    list: Option<usize>,
    arrow: DataType,
}

/// Values with what it takes to read one.
#[derive(Debug)]
// Told apart by a byte of its own: without it by a niche that takes eight instructions to read, for each value.
#[repr(u8)]
pub(super) enum Values {
    Boolean(Vec<bool>),
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Decimal { scale: u8, mantissas: Vec<i64> },
    Timestamp { reader: Box<TimestampReader>, micros: Vec<i64> },
    Text(Texts),
}

/// Texts end to end.
#[derive(Debug)]
pub(super) struct Texts {
    /// Where each begins, and the end of the last closed one.
    offsets: Vec<i32>,
    /// UTF-8 up to the last offset; a text under construction may lie beyond.
    pub(super) bytes: Vec<u8>,
}

/// The lengths of a list that one or several columns share.
#[derive(Debug)]
struct Lists {
    offsets: Vec<i32>,
    nulls: Vec<u32>,
}

impl Columns {
    /// Empty columns for the fields; lists are added by [`Columns::add_list`].
    pub(super) fn new(fields: &[DecodeField], problems: &mut Vec<FieldProblem>) -> Self {
        let mut columns = Vec::with_capacity(fields.len());
        for (field, asked) in fields.iter().enumerate() {
            match Column::new(asked) {
                Ok(column) => columns.push(column),
                Err(message) => problems.push(FieldProblem { field, message }),
            }
        }
        Self { columns, lists: Vec::new() }
    }

    /// A list whose elements are those columns.
    pub(super) fn add_list(&mut self, elements: &[u32]) -> u32 {
        for &column in elements {
            self.columns[column as usize].list = Some(self.lists.len());
        }
        self.lists.push(Lists { offsets: vec![0], nulls: Vec::new() });
        (self.lists.len() - 1) as u32
    }

    /// Closes a row's list after `elements` more elements were pushed to each of its columns.
    #[inline(always)]
    pub(super) fn push_list(&mut self, list: u32, elements: usize) {
        let offsets = &mut self.lists[list as usize].offsets;
        offsets.push(last(offsets) + elements as i32);
    }

    /// A null in place of a row's list.
    pub(super) fn push_null_list(&mut self, list: u32) {
        let lists = &mut self.lists[list as usize];
        lists.nulls.push((lists.offsets.len() - 1) as u32);
        lists.offsets.push(last(&lists.offsets));
    }

    /// Forgets everything beyond `rows` rows.
    pub(super) fn rollback(&mut self, rows: usize) {
        for list in &mut self.lists {
            list.offsets.truncate(rows + 1);
            truncate_nulls(&mut list.nulls, rows);
        }
        for column in &mut self.columns {
            let len = column.list.map_or(rows, |list| last(&self.lists[list].offsets) as usize);
            column.truncate(len);
        }
    }

    /// The arrays, and empty columns again with room for as many.
    pub(super) fn finish(&mut self, rows: usize) -> Vec<ArrayRef> {
        let lists: Vec<_> = self.lists.iter_mut().map(|list| list.finish(rows)).collect();
        self.columns
            .iter_mut()
            .map(|column| {
                let list = column.list.map(|list| lists[list].clone());
                let len = list.as_ref().map_or(rows, |(offsets, _)| offsets[rows] as usize);
                debug_assert_eq!(column.values.len(), len, "every column holds every row");
                let values = column.finish(len);
                match list {
                    None => values,
                    Some((offsets, nulls)) => {
                        let item = Arc::new(Field::new("item", column.arrow.clone(), true));
                        Arc::new(ListArray::new(item, offsets, values, nulls)) as ArrayRef
                    }
                }
            })
            .collect()
    }
}

impl Lists {
    fn finish(&mut self, rows: usize) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(handed_over(&mut self.offsets)));
        self.offsets.push(0);
        (offsets, validity(&mut self.nulls, rows))
    }
}

impl Column {
    fn new(field: &DecodeField) -> Result<Self, String> {
        field.check_type()?;
        let scalar = field.column_type.scalar();
        let values = match (scalar, &field.timestamp) {
            (ScalarType::Boolean, _) => Values::Boolean(Vec::new()),
            (ScalarType::Int64, _) => Values::Int64(Vec::new()),
            (ScalarType::Float64, _) => Values::Float64(Vec::new()),
            (ScalarType::Decimal(scale), _) => Values::Decimal { scale: scale.unwrap_or(0), mantissas: Vec::new() },
            (ScalarType::Timestamp, Some(form)) => {
                let reader = TimestampReader::new(form).map_err(|message| format!("`{}`: {message}", field.path))?;
                Values::Timestamp { reader: Box::new(reader), micros: Vec::new() }
            }
            (ScalarType::Timestamp, None) | (ScalarType::Text, _) => {
                Values::Text(Texts { offsets: vec![0], bytes: Vec::new() })
            }
        };
        Ok(Self {
            values,
            nulls: Vec::new(),
            required: field.required,
            list: None,
            arrow: ColumnType::Scalar(scalar).arrow(),
        })
    }

    /// A null, with a value of no meaning in its place.
    pub(super) fn push_null(&mut self) {
        self.nulls.push(self.values.len() as u32);
        match &mut self.values {
            Values::Boolean(values) => values.push(false),
            Values::Float64(values) => values.push(0.0),
            Values::Int64(values)
            | Values::Decimal { mantissas: values, .. }
            | Values::Timestamp { micros: values, .. } => {
                values.push(0);
            }
            Values::Text(texts) => texts.close(),
        }
    }

    fn truncate(&mut self, len: usize) {
        truncate_nulls(&mut self.nulls, len);
        match &mut self.values {
            Values::Boolean(values) => values.truncate(len),
            Values::Float64(values) => values.truncate(len),
            Values::Int64(values)
            | Values::Decimal { mantissas: values, .. }
            | Values::Timestamp { micros: values, .. } => {
                values.truncate(len);
            }
            Values::Text(texts) => texts.truncate(len),
        }
    }

    fn finish(&mut self, len: usize) -> ArrayRef {
        let nulls = validity(&mut self.nulls, len);
        match &mut self.values {
            Values::Boolean(values) => {
                let bits = BooleanBuffer::from(values.as_slice());
                values.clear();
                Arc::new(BooleanArray::new(bits, nulls))
            }
            Values::Int64(values) => primitive::<Int64Type>(values, nulls, &self.arrow),
            Values::Float64(values) => primitive::<Float64Type>(values, nulls, &self.arrow),
            Values::Decimal { mantissas, .. } => primitive::<Decimal64Type>(mantissas, nulls, &self.arrow),
            Values::Timestamp { micros, .. } => primitive::<TimestampMicrosecondType>(micros, nulls, &self.arrow),
            Values::Text(texts) => texts.finish(nulls),
        }
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Boolean(values) => values.len(),
            Self::Float64(values) => values.len(),
            Self::Int64(values) | Self::Decimal { mantissas: values, .. } | Self::Timestamp { micros: values, .. } => {
                values.len()
            }
            Self::Text(texts) => texts.offsets.len() - 1,
        }
    }
}

impl Texts {
    /// What was appended to `bytes` since the last call is a text.
    #[inline]
    pub(super) fn close(&mut self) {
        self.offsets.push(self.bytes.len() as i32);
    }

    fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.bytes.truncate(last(&self.offsets) as usize);
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(handed_over(&mut self.offsets)));
        self.offsets.push(0);
        // Checks the UTF-8 once more, 1 ns a row; the unchecked constructor would need `unsafe` for that.
        Arc::new(StringArray::new(offsets, Buffer::from_vec(handed_over(&mut self.bytes)), nulls))
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
    arrow: &DataType,
) -> ArrayRef {
    let array = PrimitiveArray::<T>::new(ScalarBuffer::from(handed_over(values)), nulls);
    debug_assert!(matches!(array.data_type(), DataType::Decimal64(..)) || array.data_type() == arrow);
    Arc::new(array.with_data_type(arrow.clone()))
}

/// The vector, leaving an empty one with room for as much: batches are of a kind.
fn handed_over<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    mem::replace(values, room)
}

fn validity(nulls: &mut Vec<u32>, len: usize) -> Option<NullBuffer> {
    if nulls.is_empty() {
        return None;
    }
    let mut bits = BooleanBufferBuilder::new(len);
    bits.append_n(len, true);
    for place in nulls.drain(..) {
        bits.set_bit(place as usize, false);
    }
    Some(NullBuffer::new(bits.finish()))
}

fn truncate_nulls(nulls: &mut Vec<u32>, len: usize) {
    while nulls.last().is_some_and(|&place| place as usize >= len) {
        nulls.pop();
    }
}

fn last(offsets: &[i32]) -> i32 {
    offsets.last().copied().unwrap_or(0)
}
