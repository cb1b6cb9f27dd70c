//! Decode: bytes to columns, and only the columns that somebody asked for.
//!
//! ```text
//! Block (one buffer, records as ranges) ── Decoder::decode ──▶ columns of the good records + reasons of the bad ones
//! ```
//!
//! This page holds the contract. `schema` says what is asked for, `columns` builds it, `number` and `timestamp` turn written
//! values into exact ones; they serve every format. `json/` is the one format there is; another one (CSV, a decoder of our own in
//! SIMD) stands beside it. Knows no TOML, no source, no plugin: the pipeline converts the plan's schema to [`DecodeSchema`].

mod bytes;
mod columns;
mod failure;
mod json;
mod number;
mod schema;
mod timestamp;

pub use schema::{DecodeField, DecodeSchema, DecodeSchemaError, FieldProblem, TimestampForm};

use arrow_array::ArrayRef;
use columns::Columns;
use failure::Failure;
use json::JsonReader;
use weir_core::block::Block;

/// What a block came to.
#[derive(Debug)]
pub struct Decoded {
    /// The asked-for columns in the order of [`DecodeSchema::fields`], each of its `ColumnType::arrow()` and as long as `rows`.
    pub columns: Vec<ArrayRef>,
    /// For each row its record's index in `Block::records`; rising.
    pub rows: Vec<u32>,
    /// The records that could not be decoded, by index in `Block::records`, rising, each with its reason: short, lower case,
    /// the same on every run.
    pub undecodable: Vec<(u32, String)>,
}

/// Decodes blocks for one worker. What a record decodes to depends on the record and the schema alone; the decoder remembers
/// only what makes it faster (the order of keys, the last minute).
#[derive(Debug)]
pub struct Decoder {
    reader: JsonReader,
    columns: Columns,
    record_bytes_max: usize,
}

/// Arrow's text and list offsets are 32-bit: a block's records together stay below this.
const BLOCK_BYTES_MAX: usize = i32::MAX as usize;

impl Decoder {
    /// A decoder for the asked-for fields.
    ///
    /// # Errors
    /// Every problem of the schema at once: a path that can't be read, two that contradict each other, a type that does not fit
    /// its path, a timestamp form that is unknown.
    pub fn new(schema: &DecodeSchema) -> Result<Self, DecodeSchemaError> {
        let mut problems = Vec::new();
        let mut columns = Columns::new(&schema.fields, &mut problems);
        let mut reader = JsonReader::new(schema, &mut problems);
        if !problems.is_empty() {
            problems.sort_by_key(|problem| problem.field);
            return Err(DecodeSchemaError { problems });
        }
        reader.bind(&mut columns);
        Ok(Self { reader, columns, record_bytes_max: schema.record_bytes_max })
    }

    /// Decodes every record of a block. A record that fails leaves no trace in the columns.
    pub fn decode(&mut self, block: &Block) -> Decoded {
        let mut rows = Vec::with_capacity(block.records.len());
        let mut undecodable = Vec::new();
        let mut bytes_before = 0;
        for (index, record) in (0u32..).zip(&block.records) {
            let start = record.start as usize;
            let value = block.bytes.get(start..start + record.len as usize);
            match self.record(value, &mut bytes_before) {
                Ok(()) => rows.push(index),
                Err(failure) => {
                    self.columns.rollback(rows.len());
                    undecodable.push((index, failure.reason(self.reader.paths())));
                }
            }
        }
        Decoded { columns: self.columns.finish(rows.len()), rows, undecodable }
    }

    /// Decodes one record onto the end of the columns; after an error they hold a part of it, to be rolled back.
    fn record(&mut self, value: Option<&[u8]>, bytes_before: &mut usize) -> Result<(), Box<Failure>> {
        let value = value.ok_or_else(|| Failure::whole("record lies outside of its block"))?;
        if value.is_empty() {
            return Err(Failure::whole("empty value"));
        }
        if value.len() > self.record_bytes_max {
            return Err(Failure::too_long(value.len(), self.record_bytes_max));
        }
        *bytes_before += value.len();
        if *bytes_before > BLOCK_BYTES_MAX {
            return Err(Failure::whole("more than 2 GiB of records in one block"));
        }
        self.reader.record(value, &mut self.columns)
    }
}

#[cfg(test)]
mod tests;
