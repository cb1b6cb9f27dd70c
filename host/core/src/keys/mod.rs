//! Group keys as small dense numbers: each row's `by` values are encoded and looked up, without an allocation for known keys.
//!
//! Knows no panes and no slots. The numbers hold until `renumber`, which the owner calls when the table has outgrown what is live.

mod encode;
mod recent;

use crate::group::{GroupKey, KeyValue};
use crate::slots::NONE;
use crate::types::ScalarType;
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::NullBuffer;
use encode::{KeyColumn, decode_value, text};
use hashbrown::HashTable;
use recent::{Print, Recent};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

/// Encoded keys and their numbers.
///
/// A key of one text column is encoded as its bytes, so that looking it up copies nothing; a null there is an entry of its own.
/// Other keys are encoded value by value: a byte 0 for null, else a byte 1 and the value in a length that its type or a prefix fixes.
#[derive(Debug)]
pub(crate) struct KeyTable {
    types: Vec<ScalarType>,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    groups: Vec<Option<GroupKey>>,
    table: HashTable<u32>,
    // Seeded at random: keys come from outside, and nothing that is published depends on their numbers.
    hasher: foldhash::fast::RandomState,
    recent: Recent,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: usize,
    /// `None`: the null of a lone text column.
    len: Option<u32>,
}

impl KeyTable {
    pub(crate) fn new(types: Vec<ScalarType>) -> Self {
        Self {
            types,
            bytes: Vec::new(),
            entries: Vec::new(),
            groups: Vec::new(),
            table: HashTable::new(),
            hasher: Default::default(),
            recent: Recent::default(),
        }
    }

    /// How many keys have numbers.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes the key number of each of `rows` rows. Without key columns that is 0 for each.
    /// The error says which column is not of the planned type or length.
    pub(crate) fn number(&mut self, columns: &[ArrayRef], rows: usize, numbers: &mut Vec<u32>) -> Result<(), String> {
        let columns = self.typed(columns, rows)?;
        numbers.clear();
        numbers.reserve(rows);
        match columns.as_slice() {
            [] => {
                let only = self.look_up(Some(&[]));
                numbers.resize(rows, only);
            }
            [column] if let Some((texts, nulls)) = column.texts() => self.number_texts(texts, nulls, numbers),
            columns => {
                let mut scratch = Vec::with_capacity(32);
                for row in 0..rows {
                    scratch.clear();
                    columns.iter().for_each(|column| column.encode(row, &mut scratch));
                    numbers.push(self.number_of(&scratch, 0, scratch.len()));
                }
            }
        }
        Ok(())
    }

    /// The same for rows that another table of the same key types has numbered, from the same columns: each key that the batch holds is
    /// looked up once, and not each row's.
    pub(crate) fn number_like(&mut self, other: &Self, others: &[u32], numbers: &mut Vec<u32>) {
        debug_assert_eq!(self.types, other.types);
        let mut mine = vec![NONE; other.len()];
        numbers.clear();
        numbers.extend(others.iter().map(|&number| {
            let known = &mut mine[number as usize];
            if *known == NONE {
                *known = self.look_up(other.entry(number));
            }
            *known
        }));
    }

    /// The key behind a number.
    pub(crate) fn group(&mut self, number: u32) -> GroupKey {
        let place = number as usize;
        if let Some(group) = &self.groups[place] {
            return group.clone();
        }
        let group = self.decode(self.entries[place]);
        self.groups[place] = Some(group.clone());
        group
    }

    /// Keeps the keys that have a new number (not `NONE`), under it.
    pub(crate) fn renumber(&mut self, new_numbers: &[u32]) {
        let mut kept: Vec<(u32, u32)> = new_numbers
            .iter()
            .enumerate()
            .map(|(old, &new)| (new, old as u32))
            .filter(|(new, _)| *new != NONE)
            .collect();
        kept.sort_unstable();
        let old = std::mem::replace(self, Self::new(self.types.clone()));
        for (new, place) in kept {
            let number = self.look_up(old.entry(place));
            debug_assert_eq!(number, new, "new numbers are dense");
        }
    }

