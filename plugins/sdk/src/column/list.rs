//! A row's values of a path through an array, such as `items[].unit_price`.

use super::Mismatch;
use super::element::Element;
use super::scalar::rising;
use super::view::ColumnRef;
use std::fmt;

/// The values of one row, borrowed from the column: `List<Decimal>`, or `List<Option<Decimal>>` where elements may be null.
pub struct List<'a, E: Element<'a>> {
    values: E::Values,
    start: usize,
    end: usize,
}

/// The offsets and elements of a column of lists, checked.
pub struct Lists<'a, E: Element<'a>> {
    pub(super) offsets: &'a [u32],
    pub(super) values: E::Values,
}

impl<'a, E: Element<'a>> Clone for Lists<'a, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, E: Element<'a>> Copy for Lists<'a, E> {}

impl<'a, E: Element<'a>> Lists<'a, E> {
    pub(super) fn open(column: ColumnRef<'a>, rows: usize) -> Result<Self, Mismatch> {
        let Some(offsets) = column.lists else {
            return Err(Mismatch::Column(format!("asked for a list, was given one {} a row", column.values.name())));
        };
        if offsets.len() != rows + 1 || !rising(offsets) {
            return Err(Mismatch::Column(format!(
                "{} list offsets for {rows} rows, or offsets that go back",
                offsets.len()
            )));
        }
        let length = offsets.last().map_or(0, |end| *end as usize);
        let values = E::open(column.values, column.element_validity, length).map_err(|mismatch| match mismatch {
            Mismatch::Row(element, reason) => {
                let row = offsets.partition_point(|start| *start as usize <= element).saturating_sub(1);
                Mismatch::Row(row, reason.within("an element"))
            }
            other => other,
        })?;
        Ok(Self { offsets, values })
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> List<'a, E> {
        List { values: self.values, start: self.offsets[row] as usize, end: self.offsets[row + 1] as usize }
    }
}

impl<'a, E: Element<'a>> List<'a, E> {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Value `i` of this row.
    #[inline]
    pub fn get(&self, i: usize) -> Option<E> {
        (i < self.len()).then(|| E::get(&self.values, self.start + i))
    }

    /// The values in order.
    #[inline]
    pub fn iter(&self) -> ListIter<'a, E> {
        ListIter { list: *self }
    }
}

impl<'a, E: Element<'a>> Clone for List<'a, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, E: Element<'a>> Copy for List<'a, E> {}

impl<'a, E: Element<'a> + fmt::Debug> fmt::Debug for List<'a, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The values of a row, one after the other.
pub struct ListIter<'a, E: Element<'a>> {
    list: List<'a, E>,
}

impl<'a, E: Element<'a>> Iterator for ListIter<'a, E> {
    type Item = E;

    #[inline]
    fn next(&mut self) -> Option<E> {
        let value = self.list.get(0)?;
        self.list.start += 1;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.list.len(), Some(self.list.len()))
    }
}

impl<'a, E: Element<'a>> ExactSizeIterator for ListIter<'a, E> {}

impl<'a, E: Element<'a>> IntoIterator for List<'a, E> {
    type Item = E;
    type IntoIter = ListIter<'a, E>;

    fn into_iter(self) -> ListIter<'a, E> {
        self.iter()
    }
}
