//! Decode: bytes to columns, and only the columns that somebody asked for.
//!
//! ```text
//! Block (one buffer, records as ranges) ── Decoder::decode ──▶ columns of the good records + reasons of the bad ones
//! ```
//!
//! This page holds the contract. `schema` says what is asked for, `columns` builds it, `number` and `timestamp` turn written
//! values into exact ones, `raw` and `bytes` look at many bytes at once; they serve every format. `json/` is the one format there is;
//! another one, such as CSV, stands beside it. Knows no TOML, no source, no plugin: the pipeline converts the plan's schema to [`DecodeSchema`].

mod bytes;
mod columns;
mod failure;
mod json;
mod number;
mod raw;
mod schema;
mod timestamp;

pub use schema::{DecodeField, DecodeSchema, DecodeSchemaError, FieldProblem, TimestampForm};

use arrow_array::ArrayRef;
use columns::Columns;
use failure::Failure;
use json::{JsonReader, Machine};
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
        Self::with_machine(schema, Machine::detect())
    }

    /// A decoder that uses no SIMD, as on machines that have none. It gives the same answers, more slowly: for tests and
    /// measurements.
    ///
    /// # Errors
    /// As [`Decoder::new`].
    pub fn portable(schema: &DecodeSchema) -> Result<Self, DecodeSchemaError> {
        Self::with_machine(schema, Machine::Any)
    }

    fn with_machine(schema: &DecodeSchema, machine: Machine) -> Result<Self, DecodeSchemaError> {
        let mut problems = Vec::new();
        let mut columns = Columns::new(&schema.fields, &mut problems);
        let mut reader = JsonReader::new(schema, machine, &mut problems);
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
            let (start, len) = (record.start as usize, record.len as usize);
            let rest = block.bytes.get(start..).filter(|rest| len <= rest.len());
            match self.record(rest, len, rows.len(), &mut bytes_before) {
                Ok(()) => rows.push(index),
                Err(failure) => {
                    self.columns.rollback(rows.len());
                    undecodable.push((index, failure.reason(self.reader.paths())));
                }
            }
        }
        Decoded { columns: self.columns.finish(rows.len()), rows, undecodable }
    }

    /// Decodes the record at the front of `rest` onto the end of the columns; after an error they hold a part of it, to be rolled back.
    fn record(
        &mut self,
        rest: Option<&[u8]>,
        len: usize,
        rows: usize,
        bytes_before: &mut usize,
    ) -> Result<(), Box<Failure>> {
        let rest = rest.ok_or_else(|| Failure::whole("record lies outside of its block"))?;
        if len == 0 {
            return Err(Failure::whole("empty value"));
        }
        if len > self.record_bytes_max {
            return Err(Failure::too_long(len, self.record_bytes_max));
        }
        *bytes_before += len;
        if *bytes_before > BLOCK_BYTES_MAX {
            return Err(Failure::whole("more than 2 GiB of records in one block"));
        }
        self.reader.record(rest, len, rows, &mut self.columns)
    }
}

#[cfg(test)]
mod tests;
