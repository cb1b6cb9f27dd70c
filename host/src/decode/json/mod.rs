//! Records that are one strict JSON object (RFC 8259) in UTF-8.
//!
//! ```text
//! record ─▶ follow ──▶ as ever, and well: values onto the columns
//!             ╰──▶ anything else: from the start with walk ──▶ values, or the reason why not; scripts learn
//! ```
//!
//! `shape` knows what is asked for where. `follow` compares what stands between values with what stood there before (`script`) and
//! reads the values; it knows only yes and "not me". `walk` knows every case: `cursor` reads tokens, `keys` looks keys up, `skip` checks the
//! rest. What nobody asked for must be well-formed and is otherwise ignored: duplicate keys, numbers beyond any range, and
//! escaped lone surrogates, which the grammar allows; in an asked-for text they are an error.

mod absent;
mod cursor;
mod follow;
mod keys;
mod leaf;
mod script;
mod shape;
mod skip;
mod walk;

use super::bytes::Portable;
use super::columns::Columns;
use super::failure::{Cause, Failure, Read};
#[cfg(target_arch = "x86_64")]
use super::raw::Avx2;
use super::raw::{PADDING, Rest, Scan};
use super::schema::{DecodeSchema, FieldProblem};
use cursor::Cursor;
use follow::{Follow, Record};
use shape::Shape;
use walk::Walk;

/// Reads records one by one onto columns.
#[derive(Debug)]
pub(super) struct JsonReader {
    shape: Shape,
    limits: Limits,
    scratch: Scratch,
    /// A record at the end of its buffer, with room after it.
    padded: Vec<u8>,
    machine: Machine,
    trust: Trust,
    can_be_followed: bool,
}

/// What the machine has for looking at many bytes at once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Machine {
    Any,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
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

/// Whether to follow records along scripts: of no use where the next record never is like the last ones.
#[derive(Debug, Default)]
struct Trust {
    /// Records in a row that could not be followed.
    failed: u32,
}

/// Records in a row that could not be followed, after which only one in so many is tried.
const FAILED_MAX: u32 = 16;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl JsonReader {
    /// A reader for the schema; it adds the lists to the columns.
    pub(super) fn new(schema: &DecodeSchema, machine: Machine, problems: &mut Vec<FieldProblem>) -> Self {
        let shape = Shape::new(&schema.fields, problems);
        let limits = Limits { depth_max: schema.depth_max, list_elements_max: schema.list_elements_max };
        let can_be_followed = shape.can_be_followed();
        Self {
            shape,
            limits,
            scratch: Scratch::default(),
            padded: Vec::new(),
            machine,
            trust: Trust::default(),
            can_be_followed,
        }
    }

    /// Binds the shape's lists to the columns; once, when the schema is known to be right.
    pub(super) fn bind(&mut self, columns: &mut Columns) {
        self.shape.bind(columns);
    }

    /// The names that failures refer to.
    pub(super) fn paths(&self) -> &[String] {
        &self.shape.paths
    }

    /// Reads the record that is the first `len` bytes of `bytes`, at least one: a value in every column, which hold `rows` rows now, or
    /// the reason why not. What follows the record may be looked at and changes nothing.
    pub(super) fn record(&mut self, bytes: &[u8], len: usize, rows: usize, columns: &mut Columns) -> Read<()> {
        if self.can_be_followed && self.trust.is_due() {
            let followed = self.follow(bytes, len, columns);
            self.trust.learn(followed.is_some());
            match followed {
                Some(true) => return Ok(()),
                Some(false) => return check_utf8(&bytes[..len]),
                None => columns.rollback(rows),
            }
        } else {
            self.trust.learn(false);
        }
        self.walk(&bytes[..len], columns)
    }

    /// Reads a record that is as ever, and says whether it is ASCII; if it is not as ever, the columns hold a part of it.
    #[inline]
    fn follow(&mut self, bytes: &[u8], len: usize, columns: &mut Columns) -> Option<bool> {
        let Self { shape, limits, scratch, padded, .. } = self;
        let rest = match Rest::new(bytes, len) {
            Some(rest) => rest,
            None => {
                padded.clear();
                padded.extend_from_slice(&bytes[..len]);
                padded.resize(len + PADDING, 0);
                Rest::new(padded, len)?
            }
        };
        let follow = Follow { shape, columns, limits: *limits, scratch, bytes: &bytes[..len] };
        let record = Record { follow, rest };
        match self.machine {
            Machine::Any => Portable.run(record),
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(avx2) => avx2.run(record),
        }
    }

    /// Reads any record.
    #[inline(never)]
    fn walk(&mut self, bytes: &[u8], columns: &mut Columns) -> Read<()> {
        // First, so that of several reasons it is the one told.
        check_utf8(bytes)?;
        let Self { shape, limits, scratch, .. } = self;
        let read = Walk { cursor: Cursor::new(bytes), shape, columns, limits: *limits, scratch }.record();
        read.map_err(|failure| {
            let marked = failure.at == 0 && bytes.starts_with(BYTE_ORDER_MARK);
            if marked { Failure::syntax(0, "begins with a byte order mark") } else { failure }
        })
    }
}

impl Machine {
    /// Asks the machine.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = Avx2::detect() {
            return Self::Avx2(avx2);
        }
        Self::Any
    }
}

impl Trust {
    fn is_due(&self) -> bool {
        self.failed < FAILED_MAX || self.failed.is_multiple_of(FAILED_MAX)
    }

    fn learn(&mut self, followed: bool) {
        self.failed = if followed { 0 } else { self.failed.wrapping_add(1) };
    }
}

fn check_utf8(bytes: &[u8]) -> Read<()> {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(error.valid_up_to(), Cause::NotUtf8)),
    }
}