    /// A function of its own: inlined into the fold, its loop would run out of registers.
    #[inline(never)]
    fn number_texts(&mut self, texts: &StringArray, nulls: Option<&NullBuffer>, numbers: &mut Vec<u32>) {
        let offsets = texts.value_offsets();
        let values = texts.value_data();
        for (row, range) in offsets.windows(2).enumerate() {
            let (start, end) = (range[0] as usize, range[1] as usize);
            numbers.push(match nulls {
                Some(nulls) if nulls.is_null(row) => self.look_up(None),
                _ => self.number_of(values, start, end - start),
            });
        }
    }

    /// The number of the key `bytes[start..start + len]`.
    #[inline(always)]
    fn number_of(&mut self, bytes: &[u8], start: usize, len: usize) -> u32 {
        if !Recent::pays(self.entries.len()) {
            return self.look_up(bytes.get(start..start + len));
        }
        let print = Print::of(bytes, start, len);
        match self.recent.get(&print) {
            Some(number) if print.is_whole() || self.entry(number) == bytes.get(start..start + len) => number,
            _ => self.number_afar(print, &bytes[start..start + len]),
        }
    }

    #[inline(never)]
    fn number_afar(&mut self, print: Print, key: &[u8]) -> u32 {
        let number = self.look_up(Some(key));
        self.recent.remember(print, number, self.entries.len());
        number
    }

    /// The number of a key, by the table; a new key gets the next.
    fn look_up(&mut self, key: Option<&[u8]>) -> u32 {
        let hash = hash_of(&self.hasher, key);
        let (entries, bytes) = (&self.entries, &self.bytes);
        let found = self.table.find(hash, |&number| entries[number as usize].read(bytes) == key).copied();
        found.unwrap_or_else(|| self.add(hash, key))
    }

    #[cold]
    fn add(&mut self, hash: u64, key: Option<&[u8]>) -> u32 {
        let number = self.entries.len() as u32;
        self.entries.push(Entry { start: self.bytes.len(), len: key.map(|key| key.len() as u32) });
        self.bytes.extend_from_slice(key.unwrap_or_default());
        self.groups.push(None);
        let (entries, bytes, hasher) = (&self.entries, &self.bytes, &self.hasher);
        self.table.insert_unique(hash, number, |&number| hash_of(hasher, entries[number as usize].read(bytes)));
        number
    }

    #[inline]
    fn entry(&self, number: u32) -> Option<&[u8]> {
        self.entries[number as usize].read(&self.bytes)
    }

    fn typed<'a>(&self, columns: &'a [ArrayRef], rows: usize) -> Result<Vec<KeyColumn<'a>>, String> {
        if columns.len() != self.types.len() {
            return Err(format!("{} key columns came and {} were planned", columns.len(), self.types.len()));
        }
        let typed = columns.iter().zip(&self.types).enumerate().map(|(place, (column, wanted))| {
            let given = ScalarType::of_arrow(column.data_type());
            if given != Some(*wanted) || column.len() != rows {
                return Err(format!(
                    "key column {place} is {:?} of {} rows and {wanted} of {rows} was planned",
                    column.data_type(),
                    column.len()
                ));
            }
            KeyColumn::of(column).ok_or_else(|| format!("key column {place} is {:?}", column.data_type()))
        });
        typed.collect()
    }

    fn decode(&self, entry: Entry) -> GroupKey {
        match (self.types.as_slice(), entry.read(&self.bytes)) {
            ([ScalarType::Text], None) => Arc::from([KeyValue::Null]),
            ([ScalarType::Text], Some(bytes)) => Arc::from([text(bytes)]),
            (types, bytes) => {
                let mut rest = bytes.unwrap_or_default();
                types.iter().map(|key_type| decode_value(*key_type, &mut rest)).collect()
            }
        }
    }
}

impl Entry {
    #[inline]
    fn read(self, bytes: &[u8]) -> Option<&[u8]> {
        self.len.map(|len| &bytes[self.start..self.start + len as usize])
    }
}

#[inline]
fn hash_of(hasher: &foldhash::fast::RandomState, key: Option<&[u8]>) -> u64 {
    let mut state = hasher.build_hasher();
    match key {
        Some(bytes) => state.write(bytes),
        None => state.write_u8(0),
    }
    state.finish()
}

#[cfg(test)]
mod tests;
