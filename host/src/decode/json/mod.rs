//! Records that are one strict JSON object (RFC 8259) in UTF-8.
//!
//! One pass over the bytes: `cursor` reads tokens, `shape` knows what is asked for where, `keys` predicts which key comes next, `walk`
//! goes through a record and pushes asked-for values onto the columns, `skip` checks the rest. What nobody asked for must be
//! well-formed and is otherwise ignored: duplicate keys, numbers beyond any range, and escaped lone surrogates, which the grammar
//! allows; in an asked-for text they are an error.

mod cursor;
mod keys;
mod leaf;
mod shape;
mod skip;
mod walk;

use super::columns::Columns;
use super::failure::{Cause, Failure, Read};
use super::schema::{DecodeSchema, FieldProblem};
use cursor::Cursor;
use shape::Shape;
use walk::Walk;

/// Reads records one by one onto columns.
#[derive(Debug)]
pub(super) struct JsonReader {
    shape: Shape,
    limits: Limits,
    scratch: Scratch,
}

/// What a record may have.
#[derive(Debug, Clone, Copy)]
struct Limits {
    depth_max: usize,
    list_elements_max: usize,
}

/// Room that is kept between records.
#[derive(Debug, Default)]
struct Scratch {
    /// The closing brackets that `skip` still expects.
    closers: Vec<u8>,
    /// An unescaped string.
    text: Vec<u8>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl JsonReader {
    /// A reader for the schema; it adds the lists to the columns.
    pub(super) fn new(schema: &DecodeSchema, problems: &mut Vec<FieldProblem>) -> Self {
        let shape = Shape::new(&schema.fields, problems);
        let limits = Limits { depth_max: schema.depth_max, list_elements_max: schema.list_elements_max };
        Self { shape, limits, scratch: Scratch::default() }
    }

    /// Binds the shape's lists to the columns; once, when the schema is known to be right.
    pub(super) fn bind(&mut self, columns: &mut Columns) {
        self.shape.bind(columns);
    }

    /// The names that failures refer to.
    pub(super) fn paths(&self) -> &[String] {
        &self.shape.paths
    }

    /// Reads a record that is not empty: a value in every column, or the reason why not.
    pub(super) fn record(&mut self, bytes: &[u8], columns: &mut Columns) -> Read<()> {
        let mut walk = Walk {
            cursor: Cursor::new(bytes),
            shape: &mut self.shape,
            columns,
            limits: self.limits,
            scratch: &mut self.scratch,
        };
        let read = walk.record();
        let ascii = walk.cursor.high == 0;
        match read {
            // Outside of strings only ASCII gets through, and strings tell when there is more: most records need no check.
            Ok(()) if ascii => Ok(()),
            Ok(()) => check_utf8(bytes),
            Err(failure) => {
                check_utf8(bytes)?;
                let marked = failure.at == 0 && bytes.starts_with(BYTE_ORDER_MARK);
                Err(if marked { Failure::syntax(0, "begins with a byte order mark") } else { failure })
            }
        }
    }
}

fn check_utf8(bytes: &[u8]) -> Read<()> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(error.valid_up_to(), Cause::NotUtf8)),
    }
}
